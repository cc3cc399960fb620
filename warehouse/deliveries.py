"""What is told to whom, within the caller's transaction: claimed before it is sent, settled after."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

import duckdb

from schemas.alert import AlertEvent, AlertKind, AlertSeverity
from warehouse.instants import utc_now
from warehouse.queries import sql

SendResult = Literal["sent", "failed", "uncertain"]
# Runs that may try to deliver an event before it is given up: a day of one every five minutes.
MOST_ATTEMPTS = 288
# No run takes that long to send: what is still claimed then belongs to a process that died, or sleeps.
ABANDONED_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """An event of an alert, on its way to an address; `address` is a fingerprint, `since` the alert's first date."""

    event_id: str
    address: str
    event: AlertEvent
    batch_date: date | None
    message: str
    alert_id: str
    kind: AlertKind
    severity: AlertSeverity
    subject: str
    since: date


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """What is the caller's to send, and how many deliveries by address will not be: uncertain ones, dropped ones."""

    deliveries: Sequence[Delivery]
    uncertain: Mapping[str, int]
    dropped: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """How the sending of some events to an address went. Failed is only what surely did not arrive."""

    address: str
    event_ids: Sequence[str]
    result: SendResult
    problem: str | None


def claim(connection: duckdb.DuckDBPyConnection, addresses: Sequence[str]) -> Claimed:
    """Claims all that is pending for these addresses; what is pending for others is dropped."""
    now = utc_now()
    abandoned = {"now": now, "abandoned_before": now - ABANDONED_AFTER, "problem": "its sending was cut off"}
    connection.execute(sql("abandoned_deliveries"), abandoned)
    unknown = {"now": now, "addresses": list(addresses), "problem": "the address was no longer set"}
    connection.execute(sql("drop_deliveries"), unknown)
    changed = _changed(connection, now)
    pending = connection.execute(sql("pending_deliveries")).pl()
    connection.execute(sql("claim_deliveries"), {"now": now})
    deliveries = [Delivery(**row) for row in pending.iter_rows(named=True)]
    uncertain, dropped = (
        Counter(address for address, status in changed if status == told) for told in ("uncertain", "dropped")
    )
    return Claimed(deliveries=deliveries, uncertain=uncertain, dropped=dropped)


def settle(connection: duckdb.DuckDBPyConnection, settlement: Settlement) -> Mapping[str, int]:
    """Records how it went; returns how many are sent, uncertain, failed for good, or pending again."""
    now = utc_now()
    values = {
        "address": settlement.address,
        "event_ids": list(settlement.event_ids),
        "result": settlement.result,
        "problem": settlement.problem,
        "most_attempts": MOST_ATTEMPTS,
        "now": now,
    }
    connection.execute(sql("settle_deliveries"), values)
    return Counter(status for _, status in _changed(connection, now))


def _changed(connection: duckdb.DuckDBPyConnection, now: datetime) -> list[tuple[str, str]]:
    """Address and status of the deliveries that were changed at an instant."""
    return connection.execute(sql("changed_deliveries"), {"now": now}).fetchall()
