"""Runs calls at the same moment, each in a thread or in a process of its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from threading import Barrier
from typing import TypeVar

R = TypeVar("R")
PATIENCE = 60.0


def in_threads(*calls: Callable[[], R]) -> list[R]:
    """What the calls return, in their order; raises what the first failing one raised."""
    barrier = Barrier(len(calls))

    def together(call: Callable[[], R]) -> R:
        barrier.wait(PATIENCE)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        futures = [pool.submit(together, call) for call in calls]
    return [future.result() for future in futures]


def in_processes(calls: Sequence[partial[R]]) -> list[R]:
    """What the calls return, in their order; raises what the first failing one raised. Nothing is shared by forking."""
    context = get_context("spawn")
    barrier = context.Barrier(len(calls))
    with ProcessPoolExecutor(len(calls), context, initializer=_share, initargs=(barrier,)) as pool:
        # As every worker waits for all others, none of them takes two calls.
        futures = [pool.submit(_together, call) for call in calls]
    return [future.result() for future in futures]


_shared: list[Barrier] = []


def _share(barrier: Barrier) -> None:
    _shared.append(barrier)


def _together(call: partial[R]) -> R:
    _shared[0].wait(PATIENCE)
    return call()
