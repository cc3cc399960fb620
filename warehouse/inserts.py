"""The statements that change the record, all within the caller's transaction."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import duckdb
import polars

from schemas.batch import BatchRecord, GateResult, Identity
from schemas.errors import WarehouseError
from warehouse.instants import utc_now
from warehouse.monitoring import TABLES, Monitoring
from warehouse.queries import sql

Basis = Literal["realised", "estimated"]
NO_DECISIONS = {
    "rows_approved": 0,
    "rows_referred": 0,
    "rows_declined": 0,
    "mean_probability_of_default": None,
    "mean_score": None,
}


class WarehouseChanged(WarehouseError):
    """Applications of this batch were published under another date meanwhile: the gate has to judge again."""


class SegmentChanged(WarehouseError):
    """A segment of the prediction log is on record with other content."""


@dataclass(frozen=True, kw_only=True)
class Staged:
    """The staged Parquet files of a batch, and the published batches of other dates the gate compared it with.

    `accepted` and `scores` have the same rows in the same order; `quarantine` may be empty.
    """

    accepted: Sequence[Path]
    scores: Sequence[Path]
    quarantine: Sequence[Path]
    compared_with: frozenset[str]


def next_batch(connection: duckdb.DuckDBPyConnection, identity: Identity) -> tuple[str, int]:
    """Id and revision for a new batch of a date."""
    row = connection.execute(sql("next_revision"), {"batch_date": identity.batch_date}).fetchone()
    revision = int(row[0]) if row else 1
    return f"{identity.batch_date}-r{revision}-{identity.source_sha256[:8]}", revision


def refuse_scored_meanwhile(connection: duckdb.DuckDBPyConnection, batch_date: date, staged: Staged) -> None:
    """Raises WarehouseChanged if a batch published since the gate looked has scored one of the staged applications."""
    rows = connection.execute(sql("published_elsewhere"), {"batch_date": batch_date}).fetchall()
    unseen = [row[0] for row in rows if row[0] not in staged.compared_with]
    if not unseen:
        return
    values = {"accepted": _names(staged.accepted), "batch_ids": unseen}
    row = connection.execute(sql("count_scored_in_batches"), values).fetchone()
    if row and row[0]:
        raise WarehouseChanged(
            f"{row[0]} applications of {batch_date} were published under another date meanwhile; run the date again"
        )


def insert_rows(
    connection: duckdb.DuckDBPyConnection, record: BatchRecord, batch_id: str, staged: Staged
) -> dict[str, Any]:
    """Inserts applications, scores and quarantine; returns the figures of the decisions.

    Raises WarehouseError if the rows written are not as many as the gate and the scorer counted.
    """
    batch = {"batch_id": batch_id}
    accepted = batch | {"accepted": _names(staged.accepted)}
    written = {"applications": _count(connection.execute(sql("insert_applications"), accepted))}
    connection.execute(sql("insert_application_keys"), accepted)
    scores = batch | {"scores": _names(staged.scores), "model_version": record.model_version}
    written["scores"] = _count(connection.execute(sql("insert_scores"), scores))
    if staged.quarantine:
        connection.execute(sql("insert_quarantine"), batch | {"quarantine": _names(staged.quarantine)})
    held = connection.execute("SELECT count(DISTINCT row_number) FROM quarantine WHERE batch_id = $batch_id", batch)
    written["quarantine"] = _count(held)
    for table, count in written.items():
        counted = record.rows.quarantined if table == "quarantine" else record.rows.scored
        if count != counted:
            raise WarehouseError(f"{count} rows for {table} were staged, {counted} were counted; nothing is published")
    connection.execute(sql("insert_decision_counts"), scores | {"batch_date": record.identity.batch_date})
    figures = connection.execute(sql("decision_figures"), {"scores": _names(staged.scores)}).pl()
    return figures.row(0, named=True)


def insert_batch(
    connection: duckdb.DuckDBPyConnection,
    record: BatchRecord,
    batch_id: str,
    revision: int,
    status: str,
    figures: Mapping[str, Any],
) -> None:
    """Inserts the record of a batch; `figures` are those of `decision_figures.sql`."""
    rows = {f"rows_{name}": count for name, count in asdict(record.rows).items()}
    values = asdict(record.identity) | rows | dict(figures)
    values |= {
        "batch_id": batch_id,
        "revision": revision,
        "status": status,
        "source": record.source,
        "model_version": record.model_version,
        "started_at": record.started_at,
        "finished_at": utc_now(),
    }
    connection.execute(sql("insert_batch"), values)


def insert_gate_results(connection: duckdb.DuckDBPyConnection, batch_id: str, gate: Sequence[GateResult]) -> None:
    """Inserts what each check of the gate observed; there is at least one."""
    connection.executemany(
        "INSERT INTO gate_results (batch_id, check_name, observed, threshold, severity, passed, message)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(batch_id, *astuple(result)) for result in gate],
    )


def insert_monitoring(
    connection: duckdb.DuckDBPyConnection, batch_id: str, batch_date: date, monitoring: Monitoring
) -> None:
    """Inserts what monitoring found out about a batch; its alerts are the caller's."""
    for table in TABLES:
        with _staged_frame(connection, getattr(monitoring, table)):
            connection.execute(
                f"INSERT INTO {table} BY NAME SELECT ? AS batch_id, ? AS batch_date, * FROM staged_frame",  # noqa: S608 - ours
                [batch_id, batch_date],
            )


