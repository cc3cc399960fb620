"""The records of a batch: what identifies it, what the gate found, what is put on the record."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

Severity = Literal["critical", "warning", "info"]


class ChampionOf(StrEnum):
    """Whose model scores a day: today's champion, or the one that was in force that day."""

    TODAY = "today"
    THAT_DAY = "that-day"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What makes two runs the same batch: the business date and the hashes (hex) of file, model and contract."""

    batch_date: date
    source_sha256: str
    model_sha256: str
    contract_hash: str


@dataclass(frozen=True, kw_only=True)
class GateResult:
    """One check of the gate. A failed `critical` one blocks the batch; `warning` and `info` are only on the record."""

    check_name: str
    observed: float
    threshold: float | None
    severity: Severity
    passed: bool
    message: str


@dataclass(frozen=True, kw_only=True)
class RowCounts:
    """Rows of a batch; received is always scored plus quarantined."""

    received: int
    scored: int
    quarantined: int

    def __post_init__(self) -> None:
        if self.received != self.scored + self.quarantined:
            raise ValueError(f"{self.received} rows received, {self.scored} scored and {self.quarantined} quarantined")


@dataclass(frozen=True, kw_only=True)
class BatchRecord:
    """A batch as it goes on the record in the warehouse. `started_at` is UTC without a zone."""

    identity: Identity
    source: str
    model_version: str
    rows: RowCounts
    started_at: datetime


@dataclass(frozen=True, kw_only=True)
class Published:
    """Where a batch went. `new` is False if the same identity was already published and nothing was written."""

    batch_id: str
    batch_date: date
    revision: int
    new: bool
    rows: RowCounts
