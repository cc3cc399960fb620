"""Monitor: how far a batch's features and scores have moved from the reference the model was trained on."""

from dataclasses import asdict

import numpy as np
import polars

from model.stability import SCORE, StabilityCounter
from schemas.columns import columns_of
from tasks.ingest import Batch
from tasks.project import Project
from tasks.score import load_model
from tasks.staging import Staging

DRIFT = {
    "feature": polars.String,
    "statistic": polars.String,
    "value": polars.Float64,
    "p_value": polars.Float64,
    "threshold": polars.Float64,
    "drifted": polars.Boolean,
}


def measure_drift(project: Project, batch: Batch, staging: Staging) -> polars.DataFrame:
    """One row per feature (and the score) and statistic, with value, p-value, threshold and whether it drifted."""
    counters = {
        name: StabilityCounter(reference) for name, reference in load_model(project, batch).model.reference.items()
    }
    for accepted, scores in zip(staging.parts("accepted"), staging.parts("scores"), strict=True):
        columns = project.contract.features_of(columns_of(project.contract, polars.read_parquet(accepted)))
        columns[SCORE] = polars.read_parquet(scores, columns=[SCORE])[SCORE].to_numpy().astype(np.float64)
        for name, counter in counters.items():
            counter.add(columns[name])
    settings = project.settings
    found = [
        asdict(statistic)
        for counter in counters.values()
        for statistic in counter.statistics(psi=settings.drift_psi, ks=settings.drift_ks, alpha=settings.drift_p_value)
    ]
    return polars.DataFrame(found, schema=DRIFT)


def drifted_features(drift: polars.DataFrame) -> list[str]:
    """The features of which at least one statistic drifted; the score is not a feature."""
    moved = drift.filter(polars.col("drifted") & (polars.col("feature") != SCORE))
    return moved["feature"].unique(maintain_order=True).to_list()
