"""Brings a warehouse to the layout this release expects: numbered SQL files, then the contract's columns."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from schemas.contract import Contract, Kind
from schemas.errors import WarehouseError

FOLDER = Path(__file__).parent / "migrations"
SQL_TYPES: dict[Kind, str] = {
    "number": "DOUBLE",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "category": "VARCHAR",
}


def migrate(connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    """Applies what is missing, within the caller's transaction; does nothing when all is in place.

    Raises WarehouseError if the warehouse is of a later release, or holds a contract column with another type.
    """
    connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER, name VARCHAR, applied_at TIMESTAMP)"
    )
    version = _version(connection)
    if version > latest_layout():
        raise WarehouseError(
            f"the warehouse has layout {version}, this release knows {latest_layout()}; install the later one"
        )
    for number, file in _migrations().items():
        if number > version:
            connection.execute(file.read_text(encoding="utf-8"))
            now = datetime.now(UTC).replace(tzinfo=None)
            connection.execute("INSERT INTO schema_version VALUES (?, ?, ?)", [number, file.stem, now])
    _add_contract_columns(connection, contract)


def latest_layout() -> int:
    """The layout this release brings a warehouse to."""
    return max(_migrations())


def _migrations() -> dict[int, Path]:
    return {int(file.name[:4]): file for file in sorted(FOLDER.glob("*.sql"))}


def _version(connection: duckdb.DuckDBPyConnection) -> int:
    row = connection.execute("SELECT coalesce(max(version), 0) FROM schema_version").fetchone()
    return int(row[0]) if row else 0


def _add_contract_columns(connection: duckdb.DuckDBPyConnection, contract: Contract) -> None:
    described = connection.execute("DESCRIBE applications").fetchall()
    present = {row[0]: row[1] for row in described}
    names = {name.casefold(): name for name in present}
    for field in contract.fields:
        wanted = SQL_TYPES[field.kind]
        spelled = names.get(field.name.casefold(), field.name)
        if spelled != field.name:
            raise WarehouseError(
                f"the contract {contract.name} wants a column {field.name}, applications has {spelled}; column names"
                " have no case: spell the field the same, or give this contract a warehouse of its own"
                " (SCORING_WAREHOUSE)"
            )
        if field.name not in present:
            connection.execute(f'ALTER TABLE applications ADD COLUMN "{field.name}" {wanted}')
        elif present[field.name] != wanted:
            raise WarehouseError(
                f"the column {field.name} of applications is {present[field.name]}, the contract {contract.name} wants"
                f" {wanted}; give this contract a warehouse of its own (SCORING_WAREHOUSE) or another field name"
            )
