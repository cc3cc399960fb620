"""Copies of the warehouse, and what one of them holds, whatever release made it."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from schemas.errors import WarehouseUnavailable
from schemas.lake import Lake
from warehouse.connection import Address, open_for_reading
from warehouse.file import CONFIG, turn
from warehouse.quoting import identifier, literal, tables_of

INSTANTS = (
    "SELECT table_name, column_name FROM duckdb_columns()"
    " WHERE database_name = current_database() AND data_type = 'TIMESTAMP'"
)
SEGMENTS = "SELECT segment FROM prediction_segments"


@dataclass(frozen=True, kw_only=True)
class Contents:
    """The layout of a warehouse, rows by table, the latest instant (UTC) in any of them, segments on record."""

    layout: int
    tables: dict[str, int]
    latest: datetime | None
    segments: frozenset[str]


def copy_warehouse(address: Address, target: Path, wait_seconds: float) -> None:
    """Copies the warehouse as it is between two transactions to a DuckDB file; readers go on meanwhile.

    The writers of a file wait, those of a lake do not: the copy is of one snapshot. Raises NoWarehouse if there is
    none, WarehouseUnavailable if it stays taken or the copy cannot be written.
    """
    if isinstance(address, Lake):
        with open_for_reading(address, wait_seconds) as connection:
            _copy_rows(connection, target, in_transaction=True)
    else:
        _copy_file(address.resolve(), target, wait_seconds)


def _copy_file(path: Path, target: Path, wait_seconds: float) -> None:
    try:
        with open_for_reading(path, wait_seconds):
            # Says it if there is no warehouse, before anything is left behind where there is none.
            pass
        # The lock file keeps the file from being replaced, the connection keeps everybody from writing to it.
        with turn(path, wait_seconds), open_for_reading(path, wait_seconds) as connection:
            if Path(f"{path}.wal").exists():
                _copy_rows(connection, target)
            else:
                # Closing the file lets go of DuckDB's lock on it (POSIX), so it is opened this once, and for all of it.
                shutil.copyfile(path, target)
    except OSError as error:
        raise WarehouseUnavailable(f"the warehouse {path} cannot be copied to {target}: {error}") from error


def contents_of(address: Address, wait_seconds: float) -> Contents:
    """What the warehouse at an address holds; raises WarehouseError if it cannot be read."""
    with open_for_reading(address, wait_seconds) as connection:
        tables = {table: _rows(connection, table) for table in sorted(tables_of(connection))}
        layout = _value(connection, "SELECT max(version) FROM schema_version") if "schema_version" in tables else 0
        segments = connection.execute(SEGMENTS).fetchall() if "prediction_segments" in tables else []
        latest = max(_latest(connection, frozenset(tables)), default=None)
    return Contents(
        layout=int(layout or 0),
        tables=tables,
        latest=latest,
        segments=frozenset(str(row[0]) for row in segments),
    )


def _copy_rows(connection: duckdb.DuckDBPyConnection, target: Path, *, in_transaction: bool = False) -> None:
    """All rows, of a lake or of a file that a killed process left a log beside: what it had committed is only there."""
    version = literal(CONFIG["storage_compatibility_version"])
    source = identifier(str(_value(connection, "SELECT current_database()")))
    connection.execute(f"ATTACH {literal(target)} AS copied_rows (READ_WRITE, STORAGE_VERSION {version})")
    connection.execute(f"COPY FROM DATABASE {source} TO copied_rows")
    if in_transaction:
        # Only then is the file let go of.
        connection.commit()
    connection.execute("DETACH copied_rows")


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(_value(connection, f"SELECT count(*) FROM {identifier(table)}"))  # noqa: S608 - names of its own


def _latest(connection: duckdb.DuckDBPyConnection, tables: frozenset[str]) -> Iterator[datetime]:
    for table, column in connection.execute(INSTANTS).fetchall():
        if table in tables:
            question = f"SELECT max({identifier(column)}) FROM {identifier(table)}"  # noqa: S608 - names of its own
            found = _value(connection, question)
            if isinstance(found, datetime):
                yield found.replace(tzinfo=UTC)


def _value(connection: duckdb.DuckDBPyConnection, question: str) -> Any:
    row = connection.execute(question).fetchone()
    return row[0] if row else None
