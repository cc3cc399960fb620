import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.__main__ import BLOCKED, ERROR
from tests.flows.commands import NOWHERE, assert_refused, keep_days, reporting_to, run_here, spoil
from tests.flows.homes import DAYS, contents, landing_file, project_at, query, run_cli
from tests.tasks.loans import make_champions

LAST = DAYS[-1]
# The files are of June 2026, whenever the tests are run.
ALWAYS = ["--days-back", "3650"]


def runs_named(api: str, name: str) -> list[Any]:
    """What the server knows of the flow runs of this name."""
    chosen = {"flow_runs": {"name": {"any_": [name]}}}
    found: list[Any] = httpx.post(f"{api}/flow_runs/filter", json=chosen).raise_for_status().json()
    return found


@pytest.mark.usefixtures("prefect_here")
def test_a_missing_file_is_an_error_and_an_alert_and_a_run_on_the_record(home: Path, prefect_api: str) -> None:
    score = ["score", "--batch-date", "2026-02-03"]
    for _ in range(2):
        assert_refused(run_here(home, *score), ERROR, "error: no file for 2026-02-03")
    (state,) = {(run["state_type"], run["state_name"]) for run in runs_named(prefect_api, "2026-02-03")}
    assert state == ("FAILED", "MissingFile")
    alerts = query(home, "SELECT kind, severity, batch_date, status FROM alerts")
    assert alerts == [("missing_file", "critical", date(2026, 2, 3), "open")]


@pytest.mark.usefixtures("prefect_here")
def test_a_closed_day_without_a_file_is_no_error(home: Path) -> None:
    score = ["score", "--batch-date", "2026-05-14"]
    found = run_here(home, *score, SCORING_HOLIDAYS="FR")
    assert (found.returncode, "Traceback" in found.stderr) == (0, False), found.stderr
    assert found.stdout.strip() == "2026-05-14 has no file, and need not have one: Ascension"
    assert not (home / "warehouse.duckdb").exists()


def test_without_a_champion_the_message_says_how_to_get_one(home: Path) -> None:
    shutil.rmtree(home / "models")
    assert_refused(run_here(home, "score", "--batch-date", str(LAST)), ERROR, "champion", "flows train")


@pytest.mark.usefixtures("prefect_here")
def test_more_than_one_file_for_a_date_is_an_error(home: Path) -> None:
    shutil.copy(landing_file(home, LAST), landing_file(home, LAST).with_suffix(".parquet"))
    found = run_here(home, "score", "--batch-date", str(LAST))
    assert_refused(found, ERROR, f"more than one file for {LAST}", f"applications_{LAST}.parquet")


@pytest.mark.usefixtures("prefect_here")
def test_a_backfill_goes_on_behind_a_bad_day_and_prints_the_days_that_need_a_person(home: Path) -> None:
    good, bad, last = DAYS[:3]
    keep_days(home, good, bad, last)
    spoil(home, bad)
    found = run_here(home, "backfill")
    assert_refused(found, BLOCKED)
    assert f"{bad}: blocked: the batch of {bad} ({landing_file(home, bad).name}) is blocked" in found.stdout
    assert "3 days: 1 blocked, 2 published" in found.stdout
    assert str(good) not in found.stdout
    assert query(home, "SELECT batch_date, status FROM batches ORDER BY ALL") == [
        (good, "published"),
        (bad, "blocked"),
        (last, "published"),
    ]


@pytest.mark.usefixtures("prefect_here")
def test_a_day_that_fails_counts_for_more_than_one_that_is_blocked(home: Path) -> None:
    blocked, failed, good = DAYS[:3]
    keep_days(home, blocked, failed, good)
    spoil(home, blocked)
    shutil.copy(landing_file(home, failed), landing_file(home, failed).with_suffix(".parquet"))
    found = run_here(home, "backfill", "--start", str(blocked), "--end", str(good))
    assert_refused(found, ERROR)
    assert f"{failed}: failed: more than one file for {failed}" in found.stdout
    assert "3 days: 1 blocked, 1 failed, 1 published" in found.stdout


def test_a_second_backfill_finds_everything_published_without_starting_prefect(home: Path, prefect_api: str) -> None:
    keep_days(home, *DAYS[:2])
    with reporting_to(prefect_api):
        assert run_here(home, "backfill", "--end", str(DAYS[1])).returncode == 0
    before = contents(home)
    with reporting_to(NOWHERE):
        found = run_here(home, "backfill")
    assert (found.returncode, found.stderr) == (0, "")
    assert "2 days already published; nothing to do" in found.stdout
    assert contents(home) == before


def test_a_backfill_of_a_period_without_files_is_an_error(home: Path) -> None:
    after = str(LAST + timedelta(days=1))
    assert_refused(run_here(home, "backfill", "--start", after), ERROR, "no file in", after)
    turned = run_here(home, "backfill", "--start", str(LAST), "--end", str(DAYS[0]))
    assert_refused(turned, ERROR, f"the period starts on {LAST} and ends before it, on {DAYS[0]}")


