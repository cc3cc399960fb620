"""Alerts as the commands print them."""

import json

import polars
from rich.table import Table
from rich.text import Text

from flows.console import out
from schemas.alert import short_id

COLUMNS = ("id", "status", "severity", "kind", "subject", "since", "last batch", "batches", "message")


def print_alerts(alerts: polars.DataFrame, *, resolved_too: bool) -> None:
    """A table of alerts, or a sentence if there are none."""
    if alerts.is_empty():
        out.print("There are no alerts." if resolved_too else "No alert is open.")
        return
    table = Table(*COLUMNS)
    for alert in alerts.iter_rows(named=True):
        # As text, since brackets in a message are no markup.
        table.add_row(*(Text(str(cell)) for cell in _cells(alert)))
    out.print(table)


def print_alerts_as_json(alerts: polars.DataFrame) -> None:
    """A line of JSON for each alert; dates and UTC instants in ISO 8601, whatever is not known is null."""
    for alert in alerts.iter_rows(named=True):
        out.print(json.dumps(alert, default=lambda value: value.isoformat()), markup=False, soft_wrap=True)


def _cells(alert: dict[str, object]) -> tuple[object, ...]:
    batch_date, raised_at = alert["batch_date"], str(alert["raised_at"])
    return (
        short_id(str(alert["alert_id"])),
        _status(alert),
        alert["severity"],
        str(alert["kind"]).replace("_", " "),
        alert["subject"],
        batch_date or raised_at.partition(" ")[0],
        alert["last_batch_date"] or "",
        alert["batches"],
        alert["message"],
    )


def _status(alert: dict[str, object]) -> str:
    if alert["status"] == "acknowledged":
        return f"acknowledged by {alert['acknowledged_by']} until {alert['acknowledged_until']}"
    return str(alert["status"])
