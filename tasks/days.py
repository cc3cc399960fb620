"""Days: which dates of the landing zone there are to score, and what became of each."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from schemas.batch import ChampionOf
from schemas.errors import LandingError, ModelError
from tasks.arrival import is_written_to, utc_now
from tasks.ingest import open_batch
from tasks.project import Project
from tasks.source.landing import dates_in, find_source, hash_source

Outcome = Literal["published", "already published", "blocked", "failed", "no file"]


@dataclass(frozen=True)
class Day:
    """What became of a date; `message` says why it was blocked or failed, `run` where to look."""

    batch_date: date
    outcome: Outcome
    message: str = ""
    run: str = ""


def dates_between(project: Project, start: date | None, end: date | None) -> list[date]:
    """The dates of a period that have a file, oldest first; raises LandingError if there are none."""
    landing = project.settings.path("landing")
    if start and end and start > end:
        raise LandingError(f"the period starts on {start} and ends before it, on {end}; exchange the two")
    dates = [day for day in dates_in(landing) if (start or day) <= day <= (end or day)]
    if not dates:
        period = f" from {start or 'the first'} to {end or 'the last'}"
        raise LandingError(f"no file in {landing}{period}; expected applications_YYYY-MM-DD.csv and the like")
    return dates


def without_file(project: Project, dates: Collection[date], start: date | None, end: date | None) -> list[Day]:
    """The days of a period given in full on which a file was expected and there is none, although it was due."""
    if not (start and end):
        return []
    calendar = project.calendar
    period = (start + timedelta(days=number) for number in range((end - start).days + 1))
    expected = (day for day in period if calendar.closed(day) is None and calendar.due(day) <= utc_now())
    return [Day(day, "no file") for day in expected if day not in dates]


def already_published(project: Project, dates: Sequence[date], champion_of: ChampionOf) -> list[Day]:
    """Those of the dates whose file, as it lies in the landing zone, is published with the model asked for."""
    project.writer.prepare()
    in_force = project.reader.identities()
    return [
        Day(day, "already published")
        for day in dates
        if day in in_force and _identity(project, day, champion_of) == in_force[day]
    ]


def late_dates(project: Project, today: date, days_back: int, now: Callable[[], datetime] = utc_now) -> list[date]:
    """Dates up to today with a file that no run has judged yet, oldest first.

    A date counts as judged when something is published for it, or when this very file is blocked. A file that is still
    written to is left for the next time: once a part of it is published, nobody would come back for the rest.
    """
    project.writer.prepare()
    published, refused = set(), set()
    for batch_date, status, source_sha256 in project.reader.judged().iter_rows():
        if status == "published":
            published.add(batch_date)
        else:
            refused.add((batch_date, source_sha256))
    landing, first = project.settings.path("landing"), today - timedelta(days=days_back)
    recent = [day for day in dates_in(landing) if first <= day <= today and day not in published]
    return [day for day in recent if _is_waiting(project, day, refused, now())]


def problems(days: Sequence[Day]) -> Iterator[Day]:
    """The days that need a person."""
    return (day for day in days if day.outcome in ("blocked", "failed"))


def in_words(days: Sequence[Day]) -> str:
    """How many days ended how."""
    counts = Counter(day.outcome for day in days)
    total = f"{len(days)} day{'' if len(days) == 1 else 's'}"
    if set(counts) == {"already published"}:
        return f"{total} already published; nothing to do"
    return f"{total}: " + ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))


def _identity(project: Project, day: date, champion_of: ChampionOf) -> object:
    try:
        return open_batch(project, day, champion_of=champion_of).identity
    except (LandingError, ModelError):
        # More than one file for the date, or no champion on it, say: the flow will report it as that date's failure.
        return None


def _is_waiting(project: Project, day: date, refused: Collection[tuple[date, str]], now: datetime) -> bool:
    try:
        source = find_source(project.settings.path("landing"), day)
        return not is_written_to(source, now) and (day, hash_source(source)) not in refused
    except (LandingError, FileNotFoundError):
        # For the run to report.
        return True
