"""What a run leaves for people to read: Markdown pages, tables and links, as Prefect artifacts."""

from pathlib import Path

import polars
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from schemas.batch import Published
from schemas.errors import BatchBlocked
from tasks.gate import Verdict
from tasks.project import Project
from tasks.summary import ScoreFigures, blocked_markdown, day_markdown


def show_published(
    batch: Published, source: str, verdict: Verdict, figures: ScoreFigures, drift: polars.DataFrame
) -> None:
    """The summary of a published batch, its gate table and its drift table."""
    day = batch.batch_date
    page = day_markdown(batch, source, verdict, figures, drift)
    create_markdown_artifact(page, key=f"batch-{day}", description=f"Batch of {day}")
    _show_gate(str(day), verdict)
    create_table_artifact(drift.to_dicts(), key=f"drift-{day}", description=f"Drift of {day} against the reference")


def show_blocked(project: Project, error: BatchBlocked, verdict: Verdict) -> None:
    """Why a batch was refused, its gate table, and a link to its broken rows."""
    day = error.batch_date
    page = blocked_markdown(day, error.source, verdict)
    create_markdown_artifact(page, key=f"batch-{day}", description=f"Batch of {day}: blocked")
    _show_gate(str(day), verdict)
    if error.broken_rows:
        create_link_artifact(
            _address(project, error.broken_rows),
            link_text=f"Broken rows of {error.source} (CSV)",
            key=f"report-{day}",
            description=f"All broken rows of {day} with their rules: {error.broken_rows}",
        )


def _show_gate(day: str, verdict: Verdict) -> None:
    rows = [
        {
            "check": result.check_name,
            "observed": result.observed,
            "allowed": result.threshold,
            "severity": result.severity,
            "passed": result.passed,
            "message": result.message,
        }
        for result in verdict.results
    ]
    create_table_artifact(rows, key=f"gate-{day}", description=f"Every check of the gate on {day}")


def _address(project: Project, report: Path) -> str:
    """Where a browser finds a report: below the address reports are served at, or the file itself."""
    served = project.settings.reports_url
    return f"{served.rstrip('/')}/{report.name}" if served else report.as_uri()
