"""Rows of a landing source as text, in chunks of bounded size, whatever the format."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars

from schemas.errors import UnreadableSource
from tasks.source.csv_rows import CsvRows
from tasks.source.landing import Source
from tasks.source.parquet_rows import ParquetRows
from tasks.source.pieces import Span

ROW_NUMBER = "row_number"


@dataclass(frozen=True)
class Rows:
    """A chunk. `frame`: row_number and every column as text. `malformed`: row_number, line and problem of the rows
    that are not of the header's shape. Row numbers start at 1 behind the header and go on over the parts of a folder.
    """

    part: str
    frame: polars.DataFrame
    malformed: polars.DataFrame

    @property
    def height(self) -> int:
        """Rows in the chunk, well-formed or not."""
        return self.frame.height + self.malformed.height


def header_of(source: Source) -> tuple[str, ...]:
    """The column names all parts share; raises UnreadableSource if a part is unreadable, repeats a name or differs."""
    first, *others = source.parts
    header = _unique(first.name, _reader(first).columns)
    for part in others:
        differing = set(_unique(part.name, _reader(part).columns)) ^ set(header)
        if differing:
            names = ", ".join(sorted(differing))
            raise UnreadableSource(
                "columns_agree", f"{part.name} and {first.name} do not have the same columns: {names}"
            )
    return header


def read_rows(source: Source, only: Sequence[str] = ()) -> Iterator[Rows]:
    """All rows of a source in order; raises UnreadableSource where a file breaks off or is not what its name says.

    `only`: the columns wanted, for speed; all of them if it is empty.
    """
    return read_spans([Span(part, 0) for part in source.parts], only)


def read_spans(spans: Sequence[Span], only: Sequence[str] = (), before: int = 0) -> Iterator[Rows]:
    """As `read_rows`, of some stretches of a source; `before` is the number of rows that stand before them."""
    for span in spans:
        for frame, malformed in _reader(span.part, span.start, span.end).chunks(only):
            rows = Rows(span.part.name, _numbered(frame, before), _numbered(malformed, before))
            before += rows.height
            yield rows


def _unique(part: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    repeated = sorted({name for name in columns if columns.count(name) > 1})
    if repeated:
        raise UnreadableSource("columns_unique", f"{part}: the header names {', '.join(repeated)} more than once")
    return columns


def _reader(part: Path, start: int = 0, end: int | None = None) -> CsvRows | ParquetRows:
    return (ParquetRows if part.name.endswith(".parquet") else CsvRows)(part, start, end)


def _numbered(frame: polars.DataFrame, offset: int) -> polars.DataFrame:
    """Turns the position in the chunk, counted from 0, into the row number in the source."""
    return frame.with_columns(polars.col(ROW_NUMBER) + (offset + 1))
