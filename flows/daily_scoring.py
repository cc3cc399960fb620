"""One day: a file of applications goes in; checked, scored, explained and published rows come out. Start here."""

from datetime import date
from pathlib import Path

from prefect import flow, runtime
from prefect.client.schemas.objects import State

from flows import ends, events, pages, steps
from flows.run_log import run_log
from flows.spread import spread_over
from flows.telling import tell_after_day
from schemas.batch import ChampionOf, Published
from schemas.errors import MissingFile
from tasks import arrival
from tasks.evidently_report import ReportNote
from tasks.project import Project, load_project
from tasks.staging import staging_for
from tasks.summary import figures_of


def scheduled_date(project: Project) -> date:
    """The business date of this run: that of its scheduled time, however late it starts or is taken up again."""
    return project.calendar.business_date(runtime.flow_run.scheduled_start_time)


def _run_name() -> str:
    given = runtime.flow_run.parameters.get("batch_date")
    return str(given or scheduled_date(load_project()))


@flow(name="daily-scoring", flow_run_name=_run_name, persist_result=False)
def daily_scoring(
    batch_date: date | None = None, source: Path | None = None, champion_of: ChampionOf = ChampionOf.TODAY
) -> State[Published]:
    """Scores the applications of a business date and publishes them, once.

    Args:
        batch_date: The business date. Empty: the date the run was scheduled for; it then waits for a file not due yet.
        source: A file or folder to score for that date. Empty: its file in the landing zone.
        champion_of: Whose model scores: today's champion, or the one in force when the day's file was due.

    The run ends as Published, AlreadyPublished or NoFileExpected; as Blocked if the gate refused the batch, as
    MissingFile if there is none.
    """
    log = run_log()
    project = load_project()
    if batch_date is None:
        batch_date = scheduled_date(project)
        if source is None and arrival.is_still_to_come(project, batch_date):
            log.info("no complete file for %s yet: waiting until %s", batch_date, project.settings.file_deadline)
            arrival.wait_for_file(project, batch_date)
    if source is None and (reason := arrival.not_expected(project, batch_date)):
        return ends.no_file_expected(batch_date, reason)
    try:
        batch = steps.open_batch(project, batch_date, source, champion_of)
    except MissingFile as error:
        if steps.report_missing(project, batch_date):
            events.missing(batch_date, error)
            tell_after_day(project)
        return ends.missing_file(error)
    if earlier := steps.find_published(project, batch):
        return ends.published(earlier)
    settings = project.settings
    staged = staging_for(settings.path("staging"), batch_date, settings.workbench)
    with staged as staging, spread_over(settings) as over:
        verdict = steps.judge_source(project, batch, staging, over)
        log.info("gate: %s rows, %s quarantined", f"{verdict.rows.received:,}", f"{verdict.rows.quarantined:,}")
        for warning in verdict.warnings:
            log.warning("gate: %s", warning)
        if verdict.failures:
            blocked = steps.refuse_batch(project, batch, verdict, staging)
            log.error("%s", blocked)
            pages.show_blocked(project, blocked, verdict)
            events.blocked(blocked, verdict)
            tell_after_day(project)
            return ends.blocked(blocked)
        steps.score_rows(project, batch, staging, over)
        monitoring = steps.monitor_batch(project, batch, verdict, staging, over)
        published = steps.publish_batch(project, batch, verdict, monitoring, staging)
        if published.new:
            log.info("published %s: %s rows scored", published.batch_id, f"{published.rows.scored:,}")
            pages.show_published(published, batch.source.name, verdict, figures_of(staging), monitoring)
            events.published(published, monitoring)
            _report(project, batch_date)
            tell_after_day(project)
    return ends.published(published)


def _report(project: Project, batch_date: date) -> None:
    """The Evidently page of a batch: without it the batch is as good, and the run says so."""
    made: State[ReportNote] = steps.write_report(project, batch_date, return_state=True)
    if made.is_completed():
        pages.show_report(project, batch_date, made.result())
    else:
        run_log().warning("no Evidently report of %s: %s", batch_date, made.message)
        pages.show_no_report(batch_date, str(made.message))
