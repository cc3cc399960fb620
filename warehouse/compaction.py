"""Writes the warehouse anew, so that what was deleted is gone from the disk.

DuckDB leaves the bytes of deleted rows in free blocks of its file. So all that is there is copied into a new file
aside, which then takes the place of the old one: whoever is killed leaves the old file or the new one.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb

from schemas.errors import WarehouseError, WarehouseUnavailable
from warehouse.file import CONFIG, patiently, turn, writing
from warehouse.instants import utc_now
from warehouse.quoting import identifier, literal, tables_of

ATTEMPTS = 5
# Kept free beside the new file, which is never larger than the old one but for rounding.
SPARE_BYTES = 16_000_000


@dataclass(frozen=True)
class Compaction:
    """The size of the file before and after, in bytes."""

    before: int
    after: int


def compact(path: Path, wait_seconds: float) -> Compaction:
    """Puts a file with the same rows, and nothing else, in the place of the warehouse; readers go on meanwhile.

    Raises WarehouseError if the disk has no room for both or the copy is not the same, WarehouseUnavailable if the file
    stays taken for too long. The old file is then as it was.
    """
    path = path.resolve()
    for _ in range(ATTEMPTS):
        # What a killed process has committed lies in the log beside the file; opened for writing, it goes into it.
        with writing(path, wait_seconds):
            shutil.rmtree(f"{path}.tmp", ignore_errors=True)
        with turn(path, wait_seconds), _reading(path, wait_seconds) as connection:
            # Of a log that belongs to the old file, the new one would take every row a second time.
            if not Path(f"{path}.wal").exists():
                return _replace(connection, path)
    raise WarehouseUnavailable(f"the warehouse {path} was written to by something else all the time; try again later")


@contextmanager
def _reading(path: Path, wait_seconds: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that has the warehouse attached as `old`: while it is, no other process can write to it."""
    # Its own, since one writes anew at a time, and cleared with the rest.
    spill = {"temp_directory": str(_aside(path)) + ".tmp"}
    connection = duckdb.connect(config=CONFIG | spill)
    try:
        attach = f"ATTACH {literal(path)} AS old (READ_ONLY)"
        patiently(path, wait_seconds, partial(connection.execute, attach))
        yield connection
    except (duckdb.IOException, duckdb.FatalException, OSError) as error:
        raise WarehouseUnavailable(
            f"the warehouse {path} could not be written anew, it is as it was: {error}"
        ) from error
    finally:
        connection.close()
        _clear(_aside(path))


def _replace(connection: duckdb.DuckDBPyConnection, path: Path) -> Compaction:
    aside, before = _aside(path), path.stat()
    _clear(aside)
    _check_room(path, before.st_size)
    version = literal(CONFIG["storage_compatibility_version"])
    connection.execute(f"ATTACH {literal(aside)} AS fresh (STORAGE_VERSION {version})")
    connection.execute("COPY FROM DATABASE old TO fresh")
    _compare(connection, path)
    connection.execute("UPDATE fresh.removals SET purged_at = ? WHERE purged_at IS NULL", [utc_now()])
    connection.execute("DETACH fresh")
    shutil.copymode(path, aside)
    _flush(aside)
    now = path.stat()
    if (now.st_ino, now.st_size, now.st_mtime_ns) != (before.st_ino, before.st_size, before.st_mtime_ns):
        raise WarehouseUnavailable(f"{path} was changed by something that heeds no lock; the copy was thrown away")
    aside.replace(path)
    _flush(path.parent)
    return Compaction(before=before.st_size, after=path.stat().st_size)


def _check_room(path: Path, size: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if free < size + SPARE_BYTES:
        raise WarehouseError(
            f"{path} cannot be written anew: that takes {size + SPARE_BYTES:,} bytes in {path.parent}, {free:,} are"
            " free. What was deleted is out of all tables, but its bytes are still in the file: make room and run"
            " `python -m flows retention`"
        )


def _compare(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    old, fresh = _counts(connection, "old"), _counts(connection, "fresh")
    if old != fresh:
        raise WarehouseError(f"the copy of {path} differs ({old} rows, {fresh} in the copy); the file is as it was")


def _counts(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, int]:
    counts = {}
    for table in tables_of(connection, database):
        row = connection.execute(f"SELECT count(*) FROM {database}.{identifier(table)}").fetchone()  # noqa: S608 - ours
        counts[table] = int(row[0]) if row else 0
    return counts


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.compacting")


def _clear(aside: Path) -> None:
    """Removes what this run, or one that was killed, has left aside."""
    aside.unlink(missing_ok=True)
    Path(f"{aside}.wal").unlink(missing_ok=True)
    shutil.rmtree(f"{aside}.tmp", ignore_errors=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
