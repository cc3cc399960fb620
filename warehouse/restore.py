"""Puts a file in the place of the warehouse."""

from pathlib import Path

from schemas.errors import WarehouseError
from warehouse.file import turn
from warehouse.migration import latest_layout


def refuse_later_layout(layout: int) -> None:
    """Raises WarehouseError if a warehouse of this layout is one of a later release."""
    if layout > latest_layout():
        raise WarehouseError(
            f"the warehouse of the backup has layout {layout}, this release knows {latest_layout()}; install the later"
            " release, then restore"
        )


def put_in_place(restored: Path, path: Path, former: Path, wait_seconds: float) -> None:
    """Gives `restored`, in the same folder, the name of the warehouse; the one that had it is `former` from then on.

    Readers find one or the other; writers wait until it is done, for so many seconds. Raises WarehouseError otherwise.
    """
    try:
        with turn(path, wait_seconds):
            if path.exists():
                former.hardlink_to(path)
            log = Path(f"{path}.wal")
            if log.exists():
                # A log that belongs to the former file would be taken for one of the restored file.
                log.rename(f"{former}.wal")
            restored.replace(path)
    except OSError as error:
        raise WarehouseError(f"{restored} cannot be put in the place of the warehouse {path}: {error}") from error
