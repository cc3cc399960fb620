"""Names and texts as they stand in SQL, where nothing can be bound, and the names of all tables."""

import duckdb

# The largest first.
TABLES = """
SELECT table_name FROM duckdb_tables()
WHERE database_name = coalesce(?, current_database()) ORDER BY estimated_size DESC, table_name
"""


def literal(text: object) -> str:
    """A text in single quotes."""
    doubled = str(text).replace("'", "''")
    return f"'{doubled}'"


def identifier(name: str) -> str:
    """A name in double quotes."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def tables_of(connection: duckdb.DuckDBPyConnection, database: str | None = None) -> list[str]:
    """The tables of an attached database, or of the one in use, the largest first."""
    return [str(row[0]) for row in connection.execute(TABLES, [database]).fetchall()]
