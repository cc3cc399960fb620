"""What the generated portfolio has planted: each incident is found in time, named, and over when it is over."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import get_args

import pytest

from model.verdict import level
from schemas.sample.incidents import Incident, Kind, incident_on
from schemas.sample.manifest import Manifest, decode_manifest
from tests.flows.homes import query

# Whoever comes first makes the portfolio: sixty days are scored.
pytestmark = pytest.mark.timeout(900)

FOUND_WITHIN, OVER_WITHIN = timedelta(days=2), timedelta(days=7)
VOLUME = "rows received"
TITLES = {
    "age": "Age (age)",
    "income": "Income (income)",
    "employment_length": "Employment length (employment_length)",
    "credit_score": "Credit score (credit_score)",
}
UNITS = {"age": "years", "income": "EUR/year", "employment_length": "years", "credit_score": "points"}


@dataclass(frozen=True)
class Raised:
    """An alert of the portfolio."""

    kind: str
    subject: str
    severity: str
    raised: date
    resolved: date | None
    message: str


@pytest.fixture(scope="module")
def manifest(demo: Path) -> Manifest:
    return decode_manifest((demo / "sample_manifest.json").read_bytes())


@pytest.fixture(scope="module")
def alerts(demo: Path) -> list[Raised]:
    """All that were ever raised, resolved ones too."""
    question = "SELECT kind, subject, severity, batch_date, resolved_by_batch_date, message FROM alerts ORDER BY ALL"
    return [Raised(*row) for row in query(demo, question)]


def planted(manifest: Manifest, kind: str) -> Incident:
    (incident,) = [incident for incident in manifest.incidents if incident.kind == kind]
    return incident


def of(incident: Incident, alerts: Sequence[Raised]) -> dict[str, Raised]:
    """The alerts raised in an incident on what it is about, by subject."""
    kind, subjects = ("drift", incident.fields) if incident.fields else ("volume", (VOLUME,))
    during = [alert for alert in alerts if incident.first <= alert.raised <= incident.last]
    return {alert.subject: alert for alert in during if alert.kind == kind and alert.subject in subjects}


def quiet(manifest: Manifest, day: date) -> bool:
    return incident_on(day, manifest.incidents) is None


@pytest.mark.parametrize("kind", get_args(Kind))
def test_an_incident_is_found_in_three_days_and_over_in_a_week(
    manifest: Manifest, alerts: list[Raised], kind: str
) -> None:
    incident = planted(manifest, kind)
    found = of(incident, alerts)
    assert set(found) == set(incident.fields or (VOLUME,))
    for alert in found.values():
        assert incident.first <= alert.raised <= incident.first + FOUND_WITHIN
        assert alert.resolved is not None
        assert incident.last < alert.resolved <= incident.last + OVER_WITHIN


def test_quiet_days_stay_quiet(demo: Path, manifest: Manifest, alerts: list[Raised]) -> None:
    assert len([alert for alert in alerts if quiet(manifest, alert.raised)]) <= 1
    assert len(quiet_days_with(demo, manifest, "drifted")) <= 1


def test_the_usual_rule_is_not_as_quiet(demo: Path, manifest: Manifest) -> None:
    # p < 0.05 for each feature, here on as many rows as there are: what the verdicts are to be better than.
    assert len(quiet_days_with(demo, manifest, "legacy_drifted")) > len(quiet_days_with(demo, manifest, "drifted"))


def quiet_days_with(demo: Path, manifest: Manifest, rule: str) -> list[date]:
    """Days without an incident on which a rule says that something drifted."""
    question = f"SELECT batch_date, count(*) FILTER ({rule} AND feature <> 'score') FROM drift_verdicts GROUP BY 1"
    rows = query(demo, question)
    assert len(rows) == manifest.parameters.days
    return [day for day, drifted in rows if level(drifted) != "none" and quiet(manifest, day)]


def test_three_features_at_once_are_critical_and_one_is_not(manifest: Manifest, alerts: list[Raised]) -> None:
    severities = {
        kind: {alert.severity for alert in of(planted(manifest, kind), alerts).values()} for kind in get_args(Kind)
    }
    assert severities == {
        "employment_blank": {"warning"},
        "income_definition": {"warning"},
        "younger_channel": {"critical"},
        "volume_collapse": {"warning"},
    }


@pytest.mark.parametrize("kind", ["income_definition", "younger_channel"])
def test_an_alert_says_what_moved_how_far_since_when_and_what_to_look_at(
    manifest: Manifest, alerts: list[Raised], kind: str
) -> None:
    incident = planted(manifest, kind)
    for field, alert in of(incident, alerts).items():
        unit = UNITS[field]
        size = rf"Wasserstein distance [\d.,e+]+ {unit} \(limit [\d.,]+\)"
        medians = rf"median [\d.,]+ in training, [\d.,]+ {unit} now"
        since = rf"since {incident.first}, in [23] of the last 3 batches; .*batches just before.*"
        advice = rf"Look at drift_{incident.last}\.html; ask the source whether a definition, a channel .*\."
        assert re.fullmatch(rf"{re.escape(TITLES[field])}: .*{size}; {medians}; {since}\. {advice}", alert.message)


def test_an_alert_on_missing_values_asks_why_they_are_blank(manifest: Manifest, alerts: list[Raised]) -> None:
    incident = planted(manifest, "employment_blank")
    message = of(incident, alerts)["employment_length"].message
    assert message.startswith(TITLES["employment_length"])
    assert re.search(r"share of missing values changed by 9\d\.\d% \(limit 2\.0%\)", message)
    assert f"since {incident.first}" in message
    assert "ask the source why the field is blank" in message


def test_an_alert_on_volume_says_how_many_rows_there_were_and_how_many_are_usual(
    manifest: Manifest, alerts: list[Raised]
) -> None:
    message = of(planted(manifest, "volume_collapse"), alerts)[VOLUME].message
    assert re.fullmatch(
        r"2\d\d rows; the median of the last 28 published batches is [\d,]+, at least \d+ expected: ask the source"
        r" whether the file is complete\.",
        message,
    )


def test_what_gate_and_monitor_both_find_is_one_alert(demo: Path, manifest: Manifest, alerts: list[Raised]) -> None:
    first = planted(manifest, "employment_blank").first
    warned = (
        "SELECT check_name FROM gate_results JOIN batches USING (batch_id) WHERE severity = 'warning' AND NOT passed"
    )
    assert query(demo, f"{warned} AND batch_date = '{first}'") == [("missing_share:employment_length",)]
    flagged = f"SELECT monitor, subject FROM quality WHERE flagged AND batch_date = '{first}'"
    assert query(demo, flagged) == [("missing_share", "employment_length")]
    (alert,) = [alert for alert in alerts if alert.kind == "quality"]
    assert (alert.subject, alert.raised) == ("missing_share employment_length", first)
    assert re.fullmatch(
        r"employment_length is missing in 100\.0% of the rows, usually \d\.\d%: ask the source why\.", alert.message
    )
