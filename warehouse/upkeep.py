"""The upkeep of a lake: small files are merged, old snapshots forgotten, files that belong to nothing removed.

What was deleted from a lake is still in its earlier snapshots. To be rid of it, the files it lies in are written anew,
and all snapshots before are forgotten with their files: the lake then knows no past.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from schemas.lake import Lake
from warehouse.compaction import Compaction
from warehouse.instants import utc_now
from warehouse.lake import maintaining
from warehouse.quoting import tables_of
from warehouse.turns import Turn

# A question that began before its files were let go of may still read them, and no transaction takes longer than that.
READERS, WRITERS = timedelta(hours=1), timedelta(days=1)
# Clocks of hosts are no further apart.
CLOCKS = timedelta(hours=1)
# The files that only the past needs, and those that are still there although nothing needs them.
PAST = """
SELECT path FROM ducklake_data_file WHERE end_snapshot IS NOT NULL
UNION ALL SELECT path FROM ducklake_files_scheduled_for_deletion
"""
# DuckLake's names for files hold a UUID, which begins with the millisecond it was made in (RFC 9562, version 7).
NAMED = re.compile(r"([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-")
EARLIER = "SELECT snapshot_id FROM ducklake_snapshots(current_database()) ORDER BY snapshot_id DESC OFFSET 1"
# DuckLake keeps the least and the greatest text of each column of a table, and never narrows them: an id may be one.
WIDENED = """
UPDATE ducklake_table_column_stats SET min_value = '', max_value = chr(1114111)
WHERE min_value IS NOT NULL AND (table_id, column_id) IN (
    SELECT table_id, column_id FROM ducklake_column WHERE column_type = 'varchar'
)
"""


@dataclass(frozen=True, kw_only=True)
class Upkeep:
    """What was done: files merged into how many, snapshots forgotten, files removed; the bytes of the rest."""

    merged: int
    merged_into: int
    snapshots: int
    files: int
    bytes: int


def maintain(lake: Lake, wait_seconds: float, keep_since: datetime) -> Upkeep:
    """Merges small files and forgets the snapshots before an instant (UTC); readers and writers go on.

    Writers wait for one table or one step at a time. Raises NoWarehouse if there is none, WarehouseUnavailable if
    catalog or store are in trouble.
    """
    with _step(lake, wait_seconds) as step:
        step.call("ducklake_flush_inlined_data")
        tables = tables_of(step.connection)
    merged = []
    for table in tables:
        with _step(lake, wait_seconds) as step:
            merged += step.arrange(table)
    with _step(lake, wait_seconds) as step:
        forgotten = step.call("ducklake_expire_snapshots", older_than=keep_since)
    with _step(lake, wait_seconds) as step:
        old = step.call("ducklake_cleanup_old_files", older_than=utc_now() - READERS)
    with _step(lake, wait_seconds) as step:
        orphans = step.call("ducklake_delete_orphaned_files", older_than=utc_now() - WRITERS)
    with _step(lake, wait_seconds) as step:
        step.record_purged(_gone_before(step.held, keep_since))
        return Upkeep(
            merged=sum(row["files_processed"] for row in merged),
            merged_into=sum(row["files_created"] for row in merged),
            snapshots=len(forgotten),
            files=len(old) + len(orphans),
            bytes=step.size(),
        )


def purge(lake: Lake, wait_seconds: float) -> Compaction:
    """Leaves nothing in files and catalog of what was deleted; the lake's past is forgotten with it.

    A question that is being asked meanwhile may fail, and finds everything when it is asked again. Writers wait: what
    they deleted meanwhile would be on record as gone, and is not.
    """
    with _step(lake, wait_seconds) as step:
        before = step.size()
        step.call("ducklake_flush_inlined_data")
        step.call("ducklake_rewrite_data_files", delete_threshold=0.0)
        # By number: clocks of hosts differ, and a snapshot of the last minute is of the past, too.
        earlier = [int(row[0]) for row in step.connection.execute(EARLIER).fetchall()]
        if earlier:
            step.call("ducklake_expire_snapshots", versions=earlier)
        step.call("ducklake_cleanup_old_files", cleanup_all=True)
        step.call("ducklake_delete_orphaned_files", cleanup_all=True)
        step.held.execute(WIDENED)
        step.held.execute("VACUUM")
        step.record_purged(None)
        return Compaction(before=before, after=step.size())


@dataclass(frozen=True)
class _Step:
    """A writer's turn at a lake, which nobody has meanwhile, and the connection to what is in it."""

    connection: duckdb.DuckDBPyConnection
    held: Turn

    def call(self, function: str, *given: str, **options: Any) -> list[dict[str, Any]]:
        """The rows that one of DuckLake's functions returns; raises WarehouseUnavailable if the turn was lost."""
        values = [*given, *options.values()]
        places = ["current_database()", *("?" for _ in given), *(f"{name} => ?" for name in options)]
        # Whoever has the turn now may be writing files that the catalog does not know of yet.
        self.held.check()
        return self.connection.execute(f"FROM {function}({', '.join(places)})", values).pl().to_dicts()

    def arrange(self, table: str) -> list[dict[str, Any]]:
        """Merges the small files of a table; returns what was merged."""
        # Rows that are deleted are left behind in files that only the past needs.
        self.call("ducklake_rewrite_data_files", table, delete_threshold=0.0)
        return self.call("ducklake_merge_adjacent_files", table)

    def record_purged(self, before: datetime | None) -> None:
        """Puts on record that what was removed before an instant, or by now, is in no file any more."""
        self.held.check()
        self.connection.execute(
            "UPDATE removals SET purged_at = ?"
            " WHERE purged_at IS NULL AND removed_at < coalesce(?::TIMESTAMP, 'infinity')",
            [utc_now(), before],
        )

    def size(self) -> int:
        """The bytes of all files in use."""
        row = self.connection.execute(
            "SELECT sum(file_size_bytes + delete_file_size_bytes) FROM ducklake_table_info(current_database())"
        ).fetchone()
        return int(row[0] or 0) if row else 0


@contextmanager
def _step(lake: Lake, wait_seconds: float) -> Iterator[_Step]:
    with maintaining(lake, wait_seconds) as (connection, held):
        yield _Step(connection, held)


def _gone_before(held: Turn, keep_since: datetime) -> datetime:
    """Until when (UTC, without a zone) what was removed is in no file any more: the past is still in those it needs."""
    since = keep_since.astimezone(UTC).replace(tzinfo=None) if keep_since.tzinfo else keep_since
    return min([since, *(_made(path) - CLOCKS for (path,) in held.execute(PAST))])


def _made(path: str) -> datetime:
    """When a file was made (UTC, without a zone), by its name; one that does not tell might be of any time."""
    found = NAMED.search(path)
    if not found:
        return datetime(1970, 1, 2)  # noqa: DTZ001 - instants are UTC, without a zone
    return datetime.fromtimestamp(int(found[1] + found[2], 16) / 1000, UTC).replace(tzinfo=None)
