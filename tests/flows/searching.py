"""Searches everything below a home for texts and numbers: bytes of files, what is compressed, what DuckDB holds."""

import gzip
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import polars

from tests.flows.homes import query

MODELS = "models"


def found_in(home: Path, texts: Sequence[str], numbers: Sequence[float] = ()) -> dict[str, set[str]]:
    """What was found, by place: a path below home, or a table and column of the warehouse."""
    found: dict[str, set[str]] = {}
    for place, content in _contents(home):
        hits = {text for text in texts if text.encode() in content}
        hits |= {str(number) for number in numbers if _has_number(content, number)}
        if hits:
            found[place] = hits
    return found


def _has_number(content: bytes, number: float) -> bool:
    """As text, or as DuckDB, Parquet and NumPy write a double."""
    return str(number).encode() in content or struct.pack("<d", number) in content


def _contents(home: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(home.rglob("*")):
        if not path.is_file() or path.is_relative_to(home / MODELS):
            continue
        name = str(path.relative_to(home))
        yield name, path.read_bytes()
        if name.endswith(".gz"):
            yield f"{name} (decompressed)", gzip.decompress(path.read_bytes())
        if name.endswith(".parquet"):
            yield f"{name} (decoded)", repr(polars.read_parquet(path).rows()).encode()
    if (home / "warehouse.duckdb").exists():
        yield from _columns(home)


def _columns(home: Path) -> Iterator[tuple[str, bytes]]:
    columns = query(home, "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal")
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        for table, column in columns:
            rows = connection.execute(f'SELECT DISTINCT "{column}"::VARCHAR FROM "{table}"').fetchall()
            yield f"{table}.{column}", "\n".join(str(row[0]) for row in rows).encode()