def replace_outcomes(connection: duckdb.DuckDBPyConnection, outcomes: polars.DataFrame) -> None:
    """Inserts application_id, defaulted, observed_on in place of earlier outcomes of the same applications."""
    with _staged_frame(connection, outcomes):
        connection.execute("DELETE FROM outcomes WHERE application_id IN (SELECT application_id FROM staged_frame)")
        connection.execute(
            "INSERT INTO outcomes BY NAME"
            " SELECT *, ? AS loaded_at, (hash(application_id) >> 32)::UINTEGER AS key FROM staged_frame",
            [utc_now()],
        )


def replace_performance(connection: duckdb.DuckDBPyConnection, basis: Basis, performance: polars.DataFrame) -> None:
    """Inserts performance in place of what was known on that basis: all of it, or the estimates of its vintages."""
    with _staged_frame(connection, performance):
        connection.execute(
            "DELETE FROM performance WHERE basis = $basis AND ($basis = 'realised'"
            " OR (vintage, model_version) IN (SELECT vintage, model_version FROM staged_frame))",
            {"basis": basis},
        )
        connection.execute(
            "INSERT INTO performance BY NAME SELECT *, $basis AS basis, $now AS computed_at FROM staged_frame",
            {"basis": basis, "now": utc_now()},
        )


def replace_fairness(connection: duckdb.DuckDBPyConnection, fairness: polars.DataFrame) -> None:
    """Inserts approvals by group in place of those of the same vintages and models."""
    with _staged_frame(connection, fairness):
        connection.execute(
            "DELETE FROM fairness WHERE (vintage, model_version) IN (SELECT vintage, model_version FROM staged_frame)"
        )
        connection.execute("INSERT INTO fairness BY NAME SELECT *, ? AS computed_at FROM staged_frame", [utc_now()])


def forget_replaced_models(connection: duckdb.DuckDBPyConnection, table: str, vintage: date) -> None:
    """Deletes what was summed up of a vintage for models that none of its published batches is scored with any more."""
    realised = " AND basis = 'estimated'" if table == "performance" else ""
    connection.execute(
        f"DELETE FROM {table} WHERE vintage = $vintage{realised} AND model_version NOT IN ("  # noqa: S608 - ours
        "SELECT model_version FROM batches WHERE status = 'published'"
        " AND date_trunc('month', batch_date)::DATE = $vintage)",
        {"vintage": vintage},
    )


def replace_model(
    connection: duckdb.DuckDBPyConnection, version: str, sha256: str, contract_hash: str, role: str, metrics: str
) -> None:
    """Inserts the record of a model in place of an earlier one of the same version."""
    connection.execute("DELETE FROM models WHERE model_version = ?", [version])
    connection.execute(
        "INSERT INTO models (model_version, sha256, contract_hash, role, metrics, registered_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [version, sha256, contract_hash, role, metrics, utc_now()],
    )


def is_on_record(connection: duckdb.DuckDBPyConnection, segment: str, sha256: str) -> bool:
    """Whether a segment of the prediction log is loaded; raises SegmentChanged if its content was another."""
    row = connection.execute("SELECT sha256 FROM prediction_segments WHERE segment = ?", [segment]).fetchone()
    if row and row[0] != sha256:
        raise SegmentChanged(
            f"the segment {segment} is on record with other content (SHA-256 {row[0][:12]}…, this one has"
            f" {sha256[:12]}…); nothing of this one was loaded: if its predictions are others, give the file a new name"
        )
    return row is not None


def insert_predictions(
    connection: duckdb.DuckDBPyConnection, segment: str, sha256: str, predictions: polars.DataFrame
) -> None:
    """Inserts the predictions of a segment, sums its hours up again, and puts the segment on record."""
    with _staged_frame(connection, predictions):
        connection.execute("INSERT INTO predictions BY NAME SELECT *, ? AS segment FROM staged_frame", [segment])
    hours = predictions["predicted_at"].dt.truncate("1h").unique().sort().to_list()
    if hours:
        connection.execute("DELETE FROM prediction_hours WHERE hour IN ?", [hours])
        span = {"start": hours[0], "end": hours[-1] + timedelta(hours=1), "hours": hours}
        connection.execute(sql("insert_prediction_hours"), span)
    connection.execute(
        "INSERT INTO prediction_segments (segment, row_count, sha256, loaded_at) VALUES (?, ?, ?, ?)",
        [segment, predictions.height, sha256, utc_now()],
    )


def delete_verdict(connection: duckdb.DuckDBPyConnection, batch_id: str) -> None:
    """Takes a blocked batch off the record, to be replaced by a new verdict on it."""
    connection.execute("DELETE FROM gate_results WHERE batch_id = ?", [batch_id])
    connection.execute("DELETE FROM batches WHERE batch_id = ?", [batch_id])


@contextmanager
def _staged_frame(connection: duckdb.DuckDBPyConnection, frame: polars.DataFrame) -> Iterator[None]:
    """Lets statements read a frame as `staged_frame`."""
    connection.register("staged_frame", frame)
    yield
    connection.unregister("staged_frame")


def _names(paths: Sequence[Path]) -> list[str]:
    return [str(path) for path in paths]


def _count(result: duckdb.DuckDBPyConnection) -> int:
    """Rows an INSERT wrote."""
    row = result.fetchone()
    return int(row[0]) if row else 0
