"""The vintage of a batch: estimated performance and approvals by group, summed up when the batch is published."""

from functools import partial

import polars

from model.trained import Model
from tasks.fairness import approvals, fairness_alerts
from tasks.ingest import Batch
from tasks.performance import estimated
from tasks.project import Project
from tasks.score import load_model
from warehouse.vintages import Summarise, Vintage


def summary_of(project: Project, batch: Batch) -> Summarise:
    """How to sum up the vintage of a batch, given what its published batches counted."""
    return partial(_summarise, project.settings.fairness_min_rows, batch, load_model(project, batch).model)


def _summarise(least: int, batch: Batch, model: Model, scores: polars.DataFrame, groups: polars.DataFrame) -> Vintage:
    vintage = batch.batch_date.replace(day=1)
    found = approvals(groups, least)
    return Vintage(
        performance=estimated(model, vintage, batch.model_version, scores),
        fairness=found.with_columns(vintage=vintage, model_version=polars.lit(batch.model_version)),
        alerts=list(fairness_alerts(found, model.evaluation.groups, least, batch.batch_date)),
    )
