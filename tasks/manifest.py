"""The manifest of a backup: what is in it, to be checked before anything is restored."""

import hashlib
import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Annotated

import msgspec
from msgspec import Meta

from schemas.errors import ScoringError

MANIFEST = "manifest.json"
WAREHOUSE = "warehouse.duckdb"
MODELS, PREDICTIONS = "models", "predictions"
# What a restore puts aside has this in its name, before the instant; what it brings ends so until it is in place.
PUT_ASIDE, ARRIVING = ".before-restore-", ".restoring"
NAME = re.compile(r"backup_\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}Z")
BLOCK = 1 << 20

Instant = Annotated[datetime, Meta(tz=True)]


class BackupError(ScoringError):
    """A backup is damaged, incomplete, or cannot be made or restored here."""


class File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of the backup; `secret` is for one that must be kept as safe as a password."""

    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    bytes: int
    secret: bool = False


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Instants are UTC. `rows` are those of each table, `latest` is the latest instant in any of them.

    `files` are named by their path within the backup.
    """

    format: Annotated[int, Meta(ge=1, le=1)] = 1
    made_at: Instant
    versions: dict[str, str]
    contract: str
    contract_hash: str
    champion: str | None
    layout: int
    latest: Instant | None
    rows: dict[str, int]
    notes: tuple[str, ...]
    files: dict[str, File]


def read_manifest(backup: Path) -> Manifest:
    """The manifest of a backup; raises BackupError if there is none, or if it makes no sense."""
    path = backup / MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BackupError(f"{path} is missing: {backup} is no backup, or not a whole one") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BackupError(f"{path} is damaged ({error}); take another backup") from error
    if WAREHOUSE not in manifest.files:
        raise BackupError(f"{path} names no {WAREHOUSE}; take another backup")
    for name in manifest.files:
        parts = PurePosixPath(name).parts
        if PurePosixPath(name).is_absolute() or ".." in parts or not parts:
            raise BackupError(f"{path} names {name!r}, which lies outside the backup; take another one")
    return manifest


def verify(backup: Path, manifest: Manifest) -> None:
    """Returns if every file is there as it was written, else raises BackupError naming all that are not."""
    problems = list(_problems(backup, manifest))
    if problems:
        raise BackupError(
            f"the backup {backup} is damaged, nothing was restored; take another one:\n"
            + "\n".join(f"  - {problem}" for problem in problems)
        )


def _problems(backup: Path, manifest: Manifest) -> Iterator[str]:
    for name, file in manifest.files.items():
        path = backup / name
        try:
            sha256 = sha256_of(path)
        except OSError as error:
            yield f"{path} cannot be read: {error.strerror}"
            continue
        if sha256 != file.sha256:
            yield f"{path} was altered: its SHA-256 is {sha256}, {file.sha256} was recorded"


def sha256_of(path: Path) -> str:
    """The SHA-256 (hex) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy(source: Path, target: Path, mode: int = 0o600) -> File:
    """Copies a file through to the disk; returns what was written. Its `mode` is limited by the umask."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with source.open("rb") as given, os.fdopen(os.open(target, flags, mode), "wb") as written:
        while block := given.read(BLOCK):
            digest.update(block)
            size += written.write(block)
        written.flush()
        os.fsync(written.fileno())
    return File(sha256=digest.hexdigest(), bytes=size)
