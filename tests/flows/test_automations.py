from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import State
from prefect.flow_engine import run_flow
from prefect.server.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.server.events.schemas.events import ReceivedEvent, RelatedResource, Resource
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.states import Crashed, Pending, Running

from flows.automations import ATTEMPTS, CLEARED, SILENT, STUCK, TRAIN, automations
from flows.daily_scoring import daily_scoring
from tests.flows.prefect_runs import wait_for_events

POOL = "pool-of-these-tests"
TRAINING = uuid4()
DIED, STUCK_RUNS, CRASHED = "Notice runs that died", "Notice runs that never started", "Take up crashed runs again"
# All names that runs of the project end under.
ENDS = {
    *("Completed", "Failed", "Crashed", "Cancelled"),
    *("Published", "AlreadyPublished", "NoFileExpected", "Blocked", "MissingFile", "Incomplete"),
}
# As a server reads them from what the client sends.
AUTOMATIONS = {
    automation.name: AutomationCore.model_validate(automation.model_dump(mode="json"))
    for automation in automations(TRAINING, POOL)
}


def trigger_of(name: str) -> EventTrigger:
    trigger = AUTOMATIONS[name].trigger
    assert isinstance(trigger, EventTrigger)
    return trigger


def event_of(event: str, resource: dict[str, str], *related: dict[str, str]) -> ReceivedEvent:
    return ReceivedEvent(
        id=uuid4(),
        occurred=datetime.now(UTC),
        event=event,
        resource=Resource(resource),
        related=[RelatedResource(each) for each in related],
    )


def of_run(event: str, pool: str | None = POOL, run_count: int = 1) -> ReceivedEvent:
    """An event of a flow run, which belongs to a work pool or to none."""
    pools = {"prefect.resource.id": f"prefect.work-pool.{uuid4()}", "prefect.resource.role": "work-pool"}
    return event_of(
        f"prefect.flow-run.{event}",
        {"prefect.resource.id": f"prefect.flow-run.{uuid4()}", "prefect.run-count": str(run_count)},
        {
            "prefect.resource.id": f"prefect.flow.{uuid4()}",
            "prefect.resource.role": "flow",
            "prefect.resource.name": POOL,
        },
        *([{**pools, "prefect.resource.name": pool}] if pool else []),
    )


def of_batch(event: str, **labels: str) -> ReceivedEvent:
    return event_of(event, {"prefect.resource.id": "scoring.batch.2026-06-30", **labels})


def test_names_are_their_own_and_descriptions_say_what_happens() -> None:
    assert set(AUTOMATIONS) == {DIED, STUCK_RUNS, CRASHED, TRAIN}
    assert all(automation.description.endswith(".") and automation.enabled for automation in AUTOMATIONS.values())


DAILY, RISES = {"scoring.batch.origin": "daily"}, {"scoring.drift.rises": "yes"}


def test_critical_drift_starts_the_training_of_a_challenger() -> None:
    (action,) = AUTOMATIONS[TRAIN].actions
    assert action.model_dump(include={"type", "deployment_id", "parameters"}) == {
        "type": "run-deployment",
        "deployment_id": TRAINING,
        "parameters": {"challenger_only": True},
    }
    trigger = trigger_of(TRAIN)
    assert trigger.immediate
    assert trigger.meets_threshold(1)
    assert trigger.covers(of_batch("scoring.drift.critical", **DAILY, **RISES))


@pytest.mark.parametrize(
    "event",
    [
        of_batch("scoring.drift.critical", **{"scoring.batch.origin": "backfill"}, **RISES),
        of_batch("scoring.drift.critical", **RISES),
        # It was critical the day before already.
        of_batch("scoring.drift.critical", **DAILY, **{"scoring.drift.rises": "no"}),
        of_batch("scoring.drift.warning", **DAILY, **RISES),
        of_batch("scoring.batch.published", **DAILY),
        of_batch("scoring.batch.blocked", **DAILY),
        event_of("scoring.drift.critical", {"prefect.resource.id": "another.batch", **DAILY, **RISES}),
    ],
)
def test_nothing_else_does(event: ReceivedEvent) -> None:
    trigger = trigger_of(TRAIN)
    assert not (trigger.covers(event) and trigger.expects(event.event))


