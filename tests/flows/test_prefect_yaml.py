import asyncio
import importlib
import pkgutil
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import prefect
import pytest
import yaml
from prefect import Flow
from prefect.cli.deploy._models import PrefectYamlModel
from prefect.client.schemas.objects import ConcurrencyLimitStrategy
from prefect.client.schemas.schedules import CronSchedule
from prefect.exceptions import ParameterTypeError
from prefect.flows import load_flow_from_entrypoint
from prefect.server.schemas import schedules
from prefect.utilities.callables import parameter_schema
from prefect.utilities.schema_tools.validation import ValidationError, validate
from prefect.utilities.templating import apply_values

import flows
from flows.automations import SILENT
from flows.deployment import WORK_POOL
from schemas.batch import ChampionOf
from tests.flows.homes import ROOT, project_at

CONFIG = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
DEPLOYMENTS = {deployment["name"]: deployment for deployment in CONFIG["deployments"]}
SCHEDULED = {name: deployment["schedules"] for name, deployment in DEPLOYMENTS.items() if "schedules" in deployment}
PARIS = "Europe/Paris"


def defined_flows() -> dict[str, Flow[..., Any]]:
    """Every flow that is defined in the package, by its entrypoint."""
    found = {}
    for module in pkgutil.iter_modules(flows.__path__):
        members = vars(importlib.import_module(f"flows.{module.name}"))
        for name, value in members.items():
            if isinstance(value, Flow) and value.fn.__module__ == f"flows.{module.name}":
                found[f"flows/{module.name}.py:{name}"] = value
    return found


FLOWS = {flow.name: flow for flow in defined_flows().values()}


def schedule_of(name: str, timezone: str = PARIS) -> schedules.CronSchedule:
    """The schedule of a deployment as the server keeps it."""
    (schedule,) = SCHEDULED[name]
    sent = CronSchedule(cron=schedule["cron"], timezone=timezone)
    return schedules.CronSchedule.model_validate(sent.model_dump())


def instants(name: str, first: date, days: int, timezone: str = PARIS) -> list[datetime]:
    """When a deployment is due on some days, in UTC."""
    start = datetime.combine(first, time(), ZoneInfo(timezone))
    end = datetime.combine(first + timedelta(days=days), time(), ZoneInfo(timezone)) - timedelta(seconds=1)
    found = asyncio.run(schedule_of(name, timezone).get_dates(start=start, end=end))
    return [instant.astimezone(UTC) for instant in found]


def utc(*text: str) -> list[datetime]:
    return [datetime.fromisoformat(each).replace(tzinfo=UTC) for each in text]


def test_every_flow_has_a_deployment_and_every_deployment_its_flow() -> None:
    named = {deployment["entrypoint"]: name for name, deployment in DEPLOYMENTS.items()}
    assert named == {entrypoint: flow.name for entrypoint, flow in defined_flows().items()}
    assert len(DEPLOYMENTS) == len(CONFIG["deployments"])


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_entrypoints_are_found_from_the_folder_of_the_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert load_flow_from_entrypoint(DEPLOYMENTS[name]["entrypoint"]).name == name


