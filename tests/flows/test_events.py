from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars
import pytest
from prefect.server.events.schemas.automations import EventTrigger
from prefect.server.events.schemas.events import ReceivedEvent

from flows.automations import TRAIN, automations
from flows.backfill import backfill
from flows.daily_scoring import daily_scoring
from flows.events import RISES
from tasks.project import load_project
from tests.body import run_day
from tests.flows.homes import DAYS, landing_file, new_home, query
from tests.flows.prefect_runs import Record, Run, spoil

BEFORE, DAY = DAYS[2:4]

pytestmark = pytest.mark.usefixtures("prefect_here")


@pytest.fixture
def home(portfolio: Path, tmp_path: Path) -> Path:
    return new_home(portfolio, tmp_path / "home", [DAY])


@pytest.fixture(autouse=True)
def here(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCORING_HOME", str(home))
    # What a batch of few rows shows is drift at once.
    monkeypatch.setenv("SCORING_DRIFT_MIN_ROWS", "100")
    monkeypatch.setenv("SCORING_DRIFT_EXCEEDED_BATCHES", "1")


@pytest.fixture
def score(prefect_api: str) -> Callable[[], Run]:
    """Runs the daily flow for the day."""
    return lambda: Run(prefect_api, daily_scoring(DAY, return_state=True))


def shift(home: Path, *features: str, day: date = DAY) -> None:
    """Makes features of a day's applications far lower than those the model was trained on."""
    path = landing_file(home, day)
    rows = polars.read_csv(path, infer_schema=False, truncate_ragged_lines=True)
    lower = {"income": "9000", "employment_length": "0.5", "credit_score": "420"}
    path.write_text(rows.with_columns(**{name: polars.lit(lower[name]) for name in features}).write_csv())


def resource(origin: str) -> dict[str, str]:
    return {
        "prefect.resource.id": f"scoring.batch.{DAY}",
        "prefect.resource.name": f"Batch of {DAY}",
        "scoring.batch.date": str(DAY),
        "scoring.batch.origin": origin,
    }


def names(events: list[Any]) -> list[str]:
    return [event["event"] for event in events]


def starts_training(events: list[Any]) -> list[str]:
    """Which of the events start the training of a challenger."""
    (drift,) = [automation for automation in automations(uuid4(), "scoring") if automation.name == TRAIN]
    trigger = EventTrigger.model_validate(drift.trigger.model_dump(mode="json"))
    return names([event for event in events if trigger.covers(ReceivedEvent.model_validate(event))])


def test_a_published_batch(home: Path, score: Callable[[], Run]) -> None:
    first, again = score(), score()
    assert (first.end[1], again.end[1]) == ("Published", "AlreadyPublished")
    (event,) = first.events()
    rows = first.result.rows
    assert event["event"] == "scoring.batch.published"
    assert event["resource"] == resource("daily")
    assert event["payload"] == {
        "batch_id": first.result.batch_id,
        "revision": 1,
        "rows_received": rows.received,
        "rows_scored": rows.scored,
        "rows_quarantined": rows.quarantined,
    }
    # It leads to its run.
    related = {each["prefect.resource.role"]: each["prefect.resource.name"] for each in event["related"]}
    assert (related["flow"], related["flow-run"]) == ("daily-scoring", str(DAY))
    # What was published before does not happen again.
    assert again.events() == []


def test_a_blocked_batch(home: Path, score: Callable[[], Run]) -> None:
    spoil(home, DAY)
    run = score()
    (event,) = run.events()
    assert event["event"] == "scoring.batch.blocked"
    assert event["resource"] == resource("daily")
    ((received,),) = query(home, "SELECT rows_received FROM batches")
    assert event["payload"] == {
        "source": landing_file(home, DAY).name,
        "failures": list(run.result.failures),
        "rows_received": received,
    }


@pytest.mark.parametrize(
    ("features", "severity"),
    [(("income",), "warning"), (("income", "employment_length", "credit_score"), "critical")],
)
def test_a_batch_whose_features_drifted(
    home: Path, score: Callable[[], Run], features: tuple[str, ...], severity: str
) -> None:
    shift(home, *features)
    run = score()
    events = run.events()
    assert names(events) == ["scoring.batch.published", f"scoring.drift.{severity}"]
    assert [event["resource"] for event in events] == [resource("daily"), resource("daily") | {RISES: "yes"}]
    drift = events[1]["payload"]
    assert drift["batch_id"] == run.result.batch_id
    stored = query(home, "SELECT feature FROM drift_verdicts WHERE drifted AND feature <> 'score'")
    assert sorted(drift["drifted_features"]) == sorted(name for (name,) in stored)
    assert set(features) <= set(drift["drifted_features"])
    assert starts_training(events) == ([f"scoring.drift.{severity}"] if severity == "critical" else [])


def test_drift_that_lasts_is_told_and_starts_nothing_again(
    portfolio: Path, home: Path, score: Callable[[], Run]
) -> None:
    features = ("income", "employment_length", "credit_score")
    landing_file(home, BEFORE).write_bytes(landing_file(portfolio, BEFORE).read_bytes())
    shift(home, *features, day=BEFORE)
    shift(home, *features)
    run_day(load_project(), BEFORE)
    events = score().events()
    assert names(events) == ["scoring.batch.published", "scoring.drift.critical"]
    assert events[1]["resource"] == resource("daily") | {RISES: "no"}
    assert starts_training(events) == []


def test_the_origin_of_days_that_are_backfilled(home: Path, prefect_api: str) -> None:
    shift(home, "income", "employment_length", "credit_score")
    run = Run(prefect_api, backfill(DAY - timedelta(days=1), DAY, return_state=True))
    (child,) = run.children()
    events = Record(prefect_api, child["id"]).events()
    assert names(events) == ["scoring.batch.published", "scoring.drift.critical"]
    assert [event["resource"] for event in events] == [resource("backfill"), resource("backfill") | {RISES: "yes"}]
    assert starts_training(events) == []
