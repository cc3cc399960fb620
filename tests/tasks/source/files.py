"""Landing files for the tests, and what is read from them."""

import gzip
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tasks.source import csv_rows, parquet_rows
from tasks.source.landing import source_at
from tasks.source.rows import header_of, read_rows

HEADER = ("application_id", "b", "c")


def write(path: Path, content: str | bytes) -> Path:
    """Writes bytes, or text as UTF-8; gzipped if the name says so."""
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data) if path.name.endswith(".gz") else data)
    return path


def read(path: Path, columns: Sequence[str] = HEADER) -> list[tuple[str, ...]]:
    """All rows of a source without malformed ones, cell by cell, in the order of `columns`."""
    good, bad = read_all(path, columns)
    assert bad == {}
    return list(good.values())


def read_all(path: Path, columns: Sequence[str] = HEADER) -> tuple[dict[int, tuple[str, ...]], dict[int, str]]:
    """The good rows and the malformed lines of a source by row number, which together are 1 to n."""
    good: dict[int, tuple[str, ...]] = {}
    bad: dict[int, str] = {}
    source = source_at(path)
    assert set(columns) <= set(header_of(source))
    for rows in read_rows(source):
        numbers = [*rows.frame["row_number"], *rows.malformed["row_number"]]
        start = len(good) + len(bad)
        assert sorted(numbers) == list(range(start + 1, start + 1 + rows.height))
        good |= dict(zip(rows.frame["row_number"], rows.frame.select(columns).rows(), strict=True))
        bad |= dict(rows.malformed.select("row_number", "line").rows())
    return good, bad


def problems(path: Path) -> list[str]:
    """What is wrong with each malformed line of a source, in order."""
    return [problem for rows in read_rows(source_at(path)) for problem in rows.malformed["problem"]]


@contextmanager
def chunked(size: int) -> Iterator[None]:
    """Lets CSV be read that many bytes at a time, and Parquet that many rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_rows, "CHUNK_BYTES", size)
        patch.setattr(parquet_rows, "CHUNK_ROWS", size)
        yield
