"""The life of alerts, within the caller's transaction: opened, repeated, escalated, acknowledged, resolved."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import uuid4

import duckdb

from schemas.alert import Alert, AlertEvent, AlertKind
from schemas.errors import WarehouseError
from warehouse.instants import utc_now
from warehouse.queries import sql


@dataclass(frozen=True)
class AlertBook:
    """The alerts of a warehouse; whatever happens to one is an event, to be delivered to each of `addresses`."""

    connection: duckdb.DuckDBPyConnection
    addresses: Sequence[str] = ()

    def judge(
        self,
        batch_date: date | None,
        kinds: Collection[AlertKind],
        alerts: Sequence[Alert],
        lasting: Collection[tuple[AlertKind, str]] = (),
    ) -> None:
        """Brings the alerts of these kinds to what holds now: `alerts`, and no others.

        Those on a `lasting` kind and subject are neither opened nor repeated nor ended. Does nothing for a batch older
        than the newest published one: the past does not move what is so today.
        """
        if not kinds or (batch_date and self._has_newer(batch_date)):
            return
        held = {(alert.kind, alert.subject) for alert in alerts} | set(lasting)
        for alert in alerts:
            self.raise_alert(alert)
        for alert_id, kind, subject in self._rows("unresolved_of_kinds", kinds=sorted(kinds)):
            if (kind, subject) not in held:
                self.resolve(alert_id, batch_date)

    def raise_alert(self, alert: Alert) -> bool:
        """Opens an alert and returns True; one that is open already is brought up to date instead."""
        found = self._rows("unresolved_alert", kind=alert.kind, subject=alert.subject)
        if not found:
            self._open(alert)
            return True
        alert_id, severity, status, acknowledged_until = found[0]
        worse = (severity, alert.severity) == ("warning", "critical")
        lapsed = bool(status == "acknowledged" and alert.batch_date and acknowledged_until < alert.batch_date)
        self.connection.execute(
            sql("repeat_alert"),
            {
                "alert_id": alert_id,
                "severity": "critical" if worse else severity,
                "status": "open" if worse or lapsed else status,
                "batch_date": alert.batch_date,
                "message": alert.message,
            },
        )
        if worse or lapsed:
            self._record(alert_id, "escalated" if worse else "reopened", alert.batch_date, alert.message)
        return False

    def resolve(self, alert_id: str, batch_date: date | None) -> None:
        """Ends an alert whose cause is gone."""
        values = {"alert_id": alert_id, "batch_date": batch_date, "resolved_at": utc_now()}
        self.connection.execute(sql("resolve_alert"), values)
        since = "" if batch_date is None else f" as of {batch_date}"
        self._record(alert_id, "resolved", batch_date, f"the cause is gone{since}")

    def resolve_subject(self, kind: AlertKind, subject: str, batch_date: date | None) -> None:
        """Ends the alert on a subject, if there is one."""
        for alert_id, *_ in self._rows("unresolved_alert", kind=kind, subject=subject):
            self.resolve(alert_id, batch_date)

    def acknowledge(self, alert_id: str, by: str, until: date) -> None:
        """Keeps an alert quiet until a date, unless it gets worse; raises WarehouseError if none is open by that id."""
        values = {"alert_id": alert_id, "by": by, "until": until}
        found = self.connection.execute(sql("acknowledge_alert"), values).fetchone()
        if not found or not found[0]:
            raise WarehouseError(f"no unresolved alert has the id {alert_id}; list them: python -m flows alerts")
        self._record(alert_id, "acknowledged", None, f"by {by} until {until}", announce=False)

    def _open(self, alert: Alert) -> None:
        alert_id = uuid4().hex
        self.connection.execute(sql("open_alert"), asdict(alert) | {"alert_id": alert_id, "raised_at": utc_now()})
        self._record(alert_id, "opened", alert.batch_date, alert.message)

    def _record(
        self, alert_id: str, event: AlertEvent, batch_date: date | None, message: str, *, announce: bool = True
    ) -> None:
        event_id, happened_at = uuid4().hex, utc_now()
        self.connection.execute(
            "INSERT INTO alert_events (event_id, alert_id, event, batch_date, message, happened_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [event_id, alert_id, event, batch_date, message, happened_at],
        )
        for address in self.addresses if announce else ():
            self._to_deliver(event_id, address, happened_at)

    def _to_deliver(self, event_id: str, address: str, changed_at: datetime) -> None:
        self.connection.execute(
            "INSERT INTO deliveries (event_id, address, status, attempts, changed_at) VALUES (?, ?, 'pending', 0, ?)",
            [event_id, address, changed_at],
        )

    def _has_newer(self, batch_date: date) -> bool:
        return bool(self._rows("newer_batch", batch_date=batch_date))

    def _rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql(query), values).fetchall()
