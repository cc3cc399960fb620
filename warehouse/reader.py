"""Questions to the warehouse; each method opens, asks once, and closes."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars

from schemas.batch import Identity, RowCounts
from warehouse.connection import Address, open_for_reading
from warehouse.queries import sql


@dataclass(frozen=True, kw_only=True)
class PublishedBatch:
    """The batch in force for a date; `started_at`, in UTC without a zone, is when its run began."""

    batch_id: str
    revision: int
    identity: Identity
    rows: RowCounts
    started_at: datetime


class Reader:
    """Reads the warehouse at an address, as it is or as it stood at an instant; raises NoWarehouse if there is none."""

    def __init__(self, address: Address, wait_seconds: float, as_of: datetime | None = None) -> None:
        """`as_of`, in UTC, is for lakes only: a file knows its present state."""
        self._address, self._wait_seconds, self._as_of = address, wait_seconds, as_of

    def published(self, batch_date: date) -> PublishedBatch | None:
        """The batch in force for a date, or None."""
        with self._opened() as connection:
            return published_in(connection, batch_date)

    def identities(self) -> dict[date, Identity]:
        """What identifies the batch in force, for every date that has one."""
        rows = self.frame("identities").iter_rows(named=True)
        return {row["batch_date"]: Identity(**row) for row in rows}

    def judged(self) -> polars.DataFrame:
        """batch_date, status and source_sha256 of the batches in force or blocked; a date may have several."""
        return self.frame("judged")

    def open_alerts(self) -> polars.DataFrame:
        """The alerts that are not resolved, newest first; raised_at is UTC."""
        return self.frame("open_alerts")

    def recent_volumes(self, before: date, window: int) -> list[int]:
        """Rows received by the last `window` published batches before a date, latest first."""
        rows = self._rows("recent_volumes", batch_date=before, window=window)
        return [int(row[0]) for row in rows]

    def published_elsewhere(self, batch_date: date) -> frozenset[str]:
        """Ids of the published batches of other dates."""
        return frozenset(str(row[0]) for row in self._rows("published_elsewhere", batch_date=batch_date))

    def scored_elsewhere(self, ids: Sequence[Path], batch_date: date) -> polars.DataFrame:
        """row_number and scored_on of the staged ids (Parquet) that are scored in the batch of another date."""
        return self.frame("scored_elsewhere", ids=[str(path) for path in ids], batch_date=batch_date)

    def frame(self, query: str, **values: Any) -> polars.DataFrame:
        """The answer to one of the questions in `warehouse/queries` as a frame."""
        with self._opened() as connection:
            return connection.execute(sql(query), values or None).pl()

    def _opened(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        return open_for_reading(self._address, self._wait_seconds, self._as_of)

    def _rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        with self._opened() as connection:
            return connection.execute(sql(query), values or None).fetchall()


def published_in(connection: duckdb.DuckDBPyConnection, batch_date: date) -> PublishedBatch | None:
    """As `Reader.published`, on a connection that is already open."""
    row = connection.execute(sql("published_batch"), {"batch_date": batch_date}).fetchone()
    if row is None:
        return None
    batch_id, revision, source_sha256, model_sha256, contract_hash, received, scored, quarantined, started = row
    identity = Identity(
        batch_date=batch_date,
        source_sha256=source_sha256,
        model_sha256=model_sha256,
        contract_hash=contract_hash,
    )
    rows = RowCounts(received=received, scored=scored, quarantined=quarantined)
    return PublishedBatch(batch_id=batch_id, revision=revision, identity=identity, rows=rows, started_at=started)
