"""The life of alerts: opened, repeated, escalated, acknowledged, reopened, resolved; and who is to be told."""

from collections.abc import Sequence
from dataclasses import astuple, replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars
import pytest

from schemas.alert import Alert, AlertKind, file_subject
from schemas.batch import GateResult
from schemas.errors import WarehouseError
from tests.warehouse.staged import CONTRACT, GATE, WAIT_SECONDS, ask, everything, publish, stage, unsummed
from warehouse.connection import Address, exists
from warehouse.instants import utc_now
from warehouse.monitoring import Monitoring
from warehouse.writer import PERFORMANCE, Writer

DAYS = [date(2026, 3, 2) + timedelta(days=number) for number in range(8)]
DRIFTED = Alert(kind="drift", severity="warning", batch_date=DAYS[0], subject="income", message="PSI 0.31")
MISSING = Alert(
    kind="missing_file", severity="critical", batch_date=DAYS[0], subject=file_subject(DAYS[0]), message="no file"
)
REFUSALS = (
    GateResult(
        check_name="quarantined_share", observed=0.4, threshold=0.05, severity="critical", passed=False, message="40 %"
    ),
    GateResult(check_name="age", observed=99, threshold=31, severity="warning", passed=False, message="99 days old"),
)
ADDRESSES = ("5ca1ab1e0001", "5ca1ab1e0002")
STATE = "SELECT status, severity, batches, batch_date, last_batch_date FROM alerts ORDER BY raised_at"
EVENTS = "SELECT event, batch_date FROM alert_events ORDER BY happened_at"


@pytest.fixture
def writer(at: Address) -> Writer:
    return Writer(at, CONTRACT, WAIT_SECONDS)


class Days:
    """Publishes small batches of some days, and says what was found in them."""

    def __init__(self, folder: Path, at: Address) -> None:
        self._folder, self._at = folder, at

    def publish(
        self,
        number: int,
        *alerts: Alert,
        judged: Sequence[AlertKind] = ("drift",),
        content: str = "first",
        addresses: Sequence[str] = (),
    ) -> bool:
        """Publishes a day, after which these alerts hold; returns whether the batch is a new one."""
        batch = stage(self._folder, DAYS[number], rows=4, quarantined=0, content=content)
        batch = batch.seen(*(row[0] for row in self._published()))
        found = Monitoring(
            alerts=[replace(alert, batch_date=DAYS[number]) for alert in alerts], judged=frozenset(judged)
        )
        writer = Writer(self._at, CONTRACT, WAIT_SECONDS, addresses)
        return writer.publish(batch.record, batch.staged, GATE, found, unsummed).new

    def block(self, number: int, content: str = "refused") -> None:
        batch = stage(self._folder, DAYS[number], content=content).counted(scored=0, quarantined=22)
        Writer(self._at, CONTRACT, WAIT_SECONDS).block(batch.record, REFUSALS)

    def _published(self) -> list[tuple[str, ...]]:
        return ask(self._at, "SELECT batch_id FROM batches") if exists(self._at, WAIT_SECONDS) else []


@pytest.fixture
def days(tmp_path: Path, at: Address) -> Days:
    return Days(tmp_path, at)


def the_alert(at: Address) -> str:
    ((alert_id,),) = ask(at, "SELECT alert_id FROM alerts")
    return str(alert_id)


def test_an_alert_is_opened_with_an_id_and_the_instant(days: Days, at: Address) -> None:
    earliest = utc_now()
    days.publish(0, DRIFTED)
    found = ask(at, "SELECT kind, severity, batch_date, subject, message, status, raised_at, alert_id FROM alerts")
    ((*stored, status, raised_at, alert_id),) = found
    assert (tuple(stored), status, len(alert_id)) == (astuple(DRIFTED), "open", 32)
    assert earliest <= raised_at <= utc_now()
    assert ask(at, "SELECT alert_id, event, batch_date, message FROM alert_events") == [
        (alert_id, "opened", DAYS[0], "PSI 0.31")
    ]


