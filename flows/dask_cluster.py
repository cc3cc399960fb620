"""Dask: a cluster of this machine or of others, and what is said when it loses what it works on."""

import logging
import time
from contextlib import suppress
from typing import Any

import distributed
from distributed.client import ClosedClientError
from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner
from prefect_dask.task_runners import DaskTaskRunner

from schemas.errors import ScoringError
from schemas.task_runner import Runner
from tasks.parallel import cores

POLL_SECONDS = 5.0
# A cluster may be without workers while they start, or start again.
WITHOUT_WORKERS_SECONDS = 120.0
AGAIN = "Nothing is published; run the date again when that is mended"


class ClusterRunner(DaskTaskRunner):
    """Prefect's task runner; a connection that was lost for good is an OSError like one that is never made."""

    def submit(self, *given: Any, **named: Any) -> Any:
        """As `DaskTaskRunner.submit`; raises ConnectionError if the connection to the scheduler is closed."""
        try:
            return super().submit(*given, **named)
        except ClosedClientError as error:
            raise ConnectionError(f"the scheduler is gone ({error})") from error


def runner_on(chosen: Runner) -> TaskRunner[Any]:
    """Prefect's task runner on the cluster that the settings name."""
    logging.getLogger("distributed").setLevel(logging.WARNING)
    if chosen.address:
        return ClusterRunner(address=chosen.address)
    processes = chosen.workers or cores()
    # A verb has threads of its own; the usual port of Dask's own pages may be taken.
    kwargs = {"n_workers": processes, "threads_per_worker": 1, "processes": True, "dashboard_address": "127.0.0.1:0"}
    return ClusterRunner(cluster_kwargs=kwargs)


def await_part(name: str, future: PrefectFuture[Any]) -> None:
    """Waits until a part is done; raises ScoringError if its workers died, or if the cluster is gone or empty."""
    waited_for = future.wrapped_future  # type: ignore[attr-defined]  # of a PrefectDaskFuture
    last_seen = time.monotonic()
    while not _is_done(waited_for):
        if _has_workers(waited_for):
            last_seen = time.monotonic()
        elif time.monotonic() - last_seen > WITHOUT_WORKERS_SECONDS:
            raise ScoringError(
                f"{name} waits for a worker, and the Dask cluster has had none for {WITHOUT_WORKERS_SECONDS:.0f} s."
                f" {AGAIN}: dask worker ADDRESS"
            )
    _refuse_lost(name, waited_for)


def _is_done(future: Any) -> bool:
    with suppress(distributed.TimeoutError):
        future.exception(timeout=POLL_SECONDS)
    return bool(future.done())


def _has_workers(future: Any) -> bool:
    return bool(future.client.scheduler_info(n_workers=1)["workers"])


def _refuse_lost(name: str, future: Any) -> None:
    """Raises for a task that no worker got to its end; what the task itself ended with is its result, an error too."""
    if future.status == "cancelled":
        raise ScoringError(f"{name} is lost: the scheduler of the Dask cluster is gone. {AGAIN}")
    if future.status == "error" and isinstance(error := future.exception(), distributed.KilledWorker):
        raise ScoringError(
            f"{name}: each worker of the Dask cluster that tried it died, for lack of memory most often ({error})."
            f" {AGAIN}, by workers with more memory or a smaller SCORING_PART_BYTES"
        )
