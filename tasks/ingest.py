"""Ingest: find the day's file, identify it, and open the batch."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from model.champion import load_champion
from schemas.batch import BatchRecord, ChampionOf, Identity, RowCounts
from schemas.errors import LandingError
from schemas.storage import Version, given
from tasks.project import Project
from tasks.source.landing import Source, find_source, fingerprint, hash_source, source_at
from tasks.staging import remove_abandoned


@dataclass(frozen=True)
class Batch:
    """A batch in the making. `fingerprint` tells whether the file was written to since its content was hashed."""

    identity: Identity
    source: Source
    fingerprint: tuple[Version, ...]
    model_version: str
    started_at: datetime

    @property
    def batch_date(self) -> date:
        """The business date."""
        return self.identity.batch_date

    def record(self, rows: RowCounts) -> BatchRecord:
        """The batch as it goes on the record."""
        return BatchRecord(
            identity=self.identity,
            source=self.source.name,
            model_version=self.model_version,
            rows=rows,
            started_at=self.started_at,
        )


def open_batch(
    project: Project, batch_date: date, source: Path | None = None, champion_of: ChampionOf = ChampionOf.TODAY
) -> Batch:
    """The batch of a date, from the landing zone or from the file or folder given.

    Raises MissingFile or LandingError if there is not exactly one file, ModelError if no champion fits the contract:
    before anything is written, since the contract's columns are added to the warehouse next.
    """
    remove_abandoned(project.settings.path("staging"), batch_date, project.settings.workbench)
    started_at = datetime.now(UTC).replace(tzinfo=None)
    # The champion of a day is the one that was in force when its file was due.
    due = project.calendar.due(batch_date).astimezone(project.calendar.timezone)
    instant = due if champion_of is ChampionOf.THAT_DAY else None
    champion = load_champion(project.settings.path("models"), project.contract, instant, project.trust)
    found = source_at(given(source)) if source else find_source(project.settings.path("landing"), batch_date)
    try:
        before, source_sha256 = fingerprint(found), hash_source(found)
    except FileNotFoundError as error:
        raise LandingError(
            f"{found.path} was taken away while it was read; run the date again when it is back"
        ) from error
    identity = Identity(
        batch_date=batch_date,
        source_sha256=source_sha256,
        model_sha256=champion.sha256,
        contract_hash=project.contract.hash,
    )
    return Batch(identity, found, before, champion.version, started_at)
