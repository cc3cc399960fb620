"""One day: a file of applications goes in; checked, scored, explained and published rows come out. Start here."""

from datetime import date
from pathlib import Path

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.states import Failed

from flows import steps
from flows.plain_errors import show_plain_errors
from schemas.batch import Published
from tasks.project import load_project
from tasks.staging import staging_for
from tasks.summary import blocked_markdown, day_markdown, figures_of


@flow(name="daily-scoring", flow_run_name="{batch_date}", persist_result=False)
def daily_scoring(batch_date: date, source: Path | None = None) -> Published | State[Published]:
    """Scores the applications of a business date and publishes them, once.

    Args:
        batch_date: The business date; its file is looked up in the landing zone.
        source: A file or folder to score for that date instead of the one in the landing zone.

    Returns where the batch went. If the gate refused it, its verdict is recorded and the run ends in the state Blocked.
    """
    show_plain_errors()
    log = get_run_logger()
    project = load_project()
    batch = steps.open_batch(project, batch_date, source)
    if earlier := steps.find_published(project, batch):
        log.info("%s is already published as %s: nothing to do", batch_date, earlier.batch_id)
        return earlier
    with staging_for(project.settings.path("staging"), batch_date) as staging:
        verdict = steps.judge_source(project, batch, staging)
        log.info("gate: %s rows, %s quarantined", f"{verdict.rows.received:,}", f"{verdict.rows.quarantined:,}")
        for warning in verdict.warnings:
            log.warning("gate: %s", warning)
        if verdict.failures:
            blocked = steps.refuse_batch(project, batch, verdict, staging)
            _show(batch_date, blocked_markdown(batch_date, batch.source.name, verdict))
            log.error("%s", blocked)
            return Failed(name="Blocked", message=blocked.failures[0], data=blocked)
        steps.score_rows(project, batch, staging)
        drift = steps.measure_drift(project, batch, staging)
        published = steps.publish_batch(project, batch, verdict, drift, staging)
        log.info("published %s: %s rows scored", published.batch_id, f"{published.rows.scored:,}")
        _show(batch_date, day_markdown(published, batch.source.name, verdict, figures_of(staging), drift))
    return published


def _show(batch_date: date, markdown: str) -> None:
    create_markdown_artifact(markdown, key=f"batch-{batch_date}", description=f"Batch of {batch_date}")
