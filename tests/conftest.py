"""What all tests share: how property tests look for examples, a PostgreSQL server, and an object store."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from hypothesis import settings

from schemas.lake import Lake
from tests.postgres import NO_POSTGRES, Postgres, programs, running_postgres

if TYPE_CHECKING:
    from tests.store import ObjectStore

# New examples on every run of a developer; the same ones in CI, so that a change is judged by what it changed.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server; tests that need it are left out where there is none."""
    if programs() is None:
        pytest.skip(NO_POSTGRES)
    with running_postgres() as server:
        yield server


@pytest.fixture
def lake(tmp_path: Path, postgres: Postgres) -> Lake:
    """Where a warehouse can be made that is a lake, with a database of its own."""
    return Lake(postgres.create(f"lake_{uuid4().hex}"), f"{tmp_path}/rows/")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator["ObjectStore"]:
    """An object store that the environment of this process names, with an empty bucket."""
    # Importing it takes seconds, which other tests need not wait for.
    from tests.store import ObjectStore

    started = ObjectStore()
    for name, value in started.environment.items():
        monkeypatch.setenv(name, value)
    yield started
    started.stop()
