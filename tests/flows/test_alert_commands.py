"""The commands on alerts, each as a process of its own."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars
import pytest

from schemas.alert import Alert
from tests.flows.homes import project_at, query, run_cli
from tests.tasks.alerting import BREAK, DAY, Listener, missing, project_telling, raise_alerts, rename_alerts
from warehouse.writer import PERFORMANCE

ERROR, USAGE = 1, 2
TODAY = datetime.now(UTC).date()
LATER = str(TODAY + timedelta(days=2))
LOST = Alert(
    kind="performance",
    severity="warning",
    batch_date=None,
    subject="auc",
    message="AUC [bold]fell[/] to 0.6 [/nothing]",
)


def told_by(home: Path, *arguments: str, **settings: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a command."""
    found = run_cli(home, *arguments, env=settings)
    assert "Traceback" not in found.stdout + found.stderr
    return found.returncode, found.stdout, found.stderr


def set_performance_alerts(home: Path, *alerts: Alert) -> None:
    project_at(home).writer.replace_performance(polars.DataFrame(schema=PERFORMANCE), alerts)


def ids(home: Path) -> list[str]:
    """In the order they were raised."""
    return [str(row[0]) for row in query(home, "SELECT alert_id FROM alerts ORDER BY raised_at")]


def listed(home: Path, *arguments: str) -> list[dict[str, Any]]:
    code, printed, errors = told_by(home, "alerts", "--json", *arguments)
    assert (code, errors) == (0, "")
    return [json.loads(line) for line in printed.splitlines()]


@pytest.mark.parametrize("command", ["alerts", "acknowledge", "send-alerts"])
def test_every_command_explains_itself(tmp_path: Path, command: str) -> None:
    code, printed, errors = told_by(tmp_path, command, "--help")
    assert (code, errors) == (0, "")
    assert printed.strip().startswith(f"Usage: python -m flows {command}")
    assert command in told_by(tmp_path, "--help")[1]


def test_alerts_are_listed_with_what_a_person_has_to_know(tmp_path: Path) -> None:
    project = project_at(tmp_path)
    project.writer.report_missing(missing(0))
    set_performance_alerts(tmp_path, LOST)
    first, second = ids(tmp_path)
    project.writer.acknowledge(first, "Ada [x]", date(2026, 7, 1))
    code, printed, errors = told_by(tmp_path, "alerts")
    assert (code, errors) == (0, "")
    header, *rows = [
        [cell.strip() for cell in line.replace("┃", "│").strip("│\n").split("│")]
        for line in printed.splitlines()
        if line.startswith(("┃", "│"))
    ]
    assert header == ["id", "status", "severity", "kind", "subject", "since", "last batch", "batches", "message"]
    assert rows == [
        [second[:8], "open", "warning", "performance", "auc", str(TODAY), "", "1", LOST.message],
        [
            first[:8],
            "acknowledged by Ada [x] until 2026-07-01",
            "critical",
            "missing file",
            f"applications_{DAY}",
            str(DAY),
            str(DAY),
            "1",
            "missing-000",
        ],
    ]


def test_alerts_are_listed_for_the_shell(tmp_path: Path) -> None:
    project_at(tmp_path).writer.report_missing(missing(0))
    (alert_id,) = ids(tmp_path)
    project_at(tmp_path).writer.acknowledge(alert_id, "Ada", date(2026, 7, 1))
    (found,) = listed(tmp_path)
    raised_at = found.pop("raised_at")
    assert raised_at.startswith("20")
    assert "T" in raised_at
    assert found == {
        "alert_id": alert_id,
        "status": "acknowledged",
        "severity": "critical",
        "kind": "missing_file",
        "subject": f"applications_{DAY}",
        "message": "missing-000",
        "batch_date": str(DAY),
        "last_batch_date": str(DAY),
        "batches": 1,
        "acknowledged_by": "Ada",
        "acknowledged_until": "2026-07-01",
        "resolved_at": None,
    }


