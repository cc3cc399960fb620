"""Flow runs within the test's own process, and what the session's Prefect server knows of them."""

import re
import time
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.runtime import flow_run

from flows.ends import result_of
from tests.flows.homes import landing_file

PATIENCE = 30.0


class Record:
    """What the server knows of a flow run."""

    def __init__(self, api: str, run_id: str) -> None:
        self._api, self._id = api, run_id

    @property
    def record(self) -> Any:
        return httpx.get(f"{self._api}/flow_runs/{self._id}").raise_for_status().json()

    @property
    def end(self) -> tuple[str, str, str]:
        """Type, name and message of the state it ended in."""
        state = self.record["state"]
        return state["type"], state["name"], state["message"]

    def artifacts(self) -> dict[str, Any]:
        """Artifacts by their key, the last one of each; the progress artifact has none, and goes by its type."""
        # What a run raised is an artifact too for Prefect, one without a type.
        made = [artifact for artifact in self._of_run("artifacts") if artifact["type"]]
        made.sort(key=lambda artifact: str(artifact["created"]))
        return {artifact["key"] or artifact["type"]: artifact for artifact in made}

    def task_runs(self) -> list[tuple[str, str, int]]:
        """Name, state and attempts of the steps in their order."""
        runs = sorted(self._of_run("task_runs"), key=lambda run: str(run["start_time"]))
        return [(re.sub(r"-\w+$", "", run["name"]), run["state_type"], run["run_count"]) for run in runs]

    def children(self) -> list[Any]:
        """The runs it started, in their order."""
        chosen = {"flow_runs": {"parent_flow_run_id": {"any_": [self._id]}}, "sort": "START_TIME_ASC"}
        return list(self._ask("flow_runs", chosen))

    def logged(self) -> list[str]:
        """The lines of its log."""
        APILogWorker.instance().drain()
        return [line["message"] for line in self._ask("logs", {"logs": {"flow_run_id": {"any_": [self._id]}}})]

    def events(self) -> list[Any]:
        """The project's own events of the run, oldest first."""
        wait_for_events(self._api)
        chosen = {"event": {"prefix": ["scoring."]}, "related": {"id": [f"prefect.flow-run.{self._id}"]}}
        return list(self._ask("events", {"filter": {**chosen, "order": "ASC"}})["events"])

    def _of_run(self, kind: str) -> list[Any]:
        return list(self._ask(kind, {"flow_runs": {"id": {"any_": [self._id]}}}))

    def _ask(self, kind: str, chosen: dict[str, Any]) -> Any:
        return httpx.post(f"{self._api}/{kind}/filter", json=chosen).raise_for_status().json()


class Run(Record):
    """A flow run that has ended within this process."""

    def __init__(self, api: str, state: State[Any]) -> None:
        self.state = state
        # Prefect sends task runs and events behind a run's back.
        EventsWorker.drain_all()
        super().__init__(api, str(state.state_details.flow_run_id))

    @property
    def result(self) -> Any:
        return result_of(self.state)


def wait_for_events(api: str) -> None:
    """Returns when the server has on record what was emitted so far: it writes events down some seconds later."""
    mark = f"tests.mark.{uuid4()}"
    emit_event(mark, resource={"prefect.resource.id": mark})
    EventsWorker.drain_all()
    chosen = {"filter": {"event": {"name": [mark]}}}
    deadline = time.monotonic() + PATIENCE
    while not httpx.post(f"{api}/events/filter", json=chosen).raise_for_status().json()["events"]:
        assert time.monotonic() < deadline, "events do not arrive"
        time.sleep(0.1)


def schedule_runs_for(monkeypatch: pytest.MonkeyPatch, instant: Any) -> None:
    """Makes Prefect say that runs are scheduled for an instant, which without a scheduler is when they begin."""
    # The module has no such attribute until it is asked for; setattr would leave one behind.
    monkeypatch.setitem(vars(flow_run), "scheduled_start_time", instant)


def spoil(home: Path, day: date) -> None:
    """Adds so many bad rows to the landing file of a day that the gate blocks it."""
    with landing_file(home, day).open("a") as file:
        file.writelines(f"bad-{number},{day},17,40000,9000,6,700\n" for number in range(100))
