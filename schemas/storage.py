"""Folders at addresses: on this host as ever, or in an object store that all hosts share, through one way in.

A path in an object store has the API of `pathlib.Path` (it is a `upath.UPath`) and is typed as one. Only what a store
does in another way stands here. The packages it takes are imported when there is an address, and not before.
"""

import gzip
import io
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import urlsplit
from urllib.request import url2pathname

from schemas.errors import ChangedMeanwhile, SettingsError

ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
# What `Path` makes of an address: two slashes become one.
_FOLDED = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/([^/].*)")
LINE_BYTES = 1 << 20
INSTALL = 'pip install "credit-express[storage]"'

Version = tuple[str | int | None, ...]


def is_address(text: str) -> bool:
    """Whether a setting is an address (`s3://bucket/folder`) and not a path of this host."""
    return ADDRESS.match(text) is not None


def is_remote(path: object) -> bool:
    """Whether a path lies in an object store."""
    return not isinstance(path, Path)


def path_at(address: str, shown: str) -> Path:
    """The path of an address; `shown` is what messages call it.

    Raises SettingsError if it has credentials in it, is of no known kind, or needs packages that are not installed.
    """
    parts = urlsplit(address)
    if parts.scheme.lower() in ("file", "local"):
        return Path(url2pathname(parts.path))
    if "@" in parts.netloc:
        # Settings are shown and logged.
        raise SettingsError(
            f"{shown}: an address holds no credentials; they belong into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY,"
            " or what else the store's own tools read"
        )
    try:
        from schemas import object_store  # noqa: PLC0415 - the packages of the extra, only where they are needed
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"{shown}={address!r}: an address needs the package {error.name}; install what it takes: {INSTALL}"
        ) from error
    return object_store.path_at(address, shown)


def matching(pattern: str) -> list[Path]:
    """The objects that a pattern with an address finds (`s3://bucket/history/*.csv.gz`), by name."""
    fixed = re.split(r"[*?\[]", pattern, maxsplit=1)[0].rpartition("/")[0]
    root = path_at(fixed, "the pattern")
    return sorted(root.glob(pattern.removeprefix(f"{fixed}/")))


def given(path: Path) -> Path:
    """A path as a command was given it, which may be an address."""
    folded = None if is_remote(path) else _FOLDED.fullmatch(str(path))
    return path_at(f"{folded[1]}://{folded[2]}", "the address") if folded else path


def hasty(path: Path, seconds: float) -> Path:
    """The same path, whose store is waited for no longer than so many seconds; for what is tried again anyway."""
    return cast("Path", cast("Any", path).with_patience(seconds)) if hasattr(path, "with_patience") else path


def version_of(path: Path) -> Version | None:
    """What tells one content of a file from another, None if there is no file; of an object it begins with its ETag."""
    try:
        return version(path.stat())
    except FileNotFoundError:
        return None


def files_in(folder: Path) -> list[Path]:
    """The files directly in a folder, by name; raises FileNotFoundError if there is no folder."""
    if is_remote(folder):
        return sorted(path for path, _ in cast("Any", folder).listed())
    return sorted(path for path in folder.iterdir() if path.is_file())


def folders_in(folder: Path) -> list[Path]:
    """The folders directly in a folder, by name; none if there is no folder."""
    if is_remote(folder):
        return sorted(cast("Any", folder).folders())
    return sorted(path for path in folder.glob("*/") if path.is_dir())


def last_write(folder: Path) -> datetime | None:
    """When an object directly in a folder of a store was written last (UTC); None if there is none."""
    times = [stat.st_mtime for _, stat in cast("Any", folder).listed()]
    return datetime.fromtimestamp(max(times), UTC) if times else None


def stats_of(files: Sequence[Path]) -> list[Any]:
    """What `stat` says of files of one folder, in their order; raises FileNotFoundError if one is gone."""
    if len(files) > 1 and is_remote(files[0]):
        # One question to the store, not one for each.
        found = dict(cast("Any", files[0].parent).listed())
        if gone := [file for file in files if file not in found]:
            raise FileNotFoundError(f"{gone[0]} is gone")
        return [found[file] for file in files]
    return [file.stat() for file in files]


def replace_unchanged(path: Path, content: bytes, version: Version | None) -> None:
    """Writes an object if it is still the one of a version (None: if there is none).

    Raises ChangedMeanwhile if it is not.
    """
    etag = str(version[0]) if version else None
    try:
        cast("Any", path).put_if(content, etag)
    except ChangedMeanwhile:
        # An answer may be lost on its way, and what was asked again then finds itself.
        if path.read_bytes() != content:
            raise


def upload(source: Path, target: Path) -> None:
    """Puts a file of this host in place, whole or not at all; returns when the store holds the very same bytes."""
    if not is_remote(target):
        raise ValueError(f"{target} is on this host")
    cast("Any", target).put_file(source)
    written = target.stat().st_size
    if written != source.stat().st_size:
        raise ChangedMeanwhile(f"{target} has {written} bytes, not those of {source}; another process writes there")


def move(source: Path, target: Path) -> None:
    """Gives a file another name; of an object that is a copy, and then the removal of what was copied."""
    if is_remote(source):
        cast("Any", source).move_to(target)
    else:
        source.rename(target)


def remove_all(path: Path) -> None:
    """Removes a file, or a folder with all that is in it."""
    if is_remote(path):
        cast("Any", path).remove_all()
    elif path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def local_file(path: Path) -> Any:
    """What polars and pyarrow read a file from: its path, or the open object."""
    return path.open("rb") if is_remote(path) else path


@contextmanager
def reading(path: Path) -> Iterator[IO[bytes] | gzip.GzipFile]:
    """A file to be read, unpacked if its name ends in .gz; an object replaced meanwhile raises ChangedMeanwhile."""
    with path.open("rb") as opened:
        # An object has no lines of its own.
        file = cast("IO[bytes]", io.BufferedReader(cast("Any", opened), LINE_BYTES)) if is_remote(path) else opened
        if path.name.endswith(".gz"):
            with gzip.open(file) as unpacked:
                yield unpacked
        else:
            yield file


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A file of this host to write to; it is put in place, whole, when the block ends, and not at all if it raises."""
    if is_remote(path):
        with tempfile.TemporaryDirectory(prefix="credit-express-") as folder:
            aside = Path(folder) / path.name
            yield aside
            upload(aside, path)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield aside
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def files_below(folder: Path, pattern: str = "*") -> list[Path]:
    """The files of a pattern in a folder and its folders, by name; none if there is no folder."""
    if is_remote(folder):
        return sorted(path for path in cast("Any", folder).below() if fnmatch(path.name, pattern))
    return sorted(path for path in folder.rglob(pattern) if path.is_file())


def version(stat: Any) -> Version:
    """See `version_of`; from what `stat` says."""
    if isinstance(stat, os.stat_result):
        # A transfer may keep the size and the time of modification; the time of the last change it cannot set.
        return (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    info = stat.as_info()
    # As S3, Google, Azure and a store in memory have it.
    etag = next((str(info[name]) for name in ("ETag", "etag", "generation") if info.get(name)), None)
    times = (info.get(name) for name in ("LastModified", "last_modified", "updated", "created"))
    return (etag, stat.st_size, str(next((time for time in times if time), "")), info.get("VersionId"))
