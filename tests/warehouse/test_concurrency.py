import time
from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest

from schemas.alert import Alert
from schemas.batch import Published
from schemas.lake import Lake
from tests.warehouse.at_once import in_processes, in_threads
from tests.warehouse.staged import CONTRACT, DAY, TORN, WAIT_SECONDS, ask, publish, stage
from warehouse.connection import Address, open_for_reading
from warehouse.migration import FOLDER
from warehouse.writer import Writer

ROWS = 3_000
ALERT = Alert(kind="missing_file", severity="critical", batch_date=DAY, subject="landing", message="no file")
DATES_EACH = 5
LONGEST = 240.0
BATCHES = """
SELECT
    batches.batch_id,
    batches.rows_scored,
    (SELECT count(*) FROM scores WHERE scores.batch_id = batches.batch_id) AS scores,
    (SELECT count(*) FROM applications WHERE applications.batch_id = batches.batch_id) AS applications
FROM batches
WHERE batches.status = 'published'
"""


def publish_dates(folder: Path, at: Address, dates: Sequence[date]) -> int:
    """Returns how many batches were new."""
    return sum(publish(at, stage(folder, day, rows=ROWS)).new for day in dates)


def watch(at: Address, dates: int) -> tuple[list[tuple[object, ...]], int, int]:
    """Looks until every date is there; returns the batches seen in pieces, how often it looked, the most it saw."""
    pieces: list[tuple[object, ...]] = []
    looks = seen = 0
    until = time.monotonic() + LONGEST
    while seen < dates and time.monotonic() < until:
        with open_for_reading(at, WAIT_SECONDS) as connection:
            found = connection.execute(BATCHES).fetchall()
        pieces += [row for row in found if not row[1] == row[2] == row[3] == ROWS]
        # What was published stays published.
        pieces += [] if len(found) >= seen else [("fewer", len(found), seen)]
        looks, seen = looks + 1, len(found)
        # The processor is for those who write, too.
        time.sleep(0.05)
    return pieces, looks, seen


def act(folder: Path, at: Address, dates: Sequence[date] | int) -> tuple[list[tuple[object, ...]], int, int]:
    """A writer of these dates, or a reader until there are so many."""
    return watch(at, dates) if isinstance(dates, int) else ([], publish_dates(folder, at, dates), len(dates))


def publish_once(at: Address, folder: Path) -> Published:
    return publish(at, stage(folder, rows=ROWS))


def raise_alert(at: Address) -> bool:
    return Writer(at, CONTRACT, WAIT_SECONDS).report_missing(ALERT)


@pytest.mark.timeout(300)
def test_readers_never_see_a_part_of_a_batch_while_others_write(tmp_path: Path, at: Address) -> None:
    # A lake is for many.
    writers, readers = (8, 4) if isinstance(at, Lake) else (3, 2)
    dates = [DAY + timedelta(days=number) for number in range(writers * DATES_EACH)]
    Writer(at, CONTRACT, WAIT_SECONDS).prepare()
    writing = [partial(act, tmp_path, at, dates[number::writers]) for number in range(writers)]
    reading = [partial(act, tmp_path, at, len(dates))] * readers
    results = in_processes([*writing, *reading])
    assert [new for _, new, _ in results[:writers]] == [DATES_EACH] * writers
    for pieces, looks, seen in results[writers:]:
        assert pieces == []
        assert seen == len(dates)
        assert looks > 1
    assert ask(at, TORN) == []
    assert ask(at, "SELECT batch_date, revision FROM batches ORDER BY batch_date") == [(day, 1) for day in dates]


def test_processes_that_publish_the_same_batch_at_once_publish_it_once(tmp_path: Path, at: Address) -> None:
    stage(tmp_path, rows=ROWS)
    # The file does not exist yet: they create it at the same moment, too.
    results = in_processes([partial(publish_once, at, tmp_path)] * 4)
    assert sorted(published.new for published in results) == [False, False, False, True]
    assert len({published.batch_id for published in results}) == 1
    assert ask(at, "SELECT revision, status FROM batches") == [(1, "published")]
    assert ask(at, "SELECT count(*) FROM scores") == [(ROWS,)]
    assert ask(at, TORN) == []


def test_threads_that_publish_the_same_batch_at_once_publish_it_once(tmp_path: Path, at: Address) -> None:
    # Within a process, DuckDB lets two transactions write at the same time.
    Writer(at, CONTRACT, WAIT_SECONDS).prepare()
    results = in_threads(*[partial(publish, at, stage(tmp_path, rows=ROWS)) for _ in range(4)])
    assert sorted(published.new for published in results) == [False, False, False, True]
    assert ask(at, "SELECT revision, status FROM batches") == [(1, "published")]
    assert ask(at, TORN) == []


def test_threads_that_correct_the_same_date_at_once_leave_one_revision_in_force(tmp_path: Path, at: Address) -> None:
    publish(at, stage(tmp_path, content="first"))
    files = [stage(tmp_path, rows=ROWS, content=f"correction {number}") for number in range(4)]
    results = in_threads(*[partial(publish, at, file) for file in files])
    assert sorted(published.revision for published in results) == [2, 3, 4, 5]
    assert ask(at, "SELECT count(*) FROM batches WHERE status = 'published'") == [(1,)]
    assert ask(at, TORN) == []


def test_threads_create_a_warehouse_at_once(at: Address) -> None:
    in_threads(*[Writer(at, CONTRACT, WAIT_SECONDS).prepare] * 4)
    versions = [(number, 1) for number in range(1, len(list(FOLDER.glob("*.sql"))) + 1)]
    assert ask(at, "SELECT version, count(*) FROM schema_version GROUP BY version ORDER BY version") == versions


def test_processes_that_raise_the_same_alert_at_once_raise_it_once(at: Address) -> None:
    # The file does not exist yet: they create it at the same moment, too.
    assert sorted(in_processes([partial(raise_alert, at)] * 4)) == [False, False, False, True]
    assert ask(at, "SELECT kind, batch_date, status FROM alerts") == [("missing_file", DAY, "open")]


def test_threads_that_raise_the_same_alert_at_once_raise_it_once(at: Address) -> None:
    Writer(at, CONTRACT, WAIT_SECONDS).prepare()
    assert sorted(in_threads(*[partial(raise_alert, at)] * 8)) == [False] * 7 + [True]
    assert ask(at, "SELECT kind, batch_date, status FROM alerts") == [("missing_file", DAY, "open")]
