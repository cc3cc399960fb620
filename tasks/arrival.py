"""Arrival: whether a day's file is there, still to come, missing, or not expected at all."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from schemas.alert import Alert, file_subject
from schemas.errors import LandingError
from schemas.storage import stats_of
from tasks.project import Project
from tasks.source.landing import Source, dates_in, find_source

POLL_SECONDS = 15.0
# A transfer that goes on writes more often than this.
SETTLED_SECONDS = 5.0


def utc_now() -> datetime:
    """The time of the clock; what waits takes it as an argument, so that tests need not wait."""
    return datetime.now(UTC)


def is_still_to_come(project: Project, batch_date: date, now: Callable[[], datetime] = utc_now) -> bool:
    """Whether the file of a date is not there or not complete yet, and neither due."""
    return now() < project.calendar.due(batch_date) and not _is_there(project, batch_date, now())


def wait_for_file(
    project: Project,
    batch_date: date,
    now: Callable[[], datetime] = utc_now,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Returns when the file of a date is there and no longer written to, or when it is due."""
    due = project.calendar.due(batch_date)
    while is_still_to_come(project, batch_date, now):
        sleep(min(POLL_SECONDS, max(0.0, (due - now()).total_seconds())))


def not_expected(project: Project, batch_date: date) -> str | None:
    """Why a date has no file and need not have one; None if it has one, or should."""
    reason = project.calendar.closed(batch_date)
    return reason if reason and batch_date not in dates_in(project.settings.path("landing")) else None


def report_missing(project: Project, batch_date: date, now: Callable[[], datetime] = utc_now) -> bool:
    """Raises an alert on a date whose file is not there although it was due; returns whether the alert is a new one."""
    due = project.calendar.due(batch_date)
    if now() < due:
        return False
    alert = Alert(
        kind="missing_file",
        severity="critical",
        batch_date=batch_date,
        subject=file_subject(batch_date),
        message=(
            f"no file for {batch_date} in {project.settings.path('landing')}; it was due at"
            f" {due.astimezone(project.calendar.timezone):%H:%M} ({project.calendar.timezone}). Ask its sender; when it"
            " comes, the flow catch-up takes it up"
        ),
    )
    return project.writer.report_missing(alert)


def is_written_to(source: Source, now: datetime) -> bool:
    """Whether a file, or a part of a folder, was written to so lately that more may come; a transfer goes on."""
    touched = max(stat.st_mtime for stat in stats_of(source.parts))
    return now - datetime.fromtimestamp(touched, UTC) < timedelta(seconds=SETTLED_SECONDS)


def _is_there(project: Project, batch_date: date, now: datetime) -> bool:
    try:
        return not is_written_to(find_source(project.settings.path("landing"), batch_date), now)
    except (LandingError, FileNotFoundError):
        # Nothing yet, a folder still without parts, two files of which one is to go: it may be put right in time.
        return False
