"""Object stores as paths: S3 and what speaks its protocol; others by the packages that fsspec has for them.

Credentials, region and the address of a store that is not Amazon's come from the environment variables of the AWS SDK.
"""

import asyncio
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import aiohttp
from botocore.exceptions import BotoCoreError, ClientError
from fsspec import get_filesystem_class
from fsspec.asyn import sync_wrapper
from s3fs import S3FileSystem
from s3fs.core import S3File
from upath import UPath
from upath._stat import UPathStatResult
from upath.implementations.cloud import S3Path
from upath.registry import get_upath_class, register_implementation

from schemas.errors import SettingsError, StoreUnavailable
from schemas.store_errors import translated

# How long a store that does not answer is asked again before that is an error.
PATIENCE_SECONDS = 20.0
LONGEST_PAUSE_SECONDS = 2.0
# What is read ahead, and how large the parts of a large object are.
BLOCK_BYTES = 1 << 23
FAILURES = (BotoCoreError, ClientError, aiohttp.ClientError, OSError)


class Store(S3FileSystem):  # type: ignore[misc]
    """An S3 store that is asked anew each time, for a while again if it does not answer, and says what is wrong."""

    cachable = False
    default_block_size = BLOCK_BYTES

    def __init__(self, patience: float = PATIENCE_SECONDS) -> None:
        # Listings are not kept: other hosts write as well. Asking again is done here, within a time that is known.
        retries = {"total_max_attempts": 1, "mode": "standard"}
        super().__init__(use_listings_cache=False, config_kwargs={"retries": retries})
        self.patience = patience

    async def _call_s3(self, method: str, *more: Any, **words: Any) -> Any:
        address = f"s3://{words.get('Bucket', '')}/{words.get('Key') or words.get('Prefix', '')}"
        conditional = bool({"IfMatch", "IfNoneMatch"} & {*words, *(name for given in more for name in given)})
        until, pause = time.monotonic() + self.patience, 0.1
        while True:
            try:
                return await super()._call_s3(method, *more, **words)
            except FAILURES as error:
                found = translated(error, address, conditional=conditional)
                if not isinstance(found, StoreUnavailable) or time.monotonic() + pause > until:
                    raise found from error
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    call_s3 = sync_wrapper(_call_s3)

    async def _cat_file(self, path: str, *more: Any, **words: Any) -> bytes:
        try:
            return cast("bytes", await super()._cat_file(path, *more, **words))
        except FAILURES as error:
            raise _of_reading(error, path) from error

    def _open(self, path: str, mode: str = "rb", **words: Any) -> Any:
        if mode != "rb":
            raise ValueError(f"s3://{path} is written whole, by write_bytes or put_file, not as an open file")
        known = {"block_size": BLOCK_BYTES, "cache_type": "readahead", "cache_options": None, "size": None}
        return _StoreFile(self, path, mode, **{name: words.get(name) or value for name, value in known.items()})


class _StoreFile(S3File):  # type: ignore[misc]
    """An object that is read in ranges, all of the version that was opened."""

    def _fetch_range(self, start: int, end: int) -> bytes:
        try:
            return cast("bytes", super()._fetch_range(start, end))
        except FAILURES as error:
            raise _of_reading(error, self.path) from error


