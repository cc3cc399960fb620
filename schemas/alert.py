"""What a person should look at: a finding worth an alert, and what becomes of it."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

AlertKind = Literal["drift", "gate", "volume", "quality", "missing_file", "performance", "fairness"]
AlertSeverity = Literal["warning", "critical"]
AlertEvent = Literal["opened", "escalated", "acknowledged", "reopened", "resolved"]


@dataclass(frozen=True, kw_only=True)
class Alert:
    """A finding; kind and subject say which one it is: it is raised once, and lasts as long as its cause.

    `batch_date` is None for what belongs to no single day; `subject` names what it is about, such as a feature.
    """

    kind: AlertKind
    severity: AlertSeverity
    batch_date: date | None
    subject: str
    message: str


def short_id(alert_id: str) -> str:
    """As much of an alert's id as a person is shown; commands take it."""
    return alert_id[:8]


def file_subject(batch_date: date) -> str:
    """What alerts on a date's file are about."""
    return f"applications_{batch_date}"
