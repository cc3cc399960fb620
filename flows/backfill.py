"""Many days in one run, oldest first: a period scored after the fact, and files that came late."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Annotated, cast
from uuid import UUID

from prefect import flow, runtime, tags, task
from prefect.artifacts import create_progress_artifact, create_table_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.logging.loggers import LoggingAdapter
from prefect.utilities.urls import url_for
from pydantic import Field

from flows import ends
from flows.console import progress_bar
from flows.daily_scoring import daily_scoring, scheduled_date
from flows.events import BACKFILL
from flows.run_log import run_log
from flows.telling import tell
from schemas.batch import ChampionOf, Published
from schemas.calendar import DAYS_BACK, MOST_DAYS_BACK
from schemas.errors import BatchBlocked
from tasks.days import Day, already_published, dates_between, in_words, late_dates, problems, without_file
from tasks.project import load_project


def _period() -> str:
    given = runtime.flow_run.parameters
    return f"{given.get('start') or 'the first'} to {given.get('end') or 'the last'}"


def _scheduled() -> str:
    return str(scheduled_date(load_project()))


@flow(name="backfill", flow_run_name=_period, persist_result=False)
def backfill(
    start: date | None = None, end: date | None = None, champion_of: ChampionOf = ChampionOf.TODAY
) -> State[list[Day]]:
    """Runs the daily flow for every date of a period that has a file, oldest first; a bad day does not stop the next.

    Args:
        start: First business date. Empty: the oldest in the landing zone.
        end: Last business date. Empty: the newest in the landing zone.
        champion_of: Whose model scores: today's champion, or the one in force when each day's file was due.

    Days that are published already, with the same file and model, are left as they are: run it again, and only what
    failed is run. It ends with a table of what became of each date, as Incomplete if a date needs a person.
    """
    log = run_log()
    project = load_project()
    dates = dates_between(project, start, end)
    done = already_published(project, dates, champion_of)
    skipped = {day.batch_date for day in done}
    with tags(BACKFILL):
        ran = _run_days([day for day in dates if day not in skipped], champion_of)
    tell(project)
    return _end(log, "backfill", [*done, *ran, *without_file(project, dates, start, end)])


@flow(name="catch-up", flow_run_name=_scheduled, persist_result=False)
def catch_up(days_back: Annotated[int, Field(ge=0, le=MOST_DAYS_BACK)] = DAYS_BACK) -> State[list[Day]]:
    """Runs the daily flow for every recent date whose file no run has judged: it came late, or its run failed.

    A date is judged when it is published or when the gate blocked this very file; a corrected file is taken up again.

    Args:
        days_back: How many days before the scheduled date are looked through.
    """
    log = run_log()
    project = load_project()
    return _end(log, "catch-up", _run_days(late_dates(project, scheduled_date(project), days_back), ChampionOf.TODAY))


@task(name="day", task_run_name="{batch_date}", cache_policy=NO_CACHE, persist_result=False)
def _day(batch_date: date, champion_of: ChampionOf) -> Day:
    # Within a task a run of the flow is always one of its own, also when this run is taken up again after a crash:
    # called from the flow itself it would be taken for the run that came at the same place the first time.
    state = daily_scoring(batch_date, champion_of=champion_of, return_state=True)
    result = ends.result_of(state)
    run = url_for("flow-run", obj_id=state.state_details.flow_run_id) or ""
    if isinstance(result, Published):
        return Day(batch_date, "published" if result.new else "already published", run=run)
    return Day(batch_date, "blocked" if isinstance(result, BatchBlocked) else "failed", str(result), run)


def _run_days(dates: Sequence[date], champion_of: ChampionOf) -> list[Day]:
    if not dates:
        return []
    days: list[Day] = []
    # Outside a running event loop it is the id, and nothing to wait for.
    artifact = cast("UUID", create_progress_artifact(0.0, description=f"{len(dates)} days to score"))
    with progress_bar("Scoring", len(dates)) as bar:
        for number, batch_date in enumerate(dates, start=1):
            bar.begin(str(batch_date))
            days.append(_day(batch_date, champion_of))
            bar.done()
            words = f"{number} of {len(dates)} days, the last one {batch_date}; {in_words(days)}"
            update_progress_artifact(artifact, 100 * number / len(dates), description=words)
    return days


def _end(log: LoggingAdapter, key: str, days: list[Day]) -> State[list[Day]]:
    days.sort(key=lambda day: day.batch_date)
    for day in problems(days):
        log.error("%s: %s: %s", day.batch_date, day.outcome, day.message)
    words = in_words(days) if days else "no file is waiting: nothing to do"
    log.info(words)
    if days:
        table = [{name: str(value) for name, value in asdict(day).items()} for day in days]
        create_table_artifact(table, key=key, description=f"What became of each date: {words}")
    return ends.days(words, days)