class SharedPath(UPath):
    """A path in any store that fsspec knows. What `pathlib` has no words for is beside what it has."""

    def write_bytes(self, data: Any) -> int:
        """Writes the object whole or not at all."""
        self.fs.pipe_file(self.path, bytes(data))
        return len(data)

    def put_file(self, source: Path) -> None:
        """Writes the object whole or not at all, from a file of this host."""
        self.fs.put_file(str(source), self.path)

    def put_if(self, data: bytes, etag: str | None) -> None:  # noqa: ARG002 - of those that can
        """Writes the object if its ETag is this one, or if there is none; raises ChangedMeanwhile if it is not so."""
        raise SettingsError(
            f"{self}: this kind of store offers no writing on a condition, and two promotions could overwrite each"
            " other; keep SCORING_MODELS in a store of S3's protocol, or in a folder"
        )

    def mkdir(self, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        """Nothing: a folder is there as soon as something lies in it."""

    def iterdir(self) -> Iterator["SharedPath"]:
        """What lies directly in this folder; raises FileNotFoundError if that is nothing."""
        names = [info["name"].rstrip("/").rpartition("/")[2] for info in self.fs.ls(self.path, detail=True)]
        return (self / name for name in names)

    def listed(self) -> Iterator[tuple["SharedPath", Any]]:
        """The objects directly in this folder, each with what `stat` says."""
        for info in self.fs.ls(self.path, detail=True):
            if info["type"] == "file" and (name := info["name"].rpartition("/")[2]):
                yield self / name, UPathStatResult.from_info(info)

    def folders(self) -> Iterator["SharedPath"]:
        """The folders directly in this folder; none if there is nothing."""
        try:
            found = self.fs.ls(self.path, detail=True)
        except FileNotFoundError:
            return
        for info in found:
            if info["type"] == "directory":
                yield self / info["name"].rstrip("/").rpartition("/")[2]

    def below(self) -> Iterator["SharedPath"]:
        """Every object in this folder and its folders."""
        start = self.path.rstrip("/") + "/"
        return (self / name.removeprefix(start) for name in self.fs.find(self.path) if name.startswith(start))

    def unlink(self, missing_ok: bool = False) -> None:
        """Removes the object."""
        if self.exists():
            self.fs.rm_file(self.path)
        elif not missing_ok:
            raise FileNotFoundError(f"there is no {self}")

    def move_to(self, target: "SharedPath") -> None:
        """Copies the object within the store, then removes it: at no moment it is nowhere."""
        self.fs.cp_file(self.path, target.path)
        self.fs.rm_file(self.path)

    def remove_all(self) -> None:
        """Removes the object, and all that lies in the folder of this name; raises OSError if some of it stays."""
        with suppress(FileNotFoundError):
            self.fs.rm(self.path, recursive=True)
        # A store answers that it was asked to, and says of single objects that it would not: fsspec leaves that out.
        if self.is_file() or [*self.below()]:
            raise OSError(f"{self} was not removed, or not all of it; may these credentials delete there?")


class ObjectPath(SharedPath, S3Path):
    """A path in an S3 store."""

    @classmethod
    def _fs_factory(cls, urlpath: str, protocol: str, storage_options: Mapping[str, Any]) -> Any:  # noqa: ARG003
        # One for all threads of a process and for as long as its credentials are the same ones.
        known = tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_")))
        return _store(os.getpid(), known, float(storage_options.get("patience", PATIENCE_SECONDS)))

    def with_patience(self, seconds: float) -> "ObjectPath":
        """The same path, whose store is waited for no longer than that."""
        return ObjectPath(str(self), patience=seconds)  # type: ignore[call-arg]

    def put_if(self, data: bytes, etag: str | None) -> None:
        """Writes the object if its ETag is this one, or if there is none; raises ChangedMeanwhile if it is not so."""
        bucket, key, _ = self.fs.split_path(self.path)
        condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        self.fs.call_s3("put_object", Bucket=bucket, Key=key, Body=data, **condition)


register_implementation("s3", ObjectPath, clobber=True)
register_implementation("s3a", ObjectPath, clobber=True)


def path_at(address: str, shown: str) -> Path:
    """See `schemas.storage.path_at`."""
    protocol = address.partition("://")[0]
    try:
        get_filesystem_class(protocol)
        known = get_upath_class(protocol) or UPath
    except (ImportError, ValueError) as error:
        raise SettingsError(f"{shown}={address!r}: {error}") from error
    if not issubclass(known, SharedPath):
        register_implementation(protocol, type("SharedPathOf", (SharedPath, known), {}), clobber=True)
    path = UPath(address) if issubclass(known, ObjectPath) else UPath(address, use_listings_cache=False)
    if not path.path.strip("/"):
        raise SettingsError(f"{shown}={address!r} names no bucket; write {protocol}://BUCKET/FOLDER")
    return cast("Path", path)


def _of_reading(error: Exception, path: str) -> Exception:
    if isinstance(error, OSError) and not isinstance(error, TimeoutError):
        # Said already, where the store was asked.
        return error
    return translated(error, f"s3://{path}", conditional=False)


@lru_cache(maxsize=8)
def _store(process: int, environment: tuple[tuple[str, str], ...], patience: float) -> Store:  # noqa: ARG001 - the key
    return Store(patience)
