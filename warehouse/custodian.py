"""Takes personal data out of a warehouse: by age, or all of one application; then the file is written anew."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import duckdb
import polars

from schemas.contract import Contract
from schemas.lake import Lake
from warehouse import upkeep
from warehouse.compaction import Compaction, compact
from warehouse.connection import Address, exists, open_for_reading, open_for_writing
from warehouse.migration import migrate
from warehouse.queries import sql
from warehouse.removal import Cutoffs, Removal, Removed, quarantine_values


@dataclass(frozen=True, kw_only=True)
class FileChange:
    """A landing file or folder (`batch_date`), or a segment of the prediction log, and its hash before and after."""

    batch_date: date | None = None
    segment: str | None = None
    old_sha256: str
    new_sha256: str


class Custodian:
    """Removes from the warehouse at an address; each method is one transaction. Without one there is nothing."""

    def __init__(self, address: Address, contract: Contract, wait_seconds: float) -> None:
        self._address, self._contract, self._wait_seconds = address, contract, wait_seconds

    @property
    def exists(self) -> bool:
        """Whether there is a warehouse at all."""
        return exists(self._address, self._wait_seconds)

    def remove_over_age(self, cutoffs: Cutoffs, *, dry_run: bool) -> list[Removed]:
        """Takes out what lies before the cutoffs and returns what that was; with `dry_run` what it would be."""
        with self._transaction() as connection:
            removal = Removal(connection, "retention")
            removal.over_age(cutoffs)
            removed = removal.removed()
            if dry_run:
                connection.rollback()
                # What is committed behind this is nothing.
                connection.begin()
        return removed

    def erase(self, application_id: str, application_key: str | None, changes: Sequence[FileChange]) -> list[Removed]:
        """Takes out all of an application; notes which files will have which hash when it is out of them as well."""
        with self._transaction() as connection:
            removal = Removal(connection, "erasure")
            removal.application(application_id, application_key)
            for change in changes:
                connection.execute("INSERT INTO file_changes VALUES (?, ?, ?, ?)", list(vars(change).values()))
            return removal.removed()

    def days_of(self, application_id: str) -> list[date]:
        """The dates of the batches that hold an application, or broken rows of it, whatever became of them."""
        with self._transaction() as connection:
            rows = connection.execute(sql("days_of_application"), quarantine_values(application_id)).fetchall()
        return [row[0] for row in rows]

    def quarantined(self, application_id: str) -> polars.DataFrame:
        """The records of the quarantine of an application, with what is known of their batch."""
        with open_for_reading(self._address, self._wait_seconds) as connection:
            found = connection.execute(sql("quarantined_of_application"), quarantine_values(application_id)).fetchall()
            return connection.execute(sql("held_quarantine"), {"records": [row[0] for row in found]}).pl()

    def noted_changes(self) -> list[FileChange]:
        """The files that an erasure has replaced, or was about to when it was cut off."""
        with self._transaction() as connection:
            rows = connection.execute("SELECT batch_date, segment, old_sha256, new_sha256 FROM file_changes").fetchall()
        return [FileChange(batch_date=day, segment=segment, old_sha256=o, new_sha256=n) for day, segment, o, n in rows]

    def settle_changes(self, done: Sequence[FileChange]) -> None:
        """Brings the hashes on record to those of the files that were replaced, and forgets what else was noted.

        The same file is then the same batch, and is not published again.
        """
        with self._transaction() as connection:
            for change in done:
                connection.execute(
                    "UPDATE batches SET source_sha256 = ? WHERE source_sha256 = ? AND batch_date = ?",
                    [change.new_sha256, change.old_sha256, change.batch_date],
                )
                connection.execute(
                    "UPDATE prediction_segments SET sha256 = ? WHERE sha256 = ? AND segment = ?",
                    [change.new_sha256, change.old_sha256, change.segment],
                )
            connection.execute("DELETE FROM file_changes")

    def purge(self) -> Compaction | None:
        """Writes anew what holds removed rows, if any were since that was last done.

        See `compaction.compact` for a file and `upkeep.purge` for a lake. What retention removes from a lake is left to
        its upkeep, which forgets the past by its age.
        """
        with self._transaction() as connection:
            # A run that was killed leaves it to the next one.
            rows = connection.execute("SELECT DISTINCT reason FROM removals WHERE purged_at IS NULL").fetchall()
        reasons = {row[0] for row in rows}
        if isinstance(self._address, Lake):
            return upkeep.purge(self._address, self._wait_seconds) if "erasure" in reasons else None
        return compact(self._address, self._wait_seconds) if reasons else None

    @contextmanager
    def _transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with open_for_writing(self._address, self._wait_seconds) as connection:
            migrate(connection, self._contract)
            yield connection
