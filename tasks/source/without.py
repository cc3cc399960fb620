"""A file without the rows of one application: written aside, every other row as it was, to be moved into place."""

import gzip
import hashlib
import os
import shutil
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars
import pyarrow
import pyarrow.parquet

from schemas.errors import ChangedMeanwhile, UnreadableSource
from schemas.storage import Version, is_remote, local_file, reading, upload, version_of
from tasks.source.csv_dialect import ID_COLUMN, Dialect, detect_dialect
from tasks.source.landing import PART_SUFFIXES
from tasks.source.line_filter import LineFilter, text_of

ENDING = ".erasing"
# The header line stands within so many bytes; it is read whole.
HEADER_BYTES = 1 << 20


@dataclass(frozen=True)
class Rewritten:
    """A file, the one without the rows beside it, and how many rows that leaves out."""

    path: Path
    aside: Path
    rows: int
    version: Version | None = None

    def move_into_place(self) -> None:
        """The file is then the one without the rows, also after a power cut.

        Raises ChangedMeanwhile if it is an object that was replaced since it was read.
        """
        if not is_remote(self.path):
            self.aside.replace(self.path)
            flush(self.path.parent)
            return
        if version_of(self.path) != self.version:
            raise ChangedMeanwhile(f"{self.path} was replaced while it was looked into; run this again")
        upload(self.aside, self.path)
        self.aside.unlink()


def without_application(
    path: Path, application_id: str, scratch: Path | None = None, *, any_header: bool = False
) -> Rewritten | None:
    """Writes a CSV or Parquet file without an application's rows aside; None if it has no such row, or no ids.

    What replaces an object is written into `scratch`, a folder of this host.

    A line that is no row of its header counts if one of its fields is the id; with `any_header` that goes for all lines
    of a CSV file whose header names no ids. Raises UnreadableSource if the file cannot be read to its end.
    """
    with _to_its_end(path):
        if path.name.endswith(".parquet"):
            return rewritten(path, lambda aside: _filter_parquet(path, aside, application_id), scratch)
        dialect = _dialect_of(path)
        if dialect is None and not any_header:
            return None
        chosen = LineFilter(dialect, application_id)
        if not _any_line(path, chosen):
            return None
        return rewritten(path, lambda aside: _filter_lines(path, aside, chosen), scratch)


def rows_in(path: Path, application_id: str) -> list[str]:
    """The rows of an application as they stand in a file: lines of CSV, or JSON of Parquet; empty if it has none.

    Raises UnreadableSource if the file cannot be read to its end.
    """
    with _to_its_end(path):
        if path.name.endswith(".parquet"):
            return _rows_in_parquet(path, application_id)
        chosen = LineFilter(_dialect_of(path), application_id)
        with reading(path) as file:
            return [text_of(line).rstrip("\r\n") for line in file if chosen(line)]


def without_lines(path: Path, texts: Sequence[bytes], scratch: Path | None = None) -> Rewritten | None:
    """Writes a file without the lines that have one of the texts aside; None if no line has."""
    content = path.read_bytes()
    if not any(text in content for text in texts):
        return None
    lines = content.splitlines(keepends=True)
    kept = [line for line in lines if not any(text in line for text in texts)]

    def write(aside: Path) -> int:
        aside.write_bytes(b"".join(kept))
        return len(lines) - len(kept)

    return rewritten(path, write, scratch)


def of_application(ids: polars.Series, application_id: str) -> polars.Series:
    """Which of the ids, of whatever type, are that of an application; space around them does not count."""
    texts = ids.cast(polars.String, strict=False).str.strip_chars()
    return (texts == application_id).fill_null(value=False)


def rewritten(path: Path, write: Callable[[Path], int], scratch: Path | None = None) -> Rewritten | None:
    """What `write` puts aside and says how many rows it left out; None, and nothing aside, if those are none."""
    version = version_of(path) if is_remote(path) else None
    aside = _aside(path, scratch)
    try:
        rows = write(aside)
        if rows:
            if not is_remote(path):
                shutil.copymode(path, aside)
            flush(aside)
            return Rewritten(path, aside, rows, version)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    aside.unlink(missing_ok=True)
    return None


def _aside(path: Path, scratch: Path | None) -> Path:
    if not is_remote(path):
        return path.with_name(f".{path.name}{ENDING}")
    if scratch is None:
        raise ValueError(f"{path} is an object: what replaces it needs a folder of this host")
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Parts of two days may have the same name.
    return scratch / f".{hashlib.sha256(str(path).encode()).hexdigest()[:16]}.{path.name}{ENDING}"


def remove_asides(folder: Path) -> None:
    """Removes what a killed run has left aside; in an object store nothing ever is."""
    if is_remote(folder):
        return
    for path in folder.rglob(f".*{ENDING}"):
        path.unlink(missing_ok=True)


def is_tabular(path: Path) -> bool:
    """Whether a file is of a kind that `without_application` reads."""
    return path.is_file() and path.name.endswith(PART_SUFFIXES)


def flush(path: Path) -> None:
    """Makes what was written to a file, or renamed in a folder, last through a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _to_its_end(path: Path) -> Iterator[None]:
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error, pyarrow.ArrowException) as error:
        raise UnreadableSource("readable", f"{path} cannot be read to its end: {error}") from error


def _rows_in_parquet(path: Path, application_id: str) -> list[str]:
    with pyarrow.parquet.ParquetFile(local_file(path)) as file:
        if ID_COLUMN not in file.schema_arrow.names:
            return []
        frames = [polars.DataFrame(file.read_row_group(number)) for number in range(file.num_row_groups)]
    meant = [frame.filter(of_application(frame[ID_COLUMN], application_id)) for frame in frames]
    return [line for frame in meant if not frame.is_empty() for line in frame.write_ndjson().splitlines()]


def _dialect_of(path: Path) -> Dialect | None:
    """The dialect of a CSV file; None if its header names no ids."""
    with reading(path) as file:
        start = file.readline(HEADER_BYTES) + file.read(HEADER_BYTES)
    if not start.strip():
        return None
    try:
        return detect_dialect(path.name, start)
    except UnreadableSource as error:
        if error.check_name == "columns_present":
            return None
        raise


def _any_line(path: Path, chosen: LineFilter) -> bool:
    with reading(path) as file:
        return any(map(chosen, file))


def _filter_lines(path: Path, aside: Path, chosen: LineFilter) -> int:
    left_out = 0
    with reading(path) as file, _writing(aside) as out:
        for line in file:
            if chosen(line):
                left_out += 1
            else:
                out.write(line)
    return left_out


@contextmanager
def _writing(aside: Path) -> Iterator[Any]:
    with aside.open("wb") as file:
        if aside.name.endswith(f".gz{ENDING}"):
            # Without a time and a name within, the same rows are the same bytes.
            with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
                yield packed
        else:
            yield file


def _filter_parquet(path: Path, aside: Path, application_id: str) -> int:
    left_out = 0
    with pyarrow.parquet.ParquetFile(local_file(path)) as file:
        if ID_COLUMN not in file.schema_arrow.names:
            return 0
        compression = file.metadata.row_group(0).column(0).compression if file.num_row_groups else "NONE"
        with pyarrow.parquet.ParquetWriter(aside, file.schema_arrow, compression=compression) as writer:
            for number in range(file.num_row_groups):
                table = file.read_row_group(number)
                keep = ~of_application(polars.Series(table.column(ID_COLUMN)), application_id)
                left_out += int((~keep).sum())
                writer.write_table(table.filter(keep.to_arrow()), row_group_size=max(1, table.num_rows))
    return left_out
