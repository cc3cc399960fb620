"""Moves an installation's warehouse from its file to a lake."""

from collections.abc import Callable
from pathlib import Path

from schemas.errors import ScoringError
from schemas.lake import Lake, is_lake, lake_at
from tasks.project import Project
from warehouse import transfer
from warehouse.transfer import Moved


def move_warehouse(
    project: Project, source: str, target: str, data: str, begin: Callable[[str, int], None]
) -> tuple[Lake, list[Moved]]:
    """Copies the file `source` into the lake `target`, its rows to `data`; see `warehouse.transfer.transfer`.

    Raises ScoringError if it is not from a file to a lake.
    """
    settings = project.settings
    if is_lake(source) or not is_lake(target):
        raise ScoringError(
            "a warehouse is moved from a file to a lake: migrate-warehouse data/warehouse.duckdb ducklake:postgres:…;"
            " from a lake to a file leads a backup, restored where SCORING_WAREHOUSE is a file"
        )
    lake = lake_at(target, data or settings.warehouse_data, settings.home_path)
    return lake, transfer.transfer(Path(source).resolve(), lake, settings.lock_wait_seconds, begin)
