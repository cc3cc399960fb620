"""Parquet as rows of text, so that one set of rules judges every format."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import polars
import pyarrow
import pyarrow.parquet

from schemas.errors import ChangedMeanwhile, StoreUnavailable, UnreadableSource
from schemas.storage import local_file

CHUNK_ROWS = 150_000
# That says nothing about the file.
OF_THE_STORE = (ChangedMeanwhile, StoreUnavailable)
MALFORMED = {"row_number": polars.Int64, "line": polars.String, "problem": polars.String}


class ParquetRows:
    """One Parquet file, or its row groups from `start` to before `end`.

    Raises UnreadableSource when it is truncated, not Parquet, or has nested columns.
    """

    def __init__(self, path: Path, start: int = 0, end: int | None = None) -> None:
        self._path, self._start, self._end = path, start, end

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The column names in file order."""
        with self._open() as file:
            schema = file.schema_arrow
        nested = [field.name for field in schema if pyarrow.types.is_nested(field.type)]
        if nested:
            raise UnreadableSource("readable", f"{self._path.name}: nested columns cannot be read: {', '.join(nested)}")
        odd = [f"{field.name} ({field.type})" for field in schema if _has_no_text(field.type)]
        if odd:
            raise UnreadableSource("readable", f"{self._path.name}: columns cannot be read as text: {', '.join(odd)}")
        return tuple(schema.names)

    def chunks(self, only: Sequence[str] = ()) -> Iterator[tuple[polars.DataFrame, polars.DataFrame]]:
        """Frames of text with the position in the chunk as row_number, each beside an empty frame of malformed rows.

        `only`: the columns wanted, for speed; all of them if it is empty.
        """
        # The file's own column of that name would be taken for the number of the row.
        columns = tuple(name for name in only or self.columns if name != "row_number")
        malformed = polars.DataFrame(schema=MALFORMED)
        try:
            with self._open() as file:
                groups = range(file.num_row_groups)[self._start : self._end]
                for batch in file.iter_batches(CHUNK_ROWS, row_groups=groups, columns=list(columns)):
                    yield _as_text(batch, columns), malformed
        except OF_THE_STORE:
            raise
        except (pyarrow.ArrowException, OSError) as error:
            raise self._unreadable(error) from error

    def row_group_bytes(self) -> list[int]:
        """The size of each row group without compression, in bytes."""
        with self._open() as file:
            groups = range(file.num_row_groups)
            return [file.metadata.row_group(number).total_byte_size for number in groups]

    def _open(self) -> pyarrow.parquet.ParquetFile:
        try:
            return pyarrow.parquet.ParquetFile(local_file(self._path))
        except OF_THE_STORE:
            raise
        except (pyarrow.ArrowException, OSError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> UnreadableSource:
        reason = str(error).splitlines()[0]
        return UnreadableSource("readable", f"{self._path.name} cannot be read as Parquet ({reason}); ask for it again")


def _has_no_text(kind: Any) -> bool:
    types = pyarrow.types
    binary = types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)
    return bool(binary or types.is_duration(kind) or types.is_interval(kind) or types.is_decimal256(kind))


def _as_text(batch: pyarrow.RecordBatch, columns: tuple[str, ...]) -> polars.DataFrame:
    frame = polars.DataFrame(batch)
    texts = [polars.col(name).cast(polars.String, strict=False).fill_null("") for name in columns]
    return frame.select(polars.int_range(polars.len(), dtype=polars.Int64).alias("row_number"), *texts)
