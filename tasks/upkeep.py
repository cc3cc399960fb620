"""Upkeep of the warehouse: what a lake wants done every night, and a file does not."""

from datetime import timedelta

from schemas.lake import Lake
from tasks.project import Project
from warehouse import upkeep
from warehouse.instants import utc_now
from warehouse.upkeep import Upkeep


def keep_up(project: Project) -> Upkeep | None:
    """Merges the small files of a lake and forgets its past by its age; None if the warehouse is a file, or is none.

    Raises WarehouseUnavailable if catalog or store are in trouble.
    """
    settings = project.settings
    address = settings.warehouse_address
    if not isinstance(address, Lake) or not project.custodian.exists:
        return None
    keep_since = utc_now() - timedelta(days=settings.retain_history_days)
    return upkeep.maintain(address, settings.lock_wait_seconds, keep_since)


def in_words(done: Upkeep | None) -> str:
    """What was done, in one line."""
    if done is None:
        return "the warehouse is no lake: nothing to keep up"
    merged = f"{done.merged:,} files merged into {done.merged_into:,}" if done.merged else "no files to merge"
    return (
        f"{merged}, {done.snapshots:,} snapshots forgotten, {done.files:,} files removed; the rows take"
        f" {done.bytes:,} bytes"
    )