def test_a_backfill_counts_the_days_of_its_period_without_a_file(home: Path, prefect_api: str) -> None:
    first, missing, last = DAYS[:3]
    keep_days(home, first, last)
    period = ["backfill", "--start", str(first), "--end", str(last)]
    with reporting_to(prefect_api):
        found = run_here(home, *period)
    assert (found.returncode, "3 days: 1 no file, 2 published" in found.stdout) == (0, True), found.stderr
    with reporting_to(NOWHERE):
        assert "3 days: 2 already published, 1 no file" in run_here(home, *period).stdout
        closed = run_here(home, *period, SCORING_HOLIDAYS=str(missing))
    assert "2 days already published; nothing to do" in closed.stdout


def test_a_backfill_scores_with_the_champion_of_each_day_if_it_is_asked_to(home: Path, prefect_api: str) -> None:
    days = DAYS[:3]
    keep_days(home, *days)
    first, second = make_champions(project_at(home), days[0], days[2])
    by_day = ["backfill", "--champion-of", "that-day"]
    in_force = "SELECT model_version FROM batches WHERE status = 'published' ORDER BY batch_date"
    with reporting_to(prefect_api):
        assert "3 days: 3 published" in run_here(home, *by_day).stdout
        assert query(home, in_force) == [(first,), (first,), (second,)]
    before = contents(home)
    with reporting_to(NOWHERE):
        assert "3 days already published; nothing to do" in run_here(home, *by_day).stdout
    assert contents(home) == before
    # Today's champion is another one for two of the days.
    with reporting_to(prefect_api):
        assert "3 days: 1 already published, 2 published" in run_here(home, "backfill").stdout
    assert query(home, in_force) == [(second,)] * 3


def test_a_day_is_scored_with_its_own_champion_if_it_is_asked_for(home: Path, prefect_api: str) -> None:
    score = ["score", "--batch-date", str(DAYS[1]), "--champion-of", "that-day"]
    with reporting_to(NOWHERE):
        # The portfolio's champion is one since the test session began.
        assert_refused(
            run_here(home, *score), ERROR, f"there was no champion on {DAYS[1]}", "score with today's champion"
        )
    first, second = make_champions(project_at(home), DAYS[1], DAYS[2])
    with reporting_to(prefect_api):
        assert f"published as {DAYS[1]}-r1-" in run_here(home, *score).stdout
    with reporting_to(NOWHERE):
        assert "already published, nothing to do" in run_here(home, *score).stdout
    with reporting_to(prefect_api):
        assert f"published as {DAYS[1]}-r2-" in run_here(home, *score[:3]).stdout
    versions = query(home, "SELECT model_version, status FROM batches ORDER BY revision")
    assert versions == [(first, "superseded"), (second, "published")]


@pytest.mark.usefixtures("prefect_here")
def test_catching_up_takes_what_no_run_has_judged_and_then_nothing(home: Path) -> None:
    keep_days(home, *DAYS[:3])
    assert run_here(home, "backfill", "--end", str(DAYS[0])).returncode == 0
    found = run_here(home, "catch-up", *ALWAYS)
    assert (found.returncode, "2 days: 2 published" in found.stdout) == (0, True), found.stderr
    assert "Traceback" not in found.stderr
    before = contents(home)
    for days_back in (ALWAYS, ["--days-back", "0"]):
        again = run_here(home, "catch-up", *days_back)
        assert (again.returncode, again.stdout.strip()) == (0, "No file is waiting; nothing to do.")
    assert contents(home) == before


@pytest.mark.usefixtures("prefect_here")
def test_catching_up_leaves_a_blocked_file_alone_until_it_is_corrected(portfolio: Path, home: Path) -> None:
    bad, good = DAYS[:2]
    keep_days(home, bad, good)
    spoil(home, bad)
    found = run_here(home, "catch-up", *ALWAYS)
    assert_refused(found, BLOCKED)
    assert f"{bad}: blocked: the batch of {bad} ({landing_file(home, bad).name}) is blocked" in found.stdout
    assert "2 days: 1 blocked, 1 published" in found.stdout
    assert "No file is waiting" in run_here(home, "catch-up", *ALWAYS).stdout
    shutil.copy(landing_file(portfolio, bad), landing_file(home, bad))
    assert "1 day: 1 published" in run_here(home, "catch-up", *ALWAYS).stdout


@pytest.mark.usefixtures("prefect_here")
def test_catching_up_with_a_day_that_fails_ends_with_status_1(home: Path) -> None:
    blocked, failed = DAYS[:2]
    keep_days(home, blocked, failed)
    spoil(home, blocked)
    shutil.copy(landing_file(home, failed), landing_file(home, failed).with_suffix(".parquet"))
    for words in ("2 days: 1 blocked, 1 failed", "1 day: 1 failed"):
        found = run_here(home, "catch-up", *ALWAYS)
        assert_refused(found, ERROR)
        assert f"{failed}: failed: more than one file for {failed}" in found.stdout
        assert words in found.stdout


def test_a_file_that_came_late_is_taken_up_by_a_process_of_its_own(home: Path, prefect_api: str) -> None:
    keep_days(home, LAST)
    found = run_cli(home, "catch-up", *ALWAYS, api=prefect_api)
    assert (found.returncode, found.stdout) == (0, "1 day: 1 published\n"), found.stderr
    assert "Traceback" not in found.stderr
