"""What is told to whom: claimed by one process only, and settled as it went."""

from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest

from schemas.alert import Alert, file_subject
from tests.warehouse.at_once import in_processes, in_threads
from tests.warehouse.staged import CONTRACT, DAY, WAIT_SECONDS, ask
from warehouse.connection import Address, open_for_writing
from warehouse.deliveries import ABANDONED_AFTER, MOST_ATTEMPTS, Claimed, Settlement
from warehouse.instants import utc_now
from warehouse.writer import Writer

DESK, NIGHT = "5ca1ab1e0001", "5ca1ab1e0002"
STATE = "SELECT address, status, attempts, problem FROM deliveries ORDER BY ALL"


def writer_for(at: Address, *addresses: str) -> Writer:
    return Writer(at, CONTRACT, WAIT_SECONDS, addresses)


def report(writer: Writer, *numbers: int) -> None:
    """A missing file of each of these days."""
    for day in (DAY + timedelta(days=number) for number in numbers):
        writer.report_missing(
            Alert(
                kind="missing_file", severity="critical", batch_date=day, subject=file_subject(day), message="no file"
            )
        )


def settlement(claimed: Claimed, result: Any, problem: str | None = None, address: str = DESK) -> Settlement:
    ids = [delivery.event_id for delivery in claimed.deliveries if delivery.address == address]
    return Settlement(address=address, event_ids=ids, result=result, problem=problem)


def change(at: Address, statement: str, *values: object) -> None:
    with open_for_writing(at, WAIT_SECONDS) as connection:
        connection.execute(statement, list(values))


def test_what_is_claimed_is_in_the_order_it_happened_and_nobody_elses(at: Address) -> None:
    writer = writer_for(at, DESK, NIGHT)
    report(writer, 3, 1, 2)
    claimed = writer.claim_deliveries()
    for address in (DESK, NIGHT):
        mine = [delivery for delivery in claimed.deliveries if delivery.address == address]
        assert [delivery.since for delivery in mine] == [DAY + timedelta(days=number) for number in (3, 1, 2)]
    first = claimed.deliveries[0]
    assert (first.event, first.kind, first.severity, first.message) == ("opened", "missing_file", "critical", "no file")
    assert (claimed.uncertain, claimed.dropped) == ({}, {})
    assert ask(at, STATE) == [(DESK, "sending", 1, None)] * 3 + [(NIGHT, "sending", 1, None)] * 3
    assert writer.claim_deliveries() == Claimed(deliveries=[], uncertain={}, dropped={})


def test_an_alert_of_no_day_lasts_since_it_was_raised(at: Address) -> None:
    writer = writer_for(at, DESK)
    report(writer, 0)
    change(at, "UPDATE alerts SET batch_date = NULL, raised_at = TIMESTAMP '2026-04-05 23:30:00'")
    (delivery,) = writer.claim_deliveries().deliveries
    assert delivery.since == date(2026, 4, 5)


def test_how_it_went_is_recorded_for_what_was_claimed_of_an_address(at: Address) -> None:
    writer = writer_for(at, DESK, NIGHT)
    report(writer, 1, 2)
    claimed = writer.claim_deliveries()
    assert writer.settle_deliveries(settlement(claimed, "sent")) == {"sent": 2}
    assert writer.settle_deliveries(settlement(claimed, "uncertain", "it broke", NIGHT)) == {"uncertain": 2}
    assert ask(at, STATE) == [(DESK, "sent", 1, None)] * 2 + [(NIGHT, "uncertain", 1, "it broke")] * 2
    # What is settled stays so.
    assert writer.settle_deliveries(settlement(claimed, "failed")) == {}
    assert writer.claim_deliveries().deliveries == []


def test_a_failure_waits_for_the_next_run_until_it_is_the_tenth(at: Address) -> None:
    writer = writer_for(at, DESK)
    report(writer, 1)
    for attempt in range(1, MOST_ATTEMPTS):
        assert writer.settle_deliveries(settlement(writer.claim_deliveries(), "failed", "no")) == {"pending": 1}
        assert ask(at, STATE) == [(DESK, "pending", attempt, "no")]
    # One that came later has its own count.
    report(writer, 2)
    last = writer.settle_deliveries(settlement(writer.claim_deliveries(), "failed", "no"))
    assert last == {"failed": 1, "pending": 1}
    assert ask(at, STATE) == [(DESK, "failed", MOST_ATTEMPTS, "no"), (DESK, "pending", 1, "no")]


@pytest.mark.parametrize(
    ("longer", "status"), [(timedelta(seconds=-30), "sending"), (timedelta(seconds=1), "uncertain")]
)
def test_a_claim_that_is_ten_minutes_old_is_uncertain(at: Address, longer: timedelta, status: str) -> None:
    writer = writer_for(at, DESK)
    report(writer, 1, 2)
    claimed = writer.claim_deliveries()
    change(at, "UPDATE deliveries SET changed_at = ?", utc_now() - ABANDONED_AFTER - longer)
    again = writer.claim_deliveries()
    assert (again.deliveries, again.uncertain) == ([], {DESK: 2} if status == "uncertain" else {})
    assert {row[1] for row in ask(at, STATE)} == {status}
    # It is said once; and a process that wakes up late does not make it pending again.
    assert writer.claim_deliveries().uncertain == {}
    late = writer.settle_deliveries(settlement(claimed, "failed"))
    assert late == ({"pending": 2} if status == "sending" else {})


def test_what_waits_for_others_than_the_addresses_is_dropped(at: Address) -> None:
    both, desk = writer_for(at, DESK, NIGHT), writer_for(at, DESK)
    report(both, 1, 2)
    claimed = desk.claim_deliveries()
    assert ({delivery.address for delivery in claimed.deliveries}, claimed.dropped) == ({DESK}, {NIGHT: 2})
    assert ask(at, STATE)[2:] == [(NIGHT, "dropped", 0, "the address was no longer set")] * 2
    # What another process is sending right now is not.
    assert writer_for(at).claim_deliveries().dropped == {}
    report(both, 3)
    assert writer_for(at).claim_deliveries() == Claimed(deliveries=[], uncertain={}, dropped={DESK: 1, NIGHT: 1})


def claimed_ids(at: Address) -> list[str]:
    return [delivery.event_id for delivery in writer_for(at, DESK).claim_deliveries().deliveries]


@pytest.mark.parametrize("at_once", ["processes", "threads"])
def test_of_several_claims_at_once_one_gets_it(at: Address, at_once: str) -> None:
    report(writer_for(at, DESK), *range(5))
    calls = [partial(claimed_ids, at)] * 4
    claims = in_processes(calls) if at_once == "processes" else in_threads(*calls)
    assert sorted(len(claim) for claim in claims) == [0, 0, 0, 5]
    assert ask(at, "SELECT DISTINCT status, attempts FROM deliveries") == [("sending", 1)]


def test_settling_with_nothing_claimed_changes_nothing(at: Address) -> None:
    writer = writer_for(at, DESK)
    report(writer, 1)
    claimed = Claimed(deliveries=[], uncertain={}, dropped={})
    assert writer.settle_deliveries(settlement(claimed, "sent")) == {}
    unclaimed = replace(
        settlement(claimed, "sent"), event_ids=[row[0] for row in ask(at, "SELECT event_id FROM deliveries")]
    )
    assert writer.settle_deliveries(unclaimed) == {}
    assert ask(at, STATE) == [(DESK, "pending", 0, None)]
