"""The warehouse as one DuckDB file: open, one query or one transaction, close.

DuckDB lets one process write or many read. Whoever finds the file taken waits, for a bounded time, with jitter.
Writers also hold a lock file: compaction puts another file in the place of this one, and a writer that had opened the
old one a moment before would write where nobody looks.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import duckdb
import tenacity
from filelock import FileLock, Timeout

from schemas.errors import NoWarehouse, WarehouseError, WarehouseUnavailable
from warehouse import spill

R = TypeVar("R")
# Enough for a million rows at once and small enough that ten million still leave a small machine room to breathe.
CONFIG: dict[str, Any] = {
    "memory_limit": "768MB",
    "preserve_insertion_order": "false",
    # The first layout with dictionary compression of strings, a fifth faster to write; a file keeps its layout.
    "storage_compatibility_version": "v1.3.0",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
# What DuckDB says when another process, or another thread of this one, has the file open the other way.
TAKEN = ("Could not set lock", "different configuration", "Conflicting lock", "Unique file handle conflict")
# The lock of the file keeps out other processes only; the threads of this one take turns by this lock.
_WRITING = Lock()


@contextmanager
def reading(path: Path, wait_seconds: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection; raises NoWarehouse if there is none, WarehouseError if it stays taken for too long."""
    if not path.exists():
        raise NoWarehouse(
            f"there is no warehouse at {path} yet; score a day first: python -m flows score --batch-date DATE"
        )
    connection = _connect_to_present(path, wait_seconds)
    try:
        yield connection
    except duckdb.IOException as error:
        raise WarehouseUnavailable(f"the warehouse {path} cannot be read: {error}") from error
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise WarehouseError(
            f"the warehouse {path} is not of this release's layout; score a day to bring it there: {error}"
        ) from error
    finally:
        connection.close()


@contextmanager
def writing(path: Path, wait_seconds: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """One transaction: committed when the block ends, undone when it raises. Creates the file if there is none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WarehouseError(f"the folder of the warehouse {path} cannot be made: {error}") from error
    with turn(path, wait_seconds):
        _create(path)
        connection = _connect(path, wait_seconds, read_only=False)
        try:
            spill.clear_beside(path)
            # Closing a connection without a commit undoes its transaction, whatever went wrong.
            connection.begin()
            yield connection
            connection.commit()
        except (duckdb.IOException, duckdb.TransactionException, duckdb.FatalException) as error:
            message = f"the warehouse {path} cannot be written; nothing was changed: {error}"
            raise WarehouseUnavailable(message) from error
        finally:
            connection.close()


@contextmanager
def turn(path: Path, wait_seconds: float) -> Iterator[None]:
    """Keeps all other writers of this project out, those of this process and of others; they go on reading."""
    if not _WRITING.acquire(timeout=wait_seconds):
        raise WarehouseUnavailable(
            f"the warehouse {path} was written by another thread for more than {wait_seconds:g} seconds;"
            " raise SCORING_LOCK_WAIT_SECONDS"
        )
    try:
        with _lock_file(path, wait_seconds):
            yield
    finally:
        _WRITING.release()


@contextmanager
def _lock_file(path: Path, wait_seconds: float) -> Iterator[None]:
    lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=wait_seconds, poll_interval=0.02)
    try:
        lock.acquire()
    except Timeout as error:
        raise WarehouseUnavailable(
            f"the warehouse {path} was held by another process for more than {wait_seconds:g} seconds;"
            " end that process or raise SCORING_LOCK_WAIT_SECONDS"
        ) from error
    except OSError as error:
        raise WarehouseError(f"the warehouse {path} cannot be written: {error}") from error
    try:
        yield
    finally:
        lock.release()


def _create(path: Path) -> None:
    """Makes the file aside and moves it into place: one that DuckDB has just begun is no database to anybody else."""
    if path.exists():
        return
    try:
        aside = path.with_name(f".{path.name}.new")
        aside.unlink(missing_ok=True)
        duckdb.connect(str(aside), config=CONFIG).close()
        aside.replace(path)
    except (OSError, duckdb.Error) as error:
        raise WarehouseError(f"the warehouse {path} cannot be made: {error}") from error


def _connect_to_present(path: Path, wait_seconds: float) -> duckdb.DuckDBPyConnection:
    """Reads the file that has the name now: one that was replaced while it was opened is let go of again."""
    while True:
        before = path.stat().st_ino
        connection = _connect(path, wait_seconds, read_only=True)
        if path.stat().st_ino == before:
            return connection
        connection.close()


def _connect(path: Path, wait_seconds: float, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    config = CONFIG | {"temp_directory": spill.beside(path)}
    connection = patiently(path, wait_seconds, partial(duckdb.connect, str(path), read_only=read_only, config=config))
    hide_progress(connection)
    return connection


def hide_progress(connection: duckdb.DuckDBPyConnection) -> None:
    """DuckDB draws a bar into what is printed where Python runs no script, as in processes of a pool."""
    # A notebook that could not draw one refuses to be told that it need not.
    with suppress(duckdb.InvalidInputException):
        connection.execute("SET enable_progress_bar = false")


def patiently(path: Path, wait_seconds: float, take: Callable[[], R]) -> R:
    """What `take` returns once the file of the warehouse is free for it; raises WarehouseError if it never is."""
    waiting = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_is_taken),
        wait=tenacity.wait_random_exponential(multiplier=0.01, max=0.25),
        stop=tenacity.stop_after_delay(wait_seconds),
        reraise=True,
    )
    try:
        return waiting(take)
    except duckdb.Error as error:
        if _is_taken(error):
            raise WarehouseUnavailable(
                f"the warehouse {path} was held by another process for more than {wait_seconds:g} seconds;"
                f" end that process or raise SCORING_LOCK_WAIT_SECONDS ({error})"
            ) from error
        raise WarehouseError(f"the warehouse {path} cannot be opened: {error}") from error


def _is_taken(error: BaseException) -> bool:
    return isinstance(error, duckdb.Error) and any(sign in str(error) for sign in TAKEN)
