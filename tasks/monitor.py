"""Monitor: how far a batch's features and scores have moved from the reference the model was trained on."""

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial

import numpy as np
import polars

from model.stability import SCORE, StabilityCounter
from schemas.characteristic import Column
from schemas.columns import columns_of
from tasks.ingest import Batch
from tasks.parallel import in_order
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
        # A thread a feature: no counter is shared.
        deque(in_order(partial(_count, columns), counters.items()), maxlen=0)
    settings = project.settings
    found = [
        asdict(statistic)
        for counter in counters.values()
        for statistic in counter.statistics(psi=settings.drift_psi, ks=settings.drift_ks, alpha=settings.drift_p_value)
    ]
    return polars.DataFrame(found, schema=DRIFT)


def _count(columns: Mapping[str, Column], named: tuple[str, StabilityCounter]) -> None:
    name, counter = named
    counter.add(columns[name])


def drifted_features(drift: polars.DataFrame) -> list[str]:
    """The features of which at least one statistic drifted; the score is not a feature."""
    moved = drift.filter(polars.col("drifted") & (polars.col("feature") != SCORE))
    return moved["feature"].unique(maintain_order=True).to_list()
