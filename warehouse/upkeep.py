"""The upkeep of a lake: small files are merged, old snapshots forgotten, files that belong to nothing removed.

What was deleted from a lake is still in its earlier snapshots. To be rid of it, the files it lies in are written anew,
and all snapshots before are forgotten with their files: the lake then knows no past.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb

from schemas.lake import Lake
from warehouse.compaction import Compaction
from warehouse.instants import utc_now
from warehouse.lake import maintaining, writing

# A question that began before its files were let go of may still read them, and no transaction takes longer than that.
READERS, WRITERS = timedelta(hours=1), timedelta(days=1)
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

    Raises NoWarehouse if there is none, WarehouseUnavailable if catalog or store are in trouble.
    """
    with maintaining(lake, wait_seconds) as (connection, _):
        _call(connection, "ducklake_flush_inlined_data")
        # Rows that are deleted are left behind in files that only the past needs.
        _call(connection, "ducklake_rewrite_data_files", delete_threshold=0.0)
        merged = _call(connection, "ducklake_merge_adjacent_files")
        forgotten = _call(connection, "ducklake_expire_snapshots", older_than=keep_since)
        now = utc_now()
        old = _call(connection, "ducklake_cleanup_old_files", older_than=now - READERS)
        orphans = _call(connection, "ducklake_delete_orphaned_files", older_than=now - WRITERS)
        connection.execute(
            "UPDATE removals SET purged_at = ? WHERE purged_at IS NULL AND removed_at < ?", [now, keep_since]
        )
        return Upkeep(
            merged=sum(row["files_processed"] for row in merged),
            merged_into=sum(row["files_created"] for row in merged),
            snapshots=len(forgotten),
            files=len(old) + len(orphans),
            bytes=_size(connection),
        )


def purge(lake: Lake, wait_seconds: float) -> Compaction:
    """Leaves nothing in files and catalog of what was deleted; the lake's past is forgotten with it.

    A question that is being asked meanwhile may fail, and finds everything when it is asked again.
    """
    with maintaining(lake, wait_seconds) as (connection, held):
        before = _size(connection)
        _call(connection, "ducklake_flush_inlined_data")
        _call(connection, "ducklake_rewrite_data_files", delete_threshold=0.0)
        _call(connection, "ducklake_expire_snapshots", older_than=utc_now())
        _call(connection, "ducklake_cleanup_old_files", cleanup_all=True)
        _call(connection, "ducklake_delete_orphaned_files", cleanup_all=True)
        held.execute(WIDENED)
        held.execute("VACUUM")
        after = _size(connection)
    with writing(lake, wait_seconds) as connection:
        connection.execute("UPDATE removals SET purged_at = ? WHERE purged_at IS NULL", [utc_now()])
    return Compaction(before=before, after=after)


def _call(connection: duckdb.DuckDBPyConnection, function: str, **options: Any) -> list[dict[str, Any]]:
    """The rows that one of DuckLake's functions returns."""
    given = "".join(f", {name} => ${name}" for name in options)
    return connection.execute(f"FROM {function}(current_database(){given})", options or None).pl().to_dicts()


def _size(connection: duckdb.DuckDBPyConnection) -> int:
    row = connection.execute(
        "SELECT sum(file_size_bytes + delete_file_size_bytes) FROM ducklake_table_info(current_database())"
    ).fetchone()
    return int(row[0] or 0) if row else 0
