"""Short connections to the warehouse, whatever it is: open, one query or one transaction, close."""

from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

import duckdb

from schemas.errors import WarehouseError
from schemas.lake import Lake
from warehouse import file, lake

Address = Path | Lake


def open_for_reading(
    address: Address, wait_seconds: float, as_of: datetime | None = None
) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    """A connection that changes nothing and sees one state of the warehouse: that of now, or of a past instant (UTC).

    Raises NoWarehouse if there is none, WarehouseUnavailable if it cannot be had for too long, WarehouseError for a
    past instant of a file, which knows the present only.
    """
    if isinstance(address, Lake):
        return lake.reading(address, wait_seconds, as_of)
    if as_of is not None:
        raise WarehouseError(f"the warehouse {address} is a file and knows only the present; a lake keeps the past")
    return file.reading(address, wait_seconds)


def open_for_writing(address: Address, wait_seconds: float) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    """One transaction: committed when the block ends, undone when it raises. Creates the warehouse if there is none."""
    return lake.writing(address, wait_seconds) if isinstance(address, Lake) else file.writing(address, wait_seconds)


def exists(address: Address, wait_seconds: float) -> bool:
    """Whether there is a warehouse at an address."""
    return lake.exists(address, wait_seconds) if isinstance(address, Lake) else address.exists()
