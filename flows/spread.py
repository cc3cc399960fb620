"""The pieces of a batch as Prefect task runs: on threads of this process, or on the workers of a Dask cluster."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from typing import Any, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import FlowRunContext
from prefect.futures import PrefectFuture
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from prefect.tasks import Task

from schemas.errors import ScoringError, SettingsError
from schemas.settings import Settings
from schemas.task_runner import Runner, runner_of
from tasks.parallel import Over, cores, in_turn, sharing, threads_each

T = TypeVar("T")
R = TypeVar("R")
Await = Callable[[str, PrefectFuture[Any]], None]


async def _is_passing_trouble(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """A disk, a store or a network in trouble; a file that is gone stays gone."""
    error = await state.aresult(raise_on_failure=False)
    return isinstance(error, OSError) and not isinstance(error, FileNotFoundError)


@task(
    name="part",
    task_run_name="{step} part {number} of {total}",
    retries=2,
    retry_delay_seconds=[1.0, 5.0],
    retry_condition_fn=_is_passing_trouble,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def _part(work: Callable[[], R], step: str, number: int, total: int) -> R:  # noqa: ARG001 - they name the run
    return work()


class Spread:
    """Goes over items as task runs of a Prefect task runner; `await_part` waits for one of them, given its name.

    `width` is how many are worked on beside each other on one machine, if that is known.
    """

    def __init__(self, runner: TaskRunner[Any], await_part: Await, width: int | None = None) -> None:
        self._runner, self._await_part, self._width = runner, await_part, width

    def __reduce__(self) -> tuple[Callable[[], Over], tuple[()]]:
        # Prefect sends a part what its step was given; a worker has nobody to hand work on to.
        return _here, ()

    def __call__(self, step: str, verb: Callable[[T], R], items: Sequence[T], /) -> list[R]:
        """The results in the order of the items; raises the first error there is, in that order.

        An error that trying again did not help is a ScoringError: the step as a whole is not tried again.
        """
        names = [f"{step} part {number} of {len(items)}" for number in range(1, len(items) + 1)]
        # A worker of another host has its cores for itself.
        threads = threads_each(min(self._width, len(items))) if self._width else 0
        with _reachable_api():
            futures = self._submit(step, [partial(sharing, threads, verb, item) for item in items])
            return [self._result(name, future) for name, future in zip(names, futures, strict=True)]

    def _submit(self, step: str, work: Sequence[Callable[[], R]]) -> list[PrefectFuture[R]]:
        try:
            return [
                self._runner.submit(_part, {"work": one, "step": step, "number": number, "total": len(work)})
                for number, one in enumerate(work, start=1)
            ]
        except OSError as error:
            raise ScoringError(
                f"the cluster of SCORING_TASK_RUNNER does not answer: {error}. Nothing is published; run the date again"
                " when it does"
            ) from error

    def _result(self, name: str, future: PrefectFuture[R]) -> R:
        self._await_part(name, future)
        try:
            return future.result()
        except FileNotFoundError:
            raise
        except OSError as error:
            raise ScoringError(
                f"{name} failed, also when it was tried again: {error}. Nothing is published; run the date again when"
                " that is mended"
            ) from error


def _here() -> Over:
    return in_turn


@contextmanager
def spread_over(settings: Settings) -> Iterator[Over]:
    """How the pieces of a large batch are gone over; a cluster of this machine is started when it is first needed.

    Raises SettingsError if the packages for a cluster are not installed.
    """
    chosen = runner_of(settings)
    runner, await_part = _on_threads(chosen) if chosen.kind == "threads" else _on_dask(chosen)
    with runner:
        yield Spread(runner, await_part, None if chosen.address else chosen.workers or cores())


def _on_threads(chosen: Runner) -> tuple[TaskRunner[Any], Await]:
    return ThreadPoolTaskRunner(max_workers=chosen.workers or cores()), lambda _name, _future: None


def _on_dask(chosen: Runner) -> tuple[TaskRunner[Any], Await]:
    if find_spec("prefect_dask") is None or find_spec("distributed") is None:
        raise SettingsError(
            'SCORING_TASK_RUNNER asks for Dask, which is not installed: pip install "credit-express[cluster]"'
        )
    from flows.dask_cluster import await_part, runner_on  # noqa: PLC0415 - an extra, and a second to import

    return runner_on(chosen), await_part


@contextmanager
def _reachable_api() -> Iterator[None]:
    """Workers in other processes report to the server of this run, a temporary one of this process as well."""
    context = FlowRunContext.get()
    if context is None:
        yield
        return
    with temporary_settings({PREFECT_API_URL: str(context.client.api_url)}):
        yield
