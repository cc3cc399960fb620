"""CSV as rows of text: any usual dialect, bounded memory, one line one record.

A record is one line, so that a quote that never closes costs its own row and not the rest of the file.
"""

import gzip
import zlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import polars

from schemas.errors import UnreadableSource
from schemas.storage import reading
from tasks.parallel import in_order
from tasks.source.csv_dialect import Dialect, detect_dialect
from tasks.source.csv_lines import parse_odd_line

CHUNK_BYTES = 1 << 23
POSITION = "row_number"
LINE = "line"


class CsvRows:
    """One CSV file, plain or gzipped, or the lines of a plain one that begin from `start` to before `end`.

    Raises UnreadableSource when its header or its compression cannot be read.
    """

    def __init__(self, path: Path, start: int = 0, end: int | None = None) -> None:
        self._path, self._start, self._end = path, start, end

    @cached_property
    def dialect(self) -> Dialect:
        """Delimiter and columns, read from the header line."""
        return detect_dialect(self._path.name, next(self._whole_lines(0, None), b""))

    @property
    def columns(self) -> tuple[str, ...]:
        """The column names in file order."""
        return self.dialect.columns

    def chunks(self, only: Sequence[str] = ()) -> Iterator[tuple[polars.DataFrame, polars.DataFrame]]:
        """Frames of text, and of malformed lines with what is wrong; row_number is the position in the chunk.

        `only`: the columns wanted, for speed; all of them if it is empty.
        """
        # The file's own column of that name would be taken for the number of the row.
        columns = tuple(name for name in only or self.columns if name != POSITION)
        dialect = self.dialect
        yield from in_order(lambda block: _parse(_as_utf8(block), dialect, columns), self._data())

    def _data(self) -> Iterator[bytes]:
        """The lines below the header, in blocks."""
        return self._whole_lines(max(self._start, self.dialect.header_bytes), self._end)

    def _whole_lines(self, start: int, end: int | None) -> Iterator[bytes]:
        """The file's bytes in a range, cut only behind line ends."""
        rest: list[bytes] = []
        for block in self._blocks(start, end):
            last_end = block.rfind(b"\n") + 1
            if last_end:
                yield b"".join([*rest, block[:last_end]])
                rest = [block[last_end:]]
            else:
                rest.append(block)
        if last := b"".join(rest):
            yield last + b"\n"

    def _blocks(self, start: int, end: int | None) -> Iterator[bytes]:
        total = start
        try:
            with reading(self._path) as file:
                file.seek(start)
                while block := file.read(CHUNK_BYTES if end is None else max(0, min(CHUNK_BYTES, end - total))):
                    total += len(block)
                    yield block
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise UnreadableSource(
                "readable",
                f"{self._path.name}: the gzip data breaks off or is damaged after {total:,} bytes ({error});"
                " the transfer was probably cut, ask for the file again",
            ) from error


def line_start(path: Path, position: int) -> int:
    """Where the first line that begins at or behind a position (bytes) begins; the size of the file if none does."""
    with path.open("rb") as file:
        # A line begins behind the end of another, so that the byte before is looked at too.
        place = file.seek(max(0, position - 1))
        if position == 0:
            return 0
        while block := file.read(CHUNK_BYTES):
            found = block.find(b"\n")
            if found >= 0:
                return place + found + 1
            place += len(block)
    return place


def _as_utf8(block: bytes) -> bytes:
    """The block in UTF-8: a line that is not valid UTF-8 is taken as Latin-1, which knows every byte."""
    if block.isascii():
        return block
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        return b"\n".join(_line_as_utf8(line) for line in block.split(b"\n"))
    return block


def _line_as_utf8(line: bytes) -> bytes:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1").encode("utf-8")
    return line


def _parse(block: bytes, dialect: Dialect, columns: Sequence[str]) -> tuple[polars.DataFrame, polars.DataFrame]:
    """Fast for plain lines; those with quotes or another number of fields are taken out and read one by one."""
    if b'"' in block or not _is_regular(block, dialect):
        return _parse_line_by_line(block, dialect, columns)
    numbered = _fields(block, dialect, columns).with_row_index(POSITION).cast({POSITION: polars.Int64})
    return numbered.select(POSITION, *columns), _malformed([])


def _is_regular(block: bytes, dialect: Dialect) -> bool:
    """Whether every line has as many separators as the header: of the total, a long line could make up for a short."""
    codes = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(codes == ord("\n"))
    separators = np.flatnonzero(codes == dialect.separator[0])
    each = len(dialect.columns) - 1
    if each == 0 or separators.size != ends.size * each:
        return False
    by_line = separators.reshape(ends.size, each)
    return bool((by_line[:, -1] < ends).all() and (by_line[1:, 0] > ends[:-1]).all())


def _parse_line_by_line(
    block: bytes, dialect: Dialect, columns: Sequence[str]
) -> tuple[polars.DataFrame, polars.DataFrame]:
    delimiter = dialect.separator.decode()
    lines = polars.DataFrame({LINE: block.decode("utf-8").split("\n")})
    lines = lines.select(polars.col(LINE).str.strip_suffix("\r")).filter(polars.col(LINE) != "")
    lines = lines.with_row_index(POSITION).cast({POSITION: polars.Int64})
    right_count = polars.col(LINE).str.count_matches(delimiter, literal=True) == len(dialect.columns) - 1
    is_plain = right_count & ~polars.col(LINE).str.contains('"', literal=True)
    plain, odd = lines.filter(is_plain), lines.filter(~is_plain)
    frame = _fields("\n".join(plain[LINE]).encode(), dialect, columns).with_columns(plain[POSITION])
    places = [dialect.columns.index(name) for name in columns]
    good, bad = [], []
    for position, line in odd.iter_rows():
        fields, problem = parse_odd_line(line, delimiter, len(dialect.columns))
        if problem:
            bad.append((position, line, problem))
        else:
            good.append((position, *(fields[place] for place in places)))
    schema = {POSITION: polars.Int64, **dict.fromkeys(columns, polars.String)}
    repaired = polars.DataFrame(good, schema=schema, orient="row")
    return polars.concat([frame.select(list(schema)), repaired]).sort(POSITION), _malformed(bad)


def _fields(block: bytes, dialect: Dialect, columns: Sequence[str]) -> polars.DataFrame:
    schema = dict.fromkeys(dialect.columns, polars.String)
    if not block:
        return polars.DataFrame(schema=schema)
    return polars.read_csv(
        block,
        has_header=False,
        columns=[place for place, name in enumerate(schema) if name in columns],
        separator=dialect.separator.decode(),
        quote_char=None,
        schema=schema,
        empty_string_is_null=False,
    )


def _malformed(rows: list[tuple[int, str, str]]) -> polars.DataFrame:
    schema = {POSITION: polars.Int64, LINE: polars.String, "problem": polars.String}
    return polars.DataFrame(rows, schema=schema, orient="row")
