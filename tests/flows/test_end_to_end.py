"""The whole thing as an operator has it: a Prefect server and a worker as processes, deployments, runs by API."""

import json
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars
import pytest

from flows.local import free_port
from model.champion import challengers, champion_identity
from tests.flows.homes import DAYS, ROOT, environment, landing_file, new_home, query
from tests.flows.prefect_server import Prefect, running_prefect, timezone_at_noon, today_in, wait_for

TIMEZONE = timezone_at_noon()
FIRST, LAST = DAYS[0], DAYS[-1]
DEPLOYMENTS = {
    "daily-scoring",
    "catch-up",
    "backfill",
    "outcomes",
    "load-predictions",
    "send-alerts",
    "train",
    "retention",
    "upkeep",
}

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def home(portfolio: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_home(portfolio, tmp_path_factory.mktemp("operator") / "home")


@pytest.fixture(scope="module")
def prefect(home: Path) -> Iterator[Prefect]:
    # Its own port is taken, so that it has to find another.
    with socket.socket() as taken:
        port = free_port(4200)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        # The days of this sample are small, and are not to be judged together.
        settings = {"SCORING_TIMEZONE": TIMEZONE, "SCORING_FILE_DEADLINE": "23:59", "SCORING_DRIFT_MIN_ROWS": "100"}
        with running_prefect(home, port, **settings) as running:
            assert not running.address.endswith(f":{port}")
            yield running


def published(home: Path) -> Counter[date]:
    """How many published revisions each date has, superseded ones included."""
    rows = query(home, "SELECT batch_date, status FROM batches WHERE status IN ('published', 'superseded')")
    return Counter(day for day, _ in rows)


def break_file(home: Path, day: date) -> str:
    """Spoils a landing file so that the gate refuses it; returns what it was before."""
    path = landing_file(home, day)
    whole = path.read_text()
    path.write_text(whole.replace("income", "wages", 1))
    return whole


def test_everything_is_deployed_and_described(prefect: Prefect) -> None:
    found = {item["name"]: item for item in prefect.post("/deployments/filter")}
    assert set(found) == DEPLOYMENTS
    for deployment in found.values():
        assert deployment["description"]
        assert deployment["tags"]
        assert deployment["work_pool_name"] == "scoring"
        assert deployment["global_concurrency_limit"]["limit"] >= 1
        assert deployment["job_variables"] == {"env": {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}}
        for parameter in deployment["parameter_openapi_schema"]["properties"].values():
            assert parameter["description"], parameter
    pool = prefect.get("/work_pools/scoring")
    assert (pool["type"], pool["concurrency_limit"]) == ("process", 4)


def test_the_next_runs_are_scheduled(prefect: Prefect) -> None:
    deployment = prefect.deployment("daily-scoring")
    (schedule,) = deployment["schedules"]
    assert schedule["active"]
    assert schedule["schedule"]["timezone"] == TIMEZONE
    chosen = {"deployments": {"id": {"any_": [deployment["id"]]}}}
    scheduled = wait_for(lambda: prefect.runs(**chosen, flow_runs={"state": {"name": {"any_": ["Scheduled"]}}}), 90)
    starts = [datetime.fromisoformat(run["expected_start_time"]).astimezone(ZoneInfo(TIMEZONE)) for run in scheduled]
    tomorrow = date.fromisoformat(today_in(TIMEZONE)) + timedelta(days=1)
    expected = [datetime.combine(tomorrow + timedelta(days=number), time(6), starts[0].tzinfo) for number in range(3)]
    assert starts[:3] == expected


def test_a_run_started_by_hand_publishes_the_day_and_shows_it(prefect: Prefect, home: Path) -> None:
    run = prefect.start("daily-scoring", batch_date=str(LAST))
    ended = prefect.end_of(run)
    assert (ended["name"], ended["state_name"]) == (str(LAST), "Published")
    assert re.fullmatch(rf"{LAST}-r1-\w+: \d+ rows received, \d+ scored, \d+ quarantined", ended["state"]["message"])
    artifacts = prefect.artifacts(run)
    assert set(artifacts) == {f"{kind}-{LAST}" for kind in ("batch", "gate", "drift", "quality", "report")}
    assert f"# Batch of {LAST}, revision 1" in artifacts[f"batch-{LAST}"]["data"]
    assert published(home)[LAST] == 1
    event = wait_for(lambda: scoring_events(prefect, "scoring.batch.published"), 30)[0]
    assert event["resource"]["prefect.resource.id"] == f"scoring.batch.{LAST}"


def test_a_blocked_batch_is_named_so_and_run_again_once_mended(prefect: Prefect, home: Path) -> None:
    day = DAYS[-2]
    whole = break_file(home, day)
    run = prefect.start("daily-scoring", batch_date=str(day))
    ended = prefect.end_of(run)
    assert (ended["state_type"], ended["state_name"], ended["run_count"]) == ("FAILED", "Blocked", 1)
    assert "income" in ended["state"]["message"]
    assert f"gate-{day}" in prefect.artifacts(run)
    assert "Traceback" not in prefect.log(run)
    assert published(home)[day] == 0
    landing_file(home, day).write_text(whole)
    prefect.retry(run)
    assert prefect.end_of(run, begun=2)["state_name"] == "Published"
    assert published(home)[day] == 1


def test_runs_of_one_date_and_a_deployment_in_between_publish_it_once(prefect: Prefect, home: Path) -> None:
    day = DAYS[-3]
    runs = [prefect.start("daily-scoring", batch_date=str(day)) for _ in range(2)]
    backfill = prefect.start("backfill", start=str(day), end=str(DAYS[-1]))
    redeploy(prefect, home, TIMEZONE)
    assert Counter(prefect.end_of(run)["state_type"] for run in [*runs, backfill]) == {"COMPLETED": 3}
    assert published(home) == {DAYS[-3]: 1, DAYS[-2]: 1, DAYS[-1]: 1}
    (schedule,) = prefect.deployment("daily-scoring")["schedules"]
    assert schedule["slug"] == "every-morning"


def test_a_backfill_goes_on_after_a_bad_day_and_its_rest_is_one_action(prefect: Prefect, home: Path) -> None:
    first, bad, third = DAYS[:3]
    whole = break_file(home, bad)
    run = prefect.start("backfill", start=str(first), end=str(third))
    ended = prefect.end_of(run)
    assert (ended["state_name"], ended["state"]["message"]) == ("Incomplete", "3 days: 1 blocked, 2 published")
    table = table_of(prefect.artifacts(run)["backfill"])
    assert [(row["batch_date"], row["outcome"]) for row in table] == [
        (str(first), "published"),
        (str(bad), "blocked"),
        (str(third), "published"),
    ]
    assert table[0]["run"].startswith(f"{prefect.address}/runs/flow-run/")
    landing_file(home, bad).write_text(whole)
    prefect.retry(run)
    ended = prefect.end_of(run, begun=2)
    assert ended["state"]["message"] == "3 days: 2 already published, 1 published"
    assert [published(home)[day] for day in (first, bad, third)] == [1, 1, 1]


def test_critical_drift_trains_a_challenger_and_leaves_the_champion(prefect: Prefect, home: Path) -> None:
    champion = champion_identity(home / "models")
    rest = prefect.end_of(prefect.start("backfill", start=str(DAYS[5]), end=str(LAST)))
    assert rest["state_type"] == "COMPLETED", prefect.log(rest["id"])
    outcomes = home.parent / "outcomes.csv"
    write_outcomes(home, outcomes)
    assert prefect.end_of(prefect.start("outcomes", file=str(outcomes)))["state_type"] == "COMPLETED"
    deployment = prefect.deployment("train")["id"]
    drifted = (polars.col("income") * 0.5, polars.col("loan_amount") * 2, polars.col("credit_score") - 80)
    # One such day may be chance: the second in a row makes it critical.
    for day in DAYS[3:5]:
        assert not prefect.runs(deployments={"id": {"any_": [deployment]}})
        path = landing_file(home, day)
        polars.read_csv(path).with_columns(*drifted).filter(polars.col("credit_score") >= 300).write_csv(path)
        assert prefect.end_of(prefect.start("daily-scoring", batch_date=str(day)))["state_name"] == "Published"
    started = wait_for(lambda: prefect.runs(deployments={"id": {"any_": [deployment]}}), 60)
    assert [run["parameters"] for run in started] == [{"challenger_only": True}]
    ended = prefect.end_of(started[0]["id"])
    assert ended["state_type"] == "COMPLETED", prefect.log(ended["id"])
    (challenger,) = challengers(home / "models")
    assert challenger in prefect.artifacts(ended["id"])
    assert champion_identity(home / "models") == champion


def test_a_run_whose_worker_and_process_are_killed_is_taken_up_again(prefect: Prefect, home: Path) -> None:
    run = prefect.start("daily-scoring")
    wait_for(lambda: "waiting until 23:59" in prefect.log(run), 120)
    today = date.fromisoformat(today_in(TIMEZONE))
    prefect.kill("prefect worker", "prefect.engine")
    path = landing_file(home, today)
    path.write_text(landing_file(home, LAST).read_text().replace(f"{LAST:%Y%m%d}", f"{today:%Y%m%d}"))
    path.write_text(path.read_text().replace(str(LAST), str(today)))
    ended = prefect.end_of(run, seconds=400, begun=2)
    assert (ended["name"], ended["state_name"], ended["run_count"]) == (str(today), "Published", 2)
    assert "Crashed" in prefect.states(run)
    assert "The worker ended by itself and is started again" in (home / "prefect.out").read_text()
    assert published(home)[today] == 1


def test_the_schedule_keeps_its_hour_when_the_clocks_change(prefect: Prefect, home: Path) -> None:
    redeploy(prefect, home, "Europe/Paris")
    deployment = prefect.deployment("daily-scoring")
    for period, hours in (
        (("2027-03-26", "2027-03-31"), ["05", "05", "04", "04", "04"]),
        (("2027-10-29", "2027-11-03"), ["04", "04", "05", "05", "05"]),
    ):
        start, end = (f"{day}T00:00:00Z" for day in period)
        prefect.post(f"/deployments/{deployment['id']}/schedule", start_time=start, end_time=end, min_runs=5)
        chosen = {"expected_start_time": {"after_": start, "before_": end}}
        runs = prefect.runs(deployments={"id": {"any_": [deployment["id"]]}}, flow_runs=chosen)
        assert [run["expected_start_time"][11:13] for run in runs] == hours
    redeploy(prefect, home, TIMEZONE)


def test_a_second_start_for_the_same_home_says_where_the_first_one_is(prefect: Prefect, home: Path) -> None:
    again = subprocess.run(
        [sys.executable, "-m", "flows", "prefect"],
        cwd=ROOT,
        env=environment(SCORING_HOME=str(home)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert again.returncode == 1
    assert f"Prefect already runs for this home, at {prefect.address}; end it first" in again.stderr


def test_nothing_is_reported_to_anybody(prefect: Prefect) -> None:
    settings = prefect.get("/admin/settings")
    assert settings["server"]["analytics_enabled"] is False
    assert settings["server"]["ui"]["show_promotional_content"] is False


def test_ctrl_c_ends_everything(prefect: Prefect, home: Path) -> None:
    prefect.process.send_signal(signal.SIGINT)
    assert prefect.process.wait(90) == 0
    printed = (home / "prefect.out").read_text()
    assert printed.rstrip().endswith("Prefect has ended.")
    assert "Traceback" not in printed
    assert prefect.processes("prefect") == []


def redeploy(prefect: Prefect, home: Path, timezone: str) -> None:
    automations = {item["name"]: item["updated"] for item in prefect.post("/automations/filter")}
    assert len(automations) == 4
    done = subprocess.run(
        [sys.executable, "-m", "flows", "deploy"],
        cwd=ROOT,
        env=environment(SCORING_HOME=str(home), SCORING_TIMEZONE=timezone, PREFECT_API_URL=f"{prefect.address}/api"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "9 deployments and their automations" in done.stdout
    # Put again, an automation would forget the runs it is watching.
    assert {item["name"]: item["updated"] for item in prefect.post("/automations/filter")} == automations


def scoring_events(prefect: Prefect, name: str) -> list[Any]:
    found: list[Any] = prefect.post("/events/filter", filter={"event": {"name": [name]}})["events"]
    return found


def table_of(artifact: Any) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = json.loads(artifact["data"])
    return rows


def write_outcomes(home: Path, path: Path) -> None:
    """Every third application published so far defaulted."""
    rows = query(home, "SELECT application_id FROM current_scores ORDER BY ALL")
    outcomes = polars.DataFrame(
        {
            "application_id": [row[0] for row in rows],
            "defaulted": [number % 3 == 0 for number in range(len(rows))],
            "observed_on": ["2026-12-31"] * len(rows),
        }
    )
    outcomes.write_csv(path)
