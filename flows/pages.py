"""What a run leaves for people to read: Markdown pages, tables and links, as Prefect artifacts."""

from datetime import date
from pathlib import Path

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from schemas.batch import Published
from schemas.errors import BatchBlocked
from tasks.evidently_report import ReportNote
from tasks.gate import Verdict
from tasks.project import Project
from tasks.summary import ScoreFigures, blocked_markdown, day_markdown
from warehouse.monitoring import Monitoring


def show_published(
    batch: Published, source: str, verdict: Verdict, figures: ScoreFigures, monitoring: Monitoring
) -> None:
    """The summary of a published batch, its tables of the gate, of drift and of data quality."""
    day = batch.batch_date
    page = day_markdown(batch, source, verdict, figures, monitoring)
    create_markdown_artifact(page, key=f"batch-{day}", description=f"Batch of {day}")
    _show_gate(str(day), verdict)
    drift = monitoring.drift.to_dicts()
    create_table_artifact(drift, key=f"drift-{day}", description=f"Drift of {day} against the reference")
    quality = monitoring.quality.to_dicts()
    create_table_artifact(quality, key=f"quality-{day}", description=f"Data quality of {day} against the last batches")


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


def show_report(project: Project, batch_date: date, note: ReportNote) -> None:
    """A link to a batch's Evidently page, and what could not be compared on it."""
    left_out = "".join(f"; not compared: {name}, {reason}" for name, reason in note.left_out.items())
    create_link_artifact(
        _address(project, note.path),
        link_text=f"Evidently report of {batch_date}",
        key=f"report-{batch_date}",
        description=f"{note.path}{left_out}",
    )


def show_no_report(batch_date: date, problem: str) -> None:
    """That a batch has no Evidently page, and why."""
    page = (
        f"The batch of {batch_date} is published; its Evidently report could not be made:\n\n    {problem}\n\n"
        f"To try again: `python -m flows report --batch-date {batch_date}`\n"
    )
    create_markdown_artifact(page, key=f"report-{batch_date}", description=f"No Evidently report of {batch_date}")


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
