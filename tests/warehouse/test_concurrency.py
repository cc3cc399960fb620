import time
from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from schemas.alert import Alert
from schemas.batch import Published
from tests.warehouse.at_once import PATIENCE, in_processes, in_threads
from tests.warehouse.staged import CONTRACT, DAY, TORN, WAIT_SECONDS, ask, publish, stage
from warehouse.connection import open_for_reading
from warehouse.migration import FOLDER
from warehouse.writer import Writer

ROWS = 3_000
ALERT = Alert(kind="missing_file", severity="critical", batch_date=DAY, subject="landing", message="no file")
WRITERS = 3
DATES_EACH = 5
DATES = [DAY + timedelta(days=number) for number in range(WRITERS * DATES_EACH)]
BATCHES = """
SELECT
    batches.batch_id,
    batches.rows_scored,
    (SELECT count(*) FROM scores WHERE scores.batch_id = batches.batch_id) AS scores,
    (SELECT count(*) FROM applications WHERE applications.batch_id = batches.batch_id) AS applications
FROM batches
WHERE batches.status = 'published'
"""


def publish_dates(folder: Path, path: Path, dates: Sequence[date]) -> int:
    """Returns how many batches were new."""
    return sum(publish(path, stage(folder, day, rows=ROWS)).new for day in dates)


def watch(path: Path) -> tuple[list[tuple[object, ...]], int, int]:
    """Looks until every date is there; returns the batches seen in pieces, how often it looked, the most it saw."""
    pieces: list[tuple[object, ...]] = []
    looks = seen = 0
    until = time.monotonic() + PATIENCE
    while seen < len(DATES) and time.monotonic() < until:
        with open_for_reading(path, WAIT_SECONDS) as connection:
            found = connection.execute(BATCHES).fetchall()
        pieces += [row for row in found if not row[1] == row[2] == row[3] == ROWS]
        # What was published stays published.
        pieces += [] if len(found) >= seen else [("fewer", len(found), seen)]
        looks, seen = looks + 1, len(found)
    return pieces, looks, seen


def act(folder: Path, path: Path, dates: Sequence[date]) -> tuple[list[tuple[object, ...]], int, int]:
    """A writer of these dates, or with none a reader."""
    return ([], publish_dates(folder, path, dates), len(dates)) if dates else watch(path)


def publish_once(path: Path, folder: Path) -> Published:
    return publish(path, stage(folder, rows=ROWS))


def raise_alert(path: Path) -> bool:
    return Writer(path, CONTRACT, WAIT_SECONDS).report_missing(ALERT)


def test_readers_never_see_a_part_of_a_batch_while_others_write(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    Writer(path, CONTRACT, WAIT_SECONDS).prepare()
    writers = [partial(act, tmp_path, path, DATES[number::WRITERS]) for number in range(WRITERS)]
    readers = [partial(act, tmp_path, path, ()) for _ in range(2)]
    results = in_processes([*writers, *readers])
    assert [new for _, new, _ in results[:WRITERS]] == [DATES_EACH] * WRITERS
    for pieces, looks, seen in results[WRITERS:]:
        assert pieces == []
        assert seen == len(DATES)
        assert looks > 1
    assert ask(path, TORN) == []
    assert ask(path, "SELECT batch_date, revision FROM batches ORDER BY batch_date") == [(day, 1) for day in DATES]


def test_processes_that_publish_the_same_batch_at_once_publish_it_once(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    stage(tmp_path, rows=ROWS)
    # The file does not exist yet: they create it at the same moment, too.
    results = in_processes([partial(publish_once, path, tmp_path)] * 4)
    assert sorted(published.new for published in results) == [False, False, False, True]
    assert len({published.batch_id for published in results}) == 1
    assert ask(path, "SELECT revision, status FROM batches") == [(1, "published")]
    assert ask(path, "SELECT count(*) FROM scores") == [(ROWS,)]
    assert ask(path, TORN) == []


def test_threads_that_publish_the_same_batch_at_once_publish_it_once(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    batch = stage(tmp_path, rows=ROWS)
    # Within a process, DuckDB lets two transactions write at the same time.
    Writer(path, CONTRACT, WAIT_SECONDS).prepare()
    results = in_threads(*[partial(publish, path, batch)] * 4)
    assert sorted(published.new for published in results) == [False, False, False, True]
    assert ask(path, "SELECT revision, status FROM batches") == [(1, "published")]
    assert ask(path, TORN) == []


def test_threads_that_correct_the_same_date_at_once_leave_one_revision_in_force(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    publish(path, stage(tmp_path, content="first"))
    files = [stage(tmp_path, rows=ROWS, content=f"correction {number}") for number in range(4)]
    results = in_threads(*[partial(publish, path, file) for file in files])
    assert sorted(published.revision for published in results) == [2, 3, 4, 5]
    assert ask(path, "SELECT count(*) FROM batches WHERE status = 'published'") == [(1,)]
    assert ask(path, TORN) == []


def test_threads_create_a_warehouse_at_once(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    in_threads(*[Writer(path, CONTRACT, WAIT_SECONDS).prepare] * 4)
    versions = [(number, 1) for number in range(1, len(list(FOLDER.glob("*.sql"))) + 1)]
    assert ask(path, "SELECT version, count(*) FROM schema_version GROUP BY version ORDER BY version") == versions


def test_processes_that_raise_the_same_alert_at_once_raise_it_once(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    # The file does not exist yet: they create it at the same moment, too.
    assert sorted(in_processes([partial(raise_alert, path)] * 4)) == [False, False, False, True]
    assert ask(path, "SELECT kind, batch_date, status FROM alerts") == [("missing_file", DAY, "open")]


def test_threads_that_raise_the_same_alert_at_once_raise_it_once(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    Writer(path, CONTRACT, WAIT_SECONDS).prepare()
    assert sorted(in_threads(*[partial(raise_alert, path)] * 8)) == [False] * 7 + [True]
    assert ask(path, "SELECT kind, batch_date, status FROM alerts") == [("missing_file", DAY, "open")]
