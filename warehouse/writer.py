"""Puts a day on the record: everything of a batch in one transaction, or nothing."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import duckdb
import polars

from schemas.alert import Alert
from schemas.batch import BatchRecord, GateResult, Published
from schemas.contract import Contract
from warehouse import inserts
from warehouse.connection import open_for_writing
from warehouse.inserts import Staged
from warehouse.migration import migrate
from warehouse.queries import sql
from warehouse.reader import published_in

PERFORMANCE = {
    "vintage": polars.Date,
    "model_version": polars.String,
    "metric": polars.String,
    "value": polars.Float64,
    "low": polars.Float64,
    "high": polars.Float64,
    "row_count": polars.Int64,
}
PREDICTIONS = {
    "prediction_id": polars.String,
    "predicted_at": polars.Datetime,
    "request_id": polars.String,
    "application_key": polars.String,
    "inputs": polars.String,
    "outputs": polars.String,
    "latency_ms": polars.Float64,
    "model_version": polars.String,
}


class Writer:
    """Writes to the warehouse at a path, creating or migrating it first; each method is one transaction."""

    def __init__(self, path: Path, contract: Contract, wait_seconds: float) -> None:
        self._path, self._contract, self._wait_seconds = path, contract, wait_seconds

    def prepare(self) -> None:
        """Creates the warehouse, or brings it to this release's layout and the contract's columns."""
        with self._transaction():
            pass

    def publish(
        self, record: BatchRecord, staged: Staged, gate: Sequence[GateResult], drift: polars.DataFrame
    ) -> Published:
        """Publishes a batch in place of an earlier revision of its date; the same identity again writes nothing.

        Alerts that the date's file is missing are resolved with it. `drift` has the table's columns but the batch's.
        Raises WarehouseChanged if applications of it were published under another date since the gate looked, and
        WarehouseError if the rows written are not as many as counted.
        """
        batch_date = record.identity.batch_date
        with self._transaction() as connection:
            current = published_in(connection, batch_date)
            if current and current.identity == record.identity:
                return Published(
                    batch_id=current.batch_id,
                    batch_date=batch_date,
                    revision=current.revision,
                    new=False,
                    rows=current.rows,
                )
            inserts.refuse_scored_meanwhile(connection, batch_date, staged)
            batch_id, revision = inserts.next_batch(connection, record.identity)
            connection.execute(sql("supersede"), {"batch_date": batch_date})
            connection.execute(sql("resolve_missing_file"), {"batch_date": batch_date})
            figures = inserts.insert_rows(connection, record, batch_id, staged)
            inserts.insert_batch(connection, record, batch_id, revision, "published", figures)
            inserts.insert_gate_results(connection, batch_id, gate)
            inserts.insert_drift(connection, batch_id, batch_date, drift)
        return Published(batch_id=batch_id, batch_date=batch_date, revision=revision, new=True, rows=record.rows)

    def block(self, record: BatchRecord, gate: Sequence[GateResult]) -> Published:
        """Records that the gate refused a batch: the verdict and nothing else. An earlier published batch stays.

        Alerts that the date's file is missing are resolved: a file that is refused has arrived.
        """
        batch_date = record.identity.batch_date
        with self._transaction() as connection:
            earlier = connection.execute(sql("blocked_batch"), asdict(record.identity)).fetchone()
            if earlier:
                inserts.delete_verdict(connection, earlier[0])
            connection.execute(sql("resolve_missing_file"), {"batch_date": batch_date})
            batch_id, revision = earlier or inserts.next_batch(connection, record.identity)
            inserts.insert_batch(connection, record, batch_id, revision, "blocked", inserts.NO_DECISIONS)
            inserts.insert_gate_results(connection, batch_id, gate)
        new = earlier is None
        return Published(batch_id=batch_id, batch_date=batch_date, revision=revision, new=new, rows=record.rows)

    def raise_alert(self, alert: Alert) -> bool:
        """Stores an alert as open and returns True.

        Writes nothing and returns False if one of the same kind, batch date and subject is on record and not resolved,
        whatever its severity and message.
        """
        with self._transaction() as connection:
            return inserts.insert_alert(connection, alert)

    def load_outcomes(self, outcomes: polars.DataFrame) -> None:
        """Loads application_id, defaulted and observed_on, in place of earlier outcomes of the same applications."""
        with self._transaction() as connection:
            inserts.replace_outcomes(connection, outcomes)

    def replace_performance(self, performance: polars.DataFrame) -> None:
        """Puts realised performance (columns as in PERFORMANCE) in place of what was known before."""
        with self._transaction() as connection:
            inserts.replace_performance(connection, performance)

    def load_predictions(self, segment: str, sha256: str, predictions: polars.DataFrame) -> bool:
        """Loads a segment of the prediction log (columns as in PREDICTIONS, instants in UTC) and returns True.

        Writes nothing and returns False if the segment is on record with the same content (`sha256`); raises
        SegmentChanged if it is with another.
        """
        with self._transaction() as connection:
            if inserts.is_on_record(connection, segment, sha256):
                return False
            inserts.insert_predictions(connection, segment, sha256, predictions)
            return True

    def record_model(self, version: str, sha256: str, contract_hash: str, role: str, metrics: str) -> None:
        """Puts a registered model on the record, in place of an earlier record of it; `metrics` is JSON."""
        with self._transaction() as connection:
            inserts.replace_model(connection, version, sha256, contract_hash, role, metrics)

    @contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with open_for_writing(self._path, self._wait_seconds) as connection:
            migrate(connection, self._contract)
            yield connection
