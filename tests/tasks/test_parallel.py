import threading
import time
from collections.abc import Iterator

import pytest

from tasks import parallel
from tasks.parallel import cores, in_order, sharing, side_by_side, threads_each


def test_results_come_in_the_order_of_the_items() -> None:
    first_may_end = threading.Event()

    def double(item: int) -> int:
        # The first item takes longer than the second, which lets it go on.
        if item == 0 and cores() != 1:
            assert first_may_end.wait(timeout=10)
        first_may_end.set() if item == 1 else None
        return item * 2

    assert list(in_order(double, range(10))) == list(range(0, 20, 2))


def test_no_items_have_no_results() -> None:
    assert list(in_order(str, [])) == []


def test_few_items_are_taken_ahead() -> None:
    taken = []

    def items() -> Iterator[int]:
        for item in range(100):
            taken.append(item)
            yield item

    results = in_order(str, items())
    assert next(results) == "0"
    assert len(taken) <= cores() + 1
    assert len(list(results)) == 99


def test_the_first_error_ends_it() -> None:
    taken = []

    def items() -> Iterator[int]:
        for item in range(100):
            taken.append(item)
            yield item

    def fail_at_three(item: int) -> int:
        if item == 3:
            raise ValueError("three")
        return item

    with pytest.raises(ValueError, match="three"):
        list(in_order(fail_at_three, items()))
    assert len(taken) < 100


def test_an_error_of_the_items_is_raised_as_it_is() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("the file breaks off")

    with pytest.raises(OSError, match="breaks off"):
        list(in_order(str, items()))


def test_items_beside_each_other_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "cores", lambda: 8)
    assert [threads_each(beside) for beside in (0, 1, 3, 8, 100)] == [8, 8, 2, 1, 1]

    def most_at_once(_item: int) -> int:
        running, most, lock = 0, 0, threading.Lock()

        def one(_: int) -> None:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.005)
            with lock:
                running -= 1

        list(in_order(one, range(40)))
        return most

    assert all(most <= 2 for most in side_by_side("", most_at_once, range(4)))
    assert sharing(3, most_at_once, 0) <= 3
    # What was shared is whole again.
    assert most_at_once(0) > 3
