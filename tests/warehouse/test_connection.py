import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path

import duckdb
import pytest

from schemas.errors import WarehouseError, WarehouseUnavailable
from tests.warehouse.at_once import in_threads
from tests.warehouse.staged import CONTRACT, DAY, TORN, WAIT_SECONDS, publish, stage
from warehouse.connection import open_for_reading, open_for_writing
from warehouse.reader import Reader
from warehouse.writer import Writer

SPAWN = get_context("spawn")
PATIENCE = 60.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    publish(path, stage(tmp_path))
    return path


def hold(path: Path, writing: bool, held: Event, release: Event) -> None:
    with (open_for_writing if writing else open_for_reading)(path, WAIT_SECONDS):
        held.set()
        release.wait(PATIENCE)


@contextmanager
def held_by_another_process(path: Path, *, writing: bool) -> Iterator[Event]:
    """Another process has the file open until the event is set or the block ends."""
    held, release = SPAWN.Event(), SPAWN.Event()
    process = SPAWN.Process(target=hold, args=(path, writing, held, release))
    process.start()
    try:
        assert held.wait(PATIENCE)
        yield release
    finally:
        release.set()
        process.join(PATIENCE)
    assert process.exitcode == 0


def refused_to_another_process(path: Path) -> bool:
    """Whether a process of its own finds the file locked at this moment."""
    process = SPAWN.Process(target=_read_at_once, args=(path,))
    process.start()
    process.join(PATIENCE)
    return process.exitcode == 3


def _read_at_once(path: Path) -> None:
    try:
        Reader(path, 0.05).published(DAY)
    except WarehouseUnavailable:
        raise SystemExit(3) from None


def attempts(path: Path, wait_seconds: float) -> list[Callable[[], object]]:
    """A way to read and a way to write."""
    reading = partial(Reader(path, wait_seconds).published, DAY)
    return [reading, Writer(path, CONTRACT, wait_seconds).prepare]


def test_a_reader_waits_for_a_writing_process_and_then_reads(path: Path) -> None:
    with held_by_another_process(path, writing=True) as release:
        threading.Timer(0.6, release.set).start()
        began = time.monotonic()
        assert Reader(path, WAIT_SECONDS).published(DAY) is not None
        assert time.monotonic() - began > 0.5


def test_a_writer_waits_for_a_reading_process_and_then_writes(tmp_path: Path, path: Path) -> None:
    with held_by_another_process(path, writing=False) as release:
        assert Reader(path, 0.1).published(DAY) is not None
        threading.Timer(0.6, release.set).start()
        began = time.monotonic()
        assert publish(path, stage(tmp_path, content="second")).new
        assert time.monotonic() - began > 0.5


@pytest.mark.parametrize("wait_seconds", [0.05, 0.5])
def test_waiting_ends_with_the_setting_that_bounds_it(path: Path, wait_seconds: float) -> None:
    with held_by_another_process(path, writing=True):
        for attempt in attempts(path, wait_seconds):
            began = time.monotonic()
            with pytest.raises(WarehouseUnavailable, match=f"more than {wait_seconds:g} seconds.*SCORING_LOCK_WAIT"):
                attempt()
            # A pause between two attempts is a quarter of a second at most.
            assert wait_seconds <= time.monotonic() - began < wait_seconds + 2


def test_threads_of_one_process_read_and_write_at_the_same_time(tmp_path: Path, path: Path) -> None:
    files = [stage(tmp_path, rows=rows, content=content) for rows, content in ((400, "second"), (500, "third"))]
    until = time.monotonic() + WAIT_SECONDS
    problems: list[object] = []
    counts = {"read": 0, "written": 0}

    def goes_on() -> bool:
        # A machine with other work to do may let one of them wait for long.
        return min(counts.values()) < 3 and time.monotonic() < until

    def read() -> None:
        while goes_on():
            with open_for_reading(path, WAIT_SECONDS) as connection:
                problems.extend(connection.execute(TORN).fetchall())
                counts["read"] += 1

    def write() -> None:
        while goes_on():
            if not publish(path, files[counts["written"] % 2]).new:
                problems.append("a new file was taken for a known one")
            counts["written"] += 1

    in_threads(read, write)
    assert problems == []
    assert min(counts.values()) > 2


def test_a_thread_that_is_refused_does_not_let_other_processes_in(path: Path) -> None:
    # A process loses its lock on a file as soon as it closes it, were it opened a second time.
    with open_for_writing(path, WAIT_SECONDS):
        with pytest.raises(WarehouseUnavailable):
            Reader(path, 0.2).published(DAY)
        assert refused_to_another_process(path)
    assert not refused_to_another_process(path)


@pytest.mark.parametrize("content", [b"", b"application_id,age\n1,35\n" * 500], ids=["empty", "csv"])
def test_a_file_that_is_not_a_warehouse_is_named_and_left_alone(tmp_path: Path, content: bytes) -> None:
    other = tmp_path / "other.duckdb"
    other.write_bytes(content)
    for attempt in attempts(other, 1):
        with pytest.raises(WarehouseError, match=r"other\.duckdb cannot be opened: .*not a valid DuckDB database"):
            attempt()
    assert other.read_bytes() == content


def test_a_folder_in_the_place_of_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="cannot be opened"):
        Writer(tmp_path, CONTRACT, 1).prepare()


def test_a_home_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    with pytest.raises(WarehouseError, match="home"):
        Writer(tmp_path / "home" / "warehouse.duckdb", CONTRACT, 1).prepare()


def test_reading_changes_nothing(path: Path) -> None:
    before = path.read_bytes()
    with (
        open_for_reading(path, WAIT_SECONDS) as connection,
        pytest.raises((duckdb.Error, WarehouseError), match="read-only"),
    ):
        connection.execute("DELETE FROM scores")
    assert path.read_bytes() == before