def test_a_cause_that_lasts_is_counted_and_makes_no_event(days: Days, at: Address) -> None:
    for number in range(3):
        days.publish(number, replace(DRIFTED, message=f"PSI 0.3{number}"))
    assert ask(at, STATE) == [("open", "warning", 3, DAYS[0], DAYS[2])]
    assert ask(at, "SELECT message FROM alerts") == [("PSI 0.32",)]
    assert ask(at, EVENTS) == [("opened", DAYS[0])]


def test_a_batch_counts_once_however_often_it_is_published(days: Days, at: Address) -> None:
    days.publish(0, DRIFTED)
    assert not days.publish(0, DRIFTED)
    # A corrected file that shows the same.
    assert days.publish(0, DRIFTED, content="corrected")
    assert ask(at, STATE) == [("open", "warning", 1, DAYS[0], DAYS[0])]


def test_an_alert_that_gets_worse_is_escalated_once_and_does_not_get_better(days: Days, at: Address) -> None:
    for number, severity in enumerate(["warning", "critical", "critical", "warning"]):
        days.publish(number, replace(DRIFTED, severity=severity))  # type: ignore[arg-type]  # one of the two
    assert ask(at, STATE) == [("open", "critical", 4, DAYS[0], DAYS[3])]
    assert ask(at, EVENTS) == [("opened", DAYS[0]), ("escalated", DAYS[1])]


def test_an_acknowledged_alert_is_quiet_until_its_date_and_then_reopened(
    days: Days, at: Address, writer: Writer
) -> None:
    days.publish(0, DRIFTED)
    writer.acknowledge(the_alert(at), "Ada", DAYS[2])
    people = "SELECT acknowledged_by, acknowledged_until FROM alerts"
    assert ask(at, people) == [("Ada", DAYS[2])]
    # The date itself is still quiet.
    for number in (1, 2):
        days.publish(number, DRIFTED)
        assert ask(at, STATE) == [("acknowledged", "warning", number + 1, DAYS[0], DAYS[number])]
    days.publish(3, DRIFTED)
    assert ask(at, STATE) == [("open", "warning", 4, DAYS[0], DAYS[3])]
    days.publish(4, DRIFTED)
    assert ask(at, EVENTS) == [("opened", DAYS[0]), ("acknowledged", None), ("reopened", DAYS[3])]


def test_an_acknowledged_alert_that_gets_worse_is_open_again(days: Days, at: Address, writer: Writer) -> None:
    days.publish(0, DRIFTED)
    writer.acknowledge(the_alert(at), "Ada", DAYS[7])
    days.publish(1, replace(DRIFTED, severity="critical"))
    assert ask(at, STATE) == [("open", "critical", 2, DAYS[0], DAYS[1])]
    assert ask(at, EVENTS)[1:] == [("acknowledged", None), ("escalated", DAYS[1])]


@pytest.mark.parametrize("acknowledged", [False, True])
def test_an_alert_ends_with_its_cause_and_comes_back_as_a_new_one(
    days: Days, at: Address, writer: Writer, acknowledged: bool
) -> None:
    days.publish(0, DRIFTED)
    first = the_alert(at)
    if acknowledged:
        writer.acknowledge(first, "Ada", DAYS[7])
    before = utc_now()
    days.publish(1)
    ((status, resolved_at, by),) = ask(at, "SELECT status, resolved_at, resolved_by_batch_date FROM alerts")
    assert (status, by, before <= resolved_at <= utc_now()) == ("resolved", DAYS[1], True)
    assert ask(at, EVENTS)[-1] == ("resolved", DAYS[1])
    days.publish(2)
    days.publish(3, DRIFTED)
    states = ask(at, "SELECT alert_id = ?, status, batches, batch_date FROM alerts ORDER BY raised_at", first)
    assert states == [(True, "resolved", 1, DAYS[0]), (False, "open", 1, DAYS[3])]


def test_kinds_that_a_batch_cannot_tell_about_are_left_alone(days: Days, at: Address, writer: Writer) -> None:
    quality = replace(DRIFTED, kind="quality")
    days.publish(0, DRIFTED, quality, judged=("drift", "quality"))
    days.publish(1, judged=("quality",))
    kinds = "SELECT kind, status FROM alerts ORDER BY kind"
    assert ask(at, kinds) == [("drift", "open"), ("quality", "resolved")]
    days.publish(2, judged=())
    writer.replace_performance(polars.DataFrame(schema=PERFORMANCE), ())
    assert ask(at, kinds) == [("drift", "open"), ("quality", "resolved")]


