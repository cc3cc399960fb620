"""The vintage of a batch: estimated performance and approvals by group, summed up when the batch is published."""

from functools import partial

import polars

from model.artifact import load_version
from model.trained import Model
from schemas.errors import ModelError
from tasks.fairness import approvals, fairness_alerts, subject_of
from tasks.ingest import Batch
from tasks.performance import estimated
from tasks.project import Project
from tasks.score import load_model
from warehouse.vintages import Summarise, Vintage


def summary_of(project: Project, batch: Batch) -> Summarise:
    """How to sum up the vintage of a batch, given what its published batches counted."""
    return partial(_summarise, project, batch)


def _summarise(
    project: Project, batch: Batch, version: str, scores: polars.DataFrame, groups: polars.DataFrame
) -> Vintage | None:
    model = _model(project, batch, version)
    if model is None:
        return None
    vintage, least = batch.batch_date.replace(day=1), project.settings.fairness_min_rows
    found = approvals(groups, least)
    compared = {
        subject_of(row["field"], row["group_name"])
        for row in found.filter(polars.col("impact_ratio").is_not_null()).iter_rows(named=True)
    }
    known = {subject_of(field, label) for field, bins in model.groups.items() for label in bins.labels}
    return Vintage(
        performance=estimated(model, vintage, version, scores),
        fairness=found.with_columns(vintage=vintage, model_version=polars.lit(version)),
        alerts=list(fairness_alerts(found, model.evaluation.groups, least, batch.batch_date)),
        undecided=frozenset(known - compared),
    )


def _model(project: Project, batch: Batch, version: str) -> Model | None:
    """The model that scored the batch, or an earlier one of the vintage, if it is still there and for this contract."""
    if version == batch.model_version:
        return load_model(project, batch).model
    try:
        return load_version(project.settings.path("models"), version, project.contract, project.trust).model
    except ModelError:
        return None
