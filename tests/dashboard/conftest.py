from functools import partial

import pytest

from tasks.project import Project
from tests.bench.year import make_year
from tests.dashboard.homes import drifted_home, lender_at, lender_home
from tests.flows.homes import project_at
from tests.once import made_once


@pytest.fixture(scope="session")
def drifted(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Loans whose incomes and blanks have changed. Not to be written to."""
    return project_at(made_once(tmp_path_factory, "drifted", drifted_home))


@pytest.fixture(scope="session")
def lender(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Loans of a contract with categories, one of them with a new level. Not to be written to."""
    return lender_at(made_once(tmp_path_factory, "lender", lender_home))


@pytest.fixture(scope="session")
def year(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A year of small days, laid out as daily publishing leaves it. Not to be written to."""
    return project_at(made_once(tmp_path_factory, "year", partial(make_year, rows=200)))
