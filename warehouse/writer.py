"""Puts a day on the record: everything of a batch in one transaction, or nothing."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date

import duckdb
import polars

from schemas.alert import Alert, file_subject
from schemas.batch import BatchRecord, GateResult, Published
from schemas.contract import Contract
from warehouse import deliveries, inserts
from warehouse.alerts import AlertBook
from warehouse.connection import Address, open_for_writing
from warehouse.deliveries import Claimed, Settlement
from warehouse.inserts import Staged
from warehouse.migration import migrate
from warehouse.monitoring import Monitoring
from warehouse.queries import sql
from warehouse.reader import published_in
from warehouse.vintages import Summarise, update_vintage

PERFORMANCE = {
    "vintage": polars.Date,
    "model_version": polars.String,
    "band": polars.String,
    "metric": polars.String,
    "value": polars.Float64,
    "low": polars.Float64,
    "high": polars.Float64,
    "row_count": polars.Int64,
}
FAIRNESS = {
    "vintage": polars.Date,
    "model_version": polars.String,
    "field": polars.String,
    "group_place": polars.Int32,
    "group_name": polars.String,
    "row_count": polars.Int64,
    "approval_rate": polars.Float64,
    "approval_low": polars.Float64,
    "approval_high": polars.Float64,
    "impact_ratio": polars.Float64,
    "impact_low": polars.Float64,
    "impact_high": polars.Float64,
    "below_four_fifths": polars.Boolean,
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
    """Writes to the warehouse at an address, creating or migrating it first; each method is one transaction."""

    def __init__(
        self, address: Address, contract: Contract, wait_seconds: float, addresses: Sequence[str] = ()
    ) -> None:
        """`addresses` are the fingerprints of those that are told what happens to alerts."""
        self._address, self._contract, self._wait_seconds, self._addresses = address, contract, wait_seconds, addresses

    def prepare(self) -> None:
        """Creates the warehouse, or brings it to this release's layout and the contract's columns."""
        with self._transaction():
            pass

    def publish(
        self,
        record: BatchRecord,
        staged: Staged,
        gate: Sequence[GateResult],
        monitoring: Monitoring,
        summarise: Summarise,
    ) -> Published:
        """Publishes a batch in place of an earlier revision of its date; the same identity again writes nothing,
        and is new if it is this run itself that has published it.

        What monitoring found goes on the record with it, and alerts live on or end by it, that on the date's file too.
        `summarise` sums up its vintage, this batch included.
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
                    # Of this very run: an earlier try of it was committed, and only the answer got lost.
                    new=current.started_at == record.started_at,
                    rows=current.rows,
                )
            inserts.refuse_scored_meanwhile(connection, batch_date, staged)
            batch_id, revision = inserts.next_batch(connection, record.identity)
            connection.execute(sql("supersede"), {"batch_date": batch_date})
            figures = inserts.insert_rows(connection, record, batch_id, staged)
            inserts.insert_batch(connection, record, batch_id, revision, "published", figures)
            inserts.insert_gate_results(connection, batch_id, gate)
            inserts.insert_monitoring(connection, batch_id, batch_date, monitoring)
            alerts = AlertBook(connection, self._addresses)
            for kind in ("missing_file", "gate"):
                alerts.resolve_subject(kind, file_subject(batch_date), batch_date)
            alerts.judge(batch_date, monitoring.judged, monitoring.alerts, monitoring.lasting)
            update_vintage(alerts, batch_date, record.model_version, summarise)
        return Published(batch_id=batch_id, batch_date=batch_date, revision=revision, new=True, rows=record.rows)

    def block(self, record: BatchRecord, gate: Sequence[GateResult]) -> Published:
        """Records that the gate refused a batch: the verdict, with an alert. An earlier published batch stays.

        An alert that the date's file is missing ends: a file that is refused has arrived.
        """
        batch_date = record.identity.batch_date
        with self._transaction() as connection:
            earlier = connection.execute(sql("blocked_batch"), asdict(record.identity)).fetchone()
            if earlier:
                inserts.delete_verdict(connection, earlier[0])
            batch_id, revision = earlier or inserts.next_batch(connection, record.identity)
            inserts.insert_batch(connection, record, batch_id, revision, "blocked", inserts.NO_DECISIONS)
            inserts.insert_gate_results(connection, batch_id, gate)
            alerts = AlertBook(connection, self._addresses)
            alerts.resolve_subject("missing_file", file_subject(batch_date), batch_date)
            alerts.raise_alert(_refusal(record, gate))
        new = earlier is None
        return Published(batch_id=batch_id, batch_date=batch_date, revision=revision, new=new, rows=record.rows)

    def report_missing(self, alert: Alert) -> bool:
        """Raises the alert that a date's file is missing, and returns whether it is a new one.

        Does nothing if the file has been judged in the meantime.
        """
        with self._transaction() as connection:
            if connection.execute(sql("judged_date"), {"batch_date": alert.batch_date}).fetchone():
                return False
            return AlertBook(connection, self._addresses).raise_alert(alert)

    def acknowledge(self, alert_id: str, by: str, until: date) -> None:
        """Keeps an alert quiet until a date, unless it gets worse; raises WarehouseError if none is open by that id."""
        with self._transaction() as connection:
            AlertBook(connection).acknowledge(alert_id, by, until)

    def claim_deliveries(self) -> Claimed:
        """Claims what is pending for this writer's addresses: no other process gets it.

        What waits for other addresses is dropped, and what a process claimed that died since is uncertain.
        """
        with self._transaction() as connection:
            return deliveries.claim(connection, self._addresses)

    def settle_deliveries(self, settlement: Settlement) -> Mapping[str, int]:
        """Records how it went; returns how many are sent, uncertain, failed for good, or pending again."""
        with self._transaction() as connection:
            return deliveries.settle(connection, settlement)

    def load_outcomes(self, outcomes: polars.DataFrame) -> None:
        """Loads application_id, defaulted and observed_on, in place of earlier outcomes of the same applications."""
        with self._transaction() as connection:
            inserts.replace_outcomes(connection, outcomes)

    def replace_performance(self, realised: polars.DataFrame, alerts: Sequence[Alert]) -> None:
        """Puts realised performance (columns as in PERFORMANCE) in place of what was known before, alerts as well."""
        with self._transaction() as connection:
            inserts.replace_performance(connection, "realised", realised)
            AlertBook(connection, self._addresses).judge(None, {"performance"}, alerts)

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

    def record_roles(self, champion: str, challengers: Sequence[str], former: Sequence[str]) -> None:
        """Brings the roles of the models on record to what these versions are now; others keep theirs."""
        with self._transaction() as connection:
            roles = {"champion": champion, "challengers": list(challengers), "former": list(former)}
            connection.execute(sql("update_roles"), roles)

    @contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with open_for_writing(self._address, self._wait_seconds) as connection:
            migrate(connection, self._contract)
            yield connection


def _refusal(record: BatchRecord, gate: Sequence[GateResult]) -> Alert:
    day = record.identity.batch_date
    reasons = "; ".join(result.message for result in gate if result.severity == "critical" and not result.passed)
    return Alert(
        kind="gate",
        severity="critical",
        batch_date=day,
        subject=file_subject(day),
        message=(
            f"{record.source} of {day} is refused, nothing of it is published: {reasons}. Ask its sender for a"
            " corrected file; the flow catch-up takes it up"
        ),
    )
