"""The body of the daily flow without Prefect: the same steps in the same order, for benchmarks and fault tests."""

from datetime import date
from pathlib import Path

from schemas.batch import ChampionOf, Published
from tasks.gate import judge_source
from tasks.ingest import open_batch
from tasks.monitor import monitor_batch
from tasks.parallel import Over, in_turn, side_by_side
from tasks.project import Project
from tasks.publish import find_published, publish, refuse
from tasks.score import score_rows
from tasks.staging import staging_for


def run_day(
    project: Project,
    batch_date: date,
    source: Path | None = None,
    champion_of: ChampionOf = ChampionOf.TODAY,
    over: Over | None = None,
) -> Published:
    """As `flows.daily_scoring.daily_scoring` on a day that has a file; `over` says where pieces are worked on."""
    batch = open_batch(project, batch_date, source, champion_of)
    if earlier := find_published(project, batch):
        return earlier
    with staging_for(project.settings.path("staging"), batch_date, project.settings.workbench) as staging:
        verdict = judge_source(project, batch, staging, over or in_turn)
        if verdict.failures:
            raise refuse(project, batch, verdict, staging)
        score_rows(project, batch, staging, over or in_turn)
        monitoring = monitor_batch(project, batch, verdict, staging, over or side_by_side)
        return publish(project, batch, verdict, monitoring, staging)
