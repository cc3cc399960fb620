"""The alerts that the drift of a feature raised, and what happened to them."""

from datetime import date

import polars
import streamlit as st

from dashboard.desk import Desk
from dashboard.filters import Period
from dashboard.tables import Column, show_table
from schemas.alert import short_id

ALERTS = {
    "alert": Column("Alert"),
    "severity": Column("Severity"),
    "status": Column("Status"),
    "batch_date": Column("Opened by the batch of", "date"),
    "last_batch_date": Column("Last seen", "date"),
    "batches": Column("Batches", "count"),
    "acknowledged": Column("Acknowledged"),
    "resolved_by_batch_date": Column("Resolved by the batch of", "date"),
    "message": Column("Message"),
}
EVENTS = {
    "happened_at": Column("When", "instant"),
    "alert": Column("Alert"),
    "event": Column("Event"),
    "batch_date": Column("Batch date", "date"),
    "message": Column("Message"),
}


def alerts_section(desk: Desk, feature: str, period: Period) -> None:
    """The alerts on a feature that were open in a period, the newest one's message in full, and their events."""
    st.subheader("Alerts it raised")
    asked = {"feature": feature, "start": period.start, "end": period.end}
    alerts = desk.ask("drift_alerts_of_feature", **asked)
    if alerts.is_empty():
        st.markdown("None in this period.")
        return
    newest = alerts.row(0, named=True)
    st.text(f"{newest['message']}")
    if newest["status"] == "open":
        number = short_id(newest["alert_id"])
        st.caption(f"Quiet it with `python -m flows acknowledge {number} --by NAME --until DATE`")
    show_table(alerts_read(alerts), ALERTS, f"drift_alerts_{feature}", desk.formats, lambda: alerts)
    st.markdown("**What happened to them**")
    events = desk.ask("events_of_drift_alerts", **asked)
    show_table(_with_number(events), EVENTS, f"drift_alert_events_{feature}", desk.formats, lambda: events)


def alerts_read(alerts: polars.DataFrame) -> polars.DataFrame:
    """The rows of `drift_alerts_of_feature.sql` with the columns of ALERTS."""
    said = [_acknowledged(by, until) for by, until in alerts.select("acknowledged_by", "acknowledged_until").rows()]
    return _with_number(alerts).with_columns(polars.Series("acknowledged", said, polars.String))


def _acknowledged(by: str | None, until: date | None) -> str:
    return f"by {by} until {until}" if by else ""


def _with_number(frame: polars.DataFrame) -> polars.DataFrame:
    """With `alert`, the short form of the id that commands take."""
    numbers = [short_id(number) for number in frame["alert_id"]]
    return frame.with_columns(polars.Series("alert", numbers, polars.String))
