"""What monitoring found out about a batch, as it goes on the record with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars

from schemas.alert import Alert, AlertKind

# The columns of the tables that each batch adds rows to; batch_id and batch_date are added to all of them.
TABLES: Mapping[str, Mapping[str, Any]] = {
    "drift": {
        "feature": polars.String,
        "statistic": polars.String,
        "value": polars.Float64,
        "p_value": polars.Float64,
        "q_value": polars.Float64,
        "threshold": polars.Float64,
        "drifted": polars.Boolean,
        "window_value": polars.Float64,
        "window_p_value": polars.Float64,
    },
    "drift_verdicts": {
        "feature": polars.String,
        "row_count": polars.Int64,
        "batches_pooled": polars.Int32,
        "enough": polars.Boolean,
        "exceeded": polars.Boolean,
        "exceeded_batches": polars.Int32,
        "judged_batches": polars.Int32,
        "drifted": polars.Boolean,
        "since": polars.Date,
        "legacy_drifted": polars.Boolean,
        "message": polars.String,
    },
    "profiles": {
        "model_version": polars.String,
        "feature": polars.String,
        "labels": polars.List(polars.String),
        "reference_counts": polars.List(polars.Int64),
        "counts": polars.List(polars.Int64),
        "sample": polars.List(polars.Float64),
    },
    "score_counts": {"model_version": polars.String, "score": polars.Int32, "row_count": polars.Int64},
    "group_counts": {
        "model_version": polars.String,
        "field": polars.String,
        "group_place": polars.Int32,
        "group_name": polars.String,
        "row_count": polars.Int64,
        "approved_count": polars.Int64,
    },
    "quality": {
        "monitor": polars.String,
        "subject": polars.String,
        "row_count": polars.Int64,
        "value": polars.Float64,
        "expected": polars.Float64,
        "threshold": polars.Float64,
        "p_value": polars.Float64,
        "flagged": polars.Boolean,
        "message": polars.String,
    },
}


def empty(table: str) -> polars.DataFrame:
    """A frame with the columns of one of TABLES and no rows."""
    return polars.DataFrame(schema=dict(TABLES[table]))


def framed(table: str, rows: Sequence[Mapping[str, Any]]) -> polars.DataFrame:
    """Rows as a frame with the columns of one of TABLES."""
    return polars.DataFrame(rows, schema=dict(TABLES[table]))


@dataclass(frozen=True, eq=False, kw_only=True)
class Monitoring:
    """The tables' rows of a batch, and the alerts that hold after it.

    `judged` are the kinds of alerts that this batch can tell about: those of them that are open, and neither among
    `alerts` nor `lasting` (kind and subject), have lost their cause. `level` is that of drift, `level_before` that of
    the batch before.
    """

    drift: polars.DataFrame = field(default_factory=lambda: empty("drift"))
    drift_verdicts: polars.DataFrame = field(default_factory=lambda: empty("drift_verdicts"))
    profiles: polars.DataFrame = field(default_factory=lambda: empty("profiles"))
    score_counts: polars.DataFrame = field(default_factory=lambda: empty("score_counts"))
    group_counts: polars.DataFrame = field(default_factory=lambda: empty("group_counts"))
    quality: polars.DataFrame = field(default_factory=lambda: empty("quality"))
    alerts: Sequence[Alert] = ()
    judged: frozenset[AlertKind] = frozenset()
    lasting: frozenset[tuple[AlertKind, str]] = frozenset()
    level: str = "none"
    level_before: str = "none"
