"""The dashboard on a warehouse that is a lake: the present, and what was known on a day."""

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars
import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from dashboard.desk import Desk
from dashboard.formats import visitors_formats
from schemas.lake import Lake
from schemas.settings import Settings
from tasks.project import Project
from tests.dashboard.homes import PERIOD
from tests.dashboard.pages import APP, SECONDS, drawn, said
from tests.postgres import Postgres
from tests.store import scoring
from warehouse.connection import open_for_writing
from warehouse.reader import Reader
from warehouse.transfer import transfer

TODAY = datetime.now(UTC).date()
BEFORE = TODAY - timedelta(days=1)


def nobody(table: str, rows: int) -> None:
    """Is told nothing."""


@pytest.fixture
def two_days_old(
    drifted: Project, lake: Lake, postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Lake:
    """The warehouse of an installation, all of whose snapshots were made two days ago."""
    source = drifted.settings.home_path
    home = shutil.copytree(source, tmp_path / "home", ignore=shutil.ignore_patterns("warehouse.duckdb*"))
    transfer(source / "warehouse.duckdb", lake, SECONDS, nobody)
    database = lake.catalog.partition("dbname=")[2].partition(" ")[0]
    postgres.ask(database, "UPDATE ducklake_snapshot SET snapshot_time = snapshot_time - INTERVAL '2 days'")
    address = f"ducklake:postgres:{lake.catalog}"
    given = {"home": str(home), "warehouse": address, "warehouse_data": lake.data, "timezone": "UTC"}
    for name, value in scoring(given).items():
        monkeypatch.setenv(name, value)
    return lake


def page(name: str, as_of: str = "") -> AppTest:
    app = AppTest.from_file(APP, default_timeout=SECONDS)
    app.context["locale"] = "en-GB"
    if name != "today":
        app._page_hash = calc_hash(name)
    if as_of:
        app.query_params["as-of"] = as_of
    return drawn(app)


@pytest.mark.parametrize("name", ["today", "data-quality", "drift", "scores", "application", "performance", "model"])
def test_pages_are_drawn_from_a_lake(two_days_old: Lake, name: str) -> None:
    app = page(name)
    assert "try-again" not in [button.key for button in app.button]
    assert "no warehouse" not in said(app)


def test_a_day_shows_what_was_known_at_its_end(two_days_old: Lake) -> None:
    with open_for_writing(two_days_old, SECONDS) as connection:
        connection.execute("UPDATE batches SET status = 'superseded' WHERE batch_date = ?", [PERIOD[-1]])
    latest, last = (f"{day.day} {day:%B %Y}" for day in PERIOD[-2:])
    assert (latest in said(page("today")), last in said(page("today"))) == (True, False)
    then = page("today", str(BEFORE))
    assert f"What was known at the end of {BEFORE.day} {BEFORE:%b %Y}, not the present." in said(then)
    assert last in said(then)
    assert last not in said(page("today", str(TODAY)))


def test_files_are_missing_as_of_the_day_and_models_are_said_to_be_those_of_now(two_days_old: Lake) -> None:
    asked: list[datetime] = []

    def missing(calendar: object, last: date, now: datetime) -> list[date]:
        asked.append(now)
        return []

    with patch("dashboard.today.page.missing_dates", missing):
        page("today", str(BEFORE))
    assert [now.date() for now in asked] == [BEFORE]
    assert "The models folder keeps no past" in said(page("model", str(BEFORE)))
    assert "The models folder keeps no past" not in said(page("model"))


def test_a_day_before_there_was_a_warehouse_says_so(two_days_old: Lake) -> None:
    app = page("today", str(TODAY - timedelta(days=9)))
    assert "does not reach back to" in said(app)
    assert "Choose a later day, or none to see the present." in said(app)


def test_a_file_offers_no_past(drifted: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCORING_HOME", str(drifted.settings.home_path))
    assert not page("today").sidebar.date_input


@pytest.fixture
def desk(drifted: Project) -> Desk:
    """A desk on a lake that nothing is asked of."""
    settings = Settings(
        home=str(drifted.settings.home_path),
        warehouse="ducklake:postgres:dbname=nowhere",
        warehouse_data="/nowhere/",
        timezone="Asia/Tokyo",
    )
    return Desk(settings, drifted.contract, visitors_formats())


def test_it_is_the_last_of_a_day_that_is_over_and_else_the_present(desk: Desk) -> None:
    midnight = datetime.combine(BEFORE, time(), desk.now.tzinfo)
    over = replace(desk, as_of=BEFORE - timedelta(days=1)).now
    # Midnight in Tokyo is 15:00 UTC of the day before.
    assert over == midnight - timedelta(hours=9, microseconds=1)
    for not_over in (None, TODAY + timedelta(days=1)):
        assert abs(replace(desk, as_of=not_over).now - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize("as_of", [TODAY, BEFORE - timedelta(days=30)])
def test_a_day_is_asked_for_again_after_every_change(desk: Desk, as_of: date) -> None:
    asked = count()

    def frame(self: Reader, query: str, **values: Any) -> polars.DataFrame:
        return polars.DataFrame({"times": [next(asked)]})

    past = replace(desk, as_of=as_of)
    with patch.object(Reader, "frame", frame):
        for snapshot, times in ((1, 0), (1, 0), (2, 1)):
            with patch("dashboard.desk.snapshot", lambda *_, number=snapshot: number):
                assert past.ask("judged")["times"].to_list() == [times]
