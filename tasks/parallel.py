"""Chunks on all cores, in order and in bounded memory."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")


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
    return list(in_order(verb, items))


def in_order(function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """The results of `function` in the order of the items; polars and NumPy let threads run side by side.

    At most one item more than there are cores is held at a time, however many there are. The first error ends it.
    """
    workers = os.cpu_count() or 1
    pending: deque[Future[R]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) > workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
