import shutil
from pathlib import Path

import pytest

from schemas.sample.parameters import Parameters
from schemas.sample.places import Places
from tasks.project import Project
from tasks.sample import write_sample
from tasks.train import train_model
from tests.body import run_day
from tests.flows.homes import project_at
from tests.once import made_once
from tests.tasks.loans import DAYS, make_portfolio


@pytest.fixture(scope="session")
def portfolio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of `loans.make_portfolio`. Not to be written to."""
    return made_once(tmp_path_factory, "loans", make_portfolio)


@pytest.fixture
def home(portfolio: Path, tmp_path: Path) -> Path:
    """A copy of the portfolio of the test's own, with no batch in its warehouse."""
    return Path(shutil.copytree(portfolio, tmp_path / "home"))


@pytest.fixture
def project(home: Path) -> Project:
    """The project in the test's own home."""
    return project_at(home)


@pytest.fixture(scope="session")
def scored_home(portfolio: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The portfolio with all days published, and no outcome yet. Not to be written to."""

    def score(home: Path) -> None:
        shutil.copytree(portfolio, home)
        for day in DAYS:
            run_day(project_at(home), day)

    return made_once(tmp_path_factory, "scored", score)


@pytest.fixture
def scored(scored_home: Path, tmp_path: Path) -> Project:
    """The project in a copy of the scored home of the test's own."""
    return project_at(Path(shutil.copytree(scored_home, tmp_path / "scored")))


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make demo` leaves: the sample, a champion, 60 days published in their order. Not to be written to."""
    return made_once(tmp_path_factory, "demo", _make_demo)


def _make_demo(home: Path) -> None:
    from flows.demo import DAYS, ROWS, SEED, UNTIL  # Prefect takes seconds, and nothing else here needs it

    parameters = Parameters(days=DAYS, rows=ROWS, until=UNTIL, seed=SEED)
    places = Places(
        landing=home / "landing",
        history=home / "history",
        outcomes=home / "outcomes.csv",
        manifest=home / "sample_manifest.json",
    )
    for _ in write_sample(places, parameters):
        pass
    project = project_at(home)
    train_model(project, str(places.history / "applications_*.csv.gz"), places.outcomes, before=None)
    for day in parameters.landing_days:
        run_day(project, day)