def test_prefect_reads_the_file_and_is_the_version_it_names() -> None:
    read = PrefectYamlModel.model_validate(CONFIG)
    assert [deployment.name for deployment in read.deployments] == list(DEPLOYMENTS)
    assert read.prefect_version == prefect.__version__


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_deployment_says_what_it_is_for_and_where_and_how_often_it_runs(name: str) -> None:
    deployment = DEPLOYMENTS[name]
    assert deployment["description"].strip().endswith(".")
    assert {name, name.removesuffix("-scoring"), name.removeprefix("load-")} & set(deployment["tags"])
    assert deployment["work_pool"]["name"] == WORK_POOL
    assert deployment["concurrency_limit"]["limit"] >= 1
    assert deployment["concurrency_limit"]["collision_strategy"] in {each.value for each in ConcurrencyLimitStrategy}


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_runs_say_that_they_live_often_enough_for_one_message_to_be_lost(name: str) -> None:
    every = int(DEPLOYMENTS[name]["work_pool"]["job_variables"]["env"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"])
    # Prefect takes nothing below 30.
    assert 30 <= every <= SILENT.total_seconds() / 3


@pytest.mark.parametrize("name", FLOWS)
def test_every_parameter_has_a_type_and_a_description_in_its_form(name: str) -> None:
    schema = parameter_schema(FLOWS[name])
    assert set(schema.properties) == set(FLOWS[name].parameters.properties)
    for field in schema.properties.values():
        assert field.keys() & {"type", "anyOf", "$ref"}
        assert field["description"].endswith(".")
    # Optional is what the command line can leave out too.
    assert schema.required == (["file"] if name == "outcomes" else [])


@pytest.mark.parametrize(
    ("name", "sent", "taken"),
    [
        ("daily-scoring", {}, {}),
        ("daily-scoring", {"batch_date": None, "source": None, "champion_of": "today"}, {"batch_date": None}),
        (
            "daily-scoring",
            {"batch_date": "2026-06-30", "source": "data/landing/by_hand.csv", "champion_of": "that-day"},
            {
                "batch_date": date(2026, 6, 30),
                "source": Path("data/landing/by_hand.csv"),
                "champion_of": ChampionOf.THAT_DAY,
            },
        ),
        (
            "backfill",
            {"start": "2026-05-01", "end": "2026-06-30", "champion_of": "that-day"},
            {"start": date(2026, 5, 1), "end": date(2026, 6, 30), "champion_of": ChampionOf.THAT_DAY},
        ),
        ("backfill", {"start": None, "end": "2026-06-30"}, {"start": None}),
        ("catch-up", {"days_back": 3}, {"days_back": 3}),
        ("outcomes", {"file": "data/outcomes.csv"}, {"file": Path("data/outcomes.csv")}),
        (
            "train",
            {"applications": "data/*.csv", "outcomes": "o.csv", "before": "2026-01-01", "challenger_only": True},
            {"outcomes": Path("o.csv"), "before": date(2026, 1, 1), "challenger_only": True},
        ),
        # As the automation sends it.
        ("train", {"challenger_only": True}, {"challenger_only": True}),
    ],
)
def test_what_the_form_sends_is_accepted(name: str, sent: dict[str, Any], taken: dict[str, Any]) -> None:
    validate(sent, parameter_schema(FLOWS[name]).model_dump(), raise_on_error=True)
    found = FLOWS[name].validate_parameters(sent)
    assert {key: found[key] for key in taken} == taken


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("daily-scoring", {"champion_of": "yesterday"}),
        ("daily-scoring", {"batch_date": 20260630}),
        ("backfill", {"end": ["2026-06-30"]}),
        ("catch-up", {"days_back": "many"}),
        ("catch-up", {"days_back": -1}),
        ("outcomes", {}),
        ("train", {"challenger_only": "perhaps"}),
    ],
)
def test_what_makes_no_sense_is_refused_by_the_form(name: str, sent: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        validate(sent, parameter_schema(FLOWS[name]).model_dump(), raise_on_error=True)


@pytest.mark.parametrize(
    ("name", "sent"),
    [("daily-scoring", {"batch_date": "2026-02-30"}), ("backfill", {"start": "the first of May"})],
)
def test_what_is_no_date_is_refused_by_the_run(name: str, sent: dict[str, Any]) -> None:
    with pytest.raises(ParameterTypeError):
        FLOWS[name].validate_parameters(sent)


def test_the_schedules_are_those_of_a_day_and_in_the_business_timezone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(SCHEDULED) == {"daily-scoring", "catch-up", "load-predictions", "send-alerts", "retention", "upkeep"}
    for name in ("daily-scoring", "catch-up", "retention"):
        (schedule,) = SCHEDULED[name]
        assert schedule["timezone"] == "{{ $SCORING_TIMEZONE }}"
        monkeypatch.setenv("SCORING_TIMEZONE", "Asia/Kolkata")
        filled = apply_values(schedule, {})
        # A schedule that has a name of its own is brought up to date, and not added once more.
        assert filled.pop("slug")
        assert CronSchedule(**filled).timezone == "Asia/Kolkata"


@pytest.mark.parametrize(
    ("name", "first", "expected"),
    [
        # The clocks go forward on the 29th, and back on the 25th.
        ("daily-scoring", date(2026, 3, 28), utc("2026-03-28T05:00", "2026-03-29T04:00", "2026-03-30T04:00")),
        ("daily-scoring", date(2026, 10, 24), utc("2026-10-24T04:00", "2026-10-25T05:00", "2026-10-26T05:00")),
        (
            "catch-up",
            date(2026, 3, 28),
            [datetime(2026, 3, 28, hour, 30, tzinfo=UTC) for hour in range(6, 22)]
            + [datetime(2026, 3, day, hour, 30, tzinfo=UTC) for day in (29, 30) for hour in range(5, 21)],
        ),
        (
            "catch-up",
            date(2026, 10, 24),
            [datetime(2026, 10, 24, hour, 30, tzinfo=UTC) for hour in range(5, 21)]
            + [datetime(2026, 10, day, hour, 30, tzinfo=UTC) for day in (25, 26) for hour in range(6, 22)],
        ),
    ],
)
def test_the_clock_on_the_wall_counts_also_when_it_is_changed(name: str, first: date, expected: list[datetime]) -> None:
    assert instants(name, first, days=3) == expected


@pytest.mark.parametrize("name", ["load-predictions", "send-alerts"])
def test_what_runs_every_five_minutes_does_so_also_when_the_clocks_are_changed(name: str) -> None:
    (schedule,) = SCHEDULED[name]
    for changed in (date(2026, 3, 28), date(2026, 10, 24)):
        due = instants(name, changed, days=2, timezone=schedule["timezone"])
        assert {(late - early).total_seconds() for early, late in pairwise(due)} == {300}


@pytest.mark.parametrize("timezone", [PARIS, "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "UTC"])
def test_every_date_of_a_year_is_run_once_and_before_its_file_is_due(tmp_path: Path, timezone: str) -> None:
    calendar = project_at(tmp_path, timezone=timezone).calendar
    due = instants("daily-scoring", date(2026, 1, 1), days=365, timezone=timezone)
    dates = [calendar.business_date(instant) for instant in due]
    assert dates == [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    assert [day for day, instant in zip(dates, due, strict=True) if instant >= calendar.due(day)] == []
