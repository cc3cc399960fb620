"""What happened to a batch, as Prefect events with the batch as resource: automations can hang on them."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from prefect import runtime
from prefect.events import emit_event

from schemas.batch import Published
from schemas.errors import BatchBlocked
from tasks.gate import Verdict
from tasks.monitor import drifted_features
from tasks.train import Trained
from warehouse.monitoring import Monitoring

# Days scored under this tag are of the past: nothing is to be started because of them.
BACKFILL = "backfill"
ORIGIN = "scoring.batch.origin"
RISES = "scoring.drift.rises"
LEVELS = ("none", "warning", "critical")


def published(batch: Published, monitoring: Monitoring) -> None:
    """`scoring.batch.published`; `scoring.drift.warning` or `scoring.drift.critical` when features drifted."""
    _emit(
        "scoring.batch.published",
        batch.batch_date,
        batch_id=batch.batch_id,
        revision=batch.revision,
        rows_received=batch.rows.received,
        rows_scored=batch.rows.scored,
        rows_quarantined=batch.rows.quarantined,
    )
    if monitoring.level != "none":
        # What lasts is told every day; what is to be started by it starts when it gets that bad.
        rises = LEVELS.index(monitoring.level) > LEVELS.index(monitoring.level_before)
        _emit(
            f"scoring.drift.{monitoring.level}",
            batch.batch_date,
            {RISES: "yes" if rises else "no"},
            batch_id=batch.batch_id,
            drifted_features=drifted_features(monitoring.drift_verdicts),
        )


def blocked(error: BatchBlocked, verdict: Verdict) -> None:
    """`scoring.batch.blocked`, with the reasons."""
    _emit(
        "scoring.batch.blocked",
        error.batch_date,
        source=error.source,
        failures=list(error.failures),
        rows_received=verdict.rows.received,
    )


def missing(batch_date: date, error: Exception) -> None:
    """`scoring.batch.missing`: a file was due and is not there."""
    _emit("scoring.batch.missing", batch_date, message=str(error))


def trained(model: Trained) -> None:
    """`scoring.model.trained`, with the model as resource."""
    emit_event(
        event="scoring.model.trained",
        resource={
            "prefect.resource.id": f"scoring.model.{model.version}",
            "prefect.resource.name": model.version,
            "scoring.model.role": model.role,
        },
    )


def _emit(event: str, batch_date: date, labels: Mapping[str, str] | None = None, **payload: Any) -> None:
    emit_event(
        event=event,
        resource={
            "prefect.resource.id": f"scoring.batch.{batch_date}",
            "prefect.resource.name": f"Batch of {batch_date}",
            "scoring.batch.date": str(batch_date),
            ORIGIN: BACKFILL if BACKFILL in runtime.flow_run.tags else "daily",
        }
        | dict(labels or {}),
        payload=payload,
    )
