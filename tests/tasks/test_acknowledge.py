import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from schemas.errors import WarehouseError
from tasks.acknowledge import AcknowledgementRefused, acknowledge
from tests.flows.homes import project_at, query
from tests.tasks.alerting import raise_alerts, rename_alerts

TODAY = datetime.now(UTC).date()
LATER = TODAY + timedelta(days=2)
FIRST, SECOND, RESOLVED = f"abcd1{'0' * 27}", f"abcd2{'0' * 27}", "e" * 32


@pytest.mark.parametrize("beginning", ["abcd2", "ABCD2", SECOND])
def test_an_alert_is_acknowledged_by_the_beginning_of_its_id(tmp_path: Path, beginning: str) -> None:
    project = project_at(tmp_path, timezone="UTC")
    raise_alerts(project, 2)
    rename_alerts(tmp_path, FIRST, SECOND)
    # Today is the first date that makes sense.
    assert acknowledge(project, beginning, f" {'Z' * 80} ", TODAY) == SECOND
    people = "SELECT alert_id, status, acknowledged_by, acknowledged_until FROM alerts ORDER BY alert_id"
    assert query(tmp_path, people) == [(FIRST, "open", None, None), (SECOND, "acknowledged", "Z" * 80, TODAY)]


def test_today_is_that_of_the_business(tmp_path: Path) -> None:
    # These two never have the same date.
    for timezone, offset in (("Pacific/Kiritimati", 14), ("Pacific/Pago_Pago", -11)):
        project = project_at(tmp_path / str(offset), timezone=timezone)
        raise_alerts(project, 1)
        rename_alerts(tmp_path / str(offset), FIRST)
        here = (datetime.now(UTC) + timedelta(hours=offset)).date()
        with pytest.raises(AcknowledgementRefused, match=f"give today's date \\({here}\\)"):
            acknowledge(project, "abcd", "Ada", here - timedelta(days=1))
        assert acknowledge(project, "abcd", "Ada", here) == FIRST


@pytest.mark.parametrize(
    ("alert", "by", "until", "words"),
    [
        ("abc", "Ada", LATER, "'abc' is too short: give 4 or more characters"),
        ("abcd", "Ada", LATER, f"the ids of 2 unresolved alerts begin with 'abcd': {FIRST}, {SECOND}"),
        ("ffff", "Ada", LATER, "no unresolved alert has an id that begins with 'ffff'; list them"),
        # It is resolved.
        ("eeee", "Ada", LATER, "no unresolved alert has an id that begins with 'eeee'"),
        ("abcd%", "Ada", LATER, "no unresolved alert has an id that begins with 'abcd%'"),
        ("abcd1", "Ada", TODAY - timedelta(days=2), "is past; give today's date"),
        ("abcd1", " ", LATER, "the name is empty"),
        ("abcd1", "A" * 81, LATER, "the name has 81 characters; at most 80"),
        ("abcd1", "Ada\nGrace", LATER, "the name has control characters"),
        ("abcd1", "\x1b[31mAda", LATER, "the name has control characters"),
        ("abcd1", "Ada\u2028Grace", LATER, "the name has control characters"),
        ("abcd1", "Ada\u202egrace", LATER, "the name has control characters"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, alert: str, by: str, until: date, words: str) -> None:
    project = project_at(tmp_path)
    raise_alerts(project, 3)
    rename_alerts(tmp_path, FIRST, SECOND, RESOLVED)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("UPDATE alerts SET status = 'resolved' WHERE alert_id = ?", [RESOLVED])
    with pytest.raises(AcknowledgementRefused, match=re.escape(words)):
        acknowledge(project, alert, by, until)
    assert query(tmp_path, "SELECT * FROM alert_events WHERE event = 'acknowledged'") == []


def test_without_a_warehouse_there_is_nothing_to_acknowledge(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="there is no warehouse"):
        acknowledge(project_at(tmp_path), "abcd", "Ada", LATER)
