"""Batches as the steps before publishing leave them: Parquet files of a few rows, and what gate and drift found."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars

from schemas.application import Application
from schemas.batch import BatchRecord, GateResult, Identity, Published, RowCounts
from schemas.contract import read_contract
from schemas.lake import Lake
from warehouse.connection import Address, open_for_reading, open_for_writing
from warehouse.inserts import Staged
from warehouse.instants import utc_now
from warehouse.monitoring import Monitoring, framed
from warehouse.vintages import Vintage
from warehouse.writer import FAIRNESS, PERFORMANCE, Writer

CONTRACT = read_contract(Application)
DAY = date(2026, 3, 2)
NEXT_DAY = DAY + timedelta(days=1)
# As long as the setting says by default.
WAIT_SECONDS = 120.0
MODEL = "champion-1"
GATE = (
    GateResult(
        check_name="accepted_rows",
        observed=20.0,
        threshold=1.0,
        severity="critical",
        passed=True,
        message="20 rows accepted of 22; at least 1 are needed",
    ),
    GateResult(
        check_name="missing_share",
        observed=0.3,
        threshold=0.2,
        severity="warning",
        passed=False,
        message="employment_length is missing in 30 % of rows",
    ),
)
DRIFT = framed(
    "drift",
    [
        {
            "feature": "income",
            "statistic": "psi",
            "value": 0.31,
            "threshold": 0.2,
            "drifted": True,
            "window_value": 0.3,
        },
        {"feature": "income", "statistic": "ks", "value": 0.18, "p_value": 0.001, "threshold": 0.1, "drifted": True},
        {"feature": "age", "statistic": "psi", "value": 0.02, "threshold": 0.2, "drifted": False},
        {"feature": "score", "statistic": "psi", "threshold": 0.2, "drifted": True},
    ],
)
VERDICTS = framed(
    "drift_verdicts",
    [
        {"feature": "income", "enough": True, "exceeded": True, "drifted": True, "since": DAY},
        {"feature": "age", "enough": True, "exceeded": False, "drifted": False},
        {"feature": "score", "enough": True, "exceeded": True, "drifted": True, "since": DAY},
    ],
)
QUALITY = framed(
    "quality",
    [
        {"monitor": "missing_share", "subject": "income", "value": 0.3, "flagged": True},
        {"monitor": "missing_share", "subject": "age", "value": 0.0, "flagged": False},
    ],
)
MONITORING = Monitoring(drift=DRIFT, drift_verdicts=VERDICTS, quality=QUALITY)
# A row for each batch whose tables do not agree, and for each row that belongs to no batch; none if all is whole.
# A staged batch has one record of quarantine more than rows, as its first bad row breaks two rules.
TORN = f"""
WITH counted AS (
    SELECT batch_id, count(*) AS rows_found, 'applications' AS found_in FROM applications GROUP BY batch_id
    UNION ALL SELECT batch_id, count(DISTINCT application_id), 'scores' FROM scores GROUP BY batch_id
    UNION ALL SELECT batch_id, count(DISTINCT row_number), 'quarantine' FROM quarantine GROUP BY batch_id
    UNION ALL SELECT batch_id, count(*), 'gate_results' FROM gate_results GROUP BY batch_id
    UNION ALL SELECT batch_id, count(*), 'drift' FROM drift GROUP BY batch_id
),

expected AS (
    SELECT batch_id, rows_scored AS rows_expected, 'applications' AS found_in FROM batches
    UNION ALL SELECT batch_id, rows_scored, 'scores' FROM batches
    UNION ALL SELECT batch_id, rows_quarantined, 'quarantine' FROM batches
    UNION ALL SELECT batch_id, {len(GATE)}, 'gate_results' FROM batches
    UNION ALL SELECT batch_id, {DRIFT.height}, 'drift' FROM batches
)