def test_resolved_alerts_are_listed_if_they_are_asked_for_and_only_the_last_ones(tmp_path: Path) -> None:
    project_at(tmp_path).writer.report_missing(missing(0))
    for number in range(32):
        set_performance_alerts(tmp_path, LOST, Alert(**{**vars(LOST), "subject": f"vintage {number}"}))
        set_performance_alerts(tmp_path, LOST)
    set_performance_alerts(tmp_path)
    assert [alert["subject"] for alert in listed(tmp_path)] == [f"applications_{DAY}"]
    every = listed(tmp_path, "--all")
    # The unresolved one comes first, then the last thirty of 33.
    subjects = [f"applications_{DAY}", *(f"vintage {number}" for number in reversed(range(2, 32)))]
    assert [alert["subject"] for alert in every] == subjects
    assert {alert["status"] for alert in every[1:]} == {"resolved"}
    assert all(alert["resolved_at"] for alert in every[1:])
    assert "vintage 31" in told_by(tmp_path, "alerts", "--all")[1]


def test_without_alerts_a_sentence_says_so(tmp_path: Path) -> None:
    code, printed, errors = told_by(tmp_path, "alerts")
    assert (code, printed) == (ERROR, "")
    assert "there is no warehouse" in errors
    project_at(tmp_path).writer.prepare()
    assert told_by(tmp_path, "alerts") == (0, "No alert is open.\n", "")
    assert told_by(tmp_path, "alerts", "--all") == (0, "There are no alerts.\n", "")
    assert told_by(tmp_path, "alerts", "--json") == (0, "", "")


def test_an_alert_is_acknowledged_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    raise_alerts(project_at(tmp_path), 2)
    rename_alerts(tmp_path, "abcd1" + "0" * 27, "abcd2" + "0" * 27)
    code, printed, errors = told_by(tmp_path, "acknowledge", "ABCD2", "--by", " Zoë ", "--until", LATER)
    assert (code, printed, errors) == (0, f"abcd2{'0' * 27} is acknowledged until {LATER}\n", "")
    people = "SELECT alert_id[:5], status, acknowledged_by, acknowledged_until FROM alerts ORDER BY alert_id"
    assert query(tmp_path, people) == [
        ("abcd1", "open", None, None),
        ("abcd2", "acknowledged", "Zoë", date.fromisoformat(LATER)),
    ]
    # An acknowledged alert can be acknowledged again.
    assert told_by(tmp_path, "acknowledge", "abcd2", "--by", "Ada", "--until", LATER)[0] == 0


def test_what_cannot_be_acknowledged_is_an_error(tmp_path: Path) -> None:
    raise_alerts(project_at(tmp_path), 1)
    code, printed, errors = told_by(tmp_path, "acknowledge", "nothing", "--by", "Ada", "--until", LATER)
    assert (code, printed) == (ERROR, "")
    assert errors.startswith("error: no unresolved alert has an id that begins with 'nothing'; list them")


@pytest.mark.parametrize(
    "arguments", [["abcd1"], ["abcd1", "--by", "Ada", "--until", "soon"], ["abcd1", "--by", "Ada"]]
)
def test_an_acknowledgement_needs_a_name_and_a_date(tmp_path: Path, arguments: list[str]) -> None:
    assert told_by(tmp_path, "acknowledge", *arguments)[0] == USAGE


def test_what_is_pending_is_sent_by_hand_and_trouble_is_the_exit_status(tmp_path: Path) -> None:
    nothing = (0, "no event of an alert waits to be sent\n", "")
    assert told_by(tmp_path, "send-alerts") == nothing
    assert list(tmp_path.iterdir()) == []
    statuses = iter([200, BREAK])
    with Listener(behaviour=lambda _path: next(statuses)) as listener:
        project = project_telling(tmp_path, listener.url("hunter2"))
        project.writer.report_missing(missing(0))
        send = ("send-alerts",)
        urls = {"SCORING_ALERT_URLS": listener.url("hunter2")}
        code, printed, errors = told_by(tmp_path, *send, **urls)
        assert (code, errors) == (0, "")
        assert printed.startswith("1 event sent to json address ")
        assert told_by(tmp_path, *send, **urls) == nothing
        project.writer.report_missing(missing(1))
        code, printed, errors = told_by(tmp_path, *send, **urls)
        assert (code, errors) == (ERROR, "")
        assert printed.startswith("1 event that may or may not have reached json address ")
        assert "hunter2" not in printed
    code, printed, errors = told_by(tmp_path, "send-alerts", SCORING_ALERT_URLS="json://a/hunter2 hunter2")
    assert (code, printed) == (ERROR, "")
    assert errors.startswith("error: SCORING_ALERT_URLS: the 2nd address has no scheme")
    assert "hunter2" not in errors
