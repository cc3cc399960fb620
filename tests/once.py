"""What takes long to make is made once for a test session, whichever of its workers needs it first."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from coverage import Coverage
from filelock import FileLock


def made_once(folders: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that `make` has filled, which all tests that name it share. Not to be written to."""
    base = folders.getbasetemp()
    # The workers of pytest-xdist share the folder above their own.
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with FileLock(f"{shared}.lock"):
        if not (shared / "complete").exists():
            shutil.rmtree(shared, ignore_errors=True)
            with _unwatched():
                make(shared / "home")
            (shared / "complete").touch()
    return shared / "home"


@contextmanager
def _unwatched() -> Iterator[None]:
    """Without coverage, which makes it take half as long again: tests of their own run what is run here."""
    watching = Coverage.current()
    if watching:
        watching.stop()
    try:
        yield
    finally:
        if watching:
            watching.start()
