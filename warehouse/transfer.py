"""Moves a warehouse from its file to a lake, table by table; whoever is killed goes on where it stopped."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from schemas.errors import WarehouseError
from schemas.lake import Lake
from warehouse.connection import exists, open_for_writing
from warehouse.file import reading, turn
from warehouse.quoting import identifier, tables_of

# Last, since it makes a warehouse of the tables: a lake without it is none to anybody else.
MARK = "schema_version"
VIEWS = "SELECT sql FROM duckdb_views() WHERE NOT internal ORDER BY view_name"
CHUNK_ROWS = 100_000


@dataclass(frozen=True)
class Sum:
    """What tells the rows of one table from others, in whatever order they are."""

    rows: int
    checksum: int


@dataclass(frozen=True)
class Moved:
    """A table, what its rows add up to on both sides, and whether they were there before."""

    table: str
    sum: Sum
    before: bool


def transfer(source: Path, lake: Lake, wait_seconds: float, begin: Callable[[str, int], None]) -> list[Moved]:
    """Copies all rows of a file into a lake and compares counts and checksums; the file stays as it is.

    Writers to the file wait until it is done, readers do not. `begin` is told each table and its rows. Raises
    NoWarehouse if there is no file, WarehouseError if the lake holds another warehouse, or a copy is not the same.
    """
    with reading(source, wait_seconds):
        # Says it if there is none, before anything is made.
        pass
    with turn(source, wait_seconds), reading(source, wait_seconds) as old:
        complete = exists(lake, wait_seconds)
        moved = []
        for table in (name for name in tables_of(old) if name != MARK):
            wanted = _sum(old, table)
            begin(table, wanted.rows)
            with open_for_writing(lake, wait_seconds) as new:
                before = _bring(old, new, table, wanted, replace=not complete)
            moved.append(Moved(table, wanted, before))
        if not complete:
            with open_for_writing(lake, wait_seconds) as new:
                _finish(old, new)
    return moved


def _bring(
    old: duckdb.DuckDBPyConnection, new: duckdb.DuckDBPyConnection, table: str, wanted: Sum, *, replace: bool
) -> bool:
    """Makes a table the same as in the file, in the caller's transaction; returns whether it was so before."""
    columns = ", ".join(f"{identifier(name)} {kind}" for name, kind in _columns(old, table))
    new.execute(f"CREATE TABLE IF NOT EXISTS {identifier(table)} ({columns})")
    found = _sum(new, table)
    if found == wanted:
        return True
    if not replace:
        raise WarehouseError(
            f"there is another warehouse in the lake: its {table} has {found.rows:,} rows, that of the file"
            f" {wanted.rows:,}, and they are not the same; nothing was changed. Give this one a lake of its own"
        )
    # What an earlier attempt has copied, of a file that was written to since.
    new.execute(f"DELETE FROM {identifier(table)}")  # noqa: S608 - names of its own
    _copy(old, new, table)
    found = _sum(new, table)
    if found != wanted:
        raise WarehouseError(f"the copy of {table} is not the same ({found}, the file has {wanted}); it was undone")
    return False


def _copy(old: duckdb.DuckDBPyConnection, new: duckdb.DuckDBPyConnection, table: str) -> None:
    rows = old.execute(f"FROM {identifier(table)}").to_arrow_reader(CHUNK_ROWS)
    new.register("rows_of_file", rows)
    new.execute(f"INSERT INTO {identifier(table)} BY NAME FROM rows_of_file")
    new.unregister("rows_of_file")


def _finish(old: duckdb.DuckDBPyConnection, new: duckdb.DuckDBPyConnection) -> None:
    _bring(old, new, MARK, _sum(old, MARK), replace=True)
    for (statement,) in old.execute(VIEWS).fetchall():
        new.execute(str(statement))


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[str, str]]:
    return [(str(row[0]), str(row[1])) for row in connection.execute(f"DESCRIBE {identifier(table)}").fetchall()]


def _sum(connection: duckdb.DuckDBPyConnection, table: str) -> Sum:
    names = ", ".join(identifier(name) for name, _ in sorted(_columns(connection, table)))
    question = f"SELECT count(*), coalesce(sum(hash({names})), 0) FROM {identifier(table)}"  # noqa: S608 - of its own
    row = connection.execute(question).fetchone()
    return Sum(int(row[0]), int(row[1])) if row else Sum(0, 0)
