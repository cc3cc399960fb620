"""Chunks on all cores, in order and in bounded memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from functools import partial
from typing import Protocol, TypeVar

import joblib

T = TypeVar("T")
R = TypeVar("R")
# Threads that `in_order` may use here; 0: one for each core.
_threads: ContextVar[int] = ContextVar("threads", default=0)


class Over(Protocol):
    """How a step goes over the pieces of a batch: in this process, or wherever a task runner has workers."""

    def __call__(self, step: str, verb: Callable[[T], R], items: Sequence[T], /) -> list[R]:
        """The results of a verb in the order of the items; `step` is what a person reads of it.

        The verb and the items can be pickled, the results are small, and doing an item twice is as good as once.
        """


def in_turn(_step: str, verb: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Goes over items one after the other, for verbs that use all cores themselves."""
    return [verb(item) for item in items]


def side_by_side(_step: str, verb: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Goes over items on all cores."""
    return list(in_order(partial(sharing, threads_each(len(items)), verb), items))


def cores() -> int:
    """The cores that this process may use: those of the machine, or fewer where a container or an affinity says so."""
    return int(joblib.cpu_count())


def threads_each(beside: int) -> int:
    """The threads for each of so many items that are worked on beside each other; memory grows with all of them."""
    return max(1, cores() // max(1, beside))


def sharing(threads: int, verb: Callable[[T], R], item: T) -> R:
    """The result of a verb that may use so many threads, since other items are worked on beside it; 0 is all cores."""
    before = _threads.set(threads)
    try:
        return verb(item)
    finally:
        _threads.reset(before)


def in_order(function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """The results of `function` in the order of the items; polars and NumPy let threads run side by side.

    At most one item more than there are threads is held at a time, however many there are. The first error ends it.
    """
    workers = _threads.get() or cores()
    pending: deque[Future[R]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) > workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