def test_alerts_of_another_kind_or_subject_are_alerts_of_their_own(days: Days, at: Address) -> None:
    alerts = [DRIFTED, replace(DRIFTED, kind="quality"), replace(DRIFTED, subject="age")]
    days.publish(0, *alerts, judged=("drift", "quality"))
    days.publish(1, alerts[0], judged=("drift", "quality"))
    assert ask(at, "SELECT kind, subject, status FROM alerts ORDER BY ALL") == [
        ("drift", "age", "resolved"),
        ("drift", "income", "open"),
        ("quality", "income", "resolved"),
    ]


def test_a_batch_older_than_the_newest_published_one_moves_nothing(days: Days, at: Address) -> None:
    days.publish(4, DRIFTED)
    days.publish(5, DRIFTED)
    before = {table: everything(at)[table] for table in ("alerts", "alert_events")}
    # Nothing is resolved, nothing repeated, nothing opened.
    days.publish(0)
    days.publish(1, DRIFTED, replace(DRIFTED, subject="age"))
    days.publish(4, content="corrected")
    assert {table: everything(at)[table] for table in ("alerts", "alert_events")} == before
    days.publish(5, content="corrected")
    assert ask(at, EVENTS)[-1] == ("resolved", DAYS[5])


def test_what_belongs_to_no_day_lives_by_what_holds_now(days: Days, at: Address, writer: Writer) -> None:
    lost = Alert(kind="performance", severity="critical", batch_date=None, subject="auc", message="AUC fell to 0.6")
    nothing = polars.DataFrame(schema=PERFORMANCE)
    days.publish(5)
    for alerts in ((lost,), (lost,), ()):
        writer.replace_performance(nothing, alerts)
    assert ask(at, STATE) == [("resolved", "critical", 1, None, None)]
    assert ask(at, EVENTS) == [("opened", None), ("resolved", None)]


def test_a_missing_file_is_reported_once_and_not_when_it_was_judged_meanwhile(days: Days, writer: Writer) -> None:
    days.publish(0)
    days.block(1)
    assert not writer.report_missing(MISSING)
    assert not writer.report_missing(replace(MISSING, batch_date=DAYS[1], subject=file_subject(DAYS[1])))
    later = replace(MISSING, batch_date=DAYS[2], subject=file_subject(DAYS[2]))
    assert [writer.report_missing(later) for _ in range(2)] == [True, False]


@pytest.mark.parametrize("acknowledged", [False, True])
def test_a_missing_file_ends_when_it_is_published(days: Days, at: Address, writer: Writer, acknowledged: bool) -> None:
    writer.report_missing(MISSING)
    if acknowledged:
        writer.acknowledge(the_alert(at), "Ada", DAYS[7])
    # The files of other days are no news of this one, older than the newest published or not.
    days.publish(1, judged=("drift", "quality", "volume"))
    assert ask(at, EVENTS)[-1][0] != "resolved"
    days.publish(0, judged=())
    assert ask(at, "SELECT status, resolved_by_batch_date FROM alerts") == [("resolved", DAYS[0])]


def test_a_missing_file_that_is_refused_gives_way_to_the_refusal(days: Days, at: Address, writer: Writer) -> None:
    writer.report_missing(MISSING)
    days.block(0)
    question = "SELECT kind, severity, subject, status FROM alerts ORDER BY raised_at"
    assert ask(at, question) == [
        ("missing_file", "critical", MISSING.subject, "resolved"),
        ("gate", "critical", MISSING.subject, "open"),
    ]
    ((message,),) = ask(at, "SELECT message FROM alerts WHERE kind = 'gate'")
    # What only warned is no reason.
    assert message.startswith(
        f"applications_{DAYS[0]}.csv of {DAYS[0]} is refused, nothing of it is published: 40 %. Ask"
    )


