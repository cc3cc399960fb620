"""The prediction log: each line is in its file before the answer leaves; files rotate, and are loaded meanwhile."""

import contextlib
import fcntl
import logging
import os
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from schemas.prediction_log import FINISHED, OPEN

LOG = logging.getLogger("service.prediction_log")


class LogUnavailable(Exception):
    """A prediction could not be put on the record, so it must not be answered."""


class PredictionLog:
    """Appends lines to segments in a folder; one object for each process, used by one thread.

    A line is with the operating system when `append` returns: it outlives the process, though not a power failure. A
    segment is finished after `max_seconds` (see `tick`) or `max_bytes`, whatever is first.
    """

    def __init__(
        self, folder: Path, max_bytes: int, max_seconds: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder, self._max_bytes, self._max_seconds, self._now = folder, max_bytes, max_seconds, now
        self._file: int | None = None
        self._path = folder
        self._size = 0
        self._begun = 0.0
        # Flushing to the disk may take long; answers do not wait for it.
        self._finisher = ThreadPoolExecutor(1, thread_name_prefix="finish-segment")

    def append(self, line: bytes) -> None:
        """Writes a line, which ends with a line feed, whole; raises LogUnavailable if that cannot be done."""
        try:
            if self._file is None:
                self._open()
            assert self._file is not None  # noqa: S101 - for the type checker
            written = os.write(self._file, line)
        except OSError as error:
            raise LogUnavailable(str(error)) from error
        if written != len(line):
            self._take_back()
            raise LogUnavailable(f"only {written} of {len(line)} bytes could be written to {self._path}")
        self._size += written
        if self._size >= self._max_bytes:
            self._rotate()

    def tick(self) -> None:
        """Finishes the segment if it is old enough, or no longer there; called every second or so."""
        if self._file is None:
            return
        try:
            self._path.stat()
        except OSError as error:
            LOG.error("the segment was taken away while it was written to; its predictions are lost: %s", error)  # noqa: TRY400
            self._rotate()
            return
        if self._now() - self._begun >= self._max_seconds:
            self._rotate()

    def close(self) -> None:
        """Finishes the segment and waits until it is on the disk."""
        if self._file is not None:
            self._rotate()
        self._finisher.shutdown(wait=True)

    def _open(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"predictions_{datetime.now(UTC):%Y%m%dT%H%M%S}_{secrets.token_hex(8)}"
        path = self._folder / f"{name}{OPEN}"
        aside = self._folder / f".{name}.new"
        file = os.open(aside, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        try:
            # Locked before it has its name, so that nobody takes it for one whose process died.
            fcntl.flock(file, fcntl.LOCK_EX)
            aside.rename(path)
        except OSError:
            os.close(file)
            aside.unlink(missing_ok=True)
            raise
        self._file, self._path, self._size, self._begun = file, path, 0, self._now()

    def _take_back(self) -> None:
        """Removes the part of a line; if even that fails, nothing is written behind it."""
        assert self._file is not None  # noqa: S101 - for the type checker
        try:
            os.ftruncate(self._file, self._size)
        except OSError:
            self._rotate()

    def _rotate(self) -> None:
        assert self._file is not None  # noqa: S101 - for the type checker
        self._finisher.submit(_finish, self._file, self._path)
        self._file = None


def _finish(file: int, path: Path) -> None:
    try:
        os.fsync(file)
        path.rename(path.with_name(path.name.removesuffix(OPEN) + FINISHED))
    except OSError as error:
        # It stays an open segment without a lock, and load-predictions takes it for what it is.
        LOG.error("the segment %s could not be finished: %s", path.name, error)  # noqa: TRY400 - no traceback in logs
    finally:
        with contextlib.suppress(OSError):
            os.close(file)
