"""Every page of a warehouse whose applicants have gone for their age: what was summed up is still shown."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from dashboard.app import SECTIONS
from tasks.project import Project
from tasks.retention import remove_over_age
from tests.dashboard.homes import LENDINGCLUB, PERIOD
from tests.dashboard.pages import look, said
from tests.flows.homes import query
from tests.tasks.loans import DAYS

PAGES = [path for views in SECTIONS.values() for path, *_ in views]


@pytest.fixture(scope="module")
def emptied(lender: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lender's home, long after its days: with a level that training has not seen."""
    home = Path(shutil.copytree(lender.settings.home_path, tmp_path_factory.mktemp("emptied") / "home"))
    settings = type(lender.settings)(home=str(home), contract=LENDINGCLUB)
    assert "barge" in str(query(home, "SELECT message FROM quality UNION ALL SELECT message FROM drift_verdicts"))
    remove_over_age(Project(settings, lender.contract), date(2040, 1, 1))
    assert query(home, "SELECT count(*) FROM scores") == [(0,)]
    return home


def test_no_level_of_an_applicant_is_in_a_message(emptied: Path) -> None:
    for table in ("quality", "drift_verdicts", "alerts", "alert_events"):
        assert "barge" not in str(query(emptied, f"SELECT message FROM {table}"))


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_drawn(emptied: Path, page: str) -> None:
    app = look(emptied, page, contract=LENDINGCLUB, start=str(DAYS[0]), end=str(PERIOD[-1]))
    assert said(app).strip()


def test_an_application_that_is_gone_is_said_to_have_gone_perhaps(emptied: Path) -> None:
    words = said(look(emptied, "application", contract=LENDINGCLUB, id=f"{DAYS[0]}-1"))
    assert "No batch has scored" in words
    assert "gone for its age" in words