def test_a_refusal_ends_when_a_file_of_its_date_is_published(days: Days, at: Address) -> None:
    days.block(0)
    days.block(0)
    days.block(0, content="no better")
    days.block(1)
    days.publish(2)
    assert ask(at, STATE) == [
        ("open", "critical", 1, DAYS[0], DAYS[0]),
        ("open", "critical", 1, DAYS[1], DAYS[1]),
    ]
    days.publish(0, content="corrected")
    assert ask(at, "SELECT batch_date, status FROM alerts ORDER BY batch_date") == [
        (DAYS[0], "resolved"),
        (DAYS[1], "open"),
    ]


def test_only_an_unresolved_alert_can_be_acknowledged(days: Days, at: Address, writer: Writer) -> None:
    days.publish(0, DRIFTED)
    alert_id = the_alert(at)
    writer.acknowledge(alert_id, "Ada", DAYS[1])
    writer.acknowledge(alert_id, "Grace", DAYS[2])
    assert ask(at, "SELECT acknowledged_by, acknowledged_until FROM alerts") == [("Grace", DAYS[2])]
    days.publish(1)
    before = everything(at)
    for unknown in (alert_id, alert_id[:8], ""):
        with pytest.raises(WarehouseError, match=f"no unresolved alert has the id {unknown}; list them"):
            writer.acknowledge(unknown, "Ada", DAYS[7])
    assert everything(at) == before


def test_every_event_but_an_acknowledgement_is_to_be_told_to_every_address(days: Days, at: Address) -> None:
    days.publish(0, DRIFTED, addresses=ADDRESSES)
    Writer(at, CONTRACT, WAIT_SECONDS, ADDRESSES).acknowledge(the_alert(at), "Ada", DAYS[0])
    days.publish(1, DRIFTED, addresses=ADDRESSES)
    days.publish(2, replace(DRIFTED, severity="critical"), addresses=ADDRESSES)
    days.publish(3, addresses=ADDRESSES)
    told = ask(
        at,
        "SELECT event, address, status, attempts, problem FROM alert_events JOIN deliveries USING (event_id)"
        " ORDER BY happened_at, address",
    )
    events = ["opened", "reopened", "escalated", "resolved"]
    assert told == [(event, address, "pending", 0, None) for event in events for address in ADDRESSES]
    assert len(ask(at, EVENTS)) == len(events) + 1


def test_refusals_and_missing_files_are_to_be_told_too(tmp_path: Path, at: Address) -> None:
    writer = Writer(at, CONTRACT, WAIT_SECONDS, ADDRESSES[:1])
    writer.report_missing(MISSING)
    writer.block(stage(tmp_path).counted(scored=0, quarantined=22).record, REFUSALS)
    told = ask(at, "SELECT event FROM alert_events JOIN deliveries USING (event_id) ORDER BY happened_at")
    assert told == [("opened",), ("resolved",), ("opened",)]


def test_without_addresses_nothing_is_to_be_told(days: Days, at: Address) -> None:
    days.publish(0, DRIFTED)
    assert (len(ask(at, EVENTS)), ask(at, "SELECT * FROM deliveries")) == (1, [])


def test_a_publication_that_fails_leaves_alerts_and_events_as_they_were(tmp_path: Path, at: Address) -> None:
    writer = Writer(at, CONTRACT, WAIT_SECONDS, ADDRESSES)
    writer.report_missing(MISSING)
    before = everything(at)
    found = Monitoring(alerts=[DRIFTED], judged=frozenset({"drift"}))
    # The first fails among the rows, the second with the alerts, behind everything else.
    with pytest.raises(WarehouseError, match="staged"):
        publish(at, stage(tmp_path).counted(scored=21, quarantined=2), found)
    batch = stage(tmp_path)
    broken = replace(found, alerts=[DRIFTED, replace(DRIFTED, subject="age", batch_date="never")])  # type: ignore[arg-type]
    with pytest.raises(duckdb.Error):
        writer.publish(batch.record, batch.staged, GATE, broken, unsummed)
    assert everything(at) == before


def test_a_verdict_that_fails_leaves_alerts_and_events_as_they_were(tmp_path: Path, at: Address) -> None:
    writer = Writer(at, CONTRACT, WAIT_SECONDS, ADDRESSES)
    writer.report_missing(MISSING)
    before = everything(at)
    with pytest.raises(duckdb.Error):
        writer.block(stage(tmp_path).counted(scored=0, quarantined=22).record, ())
    assert everything(at) == before
