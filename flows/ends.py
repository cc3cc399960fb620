"""How a run ends: named states with a sentence that an analyst understands."""

from datetime import date
from typing import Any

from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from schemas.batch import Published
from schemas.errors import BatchBlocked, MissingFile

# The names a run of this project may end under, besides Prefect's own.
NAMES = ("Published", "AlreadyPublished", "NoFileExpected", "Blocked", "MissingFile", "Incomplete")


def published(batch: Published) -> State[Published]:
    """Published, or AlreadyPublished if another run was there before."""
    rows = batch.rows
    return Completed(
        name="Published" if batch.new else "AlreadyPublished",
        message=(
            f"{batch.batch_id}: {rows.received:,} rows received, {rows.scored:,} scored,"
            f" {rows.quarantined:,} quarantined"
        ),
        data=batch,
    )


def blocked(error: BatchBlocked) -> State[Any]:
    """Blocked: the gate refused the batch, for the reason in the message."""
    return Failed(name="Blocked", message=error.failures[0], data=error)


def missing_file(error: MissingFile) -> State[Any]:
    """MissingFile: there is nothing to score."""
    return Failed(name="MissingFile", message=str(error), data=error)


def no_file_expected(batch_date: date, reason: str) -> State[Any]:
    """NoFileExpected: a day without business."""
    message = f"{batch_date} has no file, and need not have one: {reason}"
    return Completed(name="NoFileExpected", message=message, data=message)
