"""Acknowledging an alert: a person has seen it, and wants to hear no more of it until a date, unless it gets worse."""

import unicodedata
from datetime import UTC, date, datetime

from schemas.errors import ScoringError
from tasks.project import Project

SHORTEST_ID = 4
LONGEST_NAME = 80


class AcknowledgementRefused(ScoringError):
    """An alert is not acknowledged, for the reason in the message."""


def acknowledge(project: Project, alert: str, by: str, until: date) -> str:
    """Acknowledges the unresolved alert whose id begins with `alert`, and returns its id.

    Raises AcknowledgementRefused if there is none or more than one, if the name is empty, long or no plain text, or if
    the date is past; and WarehouseError if the alert has ended meanwhile.
    """
    name = _checked_name(by)
    today = project.calendar.business_date(datetime.now(UTC))
    if until < today:
        raise AcknowledgementRefused(f"{until} is past; give today's date ({today}) or a later one")
    alert_id = find_unresolved(project, alert)
    project.writer.acknowledge(alert_id, name, until)
    return alert_id


def find_unresolved(project: Project, beginning: str) -> str:
    """The id of the one unresolved alert that begins so; raises AcknowledgementRefused if it is not one."""
    if len(beginning) < SHORTEST_ID:
        raise AcknowledgementRefused(
            f"'{beginning}' is too short: give {SHORTEST_ID} or more characters of the alert's id"
        )
    ids = [str(found) for found in project.reader.open_alerts()["alert_id"]]
    found = [alert_id for alert_id in ids if alert_id.startswith(beginning.lower())]
    if not found:
        raise AcknowledgementRefused(
            f"no unresolved alert has an id that begins with '{beginning}'; list them: python -m flows alerts"
        )
    if len(found) > 1:
        raise AcknowledgementRefused(
            f"the ids of {len(found)} unresolved alerts begin with '{beginning}': {', '.join(sorted(found))};"
            " give more of it"
        )
    return found[0]


def _checked_name(by: str) -> str:
    name = by.strip()
    if not name:
        raise AcknowledgementRefused("the name is empty; say who acknowledges the alert")
    if len(name) > LONGEST_NAME:
        raise AcknowledgementRefused(f"the name has {len(name)} characters; at most {LONGEST_NAME} are kept")
    if any(unicodedata.category(character).startswith(("C", "Zl", "Zp")) for character in name):
        raise AcknowledgementRefused("the name has control characters; write it in letters")
    return name
