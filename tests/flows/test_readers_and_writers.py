"""Processes that run dates, make a warehouse or read it at the same moment."""

import math
import time
from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from schemas.batch import Published
from schemas.errors import WarehouseError
from tests.body import run_day
from tests.flows.disturbed import land, landing_csv, left_in_staging, torn
from tests.flows.homes import new_home, project_at, query
from tests.warehouse.at_once import in_processes
from warehouse.connection import open_for_reading, open_for_writing

DAY = date(2026, 3, 2)
LOOK = """
SELECT
    batch_date,
    status,
    rows_scored,
    (SELECT count(*) FROM scores WHERE scores.batch_id = batches.batch_id) AS scores,
    (SELECT count(*) FROM applications WHERE applications.batch_id = batches.batch_id) AS applications
FROM batches
"""


def score_dates(home: Path, dates: Sequence[date]) -> list[Published]:
    return [run_day(project_at(home), day) for day in dates]


def score_corrected(home: Path, dates: Sequence[date], corrected: Path) -> list[Published]:
    """Scores dates one after the other, then another file for the last of them; leaves a note when all is done."""
    try:
        return [*score_dates(home, dates), run_day(project_at(home), dates[-1], corrected)]
    finally:
        (home / "done").touch()


def look_on(home: Path, dates: Sequence[date]) -> list[str]:
    """What each look at the warehouse saw until the note is there: `whole`, or what was wrong with it."""
    reader, seen, in_force = project_at(home).reader, [], 0
    while not (home / "done").exists():
        published = [batch for batch in map(reader.published, dates) if batch is not None]
        period = reader.frame("days", start=dates[0], end=dates[-1])
        with open_for_reading(home / "warehouse.duckdb", wait_seconds=60) as connection:
            batches = connection.execute(LOOK).fetchall()
        whole = all(scored == scores == applications for _, _, scored, scores, applications in batches)
        # What was in force stays in force: between a batch and its correction there is no gap.
        counts = [in_force, len(published), period.height, sum(row[1] == "published" for row in batches)]
        in_force = counts[-1]
        seen.append("whole" if whole and counts == sorted(counts) else f"{counts}: {batches}")
    return seen


def test_readers_see_whole_batches_and_no_error_while_batches_are_published(portfolio: Path, tmp_path: Path) -> None:
    dates = [DAY + timedelta(days=number) for number in range(6)]
    home = new_home(portfolio, tmp_path / "home", days=[])
    for day in dates:
        land(home, day, landing_csv(day, 10_000))
    corrected = tmp_path / f"applications_{dates[-1]}.csv"
    corrected.write_bytes(landing_csv(dates[-1], 10_000, seed=1))
    project_at(home).writer.prepare()
    publishing: partial[list[Any]] = partial(score_corrected, home, dates, corrected)
    published, *looks = in_processes([publishing, partial(look_on, home, dates), partial(look_on, home, dates)])
    print(f"{len(published)} batches published while two readers looked {[len(seen) for seen in looks]} times")
    assert [batch.revision for batch in published] == [1] * 6 + [2]
    assert all(batch.new for batch in published)
    for seen in looks:
        assert len(seen) >= 6
        assert set(seen) == {"whole"}
    assert torn(home) == []


def test_processes_that_run_the_same_dates_at_once_publish_each_of_them_once(portfolio: Path, tmp_path: Path) -> None:
    # The first date finds no warehouse, so that all three make it.
    dates = [DAY + timedelta(days=number) for number in range(4)]
    home = new_home(portfolio, tmp_path / "home", days=[])
    for day in dates:
        land(home, day, landing_csv(day, 5000))
    runs = in_processes([partial(score_dates, home, dates)] * 3)
    for same_date in zip(*runs, strict=True):
        assert sorted(published.new for published in same_date) == [False, False, True]
        assert len({(published.batch_id, published.rows) for published in same_date}) == 1
    assert len(query(home, "FROM batches")) == len(dates)
    assert torn(home) == []
    assert left_in_staging(home) == []


def score_or_say_why(home: Path, dates: Sequence[date]) -> list[str]:
    """What became of each date: `published`, or the message it failed with."""
    said = []
    for day in dates:
        try:
            run_day(project_at(home), day)
            said.append("published")
        except WarehouseError as error:
            said.append(str(error))
    return said


def test_an_application_in_the_files_of_two_dates_run_at_once_is_scored_once(portfolio: Path, tmp_path: Path) -> None:
    home, rounds = new_home(portfolio, tmp_path / "home", days=[]), 4
    pairs = [(DAY + timedelta(days=2 * number), DAY + timedelta(days=2 * number + 1)) for number in range(rounds)]
    for pair in pairs:
        own = {day: landing_csv(day, 5000) for day in pair}
        # A hundredth of each file: few enough to quarantine, and the same on both dates but for the date.
        shared = landing_csv(pair[0], 50, ids=f"SHARED-{pair[0]}-").split(b"\n", 1)[1]
        for day in pair:
            land(home, day, own[day] + shared)
    odd, even = zip(*pairs, strict=True)
    said = in_processes([partial(score_or_say_why, home, odd), partial(score_or_say_why, home, even)])
    failed = [message for messages in said for message in messages if message != "published"]
    print(f"{rounds} pairs of dates at once: {len(failed)} of {2 * rounds} runs were to be run again")
    assert [message for message in failed if "run the date again" not in message] == []
    for day in (*odd, *even):
        run_day(project_at(home), day)
    twice = "SELECT application_id FROM current_scores GROUP BY application_id HAVING count(*) > 1"
    assert query(home, twice) == []
    scored = "SELECT count(*) FROM current_scores WHERE application_id LIKE 'SHARED-%'"
    refused = "SELECT count(*) FROM quarantine WHERE application_id LIKE 'SHARED-%' AND rule = 'already_scored'"
    assert query(home, refused) == query(home, scored)
    assert query(home, scored)[0][0] > 40 * rounds
    assert torn(home) == []


def make_all(warehouses: Sequence[Path]) -> list[str]:
    """Opens warehouses that do not exist yet, each at its moment; returns the messages of those that failed."""
    # The moments are by the clock, so that processes meet at every one of them, not only at the first.
    failed, start = [], math.ceil(time.time() + 0.5)
    for number, path in enumerate(warehouses):
        while time.time() < start + number * 0.05:
            pass
        try:
            with open_for_writing(path, wait_seconds=10) as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS made (number INTEGER)")
        except WarehouseError as error:
            failed.append(str(error))
    return failed


def test_processes_that_make_the_same_warehouse_at_once_all_find_it_in_order(tmp_path: Path) -> None:
    warehouses = [tmp_path / f"{number}.duckdb" for number in range(80)]
    failed = in_processes([partial(make_all, warehouses)] * 2)
    assert failed == [[], []]
