"""Report: the Evidently page of a published batch, drawn from the record, so that any day's can be made again."""

from datetime import date
from pathlib import Path

import polars

from model.artifact import load_version
from model.reference import SCORE
from schemas.columns import columns_of
from schemas.errors import ScoringError
from tasks.evidently_report import ReportNote, write_drift_report
from tasks.project import Project


def write_report(project: Project, batch_date: date) -> ReportNote:
    """Writes `drift_DATE.html` into the reports folder, on a seeded sample of the batch in force for a date.

    Raises ScoringError if there is none.
    """
    published = project.reader.published(batch_date)
    if published is None:
        raise ScoringError(f"nothing is published for {batch_date}; score it first: python -m flows score --batch-date")
    settings, contract = project.settings, project.contract
    sample = project.reader.frame("batch_sample", batch_id=published.batch_id, rows=settings.report_rows)
    if sample.is_empty():
        raise ScoringError(
            f"no application of {batch_date} is on record any more: they were erased, or have gone for their age"
            " (SCORING_RETAIN_APPLICATIONS_DAYS, SCORING_RETAIN_DECLINED_DAYS); what was summed up of the day is"
        )
    version = str(sample["model_version"][0])
    model = load_version(settings.path("models"), version, contract, project.trust).model
    features = contract.features_of(columns_of(contract, sample))
    current = polars.DataFrame(
        {name: polars.Series(values, nan_to_null=True, strict=False) for name, values in features.items()}
        | {SCORE: sample[SCORE].cast(polars.Float64)}
    )
    return write_drift_report(
        report_path(project, batch_date),
        f"{contract.name}: batch of {batch_date} against the training of {version}",
        model.reference,
        current,
        settings.report_rows,
        batch_date.toordinal(),
    )


def report_path(project: Project, batch_date: date) -> Path:
    """Where the report of a date is, if it was made."""
    return project.settings.path("reports") / f"drift_{batch_date}.html"
