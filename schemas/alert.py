"""What a person should look at: a finding worth an alert, before it is on the record."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

AlertKind = Literal["drift", "gate", "volume", "quality", "missing_file", "performance"]
AlertSeverity = Literal["warning", "critical"]


@dataclass(frozen=True, kw_only=True)
class Alert:
    """A finding; kind, batch date and subject say which one it is, so that it is raised once until it is resolved.

    `batch_date` is None for what belongs to no single day; `subject` names what it is about, such as a feature.
    """

    kind: AlertKind
    severity: AlertSeverity
    batch_date: date | None
    subject: str
    message: str
