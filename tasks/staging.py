"""A run's own folder for what it has worked out and not yet published."""

import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import polars
import pyarrow.parquet
from filelock import FileLock, Timeout

from schemas.errors import ScoringError, SettingsError
from schemas.storage import is_remote

Kind = Literal["ids", "repeats", "accepted", "scores", "quarantine"]


@dataclass(frozen=True)
class Staging:
    """Numbered Parquet files of five kinds; `scores` has the same rows as `accepted`, part by part.

    The first number is that of a piece of the source, or of a bucket of ids; further ones count within it.
    """

    folder: Path

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

    def clear(self) -> None:
        """Removes all parts."""
        for path in self.folder.glob("*.parquet"):
            path.unlink(missing_ok=True)

    def scores_of(self, accepted: Path) -> Path:
        """Where the scores of a part of accepted rows go."""
        return self.folder / accepted.name.replace("accepted", "scores", 1)


def write_part(frame: polars.DataFrame, path: Path, **options: Any) -> None:
    """Writes a part so that it is there whole or not at all, also if two processes write it at once.

    `options` are those of `DataFrame.write_parquet`. Raises ScoringError if the folder is not there.
    """
    if not _is_local(path):
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
            " with SCORING_TASK_RUNNER, SCORING_STAGING has to be the same folder for all workers"
        ) from error


def read_part(path: Path, columns: Sequence[str] | None = None) -> polars.DataFrame:
    """A part, or some of its columns."""
    # Polars knows neither the addresses nor the credentials of an object store.
    source = path if _is_local(path) else BytesIO(path.read_bytes())
    return polars.read_parquet(source, columns=None if columns is None else list(columns))


def _is_local(path: object) -> bool:
    # The path of an object in a store has pathlib's methods and is none.
    return isinstance(path, Path)


def rows_in(path: Path) -> int:
    """The number of rows of a part."""
    with path.open("rb") as file:
        return int(pyarrow.parquet.read_metadata(file).num_rows)


def _name(kind: Kind, numbers: Sequence[int]) -> str:
    return "-".join([kind, *(f"{number:05d}" for number in numbers)])


@contextmanager
def staging_for(root: Path, batch_date: date) -> Iterator[Staging]:
    """A new folder for a run of a date, removed when the run ends, however it ends.

    The run holds a lock on it, so that what a killed run of the date left behind can be told from a run that goes on.
    """
    if is_remote(root):
        raise SettingsError(
            f"SCORING_STAGING={str(root)!r}: a run stages on its own host; name a folder, on a disk of its own at best"
        )
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


def remove_abandoned(root: Path, batch_date: date | None = None) -> None:
    """Removes what killed runs (of a date) left behind: it holds personal data, whether or not there is more to do."""
    for lock_file in root.glob("*.lock" if batch_date is None else f"{batch_date}-*.lock"):
        try:
            with FileLock(lock_file, timeout=0):
                shutil.rmtree(lock_file.with_suffix(""), ignore_errors=True)
                lock_file.unlink(missing_ok=True)
        except Timeout:
            continue
