"""The same tests on both kinds of warehouse: a file, and a lake whose catalog is in PostgreSQL."""

from pathlib import Path

import pytest

from warehouse.connection import Address


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a warehouse can be made that is a file."""
    return tmp_path / "warehouse.duckdb"


@pytest.fixture(params=["file", "lake"])
def at(request: pytest.FixtureRequest) -> Address:
    """Where a warehouse can be made, of either kind."""
    found: Address = request.getfixturevalue(request.param)
    return found