SELECT batch_id, found_in, rows_expected, rows_found
FROM expected FULL JOIN counted USING (batch_id, found_in)
WHERE rows_expected IS DISTINCT FROM rows_found
"""


@dataclass(frozen=True)
class Batch:
    """All that the writer is given to publish a batch."""

    record: BatchRecord
    staged: Staged

    def seen(self, *batch_ids: str) -> "Batch":
        """The same batch, had the gate compared it with these published batches of other dates."""
        return replace(self, staged=replace(self.staged, compared_with=frozenset(batch_ids)))

    def counted(self, *, scored: int, quarantined: int) -> "Batch":
        """The same batch, had the gate counted so many rows."""
        rows = RowCounts(received=scored + quarantined, scored=scored, quarantined=quarantined)
        return replace(self, record=replace(self.record, rows=rows))

    def of_another_run(self) -> "Batch":
        """The same batch, worked out by a run that began now."""
        return replace(self, record=replace(self.record, started_at=utc_now()))

    def of_model(self, sha256: str) -> "Batch":
        """The same batch, scored by another model."""
        return replace(self, record=replace(self.record, identity=replace(self.record.identity, model_sha256=sha256)))


def stage(
    folder: Path,
    batch_date: date = DAY,
    *,
    rows: int = 20,
    quarantined: int = 2,
    content: str = "first",
    ids: str | None = None,
) -> Batch:
    """Stages a batch in two parts; the same `content` is the same file, another one has other scores.

    `ids` is what its application ids begin with, by default the date: batches of two dates have none in common.
    """
    name = f"{batch_date}-{content}"
    at = folder / "staging" / f"{name}-{rows}-{ids}"
    at.mkdir(parents=True, exist_ok=True)
    accepted = _accepted(batch_date, rows, ids or str(batch_date))
    scores = _scores(accepted, points=len(content))
    half = rows // 2
    return Batch(
        BatchRecord(
            identity=Identity(
                batch_date=batch_date,
                source_sha256=hashlib.sha256(name.encode()).hexdigest(),
                model_sha256="5ca1ab1e" * 8,
                contract_hash=CONTRACT.hash,
            ),
            source=f"applications_{batch_date}.csv",
            model_version=MODEL,
            rows=RowCounts(received=rows + quarantined, scored=rows, quarantined=quarantined),
            started_at=utc_now(),
        ),
        Staged(
            accepted=_written(at, "accepted", accepted[:half], accepted[half:]),
            scores=_written(at, "scores", scores[:half], scores[half:]),
            quarantine=_written(at, "quarantine", _quarantine(rows, quarantined)) if quarantined else (),
            compared_with=frozenset(),
        ),
    )


def publish(at: Address, batch: Batch, monitoring: Monitoring = MONITORING) -> Published:
    """Publishes a batch to the warehouse at an address."""
    return Writer(at, CONTRACT, WAIT_SECONDS).publish(batch.record, batch.staged, GATE, monitoring, unsummed)


def prepared(at: Address) -> None:
    """Makes the warehouse, empty."""
    Writer(at, CONTRACT, WAIT_SECONDS).prepare()


def unsummed(version: str, scores: polars.DataFrame, groups: polars.DataFrame) -> Vintage:
    """A vintage of which nothing is known."""
    return Vintage(polars.DataFrame(schema=PERFORMANCE), polars.DataFrame(schema=FAIRNESS), ())


def ask(at: Address, question: str, *values: object) -> list[tuple[Any, ...]]:
    """The answer to a question in SQL, asked past the code under test where the warehouse is a file."""
    with asking(at) as connection:
        return connection.execute(question, list(values)).fetchall()


@contextmanager
def asking(at: Address) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that can read."""
    if isinstance(at, Lake):
        with open_for_reading(at, WAIT_SECONDS) as connection:
            yield connection
    else:
        with duckdb.connect(str(at), read_only=True) as connection:
            yield connection


def change(at: Address, statement: str, *values: object) -> None:
    """Changes a warehouse past the code under test."""
    with open_for_writing(at, WAIT_SECONDS) as connection:
        connection.execute(statement, list(values))


def everything(at: Address) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, to tell whether anything has changed."""
    tables = ask(at, "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() ORDER BY 1")
    return {table: ask(at, f'SELECT * FROM "{table}" ORDER BY ALL') for (table,) in tables}


def _accepted(batch_date: date, rows: int, ids: str) -> polars.DataFrame:
    row = polars.int_range(rows, eager=False)
    return polars.select(
        row_number=row + 1,
        application_id=polars.format("{}-{}", polars.lit(ids), row),
        application_date=polars.lit(batch_date),
        age=18 + row % 80,
        income=20_000.0 + row % 5_000,
        loan_amount=1_000.0 + row % 3_000,
        employment_length=polars.when(row % 10 > 0).then((row % 40).cast(polars.Float64)),
        credit_score=300 + row % 550,
    )


def _scores(accepted: polars.DataFrame, points: int) -> polars.DataFrame:
    """Half are approved, a quarter each referred and declined; the scores of 20 rows average 509.5 plus `points`."""
    row = polars.int_range(accepted.height)
    decision = polars.when(row % 4 < 2).then(polars.lit("approve"))
    return accepted.select(
        "application_id",
        probability_of_default=0.1 + (row % 2) * 0.2,
        score=(500 + row % 20 + points).cast(polars.Int32),
        band=polars.lit("C"),
        decision=decision.when(row % 4 == 2).then(polars.lit("refer")).otherwise(polars.lit("decline")),
        reason_codes=polars.concat_list(polars.lit("income"), polars.lit("age")),
    )


def _quarantine(after: int, rows: int) -> polars.DataFrame:
    """One record per broken rule: the first row breaks two."""
    numbers = [after + 1, *range(after + 1, after + rows + 1)]
    count = len(numbers)
    return polars.DataFrame(
        {
            "row_number": numbers,
            "application_id": [f"bad-{number}" for number in numbers],
            "rule": ["missing", *["at_least"] * (count - 1)],
            "field": ["income", *["age"] * (count - 1)],
            "value": [None, *["17"] * (count - 1)],
            "message": [f"row {number}" for number in numbers],
            "source": ["applications.csv"] * count,
            "row": ['{"age":"17","income":""}'] * count,
        }
    )


def _written(folder: Path, kind: str, *frames: polars.DataFrame) -> tuple[Path, ...]:
    paths = tuple(folder / f"{kind}-{number:05d}.parquet" for number in range(len(frames)))
    for path, frame in zip(paths, frames, strict=True):
        frame.write_parquet(path, compression="uncompressed", statistics=False)
    return paths
