"""A file system of its own that is soon full."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BALLAST = "ballast"


@contextmanager
def small_disk(folder: Path, free: int) -> Iterator[Path]:
    """A folder on a file system of 1 MB of which so many bytes are free; the rest is in the file it gives."""
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a file system can be mounted by root only")
    try:
        ballast = folder / BALLAST
        room = os.statvfs(folder)
        ballast.write_bytes(bytes(room.f_bavail * room.f_frsize - free))
        yield ballast
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
