"""The runbook has an entry for everything that can be raised, and the day is that of the deployments."""

import re
from datetime import date
from typing import get_args

import polars
import pytest
import yaml

from flows.ends import NAMES
from schemas.alert import AlertKind
from schemas.application import Application
from schemas.batch_rules import BatchCounts, apply_batch_rules
from schemas.contract import read_contract
from schemas.settings import Settings
from tasks.monitor import RENAMED
from tasks.performance_alerts import performance_alerts
from tasks.quality import SHARES
from tests.documents.reading import headings_of, section_of, text_of
from tests.flows.homes import ROOT

RUNBOOK = text_of("flows/README.md")
RULES = ROOT / "service" / "deploy" / "rules.yml"
PARTS = ("Means", "Ends")
# In words, what a schedule says; another one needs other words here and in the table.
WHEN = {
    "15 4 * * *": "04:15",
    "45 4 * * *": "04:45",
    "0 6 * * *": "06:00",
    "30 7-22 * * *": "hourly, 07:30 to 22:30",
    "*/5 * * * *": "every five minutes",
}


def rows_of(section: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    lines = [line for line in section_of(RUNBOOK, section).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_kind_of_alert_has_its_entry() -> None:
    assert sorted(headings_of(RUNBOOK, 3, "Alerts of the batch")) == sorted(get_args(AlertKind))


def test_every_rule_of_prometheus_has_its_entry() -> None:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    rules = [rule["alert"] for group in groups for rule in group["rules"]]
    assert headings_of(RUNBOOK, 3, "Alerts of the service") == rules


@pytest.mark.parametrize(
    "entry", [*(f"`{kind}`" for kind in get_args(AlertKind)), *headings_of(RUNBOOK, 3, "Alerts of the service")]
)
def test_an_entry_says_what_it_means_and_when_it_ends(entry: str) -> None:
    said = section_of(RUNBOOK, entry)
    assert [part for part in PARTS if f"- **{part}" not in said] == []
    assert "**Do" in said or "**Look" in said


def test_everything_an_alert_on_quality_can_be_about_is_in_its_table() -> None:
    nullable = read_contract(Application)
    everything = BatchCounts(received=10, quarantined=5, stale=5, unknown_columns=["extra"])
    missing = BatchCounts(missing=everything.missing + type(everything.missing)({"employment_length": 5}))
    results = apply_batch_rules(nullable, Settings(), everything + missing)
    warned = {result.check_name.partition(":")[0] for result in results if result.severity == "warning"}
    names = {RENAMED.get(name, name) for name in warned if not name.startswith("volume")} | set(SHARES)
    listed = {re.findall(r"`(\w+)", row[0])[0] for row in rows_of("`quality`")}
    assert listed == names


def test_everything_an_alert_on_performance_can_be_about_is_named() -> None:
    values = {"auc": 0.5, "default_rate": 0.4, "expected_default_rate": 0.1, "brier": 0.2}
    realised = polars.DataFrame(
        [
            {"metric": name, "value": value, "low": value - 0.01, "high": value + 0.01, "row_count": 900}
            for name, value in values.items()
        ]
    ).with_columns(vintage=polars.lit(date(2026, 6, 1)))
    alerts = list(performance_alerts("VERSION", realised, {"auc": {"value": 0.7}}))
    assert len(alerts) == 2
    for alert in alerts:
        assert f"`{alert.subject}`" in section_of(RUNBOOK, "`performance`")


def test_the_day_has_everything_that_is_scheduled_at_its_time() -> None:
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    scheduled = {
        (f"`{item['name']}`", WHEN[schedule["cron"]]) for item in deployments for schedule in item.get("schedules", [])
    }
    assert {(name, when) for name, when, _ in rows_of("The day")} == scheduled


def test_every_end_of_a_run_is_in_its_table() -> None:
    named = {name for row in rows_of("How a run ends") for name in re.findall(r"`(\w+)`", row[0])}
    assert named == {*NAMES, "Crashed"}
