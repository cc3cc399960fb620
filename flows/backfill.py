"""Backfill: the daily flow for every date of a period that has a file, oldest first."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from flows.console import progress_bar
from schemas.batch import Published
from schemas.errors import BatchBlocked, LandingError
from tasks.ingest import open_batch
from tasks.project import Project
from tasks.publish import find_published
from tasks.source.landing import dates_in

Outcome = Literal["published", "already published", "blocked", "failed"]


@dataclass(frozen=True)
class Day:
    """What became of a date; `message` says why it was blocked or failed."""

    batch_date: date
    outcome: Outcome
    message: str = ""


def dates_between(project: Project, start: date | None, end: date | None) -> list[date]:
    """The dates of a period that have a file, oldest first; raises LandingError if there are none."""
    landing = project.settings.path("landing")
    dates = [day for day in dates_in(landing) if (start or day) <= day <= (end or day)]
    if not dates:
        period = f" from {start or 'the first'} to {end or 'the last'}"
        raise LandingError(f"no file in {landing}{period}; expected applications_YYYY-MM-DD.csv and the like")
    return dates


def backfill(project: Project, dates: Sequence[date]) -> list[Day]:
    """Runs the daily flow for each date with a progress bar; a bad day does not keep the next from being run.

    Days that are published already are found without starting Prefect, so that a repeated backfill is quick.
    """
    days = {day: Day(day, "already published") for day in dates if _is_published(project, day)}
    waiting = [day for day in dates if day not in days]
    if waiting:
        with progress_bar("Scoring", len(waiting)) as steps:
            for day in waiting:
                steps.begin(str(day))
                days[day] = _run(day)
                steps.done()
    return [days[day] for day in dates]


def counts(days: Sequence[Day]) -> dict[Outcome, int]:
    """How many days ended how."""
    return dict(Counter(day.outcome for day in days))


def _is_published(project: Project, day: date) -> bool:
    try:
        return find_published(project, open_batch(project, day)) is not None
    except LandingError:
        # More than one file for the date, say: the flow will report it as that date's failure.
        return False


def _run(day: date) -> Day:
    # Imported here: a backfill with nothing to do never has to load Prefect.
    from flows.daily_scoring import daily_scoring  # noqa: PLC0415

    state = daily_scoring(day, return_state=True)
    result = state.result(raise_on_failure=False)
    if isinstance(result, Published):
        return Day(day, "published" if result.new else "already published")
    return Day(day, "blocked" if isinstance(result, BatchBlocked) else "failed", str(result))


def problems(days: Sequence[Day]) -> Iterator[Day]:
    """The days that need a person."""
    return (day for day in days if day.outcome in ("blocked", "failed"))
