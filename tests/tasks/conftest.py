import shutil
from pathlib import Path

import pytest

from tasks.project import Project
from tests.flows.homes import project_at
from tests.tasks.loans import make_portfolio


@pytest.fixture(scope="session")
def portfolio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of `loans.make_portfolio`. Not to be written to."""
    home = tmp_path_factory.mktemp("portfolio") / "home"
    make_portfolio(home)
    return home


@pytest.fixture
def home(portfolio: Path, tmp_path: Path) -> Path:
    """A copy of the portfolio of the test's own, with no batch in its warehouse."""
    return Path(shutil.copytree(portfolio, tmp_path / "home"))


@pytest.fixture
def project(home: Path) -> Project:
    """The project in the test's own home."""
    return project_at(home)
