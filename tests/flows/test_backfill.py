import json
import shutil
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.states import Running
from prefect.utilities.urls import url_for

from flows import backfill as flows_backfill
from flows.backfill import backfill, catch_up
from flows.daily_scoring import daily_scoring
from schemas.batch import ChampionOf
from schemas.errors import LandingError
from tasks.days import Day
from tests.flows.homes import DAYS, landing_file, new_home, project_at, query
from tests.flows.prefect_runs import Record, Run, schedule_runs_for, spoil

PERIOD = DAYS[:4]
FIRST, SECOND, THIRD, LAST = PERIOD

pytestmark = pytest.mark.usefixtures("prefect_here")


@pytest.fixture
def home(portfolio: Path, tmp_path: Path) -> Path:
    """Four days, which take seconds."""
    return new_home(portfolio, tmp_path / "home", PERIOD)


@pytest.fixture(autouse=True)
def here(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCORING_HOME", str(home))


@pytest.fixture
def fill(prefect_api: str) -> Callable[..., Run]:
    """Runs the backfill."""
    return lambda *given: Run(prefect_api, backfill(*given, return_state=True))


@pytest.fixture
def catch(prefect_api: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """Runs the catch-up as of a day."""

    def caught(today: date, days_back: int = 14) -> Run:
        schedule_runs_for(monkeypatch, datetime(today.year, today.month, today.day, 10, 30, tzinfo=UTC))
        return Run(prefect_api, catch_up(days_back, return_state=True))

    return caught


def ends(run: Run) -> list[tuple[date, str]]:
    """What became of each date."""
    days: list[Day] = run.result
    return [(day.batch_date, day.outcome) for day in days]


def all_of(dates: Iterable[date], outcome: str) -> list[tuple[date, str]]:
    return [(day, outcome) for day in dates]


def table_of(run: Run, key: str = "backfill") -> list[dict[str, str]]:
    return list(json.loads(run.artifacts()[key]["data"]))


def score(day: date) -> str | None:
    return daily_scoring(day, return_state=True).name


def double(home: Path, day: date) -> Path:
    """Puts a second file beside that of a day."""
    second = landing_file(home, day).with_suffix(".parquet")
    second.write_bytes(b"")
    return second


def correct(home: Path, portfolio: Path, day: date) -> None:
    shutil.copy2(landing_file(portfolio, day), landing_file(home, day))


def test_every_date_is_run_oldest_first_under_its_own_name_and_the_tag(home: Path, fill: Callable[..., Run]) -> None:
    run = fill()
    assert run.end == ("COMPLETED", "Completed", "4 days: 4 published")
    assert run.record["name"] == "the first to the last"
    assert ends(run) == all_of(PERIOD, "published")
    children = run.children()
    assert [(child["name"], child["state_name"], child["tags"]) for child in children] == [
        (str(day), "Published", ["backfill"]) for day in PERIOD
    ]
    assert query(home, "SELECT batch_date FROM batches ORDER BY finished_at") == [(day,) for day in PERIOD]


def test_the_table_says_what_became_of_each_date_and_where_to_look(fill: Callable[..., Run]) -> None:
    run = fill(SECOND, THIRD)
    assert run.record["name"] == f"{SECOND} to {THIRD}"
    rows = table_of(run)
    ids = [child["id"] for child in run.children()]
    assert [(row["batch_date"], row["outcome"], row["message"]) for row in rows] == [
        (str(day), "published", "") for day in (SECOND, THIRD)
    ]
    assert all(row["run"].endswith(f"/flow-run/{id_}") for row, id_ in zip(rows, ids, strict=True))


def test_the_progress_reaches_the_end(fill: Callable[..., Run]) -> None:
    progress = fill(SECOND, THIRD).artifacts()["progress"]
    assert progress["data"] == 100.0
    assert progress["description"] == f"2 of 2 days, the last one {THIRD}; 2 days: 2 published"


def test_a_bad_day_does_not_stop_the_next(home: Path, portfolio: Path, fill: Callable[..., Run]) -> None:
    spoil(home, FIRST)
    second = double(home, SECOND)
    run = fill(FIRST, THIRD)
    assert run.end == ("FAILED", "Incomplete", "3 days: 1 blocked, 1 failed, 1 published")
    assert [child["state_name"] for child in run.children()] == ["Blocked", "Failed", "Published"]
    rows = table_of(run)
    assert [(row["batch_date"], row["outcome"]) for row in rows] == [
        (str(FIRST), "blocked"),
        (str(SECOND), "failed"),
        (str(THIRD), "published"),
    ]
    assert f"the batch of {FIRST} ({landing_file(home, FIRST).name}) is blocked" in rows[0]["message"]
    assert "at most 5.00% allowed" in rows[0]["message"]
    assert rows[1]["message"].startswith(f"more than one file for {SECOND}")
    assert rows[2]["message"] == ""
    assert [row["run"].rpartition("/")[2] for row in rows] == [child["id"] for child in run.children()]
    assert run.artifacts()["progress"]["data"] == 100.0

    # Run again, it takes up what is not published, and nothing else.
    correct(home, portfolio, FIRST)
    second.unlink()
    again = fill(FIRST, THIRD)
    assert [child["name"] for child in again.children()] == [str(FIRST), str(SECOND)]
    assert again.end == ("COMPLETED", "Completed", "3 days: 1 already published, 2 published")
    assert [row["outcome"] for row in table_of(again)] == ["published", "published", "already published"]
    # A blocked batch is a revision too.
    published = "SELECT batch_date, revision FROM batches WHERE status = 'published' ORDER BY ALL"
    assert query(home, published) == [(FIRST, 2), (SECOND, 1), (THIRD, 1)]

    # And with nothing left it runs no date, and says so.
    done = fill(FIRST, THIRD)
    assert done.children() == []
    assert done.end == ("COMPLETED", "Completed", "3 days already published; nothing to do")
    assert set(done.artifacts()) == {"backfill"}


def test_the_days_without_a_file_are_listed_for_a_period_given_in_full(
    home: Path, fill: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    landing_file(home, SECOND).unlink()
    landing_file(home, THIRD).unlink()
    monkeypatch.setenv("SCORING_HOLIDAYS", str(THIRD))
    run = fill(FIRST, LAST + timedelta(days=1))
    assert ends(run) == [
        (FIRST, "published"),
        (SECOND, "no file"),
        # The third day is closed: nothing is missing.
        (LAST, "published"),
        (LAST + timedelta(days=1), "no file"),
    ]
    assert run.end == ("COMPLETED", "Completed", "4 days: 2 no file, 2 published")
    assert [row["outcome"] for row in table_of(run)] == [outcome for _, outcome in ends(run)]
    # Of a period without an end it is not known which days belong to it.
    assert ends(fill(FIRST)) == all_of((FIRST, LAST), "already published")


def test_a_period_without_any_file_fails_and_says_so(fill: Callable[..., Run]) -> None:
    run = fill(LAST + timedelta(days=1))
    assert run.end[:2] == ("FAILED", "Failed")
    assert "no file in" in run.end[2]
    assert isinstance(run.result, LandingError)


def test_the_champion_asked_for_is_that_of_every_day(home: Path, fill: Callable[..., Run]) -> None:
    # The only champion was made when the tests began, long after.
    run = fill(FIRST, FIRST, ChampionOf.THAT_DAY)
    assert ends(run) == [(FIRST, "failed")]
    assert "there was no champion on" in run.result[0].message
    assert ends(fill(FIRST, FIRST)) == [(FIRST, "published")]


def test_the_log_of_a_day_is_that_of_its_own_run(home: Path, fill: Callable[..., Run], prefect_api: str) -> None:
    run = fill(FIRST, FIRST)
    (child,) = run.children()
    assert [line for line in Record(prefect_api, child["id"]).logged() if line.startswith("gate: ")]
    assert not [line for line in run.logged() if line.startswith("gate: ")]


def test_a_run_that_is_taken_up_again_runs_what_is_left(
    home: Path, prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[UUID] = []

    def killed_once(kind: str, obj_id: UUID) -> str | None:
        calls.append(obj_id)
        if len(calls) == 2:
            # For the server the second day goes on for ever.
            with get_client(sync_client=True) as client:
                client.set_flow_run_state(obj_id, Running(), force=True)
            raise ConnectionError("the machine was switched off")
        return url_for(kind, obj_id=obj_id)

    monkeypatch.setattr(flows_backfill, "url_for", killed_once)
    run = Run(prefect_api, backfill.with_options(retries=1)(return_state=True))
    assert run.record["run_count"] == 2
    assert run.end == ("COMPLETED", "Completed", "4 days: 2 already published, 2 published")
    assert ends(run) == all_of(PERIOD[:2], "already published") + all_of(PERIOD[2:], "published")
    # No run is taken for that of another date.
    assert [(child["name"], child["parameters"]["batch_date"], child["state_name"]) for child in run.children()] == [
        (str(day), str(day), "Running" if day == SECOND else "Published") for day in PERIOD
    ]
    assert query(home, "SELECT batch_date, revision FROM batches ORDER BY ALL") == [(day, 1) for day in PERIOD]
    assert [row["batch_date"] for row in table_of(run)] == [str(day) for day in PERIOD]
    assert run.artifacts()["progress"]["data"] == 100.0


def test_a_blocked_day_is_run_anew_when_its_backfill_is_taken_up_again(
    home: Path, portfolio: Path, prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(home, FIRST)
    work = flows_backfill._end
    calls: list[Any] = []

    def failing_once(*given: Any) -> Any:
        calls.append(given)
        if len(calls) == 1:
            correct(home, portfolio, FIRST)
            raise ConnectionError("the server went away")
        return work(*given)

    monkeypatch.setattr(flows_backfill, "_end", failing_once)
    run = Run(prefect_api, backfill.with_options(retries=1)(FIRST, SECOND, return_state=True))
    assert ends(run) == [(FIRST, "published"), (SECOND, "already published")]
    assert [(child["name"], child["state_name"]) for child in run.children()] == [
        (str(FIRST), "Blocked"),
        (str(SECOND), "Published"),
        (str(FIRST), "Published"),
    ]


def test_catch_up_takes_up_late_and_corrected_files_and_nothing_else(
    home: Path, portfolio: Path, catch: Callable[..., Run]
) -> None:
    assert score(FIRST) == "Published"
    spoil(home, SECOND)
    assert score(SECOND) == "Blocked"
    # A file that is published is left alone, even if it changed since then.
    spoil(home, FIRST)
    # As of the third day: the last one is still to come.
    late = catch(THIRD)
    assert late.record["name"] == str(THIRD)
    assert [(child["name"], child["state_name"], child["tags"]) for child in late.children()] == [
        (str(THIRD), "Published", [])
    ]
    assert late.end == ("COMPLETED", "Completed", "1 day: 1 published")
    assert [row["outcome"] for row in table_of(late, "catch-up")] == ["published"]
    correct(home, portfolio, SECOND)
    corrected = catch(THIRD)
    assert ends(corrected) == [(SECOND, "published")]
    assert query(home, "SELECT batch_date FROM batches WHERE status = 'published' ORDER BY ALL") == [
        (FIRST,),
        (SECOND,),
        (THIRD,),
    ]
    nothing = catch(THIRD)
    assert nothing.end == ("COMPLETED", "Completed", "no file is waiting: nothing to do")
    assert (nothing.children(), nothing.artifacts(), nothing.result) == ([], {}, [])


def test_catch_up_looks_back_as_many_days_as_it_is_told(catch: Callable[..., Run]) -> None:
    assert ends(catch(THIRD, 1)) == all_of((SECOND, THIRD), "published")
    assert ends(catch(THIRD)) == [(FIRST, "published")]


def test_catch_up_ends_incomplete_when_a_day_needs_a_person(home: Path, catch: Callable[..., Run]) -> None:
    spoil(home, FIRST)
    double(home, SECOND)
    run = catch(SECOND)
    assert run.end == ("FAILED", "Incomplete", "2 days: 1 blocked, 1 failed")
    # The very same file is not judged twice; the day with two files still waits for one of them to go.
    assert ends(catch(SECOND)) == [(SECOND, "failed")]
    assert query(home, "SELECT count(*) FROM batches") == [(1,)]


def test_catch_up_finds_a_day_whose_alert_is_open_and_closes_it(home: Path, catch: Callable[..., Run]) -> None:
    waiting = landing_file(home, SECOND).rename(home / "on its way")
    assert score(SECOND) == "MissingFile"
    waiting.rename(landing_file(home, SECOND))
    assert ends(catch(SECOND)) == all_of((FIRST, SECOND), "published")
    assert query(home, "SELECT batch_date, status FROM alerts") == [(SECOND, "resolved")]
    assert project_at(home).reader.frame("open_alerts").is_empty()
