from dataclasses import astuple, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from schemas.alert import Alert
from schemas.errors import WarehouseError
from tests.warehouse.staged import CONTRACT, DAY, DRIFT, GATE, NEXT_DAY, WAIT_SECONDS, ask, everything, publish, stage
from warehouse.connection import open_for_writing
from warehouse.writer import Writer

MISSING = Alert(kind="missing_file", severity="critical", batch_date=DAY, subject="landing", message="no file by 06:00")
DRIFTED = Alert(kind="drift", severity="warning", batch_date=DAY, subject="income", message="PSI 0.31")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "warehouse.duckdb"


@pytest.fixture
def writer(path: Path) -> Writer:
    return Writer(path, CONTRACT, WAIT_SECONDS)


def statuses(path: Path) -> list[tuple[object, ...]]:
    """In the order they were raised."""
    return ask(path, "SELECT kind, batch_date, status FROM alerts ORDER BY raised_at")


def set_status(path: Path, status: str) -> None:
    with open_for_writing(path, WAIT_SECONDS) as connection:
        connection.execute("UPDATE alerts SET status = ?", [status])


def test_an_alert_is_stored_as_open_with_an_id_and_the_instant(writer: Writer, path: Path) -> None:
    earliest = datetime.now(UTC).replace(tzinfo=None)
    assert writer.raise_alert(MISSING)
    ((alert_id, *stored, status, raised_at),) = ask(path, "SELECT * FROM alerts")
    assert len(alert_id) == 32
    assert tuple(stored) == astuple(MISSING)
    assert status == "open"
    assert earliest <= raised_at <= earliest + timedelta(minutes=1)


@pytest.mark.parametrize("status", ["open", "acknowledged"])
@pytest.mark.parametrize("batch_date", [DAY, None])
def test_an_alert_that_is_not_resolved_is_not_raised_again(
    writer: Writer, path: Path, status: str, batch_date: date | None
) -> None:
    alert = replace(MISSING, batch_date=batch_date)
    assert writer.raise_alert(alert)
    set_status(path, status)
    before = everything(path)
    assert not writer.raise_alert(alert)
    assert not writer.raise_alert(replace(alert, severity="warning", message="still no file at 07:00"))
    assert everything(path) == before


@pytest.mark.parametrize("batch_date", [DAY, None])
def test_an_alert_that_was_resolved_is_raised_anew(writer: Writer, path: Path, batch_date: date | None) -> None:
    alert = replace(MISSING, batch_date=batch_date)
    writer.raise_alert(alert)
    set_status(path, "resolved")
    assert writer.raise_alert(alert)
    assert not writer.raise_alert(alert)
    assert statuses(path) == [("missing_file", batch_date, "resolved"), ("missing_file", batch_date, "open")]
    assert ask(path, "SELECT count(DISTINCT alert_id) FROM alerts") == [(2,)]


def test_alerts_of_another_kind_date_or_subject_are_alerts_of_their_own(writer: Writer, path: Path) -> None:
    alerts = [
        DRIFTED,
        replace(DRIFTED, kind="quality"),
        replace(DRIFTED, batch_date=NEXT_DAY),
        replace(DRIFTED, batch_date=None),
        replace(DRIFTED, subject="age"),
    ]
    assert [writer.raise_alert(alert) for alert in alerts * 2] == [True] * 5 + [False] * 5
    stored = ask(path, "SELECT kind, severity, batch_date, subject, message FROM alerts ORDER BY raised_at")
    assert stored == [astuple(alert) for alert in alerts]


def raise_many(writer: Writer) -> None:
    """Two missing files of the day, those of another day and of none, and something else about the day."""
    no_date = replace(MISSING, batch_date=None)
    for alert in (MISSING, replace(MISSING, subject="other"), replace(MISSING, batch_date=NEXT_DAY), no_date, DRIFTED):
        writer.raise_alert(alert)


ARRIVED = [
    ("missing_file", DAY, "resolved"),
    ("missing_file", DAY, "resolved"),
    ("missing_file", NEXT_DAY, "open"),
    ("missing_file", None, "open"),
    ("drift", DAY, "open"),
]


def test_publishing_resolves_the_missing_file_of_its_date_only(tmp_path: Path, writer: Writer, path: Path) -> None:
    raise_many(writer)
    assert publish(path, stage(tmp_path)).new
    assert statuses(path) == ARRIVED


def test_blocking_resolves_the_missing_file_of_its_date_only(tmp_path: Path, writer: Writer, path: Path) -> None:
    raise_many(writer)
    writer.block(stage(tmp_path).counted(scored=0, quarantined=22).record, GATE)
    assert statuses(path) == ARRIVED


def test_a_second_verdict_on_the_same_batch_resolves_it_too(tmp_path: Path, writer: Writer, path: Path) -> None:
    record = stage(tmp_path).counted(scored=0, quarantined=22).record
    writer.raise_alert(MISSING)
    writer.block(record, GATE)
    set_status(path, "open")
    assert not writer.block(record, GATE).new
    assert statuses(path) == [("missing_file", DAY, "resolved")]


@pytest.mark.parametrize("verdict", ["published", "blocked"])
def test_the_file_of_a_date_that_was_judged_meanwhile_is_not_missing(
    tmp_path: Path, writer: Writer, path: Path, verdict: str
) -> None:
    if verdict == "published":
        publish(path, stage(tmp_path))
    else:
        writer.block(stage(tmp_path).counted(scored=0, quarantined=22).record, GATE)
    before = everything(path)
    assert not writer.raise_alert(MISSING)
    assert everything(path) == before
    # Only that kind of alert, and only of that date.
    assert writer.raise_alert(DRIFTED)
    assert writer.raise_alert(replace(MISSING, batch_date=NEXT_DAY))
    assert writer.raise_alert(replace(MISSING, batch_date=None))


def test_an_acknowledged_missing_file_is_resolved_when_it_arrives(tmp_path: Path, writer: Writer, path: Path) -> None:
    writer.raise_alert(MISSING)
    set_status(path, "acknowledged")
    publish(path, stage(tmp_path))
    assert statuses(path) == [("missing_file", DAY, "resolved")]


def test_a_batch_that_is_published_already_leaves_alerts_alone(tmp_path: Path, writer: Writer, path: Path) -> None:
    writer.raise_alert(MISSING)
    publish(path, stage(tmp_path))
    set_status(path, "open")
    before = everything(path)
    assert not publish(path, stage(tmp_path)).new
    assert everything(path) == before


def test_a_publication_that_fails_leaves_the_alert_open(tmp_path: Path, writer: Writer, path: Path) -> None:
    writer.raise_alert(MISSING)
    before = everything(path)
    # The first fails among the rows, the second with the last statement of all.
    with pytest.raises(WarehouseError, match="staged"):
        publish(path, stage(tmp_path).counted(scored=21, quarantined=2))
    batch = stage(tmp_path)
    with pytest.raises(duckdb.Error):
        writer.publish(batch.record, batch.staged, GATE, DRIFT.rename({"value": "unknown"}))
    assert everything(path) == before


def test_a_verdict_that_fails_leaves_the_alert_open(tmp_path: Path, writer: Writer, path: Path) -> None:
    writer.raise_alert(MISSING)
    before = everything(path)
    with pytest.raises(duckdb.Error):
        writer.block(stage(tmp_path).counted(scored=0, quarantined=22).record, ())
    assert everything(path) == before
