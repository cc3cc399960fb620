"""Flows started from the command line. What is done already is found without Prefect, which takes seconds to load."""

from datetime import date
from pathlib import Path
from typing import Any

from schemas.batch import ChampionOf, Published
from schemas.errors import LandingError, ScoringError
from tasks.arrival import utc_now
from tasks.days import Day, already_published, dates_between, late_dates, without_file
from tasks.ingest import open_batch
from tasks.project import Project
from tasks.publish import find_published


def run_daily_scoring(
    project: Project, batch_date: date, source: Path | None, champion_of: ChampionOf
) -> Published | str:
    """Where the batch of a date went, or why there need not be one; raises what the run ended with otherwise."""
    return _published_already(project, batch_date, source, champion_of) or _run_daily_scoring(
        batch_date, source, champion_of
    )


def run_backfill(project: Project, start: date | None, end: date | None, champion_of: ChampionOf) -> list[Day]:
    """What became of each date of a period."""
    dates = dates_between(project, start, end)
    done = already_published(project, dates, champion_of)
    if len(done) == len(dates):
        return sorted([*done, *without_file(project, dates, start, end)], key=lambda day: day.batch_date)
    from flows.backfill import backfill  # noqa: PLC0415

    return _days(backfill(start, end, champion_of, return_state=True))


def run_catch_up(project: Project, days_back: int) -> list[Day]:
    """What became of each recent date that was not judged yet."""
    if not late_dates(project, project.calendar.business_date(utc_now()), days_back):
        return []
    from flows.backfill import catch_up  # noqa: PLC0415

    return _days(catch_up(days_back, return_state=True))


def _published_already(
    project: Project, batch_date: date, source: Path | None, champion_of: ChampionOf
) -> Published | None:
    try:
        return find_published(project, open_batch(project, batch_date, source, champion_of))
    except LandingError:
        # The run is to go on the record, with an alert if a file is missing.
        return None


def _run_daily_scoring(batch_date: date, source: Path | None, champion_of: ChampionOf) -> Published | str:
    from flows.daily_scoring import daily_scoring  # noqa: PLC0415
    from flows.ends import result_of  # noqa: PLC0415

    result = result_of(daily_scoring(batch_date, source, champion_of, return_state=True))
    if isinstance(result, Published | str):
        return result
    raise result if isinstance(result, Exception) else ScoringError(f"the run ended with {result}")


def _days(state: Any) -> list[Day]:
    from flows.ends import result_of  # noqa: PLC0415

    result = result_of(state)
    if isinstance(result, list):
        return result
    raise result if isinstance(result, Exception) else ScoringError(f"the run ended with {result}")
