"""Files that are there whole or not at all, even if the process or the machine dies. Objects always are."""

import os
from pathlib import Path

from schemas.storage import is_remote


def replace_file(path: Path, content: bytes) -> None:
    """Readers see the old content or the new, never a part of it."""
    if is_remote(path):
        path.write_bytes(content)
        return
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    write_file(aside, content)
    aside.replace(path)
    _sync(path.parent)


def move_into_place(aside: Path, folder: Path) -> None:
    """Gives a folder written aside its name; if another process was faster, its folder stays."""
    _sync(aside)
    try:
        aside.rename(folder)
    except OSError:
        if not folder.exists():
            raise
    _sync(folder.parent)


def write_file(path: Path, content: bytes) -> None:
    """Writes through to the disk."""
    if is_remote(path):
        path.write_bytes(content)
        return
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Makes renames within a folder last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
