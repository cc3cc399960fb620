"""How a run ends: named states with a sentence that an analyst understands."""

from datetime import date
from typing import Any, TypeVar

from prefect import runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from schemas.batch import Published
from schemas.errors import BatchBlocked, MissingFile
from tasks.days import Day, problems

R = TypeVar("R")
# What the runs of this process ended with, by run.
_KEPT: dict[str, Any] = {}
# The names a run of this project may end under, besides Prefect's own.
NAMES = ("Published", "AlreadyPublished", "NoFileExpected", "Blocked", "MissingFile", "Incomplete")


def published(batch: Published) -> State[Published]:
    """Published, or AlreadyPublished if another run was there before."""
    rows = batch.rows
    return _kept(
        Completed(
            name="Published" if batch.new else "AlreadyPublished",
            message=(
                f"{batch.batch_id}: {rows.received:,} rows received, {rows.scored:,} scored,"
                f" {rows.quarantined:,} quarantined"
            ),
            data=batch,
        )
    )


def blocked(error: BatchBlocked) -> State[Any]:
    """Blocked: the gate refused the batch, for the reason in the message."""
    return _kept(Failed(name="Blocked", message=error.failures[0], data=error))


def missing_file(error: MissingFile) -> State[Any]:
    """MissingFile: there is nothing to score."""
    return _kept(Failed(name="MissingFile", message=str(error), data=error))


def no_file_expected(batch_date: date, reason: str) -> State[Any]:
    """NoFileExpected: a day without business."""
    message = f"{batch_date} has no file, and need not have one: {reason}"
    return _kept(Completed(name="NoFileExpected", message=message, data=message))


def days(words: str, ran: list[Day]) -> State[list[Day]]:
    """Completed, or Incomplete if one of the days needs a person."""
    if any(problems(ran)):
        return _kept(Failed(name="Incomplete", message=words, data=ran))
    return _kept(Completed(message=words, data=ran))


def result_of(state: State[Any]) -> Any:
    """What a run of this process ended with: its data, or the exception of a run that failed.

    A server that answers late is asked again, has made the change by then, and gives back its own record of the state,
    which has no data; so what the run itself said counts.
    """
    kept = _KEPT.get(str(state.state_details.flow_run_id))
    return state.result(raise_on_failure=False) if kept is None else kept


def _kept(state: State[R]) -> State[R]:
    if runtime.flow_run.id:
        _KEPT[runtime.flow_run.id] = state.data
    return state
