"""A run's own folder for what it has worked out and not yet published."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

Kind = Literal["ids", "accepted", "scores", "quarantine"]


@dataclass(frozen=True)
class Staging:
    """Numbered Parquet files of four kinds; `scores` has the same rows as `accepted`, part by part."""

    folder: Path

    def part(self, kind: Kind, number: int) -> Path:
        """Where a part goes."""
        return self.folder / f"{kind}-{number:05d}.parquet"

    def parts(self, kind: Kind) -> list[Path]:
        """The parts that were written, in order."""
        return sorted(self.folder.glob(f"{kind}-*.parquet"))


@contextmanager
def staging_for(root: Path, batch_date: date) -> Iterator[Staging]:
    """A new folder for a run of a date, removed when the run ends, however it ends.

    The run holds a lock on it, so that what a killed run of the date left behind can be told from a run that goes on.
    """
    root.mkdir(parents=True, exist_ok=True)
    name = f"{batch_date}-{uuid.uuid4().hex[:12]}"
    with FileLock(root / f"{name}.lock"):
        folder = root / name
        folder.mkdir()
        try:
            yield Staging(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            (root / f"{name}.lock").unlink(missing_ok=True)


def remove_abandoned(root: Path, batch_date: date) -> None:
    """Removes what killed runs of a date left behind: it holds personal data, whether or not there is more to do."""
    for lock_file in root.glob(f"{batch_date}-*.lock"):
        try:
            with FileLock(lock_file, timeout=0):
                shutil.rmtree(lock_file.with_suffix(""), ignore_errors=True)
                lock_file.unlink(missing_ok=True)
        except Timeout:
            continue
