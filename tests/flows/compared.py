"""Two warehouses compared row by row."""

from pathlib import Path

import duckdb

# When something was done, and ids drawn at random: all that two runs of the same may differ in.
OF_THE_RUN = frozenset(
    {"started_at", "finished_at", "computed_at", "raised_at", "resolved_at", "happened_at", "applied_at"}
    | {"alert_id", "event_id", "delivery_id"}
)


def differences(one: Path, other: Path) -> dict[str, int]:
    """By table, the rows that one of two warehouses (files) has and the other has not; empty if all are the same."""
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(f"ATTACH '{one}' AS one (READ_ONLY); ATTACH '{other}' AS other (READ_ONLY)")
        tables = _columns(connection)
        counted = {table: _count(connection, table, columns) for table, columns in tables.items()}
    return {table: rows for table, rows in counted.items() if rows}


def _columns(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    found = connection.execute(
        "SELECT table_name, list(column_name ORDER BY column_name) FROM duckdb_columns()"
        " WHERE database_name = 'one' AND table_name IN (SELECT table_name FROM duckdb_tables()) GROUP BY ALL"
    ).fetchall()
    return {table: [name for name in columns if name not in OF_THE_RUN] for table, columns in found}


def _count(connection: duckdb.DuckDBPyConnection, table: str, columns: list[str]) -> int:
    # Means are taken by DuckDB's threads, in another order each time.
    names = ", ".join(f"round({name}, 10)" if name.startswith("mean_") else name for name in columns)
    # So is the delay: it is the time of the run.
    chosen = " WHERE monitor <> 'delay_hours'" if table == "quality" else ""
    one, other = (f"SELECT {names} FROM {database}.{table}{chosen}" for database in ("one", "other"))
    question = f"SELECT count(*) FROM (({one} EXCEPT ALL {other}) UNION ALL ({other} EXCEPT ALL {one}))"
    return int(connection.execute(question).fetchall()[0][0])
