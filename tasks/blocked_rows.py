"""The broken rows of blocked batches (`blocked_*.csv`): those of an application are found, and taken out."""

import re
from pathlib import Path

import polars

from schemas.errors import UnreadableSource
from schemas.parsing import APPLICATION_ID
from tasks.source.without import Rewritten, of_application, rewritten

PATTERN = "blocked_*.csv"


def rows_of(path: Path, application_id: str) -> polars.DataFrame:
    """The rows that are of an application: of its id, or lines that are no rows and have it as a field.

    Raises UnreadableSource if the file is no such table.
    """
    frame = _read(path)
    return frame.filter(_meant(frame, application_id))


def without_rows(path: Path, application_id: str, scratch: Path | None = None) -> Rewritten | None:
    """Writes the file without an application's rows aside; None if it has none. Raises UnreadableSource as above."""
    frame = _read(path)
    meant = _meant(frame, application_id)
    if not meant.any():
        return None

    def write(aside: Path) -> int:
        frame.filter(~meant).write_csv(aside)
        return int(meant.sum())

    return rewritten(path, write, scratch)


def _read(path: Path) -> polars.DataFrame:
    try:
        frame = polars.read_csv(path.read_bytes(), infer_schema=False)
    except polars.exceptions.PolarsError as error:
        raise UnreadableSource("readable", f"{path.name} is no table of broken rows: {error}") from error
    if not {APPLICATION_ID, "value"} <= set(frame.columns):
        raise UnreadableSource("columns_present", f"{path.name} is no table of broken rows: it lacks their columns")
    return frame


def _meant(frame: polars.DataFrame, application_id: str) -> polars.Series:
    lines = zip(frame[APPLICATION_ID].is_null(), frame["value"], strict=True)
    in_line = [bool(anonymous and application_id in _fields(value)) for anonymous, value in lines]
    return of_application(frame[APPLICATION_ID], application_id) | polars.Series(in_line, dtype=polars.Boolean)


def _fields(line: str | None) -> list[str]:
    return [field.strip().strip('"').strip() for field in re.split("[,;\t]", line or "")]
