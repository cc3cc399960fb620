import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Timer
from typing import Any

import polars
import pytest
from prefect import Task
from prefect.client.schemas.objects import TaskRun
from prefect.states import Failed

from flows import steps
from flows.daily_scoring import daily_scoring, scheduled_date
from model.artifact import save_model
from model.champion import champion_identity, load_champion, promote, register
from schemas.batch import ChampionOf
from schemas.errors import (
    BatchBlocked,
    LandingError,
    MissingFile,
    ModelError,
    WarehouseError,
    WarehouseUnavailable,
)
from tasks import arrival, gate, publish
from tasks.project import Project
from tests.flows.homes import DAYS, landing_file, project_at, query
from tests.flows.prefect_runs import Run, schedule_runs_for, spoil
from warehouse.monitoring import TABLES

LAST = DAYS[-1]
# A day whose file never came, and one whose file is not due for a long time.
MISSING, FUTURE = DAYS[0] - timedelta(days=1), date(2150, 6, 30)
PUBLISHING = ["ingest", "find published", "gate", "score", "monitor", "publish", "report"]

pytestmark = pytest.mark.usefixtures("prefect_here")


@pytest.fixture(autouse=True)
def here(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCORING_HOME", str(home))


@pytest.fixture
def score(prefect_api: str) -> Callable[..., Run]:
    """Runs the daily flow."""
    return lambda *given: Run(prefect_api, daily_scoring(*given, return_state=True))


def failing(times: int, error: Exception, verb: Any) -> tuple[Any, list[int]]:
    """A verb that fails so many times before it does its work, and the list of its calls."""
    calls: list[int] = []

    def wobbly(*arguments: Any) -> Any:
        calls.append(len(calls))
        if len(calls) <= times:
            raise error
        return verb(*arguments)

    return wobbly, calls


def test_a_run_is_published_with_the_steps_of_the_flow(home: Path, score: Callable[..., Run]) -> None:
    run = score(LAST)
    rows = run.result.rows
    counts = f"{rows.received} rows received, {rows.scored} scored, {rows.quarantined} quarantined"
    assert run.end == ("COMPLETED", "Published", f"{run.result.batch_id}: {counts}")
    assert run.record["name"] == str(LAST)
    assert run.task_runs() == [(name, "COMPLETED", 1) for name in PUBLISHING]
    # Nothing of the run is left behind.
    assert list((home / "staging").iterdir()) == []


def test_a_date_that_is_published_already_takes_two_steps_and_no_artifact(score: Callable[..., Run]) -> None:
    first, again = score(LAST), score(LAST)
    assert again.task_runs() == [("ingest", "COMPLETED", 1), ("find published", "COMPLETED", 1)]
    assert again.artifacts() == {}
    assert (first.result.new, again.result.new) == (True, False)
    assert again.end == ("COMPLETED", "AlreadyPublished", first.end[2])


def test_the_artifact_says_what_came_of_the_day(
    home: Path, score: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCORING_DRIFT_MIN_ROWS", "100")
    with landing_file(home, LAST).open("a") as file:
        file.write(f"bad-1,{LAST},17,40000,9000,6,700\nshort,line\n")
    run = score(LAST)
    page, rows = run.artifacts()[f"batch-{LAST}"]["data"], run.result.rows
    figures = "SELECT rows_approved / rows_scored FROM batches"
    approved = f"{query(home, figures)[0][0]:.1%}"
    assert f"# Batch of {LAST}, revision 1" in page
    assert "| rows in | scored | quarantined | approval rate |" in page
    assert f"| {rows.received} | {rows.scored} | {rows.quarantined} | {approved} |" in page
    rules = query(home, "SELECT rule, field, count(*) FROM quarantine GROUP BY ALL")
    assert {("below_minimum", "age"), ("malformed_row", None)} <= {(rule, field) for rule, field, _ in rules}
    for rule, field, count in rules:
        assert f"| {rule}:{field} | {count} |".replace(":None", "") in page
    for decision, count in query(home, "SELECT decision, count(*) FROM scores GROUP BY decision"):
        assert f"| {decision} | {count} |" in page
    bands = "SELECT band, count(*), avg(score), avg(probability_of_default) FROM scores GROUP BY band"
    for band, count, points, probability in query(home, bands):
        assert f"| {band} | {count} | {points:.0f} | {probability:.2%} |" in page
    measured = query(home, "SELECT feature, statistic, drifted FROM drift")
    assert len(measured) > 5
    for feature, statistic, drifted in measured:
        # The last cell is of the trailing window, of which there is none yet.
        assert re.search(rf"^\| {feature} \| {statistic} \| .* \| {'yes' if drifted else 'no'} \|  \|$", page, re.M)


def test_gate_drift_and_quality_of_a_published_batch_are_tables(
    home: Path, score: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCORING_DRIFT_MIN_ROWS", "100")
    artifacts = score(LAST).artifacts()
    assert {key: artifact["type"] for key, artifact in artifacts.items()} == {
        f"batch-{LAST}": "markdown",
        f"gate-{LAST}": "table",
        f"drift-{LAST}": "table",
        f"quality-{LAST}": "table",
        f"report-{LAST}": "markdown",
    }
    tables = {name: json.loads(artifacts[f"{name}-{LAST}"]["data"]) for name in ("gate", "drift", "quality")}
    results = query(home, "SELECT check_name, observed, threshold, severity, passed, message FROM gate_results")
    assert sorted(tuple(row.values()) for row in tables["gate"]) == sorted(results)
    assert list(tables["gate"][0]) == ["check", "observed", "allowed", "severity", "passed", "message"]
    for name in ("drift", "quality"):
        stored = query(home, f"SELECT {', '.join(TABLES[name])} FROM {name}")
        assert len(stored) > 5
        assert sorted(tuple(row.values()) for row in tables[name]) == sorted(stored)


def test_a_blocked_batch_is_a_failed_run_with_an_artifact_that_says_why(home: Path, score: Callable[..., Run]) -> None:
    spoil(home, LAST)
    run = score(LAST)
    assert isinstance(run.result, BatchBlocked)
    assert run.end == ("FAILED", "Blocked", run.result.failures[0])
    assert re.fullmatch(r"\d+ of \d+ rows quarantined \(\d+\.\d\d%\); at most 5\.00% allowed", run.end[2])
    assert run.task_runs() == [(name, "COMPLETED", 1) for name in ["ingest", "find published", "gate", "refuse"]]
    artifacts = run.artifacts()
    assert set(artifacts) == {f"batch-{LAST}", f"gate-{LAST}", f"report-{LAST}"}
    page = artifacts[f"batch-{LAST}"]["data"]
    name = landing_file(home, LAST).name
    assert f"# Batch of {LAST}: blocked" in page
    assert f"`{name}` is refused; nothing of it is published." in page
    # The first broken rows, in the words of the gate.
    reports = list((home / "reports").glob("blocked_*.csv"))
    broken = polars.read_csv(reports[0], infer_schema=False).row(0, named=True)
    assert f"{name}, row {broken['row_number']}: {broken['message']} ({broken['rule']})" in page
    assert "| quarantined_share | " in page
    checks = {row["check"]: row for row in json.loads(artifacts[f"gate-{LAST}"]["data"])}
    share = checks["quarantined_share"]
    assert (share["severity"], share["passed"], share["message"]) == ("critical", False, run.end[2])


@pytest.mark.parametrize("served", ["", "https://reports.example/scoring", "https://reports.example/scoring/"])
def test_a_link_leads_to_the_broken_rows(
    home: Path, score: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, served: str
) -> None:
    monkeypatch.setenv("SCORING_REPORTS_URL", served)
    spoil(home, LAST)
    link = score(LAST).artifacts()[f"report-{LAST}"]
    (report,) = (home / "reports").glob("*.csv")
    address = f"https://reports.example/scoring/{report.name}" if served else report.as_uri()
    assert link["data"] == f"[Broken rows of {landing_file(home, LAST).name} (CSV)]({address})"
    assert str(report) in link["description"]


def test_a_blocked_batch_without_broken_rows_has_no_link(home: Path, score: Callable[..., Run]) -> None:
    landing_file(home, LAST).write_text("application_id,age\nA-1,40\n")
    run = score(LAST)
    assert run.end[:2] == ("FAILED", "Blocked")
    assert run.end[2].startswith(f"{landing_file(home, LAST).name}: missing columns: income")
    assert set(run.artifacts()) == {f"batch-{LAST}", f"gate-{LAST}"}


def test_a_gate_that_blocked_is_not_repeated_when_its_verdict_cannot_be_written_at_once(
    home: Path, score: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(home, LAST)
    judge, judged = failing(0, OSError(), gate.judge_source)
    refuse, refused = failing(2, OSError(28, "No space left on device"), publish.refuse)
    monkeypatch.setattr(steps, "judge_source", steps._step("gate", judge, retries=2))
    retried = steps._step("refuse", refuse, retries=3).with_options(retry_delay_seconds=0)
    monkeypatch.setattr(steps, "refuse_batch", retried)
    run = score(LAST)
    assert run.end[1] == "Blocked"
    assert run.task_runs()[-2:] == [("gate", "COMPLETED", 1), ("refuse", "COMPLETED", 3)]
    assert (len(judged), len(refused)) == (1, 3)
    assert query(home, "SELECT revision, status FROM batches") == [(1, "blocked")]


def test_a_missing_file_raises_one_alert_however_often_it_is_asked_for(home: Path, score: Callable[..., Run]) -> None:
    first, again = score(MISSING), score(MISSING)
    for run in (first, again):
        assert run.end[:2] == ("FAILED", "MissingFile")
        assert run.end[2].startswith(
            f"no file for {MISSING} in {home / 'landing'}; expected applications_{MISSING}.csv"
        )
        assert isinstance(run.result, MissingFile)
        assert run.task_runs() == [("ingest", "FAILED", 1), ("report missing file", "COMPLETED", 1)]
        assert run.artifacts() == {}
    question = "SELECT kind, severity, batch_date, subject, status FROM alerts"
    assert query(home, question) == [("missing_file", "critical", MISSING, f"applications_{MISSING}", "open")]
    ((said,),) = query(home, "SELECT message FROM alerts")
    assert "it was due at 07:00 (Europe/Paris)" in said
    assert [(event["event"], event["payload"]) for event in first.events()] == [
        ("scoring.batch.missing", {"message": first.end[2]})
    ]
    assert again.events() == []


def test_a_file_that_is_asked_for_before_it_is_due_raises_no_alert(home: Path, score: Callable[..., Run]) -> None:
    assert score(LAST).end[1] == "Published"
    run = score(FUTURE)
    assert run.end[:2] == ("FAILED", "MissingFile")
    assert query(home, "SELECT count(*) FROM alerts") == [(0,)]
    assert run.events() == []


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("SCORING_WEEKDAYS", "mon tue wed thu fri sat", "Sunday"),
        ("SCORING_HOLIDAYS", "2026-06-14", "named in SCORING_HOLIDAYS"),
    ],
)
def test_no_file_is_expected_on_a_closed_day(
    home: Path, score: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, setting: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(setting, value)
    assert (MISSING.weekday(), str(MISSING)) == (6, "2026-06-14")
    run = score(MISSING)
    message = f"{MISSING} has no file, and need not have one: {reason}"
    assert run.end == ("COMPLETED", "NoFileExpected", message)
    assert run.task_runs() == []
    # Not even a warehouse is made.
    assert not (home / "warehouse.duckdb").exists()


def test_a_file_that_is_there_on_a_closed_day_is_scored(
    home: Path, score: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCORING_HOLIDAYS", f"{LAST} {DAYS[0]}")
    assert score(LAST).end[1] == "Published"
    # And so is one that is named by hand.
    elsewhere = landing_file(home, DAYS[0]).rename(home / "by_hand.csv")
    assert score(DAYS[0]).end[1] == "NoFileExpected"
    assert score(DAYS[0], elsewhere).end[1] == "Published"


@pytest.mark.parametrize(
    ("scheduled", "expected"),
    [
        ("2026-01-14T22:59:59+00:00", date(2026, 1, 14)),
        ("2026-01-14T23:00:00+00:00", date(2026, 1, 15)),
        ("2026-06-30T21:59:59+00:00", date(2026, 6, 30)),
        ("2026-06-30T22:00:00+00:00", date(2026, 7, 1)),
        ("2026-06-30T00:30:00+02:00", date(2026, 6, 30)),
        # The clocks go forward: midnight is an hour earlier in UTC the day after.
        ("2026-03-28T22:59:59+00:00", date(2026, 3, 28)),
        ("2026-03-28T23:00:00+00:00", date(2026, 3, 29)),
        ("2026-03-29T00:59:59+00:00", date(2026, 3, 29)),
        ("2026-03-29T01:00:00+00:00", date(2026, 3, 29)),
        ("2026-03-29T21:59:59+00:00", date(2026, 3, 29)),
        ("2026-03-29T22:00:00+00:00", date(2026, 3, 30)),
        # And back.
        ("2026-10-24T21:59:59+00:00", date(2026, 10, 24)),
        ("2026-10-24T22:00:00+00:00", date(2026, 10, 25)),
        ("2026-10-25T00:59:59+00:00", date(2026, 10, 25)),
        ("2026-10-25T01:00:00+00:00", date(2026, 10, 25)),
        ("2026-10-25T22:59:59+00:00", date(2026, 10, 25)),
        ("2026-10-25T23:00:00+00:00", date(2026, 10, 26)),
    ],
)
def test_the_date_of_a_run_is_that_of_its_scheduled_time_in_the_business_timezone(
    home: Path, monkeypatch: pytest.MonkeyPatch, scheduled: str, expected: date
) -> None:
    schedule_runs_for(monkeypatch, datetime.fromisoformat(scheduled))
    assert scheduled_date(project_at(home, timezone="Europe/Paris")) == expected


def test_without_a_date_a_run_takes_the_one_it_was_scheduled_for(
    score: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    # In Paris it is the next day already.
    schedule_runs_for(monkeypatch, datetime(2026, 6, 29, 22, 30, tzinfo=UTC))
    run = score()
    assert (run.end[1], run.result.batch_date, run.record["name"]) == ("Published", LAST, str(LAST))


def test_a_scheduled_run_waits_for_a_file_that_is_not_due_yet(
    home: Path, score: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrival, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(arrival, "SETTLED_SECONDS", 0.0)
    schedule_runs_for(monkeypatch, datetime(FUTURE.year, FUTURE.month, FUTURE.day, 4, tzinfo=UTC))
    sender = Timer(2, lambda: landing_file(home, LAST).rename(landing_file(home, FUTURE)))
    sender.start()
    run = score()
    sender.join()
    assert (run.end[1], run.result.batch_date) == ("Published", FUTURE)
    assert f"no complete file for {FUTURE} yet: waiting until 07:00" in run.logged()


def test_a_day_is_scored_with_the_champion_asked_for(home: Path, project: Project, score: Callable[..., Run]) -> None:
    models = project.settings.path("models")
    former = champion_identity(models)[0]
    model = load_champion(models, project.contract).model
    present = save_model(models, replace(model, training=replace(model.training, seed=1)), "card").version
    (models / "champion.json").unlink()
    register(models, former, at=project.calendar.due(DAYS[0]))
    promote(models, present, at=project.calendar.due(LAST) + timedelta(seconds=1))

    assert score(LAST, None, ChampionOf.THAT_DAY).end[1] == "Published"
    assert score(LAST, None, ChampionOf.THAT_DAY).end[1] == "AlreadyPublished"
    # Another model is another batch.
    assert score(LAST).end[1] == "Published"
    question = "SELECT model_version, revision, status FROM batches ORDER BY revision"
    assert query(home, question) == [(former, 1, "superseded"), (present, 2, "published")]
    early = score(DAYS[0] - timedelta(days=1), landing_file(home, DAYS[0]), ChampionOf.THAT_DAY)
    assert early.end[:2] == ("FAILED", "Failed")
    assert isinstance(early.result, ModelError)


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (OSError(5, "Input/output error"), True),
        (ConnectionError("reset"), True),
        (WarehouseUnavailable("held"), True),
        (WarehouseError("of a later layout"), False),
        (LandingError("no file"), False),
        (ModelError("no champion"), False),
        (ValueError("a fault of the program"), False),
    ],
)
def test_passing_trouble_is_told_from_faults(error: Exception, passes: bool) -> None:
    step: Task[..., Any] = steps.publish_batch
    run = TaskRun(task_key="publish", dynamic_key="0")
    assert asyncio.run(steps._is_passing_trouble(step, run, Failed(data=error))) is passes


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), WarehouseUnavailable("held")])
def test_a_step_in_passing_trouble_is_tried_again(
    home: Path, score: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    verb, calls = failing(2, error, publish.publish)
    step = steps._step("publish", verb, retries=3).with_options(retry_delay_seconds=0)
    monkeypatch.setattr(steps, "publish_batch", step)
    run = score(LAST)
    assert run.end[1] == "Published"
    assert ("publish", "COMPLETED", 3) in run.task_runs()
    assert len(calls) == 3
    assert query(home, "SELECT revision, status FROM batches") == [(1, "published")]


def test_a_fault_is_not_tried_again(home: Path, score: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    verb, calls = failing(1, LandingError("it was written to while it was read"), gate.judge_source)
    monkeypatch.setattr(steps, "judge_source", steps._step("gate", verb, retries=2))
    run = score(LAST)
    assert run.end[:2] == ("FAILED", "Failed")
    assert "it was written to while it was read" in run.end[2]
    assert run.task_runs()[-1] == ("gate", "FAILED", 1)
    assert len(calls) == 1
    assert query(home, "SELECT count(*) FROM batches") == [(0,)]


def test_the_steps_that_read_or_write_are_those_that_are_tried_again() -> None:
    retries = {step.name: step.retries for step in vars(steps).values() if isinstance(step, Task)}
    assert {name for name, count in retries.items() if count == 0} == {"report"}
    others = {"refuse", "report missing file", "train", "load outcomes", "update performance", "load predictions"}
    assert set(retries) == {*PUBLISHING, *others, "send alerts", "remove what is over age", "keep up the lake"}
