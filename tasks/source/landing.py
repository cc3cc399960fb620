"""Finds a day's file in the landing zone and identifies it by its content."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType

from schemas.errors import LandingError, MissingFile
from schemas.storage import Version, files_in, stats_of, version

NAME = re.compile(r"applications_(\d{4}-\d{2}-\d{2})(\.csv|\.csv\.gz|\.parquet)?")
PART_SUFFIXES = (".csv", ".csv.gz", ".parquet")
BLOCK_BYTES = 1 << 22


@dataclass(frozen=True)
class Source:
    """A day's file, or a folder of part files; `parts` are in the order their rows are numbered."""

    path: Path
    parts: tuple[Path, ...]

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.path.name


def dates_in(landing: Path) -> list[date]:
    """The dates that have a file or folder in the landing zone, oldest first."""
    found = (date_of(path) for path in landing.glob("applications_*"))
    return sorted({day for day in found if day is not None})


def find_source(landing: Path, batch_date: date) -> Source:
    """The one file or folder of a date; raises MissingFile if there is none, LandingError if more than one."""
    found = sorted(path for path in landing.glob(f"applications_{batch_date}*") if date_of(path) == batch_date)
    if not found:
        raise MissingFile(
            f"no file for {batch_date} in {landing}; expected applications_{batch_date}.csv, .csv.gz, .parquet"
            f" or a folder applications_{batch_date}/"
        )
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise LandingError(f"more than one file for {batch_date} in {landing}: {names}; keep the one that counts")
    return source_at(found[0])


def source_at(path: Path) -> Source:
    """The source at a path; raises LandingError if it does not exist or is a folder without part files."""
    if path.is_dir():
        parts = tuple(part for part in files_in(path) if _is_part(part))
        if not parts:
            raise LandingError(f"the folder {path} has no part files; expected {', '.join(PART_SUFFIXES)}")
        return Source(path, parts)
    if not path.is_file():
        raise LandingError(f"there is no file {path}")
    if not path.name.endswith(PART_SUFFIXES):
        raise LandingError(f"{path} is of no known kind; expected {', '.join(PART_SUFFIXES)}")
    return Source(path, (path,))


def hash_source(source: Source, instead: Mapping[Path, Path] = MappingProxyType({})) -> str:
    """SHA-256 (hex) of the content: of the bytes of a file, of the names and hashes of a folder's parts.

    `instead` has files that are read in the place of parts.
    """
    if source.parts == (source.path,):
        return _hash_file(instead.get(source.path, source.path))
    digest = hashlib.sha256()
    for part in source.parts:
        digest.update(f"{part.name}\0{_hash_file(instead.get(part, part))}\n".encode())
    return digest.hexdigest()


def fingerprint(source: Source) -> tuple[Version, ...]:
    """Name and version of every part: differs if a file was replaced or written to since it was hashed."""
    stats = zip(source.parts, stats_of(source.parts), strict=True)
    return tuple((part.name, *version(stat)) for part, stat in stats)


def blocks(path: Path) -> Iterator[bytes]:
    """The bytes of a file in blocks of a few megabytes."""
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            yield block


def _hash_file(path: Path) -> str:
    digest = hashlib.sha256()
    for block in blocks(path):
        digest.update(block)
    return digest.hexdigest()


def date_of(path: Path) -> date | None:
    """The date in the name of a landing file or folder; None if it is not named as one."""
    match = NAME.fullmatch(path.name)
    if match is None or (match[2] is None and not path.is_dir()):
        return None
    try:
        return date.fromisoformat(match[1])
    except ValueError:
        return None


def _is_part(path: Path) -> bool:
    return path.name.endswith(PART_SUFFIXES) and not path.name.startswith((".", "_"))
