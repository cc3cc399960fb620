import pytest

from tasks.project import Project
from tests.bench.year import make_year
from tests.dashboard.homes import drifted_home, lender_home


@pytest.fixture(scope="session")
def drifted(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Loans whose incomes and blanks have changed. Not to be written to."""
    return drifted_home(tmp_path_factory.mktemp("drifted") / "home")


@pytest.fixture(scope="session")
def lender(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Loans of a contract with categories, one of them with a new level. Not to be written to."""
    return lender_home(tmp_path_factory.mktemp("lender") / "home")


@pytest.fixture(scope="session")
def year(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A year of small days, laid out as daily publishing leaves it. Not to be written to."""
    return make_year(tmp_path_factory.mktemp("year") / "home", rows=200)