@pytest.mark.parametrize(
    ("name", "within", "after", "heard"),
    [
        (DIED, SILENT, {"heartbeat"}, {"heartbeat", *ENDS}),
        (STUCK_RUNS, STUCK, {"Pending", "Submitting"}, {"Running", "Late", "AwaitingConcurrencySlot", *ENDS}),
        (CRASHED, CLEARED, {"Crashed"}, {"AwaitingRetry", "Scheduled", "Running"}),
    ],
)
def test_something_is_done_about_a_run_when_nothing_is_heard_of_it_for_some_time(
    name: str, within: timedelta, after: set[str], heard: set[str]
) -> None:
    trigger = trigger_of(name)
    assert (trigger.posture, trigger.within) == (Posture.Proactive, within)
    assert (trigger.meets_threshold(0), trigger.meets_threshold(1)) == (True, False)
    states = {"heartbeat", "Scheduled", "AwaitingRetry", "Late", "Pending", "Submitting", "Running", *ENDS}
    assert {state for state in states if trigger.starts_after(of_run(state).event)} == after
    assert all(trigger.covers(of_run(state)) for state in after | heard)
    assert all(trigger.expects(of_run(state).event) for state in heard)
    # Each run has a silence of its own.
    one, other = of_run("Pending"), of_run("Pending")
    assert trigger.bucketing_key(one) == (one.resource.id,) != trigger.bucketing_key(other)


@pytest.mark.parametrize("name", [DIED, STUCK_RUNS, CRASHED])
def test_runs_that_no_worker_of_the_pool_has_started_are_left_alone(name: str) -> None:
    for state in ("heartbeat", "Pending", "Crashed"):
        assert not trigger_of(name).covers(of_run(state, pool="another"))
        assert not trigger_of(name).covers(of_run(state, pool=None))


@pytest.mark.parametrize(
    ("name", "state", "state_name"),
    [(DIED, "CRASHED", None), (STUCK_RUNS, "CRASHED", None), (CRASHED, "SCHEDULED", "AwaitingRetry")],
)
def test_what_becomes_of_a_run(name: str, state: str, state_name: str | None) -> None:
    (action,) = AUTOMATIONS[name].actions
    found = action.model_dump(mode="json")
    assert (found["type"], found["state"], found["name"]) == ("change-flow-run-state", state, state_name)
    # A run that has ended in the meantime is left as it is.
    assert found["force"] is False


def test_a_run_is_taken_up_again_until_it_has_crashed_so_often() -> None:
    trigger = trigger_of(CRASHED)
    taken_up = [count for count in range(ATTEMPTS + 3) if trigger.covers(of_run("Crashed", run_count=count))]
    assert taken_up == list(range(ATTEMPTS))


@pytest.mark.usefixtures("prefect_here")
def test_what_a_server_tells_of_a_run_of_the_pool_is_what_they_listen_to(
    home: Path, prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCORING_HOME", str(home))
    monkeypatch.setenv("SCORING_HOLIDAYS", "2026-01-01")
    closed = {"batch_date": date(2026, 1, 1)}
    with get_client(sync_client=True) as client, temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: 30}):
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process"), overwrite=True)
        deployment = client.create_deployment(client.create_flow(daily_scoring), POOL, work_pool_name=POOL)
        ran = client.create_flow_run_from_deployment(deployment)
        run_flow(daily_scoring, flow_run=ran, parameters=closed, return_type="state")
        crashed = client.create_flow_run_from_deployment(deployment)
        states: list[State[Any]] = [Pending(), Running(), Crashed()]
        for state in states:
            client.set_flow_run_state(crashed.id, state)
        wait_for_events(prefect_api)
        # The server is shared.
        client.delete_deployment(deployment)
        client.delete_work_pool(POOL)

    def told(run: UUID) -> dict[str, ReceivedEvent]:
        chosen = {"filter": {"resource": {"id": [f"prefect.flow-run.{run}"]}}}
        events = httpx.post(f"{prefect_api}/events/filter", json=chosen).raise_for_status().json()["events"]
        return {event["event"].rpartition(".")[2]: ReceivedEvent.model_validate(event) for event in events}

    of_ran, of_crashed = told(ran.id), told(crashed.id)
    assert {"heartbeat", "Running", "NoFileExpected"} <= set(of_ran)
    assert all(trigger_of(DIED).covers(of_ran[name]) for name in ("heartbeat", "NoFileExpected"))
    assert trigger_of(STUCK_RUNS).covers(of_crashed["Pending"])
    assert trigger_of(STUCK_RUNS).covers(of_crashed["Running"])
    assert trigger_of(DIED).covers(of_crashed["Crashed"])
    assert trigger_of(CRASHED).covers(of_crashed["Crashed"])
    assert of_crashed["Crashed"].resource["prefect.run-count"] == "1"
