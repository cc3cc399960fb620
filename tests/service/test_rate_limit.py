import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rate_limit import RateLimit
from tests.warehouse.at_once import in_processes


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self, seconds: float = 5000.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


@contextmanager
def limit_of(rate: float, clock: Clock) -> Iterator[RateLimit]:
    with TemporaryDirectory() as folder:
        limit = RateLimit(rate, Path(folder) / "rate", clock)
        try:
            yield limit
        finally:
            limit.close()


def passing(limit: RateLimit, client: str = "desk") -> int:
    """How many requests pass at one instant."""
    count = 0
    while not limit.wait(client):
        count += 1
    return count


@settings(deadline=None)  # each example makes a file
@given(rate=st.integers(1, 300), started=st.floats(0, 1e8))
def test_a_burst_is_as_many_requests_as_pass_in_a_second(rate: int, started: float) -> None:
    with limit_of(rate, Clock(started)) as limit:
        assert passing(limit) == rate


@settings(deadline=None)  # each example makes a file
@given(rate=st.integers(1, 100), started=st.floats(0, 1e7))
def test_after_a_burst_requests_pass_at_an_even_rate(rate: int, started: float) -> None:
    clock = Clock(started)
    with limit_of(rate, clock) as limit:
        passing(limit)
        for number in range(1, 21):
            clock.seconds = started + (number - 0.5) / rate
            assert limit.wait("desk") > 0
            clock.seconds = started + number / rate
            assert passing(limit) == 1


@pytest.mark.parametrize("rate", [0.2, 0.5, 1, 3, 50])
def test_who_waits_as_long_as_told_passes(rate: float) -> None:
    clock = Clock()
    with limit_of(rate, clock) as limit:
        passing(limit)
        for _ in range(20):
            wait = limit.wait("desk")
            assert wait == pytest.approx(1 / rate, rel=0.001)
            clock.seconds += wait
            assert limit.wait("desk") == 0


def test_a_rate_below_one_lets_one_pass_and_then_the_next_after_its_time() -> None:
    clock = Clock()
    with limit_of(0.25, clock) as limit:
        assert passing(limit) == 1
        assert limit.wait("desk") == pytest.approx(4)
        clock.seconds += 3.9
        assert passing(limit) == 0
        clock.seconds += 0.1
        assert passing(limit) == 1


def test_who_was_away_for_long_has_no_more_than_one_burst() -> None:
    clock = Clock()
    with limit_of(10, clock) as limit:
        passing(limit)
        clock.seconds += 0.5
        assert passing(limit) == 5
        clock.seconds += 3600
        assert passing(limit) == 10


def test_clients_do_not_use_up_what_others_may_ask() -> None:
    with limit_of(10, Clock()) as limit:
        clients = ["key desk", "key partner", "address 10.0.0.1", "address 10.0.0.2", "address ::1"]
        assert [passing(limit, client) for client in clients] == [10] * 5
        assert [passing(limit, client) for client in clients] == [0] * 5


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_processes_that_share_the_file_let_pass_exactly_as_many_as_one(tmp_path: Path, processes: int) -> None:
    passed = in_processes([partial(_ask, tmp_path / "rate", 3000, 5000.0)] * processes)
    assert sum(passed) == 3000


def _ask(file: Path, rate: float, instant: float) -> int:
    limit = RateLimit(rate, file, Clock(instant))
    return sum(not limit.wait("desk") for _ in range(4000))


def test_processes_agree_on_what_time_it_is(tmp_path: Path) -> None:
    rate, started = 200.0, time.monotonic()
    passed = in_processes([partial(_ask_for_a_second, tmp_path / "rate", rate)] * 2)
    assert rate <= sum(passed) <= rate * (1 + time.monotonic() - started) + 1


def _ask_for_a_second(file: Path, rate: float) -> int:
    limit, until, passed = RateLimit(rate, file), time.monotonic() + 1.0, 0
    while time.monotonic() < until:
        passed += not limit.wait("desk")
    return passed
