import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.once import made_once
from tests.service.running import Service, running_service
from tests.tasks.loans import make_portfolio


@pytest.fixture(scope="session")
def portfolio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a champion and a challenger. Not to be written to."""
    return made_once(tmp_path_factory, "loans", make_portfolio)


@pytest.fixture
def home(portfolio: Path, tmp_path: Path) -> Path:
    """A home with the models only."""
    shutil.copytree(portfolio / "models", tmp_path / "home" / "models")
    return tmp_path / "home"


@pytest.fixture(scope="module")
def shared_service(portfolio: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One running service for the tests of a module that leave it as it was."""
    home = tmp_path_factory.mktemp("service") / "home"
    shutil.copytree(portfolio / "models", home / "models")
    with running_service(home) as service:
        yield service
