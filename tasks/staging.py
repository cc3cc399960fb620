"""A run's own folder for what it has worked out and not yet published."""

import logging
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import polars
import pyarrow.parquet
from filelock import FileLock, Timeout

from schemas.errors import ScoringError
from schemas.storage import folders_in, is_remote, last_write, remove_all
from tasks.parallel import in_order

log = logging.getLogger(__name__)
# A run that goes on writes far more often; whose host is gone cannot be asked.
ABANDONED_AFTER = timedelta(days=1)
Kind = Literal["ids", "repeats", "accepted", "scores", "quarantine"]


@dataclass(frozen=True)
class Staging:
    """Numbered Parquet files of five kinds; `scores` has the same rows as `accepted`, part by part.

    The first number is that of a piece of the source, or of a bucket of ids; further ones count within it.
    `workbench` is a folder of the run's own host, if `folder` is in an object store.
    """

    folder: Path
    workbench: Path | None = None

    def part(self, kind: Kind, *numbers: int) -> Path:
        """Where a part goes."""
        return self.folder / f"{_name(kind, numbers)}.parquet"

    def parts(self, kind: Kind, *numbers: int) -> list[Path]:
        """The parts that were written, in order; all of a kind, or those whose first numbers are these."""
        if not numbers:
            return sorted(self.folder.glob(f"{kind}-*.parquet"))
        name = _name(kind, numbers)
        return sorted([*self.folder.glob(f"{name}.parquet"), *self.folder.glob(f"{name}-*.parquet")])

    def pieces(self, kind: Kind) -> list[int]:
        """The first numbers of the parts that were written, ascending."""
        return sorted({int(path.stem.split("-")[1]) for path in self.parts(kind)})

    def clear(self, kind: Kind | None = None) -> None:
        """Removes all parts, or those of a kind."""
        for path in self.folder.glob(f"{kind}-*.parquet" if kind else "*.parquet"):
            path.unlink(missing_ok=True)

    @contextmanager
    def on_disk(self, parts: Sequence[Path]) -> Iterator[list[Path]]:
        """Parts as files of the run's own host: what is in a store is copied there, and removed when the block ends."""
        if self.workbench is None:
            yield list(parts)
            return
        with TemporaryDirectory(dir=self.workbench) as folder:
            yield list(in_order(partial(_fetch, Path(folder)), parts))

    def scores_of(self, accepted: Path) -> Path:
        """Where the scores of a part of accepted rows go."""
        return self.folder / accepted.name.replace("accepted", "scores", 1)


def write_part(frame: polars.DataFrame, path: Path, **options: Any) -> None:
    """Writes a part so that it is there whole or not at all, also if two processes write it at once.

    `options` are those of `DataFrame.write_parquet`. Raises ScoringError if the folder is not there.
    """
    if is_remote(path):
        # To an object store nothing else than a whole object can be written.
        whole = BytesIO()
        frame.write_parquet(whole, **options)
        path.write_bytes(whole.getvalue())
        return
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        frame.write_parquet(aside, **options)
        aside.replace(path)
    except FileNotFoundError as error:
        raise ScoringError(
            f"there is no folder {path.parent} to work in: the run that made it has ended, or it is on another host;"
            " with SCORING_TASK_RUNNER, SCORING_STAGING has to be the same folder, or address, for all workers"
        ) from error


def read_part(path: Path, columns: Sequence[str] | None = None) -> polars.DataFrame:
    """A part, or some of its columns."""
    # Polars knows neither the addresses nor the credentials of an object store.
    source = BytesIO(path.read_bytes()) if is_remote(path) else path
    return polars.read_parquet(source, columns=None if columns is None else list(columns))


def rows_in(path: Path) -> int:
    """The number of rows of a part."""
    with path.open("rb") as file:
        return int(pyarrow.parquet.read_metadata(file).num_rows)


def _fetch(folder: Path, part: Path) -> Path:
    file = folder / part.name
    file.write_bytes(part.read_bytes())
    return file


def _name(kind: Kind, numbers: Sequence[int]) -> str:
    return "-".join([kind, *(f"{number:05d}" for number in numbers)])


@contextmanager
def staging_for(root: Path, batch_date: date, workbench: Path | None = None) -> Iterator[Staging]:
    """A new folder for a run of a date, removed when the run ends, however it ends.

    The run holds a lock on it, so that what a killed run of the date left behind can be told from a run that goes on.
    `workbench`: where this host has its locks if `root` is in an object store.
    """
    here = workbench or root
    here.mkdir(parents=True, exist_ok=True)
    name = f"{batch_date}-{uuid.uuid4().hex[:12]}"
    with FileLock(here / f"{name}.lock"):
        folder = root / name
        try:
            (here / name).mkdir()
            yield Staging(folder, here / name if is_remote(folder) else None)
        finally:
            shutil.rmtree(here / name, ignore_errors=True)
            _remove_from_store(folder)
            (here / f"{name}.lock").unlink(missing_ok=True)


def remove_abandoned(root: Path, batch_date: date | None = None, workbench: Path | None = None) -> None:
    """Removes what killed runs (of a date) left behind: it holds personal data, whether or not there is more to do.

    In an object store, what a run of another host left goes when nothing was written to it for `ABANDONED_AFTER`.
    """
    here, going_on = workbench or root, set()
    for lock_file in here.glob("*.lock" if batch_date is None else f"{batch_date}-*.lock"):
        try:
            with FileLock(lock_file, timeout=0):
                shutil.rmtree(lock_file.with_suffix(""), ignore_errors=True)
                _remove_from_store(root / lock_file.stem)
                lock_file.unlink(missing_ok=True)
        except Timeout:
            going_on.add(lock_file.stem)
    if is_remote(root):
        for folder in folders_in(root):
            if folder.name not in going_on and folder.name.startswith(str(batch_date or "")):
                _remove_if_left(folder)


def _remove_if_left(folder: Path) -> None:
    try:
        written = last_write(folder)
    except FileNotFoundError:
        # Its run has just ended.
        return
    if written and datetime.now(UTC) - written > ABANDONED_AFTER:
        remove_all(folder)


def _remove_from_store(folder: Path) -> None:
    """Removes a run's folder in a store; one that does not answer must not hide how the run ended."""
    if is_remote(folder):
        try:
            remove_all(folder)
        except OSError as error:
            log.warning("%s is left in the store, to be removed with the next run or retention: %s", folder, error)
