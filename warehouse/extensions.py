"""DuckDB's extensions: from packages where they are installed, or else from where DuckDB itself keeps them."""

from importlib.util import find_spec
from pathlib import Path

import duckdb

from schemas.errors import WarehouseError
from warehouse.quoting import literal

# What every lake needs, and what one in an object store needs besides; a warehouse that is a file needs none.
CATALOG = ("ducklake", "postgres_scanner")
STORE = "httpfs"


def load_extension(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Loads an extension, its signature checked by DuckDB; raises WarehouseError that says how to get a missing one.

    Tried in this order: the package `duckdb-extension-…`, DuckDB's own folder, DuckDB's repository on the internet.
    """
    packaged = _packaged(name)
    try:
        if packaged:
            connection.execute(f"LOAD {literal(packaged)}")
        else:
            connection.execute(f"INSTALL {name}")
            connection.execute(f"LOAD {name}")
    except duckdb.Error as error:
        raise WarehouseError(
            f"DuckDB {duckdb.__version__} has no extension {name}, which a lake needs. Without the internet: pip"
            ' install "credit-express[lake]", which has those of DuckDB 1.5.5; with it: python -c "import duckdb;'
            f" duckdb.execute('INSTALL {name}')\" ({error})"
        ) from error


def _packaged(name: str) -> Path | None:
    """The file in the package of an extension; None if there is no such package, or it is for another DuckDB."""
    spec = find_spec(f"duckdb_extension_{name}")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        file = Path(folder) / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
        if file.is_file():
            return file
    return None
