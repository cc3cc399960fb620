import asyncio
import re
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import polars
import pytest
from prefect import Task
from prefect.client.schemas.objects import State, TaskRun
from prefect.events.worker import EventsWorker
from prefect.states import Failed

from flows import steps
from flows.daily_scoring import daily_scoring
from schemas.errors import BatchBlocked, LandingError, ModelError, WarehouseError, WarehouseUnavailable
from tasks import gate, publish
from tests.flows.homes import DAYS, landing_file, query

LAST = DAYS[-1]
PUBLISHING = ["ingest", "find published", "gate", "score", "monitor", "publish"]

pytestmark = pytest.mark.usefixtures("prefect_here")


class Run:
    """A run of the daily flow within this process, and what the server knows of it."""

    def __init__(self, api: str, day: date) -> None:
        self.state: State[Any] = daily_scoring(day, return_state=True)
        EventsWorker.drain_all()
        self._api = api

    @property
    def result(self) -> Any:
        return self.state.result(raise_on_failure=False)

    @property
    def record(self) -> Any:
        return httpx.get(f"{self._api}/flow_runs/{self.state.state_details.flow_run_id}").raise_for_status().json()

    def artifacts(self) -> list[Any]:
        return self._of_run("artifacts")

    def task_runs(self) -> list[tuple[str, str, int]]:
        """Name, state and attempts of the steps in their order."""
        runs = sorted(self._of_run("task_runs"), key=lambda run: str(run["start_time"]))
        return [(re.sub(r"-\w+$", "", run["name"]), run["state_type"], run["run_count"]) for run in runs]

    def _of_run(self, kind: str) -> list[Any]:
        chosen = {"flow_runs": {"id": {"any_": [str(self.state.state_details.flow_run_id)]}}}
        found: list[Any] = httpx.post(f"{self._api}/{kind}/filter", json=chosen).raise_for_status().json()
        return found


@pytest.fixture(autouse=True)
def here(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCORING_HOME", str(home))


def failing(times: int, error: Exception, verb: Any) -> tuple[Any, list[int]]:
    """A verb that fails so many times before it does its work, and the list of its calls."""
    calls: list[int] = []

    def wobbly(*arguments: Any) -> Any:
        calls.append(len(calls))
        if len(calls) <= times:
            raise error
        return verb(*arguments)

    return wobbly, calls


def test_a_run_is_completed_with_the_steps_of_the_flow(home: Path, prefect_api: str) -> None:
    run = Run(prefect_api, LAST)
    assert (run.record["state_type"], run.record["name"]) == ("COMPLETED", str(LAST))
    assert run.task_runs() == [(name, "COMPLETED", 1) for name in PUBLISHING]
    # Nothing of the run is left behind.
    assert list((home / "staging").iterdir()) == []


def test_a_date_that_is_published_already_takes_two_steps_and_no_artifact(prefect_api: str) -> None:
    first, again = Run(prefect_api, LAST), Run(prefect_api, LAST)
    assert again.task_runs() == [("ingest", "COMPLETED", 1), ("find published", "COMPLETED", 1)]
    assert again.artifacts() == []
    assert (first.result.new, again.result.new) == (True, False)
    assert again.result.batch_id == first.result.batch_id


def test_the_artifact_says_what_came_of_the_day(home: Path, prefect_api: str) -> None:
    with landing_file(home, LAST).open("a") as file:
        file.write(f"bad-1,{LAST},17,40000,9000,6,700\nshort,line\n")
    run = Run(prefect_api, LAST)
    (artifact,) = run.artifacts()
    assert (artifact["key"], artifact["type"]) == (f"batch-{LAST}", "markdown")
    page, rows = artifact["data"], run.result.rows
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
    for band, count, score, probability in query(home, bands):
        assert f"| {band} | {count} | {score:.0f} | {probability:.2%} |" in page
    measured = query(home, "SELECT feature, statistic, drifted FROM drift")
    assert len(measured) > 5
    for feature, statistic, drifted in measured:
        assert re.search(rf"^\| {feature} \| {statistic} \| .* \| {'yes' if drifted else 'no'} \|$", page, re.M)


def test_a_blocked_batch_is_a_failed_run_with_an_artifact_that_says_why(home: Path, prefect_api: str) -> None:
    path = landing_file(home, LAST)
    bad = [f"bad-{number},{LAST},17,40000,9000,6,700" for number in range(100)]
    path.write_text("\n".join([*path.read_text().splitlines(), *bad]) + "\n")
    run = Run(prefect_api, LAST)
    assert run.record["state_type"] == "FAILED"
    assert isinstance(run.result, BatchBlocked)
    assert run.task_runs() == [(name, "COMPLETED", 1) for name in ["ingest", "find published", "gate", "refuse"]]
    (artifact,) = run.artifacts()
    page = artifact["data"]
    assert artifact["key"] == f"batch-{LAST}"
    assert f"# Batch of {LAST}: blocked" in page
    assert f"`{path.name}` is refused; nothing of it is published." in page
    # The first broken rows, in the words of the gate.
    reports = list((home / "reports").glob("blocked_*.csv"))
    broken = polars.read_csv(reports[0], infer_schema=False).row(0, named=True)
    assert f"{path.name}, row {broken['row_number']}: {broken['message']} ({broken['rule']})" in page
    assert "| quarantined_share | " in page


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
    home: Path, prefect_api: str, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    verb, calls = failing(2, error, publish.publish)
    step = steps._step("publish", verb, retries=3).with_options(retry_delay_seconds=0)
    monkeypatch.setattr(steps, "publish_batch", step)
    run = Run(prefect_api, LAST)
    assert run.record["state_type"] == "COMPLETED"
    assert run.task_runs()[-1] == ("publish", "COMPLETED", 3)
    assert len(calls) == 3
    assert query(home, "SELECT revision, status FROM batches") == [(1, "published")]


def test_a_fault_is_not_tried_again(home: Path, prefect_api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    verb, calls = failing(1, LandingError("it was written to while it was read"), gate.judge_source)
    monkeypatch.setattr(steps, "judge_source", steps._step("gate", verb, retries=2))
    run = Run(prefect_api, LAST)
    assert run.record["state_type"] == "FAILED"
    assert "it was written to while it was read" in run.record["state"]["message"]
    assert run.task_runs()[-1] == ("gate", "FAILED", 1)
    assert len(calls) == 1
    assert query(home, "SELECT count(*) FROM batches") == [(0,)]


def test_the_steps_that_read_or_write_are_those_that_are_tried_again() -> None:
    retries = {step.name: step.retries for step in vars(steps).values() if isinstance(step, Task)}
    assert {name for name, count in retries.items() if count == 0} == {"score", "monitor"}
    assert set(retries) == {*PUBLISHING, "refuse"}
