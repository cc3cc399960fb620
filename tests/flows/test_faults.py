"""What the world does to a run: kills it, runs it twice, reads while it writes, changes its file under its hands."""

import hashlib
import math
import os
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from schemas.batch import Published
from schemas.errors import LandingError, WarehouseError
from tasks.score import score_rows
from tasks.source.landing import hash_source
from tests.body import run_day
from tests.flows.disturbed import held, land, landing_csv, left_in_staging, torn
from tests.flows.homes import new_home, project_at, query
from tests.flows.killing import Ended, Victim, body_of, command_of
from tests.warehouse.at_once import in_processes
from warehouse.connection import open_for_reading, open_for_writing

DAY = date(2026, 3, 2)
ROWS = 30_000
KILLS, COMMAND_KILLS = 21, 5
# Kills fall between the beginning of a run and this many times as long as an undisturbed one takes.
LONGEST_DELAY = 1.1
LOOK = """
SELECT
    batch_date,
    status,
    rows_scored,
    (SELECT count(*) FROM scores WHERE scores.batch_id = batches.batch_id) AS scores,
    (SELECT count(*) FROM applications WHERE applications.batch_id = batches.batch_id) AS applications
FROM batches
"""


@dataclass(frozen=True)
class Story:
    """A home as it is before a run of DAY, and what its warehouse holds when the run was not disturbed."""

    before: Path
    published_before: int
    undisturbed: dict[str, tuple[int, int]]
    seconds: float

    def retold(self, home: Path) -> Path:
        """A copy of the home to disturb a run in."""
        return Path(shutil.copytree(self.before, home))

    def is_published(self, home: Path) -> bool:
        """Whether the run's batch is there; asserts that all there is is whole."""
        if not (home / "warehouse.duckdb").exists():
            return False
        with open_for_reading(home / "warehouse.duckdb", wait_seconds=10) as connection:
            if not connection.execute("FROM duckdb_tables()").fetchall():
                return False
        assert torn(home) == []
        return len(query(home, "FROM batches")) > self.published_before


@dataclass(frozen=True)
class Stories:
    """The two a kill can fall into: a new date, and a changed file of a date that is published already."""

    new: Story
    changed: Story

    def of(self, kill: int) -> Story:
        """Every third kill falls into a changed file."""
        return self.changed if kill % 3 == 2 else self.new


def tell(home: Path, run: Callable[[Path], Victim]) -> Story:
    """The story of an undisturbed run in a copy of a home."""
    told = Path(shutil.copytree(home, home.with_name(f"{home.name}-undisturbed")))
    ended = run(told).end()
    assert ended.status == 0, ended.said
    assert torn(told) == []
    assert left_in_staging(told) == []
    before = query(home, "FROM batches") if (home / "warehouse.duckdb").exists() else []
    return Story(home, len(before), held(told), ended.seconds)


def tell_both(folder: Path, portfolio: Path, rows: int, run: Callable[[Path], Victim]) -> Stories:
    new, changed = (new_home(portfolio, folder / name, days=[]) for name in ("new", "changed"))
    for home in (new, changed):
        land(home, DAY, landing_csv(DAY, rows))
    run_day(project_at(changed), DAY)
    land(changed, DAY, landing_csv(DAY, rows, seed=1))
    # Both at once, as the disturbed ones run two at a time.
    with ThreadPoolExecutor(2) as pool:
        return Stories(*pool.map(partial(tell, run=run), (new, changed)))


def kill_all(folder: Path, stories: Stories, run: Callable[[Path], Victim], kills: int) -> Counter[str]:
    """Kills runs at seeded random moments, checks what is left, runs them again; returns where the kills fell."""
    moments = random.Random(20260302)
    # One moment in each of as many equal stretches: random, and spread over all of the run.
    shares = [(number + moments.random()) / kills * LONGEST_DELAY for number in range(kills)]
    moments.shuffle(shares)

    def kill_one(kill: int) -> str:
        story, home = stories.of(kill), folder / f"kill-{kill}"
        story.retold(home)
        ended = run(home).kill_after(shares[kill] * story.seconds)
        published = story.is_published(home)
        again = run(home).end()
        assert again.status == 0, again.said
        assert torn(home) == []
        assert held(home) == story.undisturbed
        assert left_in_staging(home) == []
        shutil.rmtree(home)
        return _where(ended, published=published)

    with ThreadPoolExecutor(2) as pool:
        return Counter(pool.map(kill_one, range(kills)))


def _where(ended: Ended, *, published: bool) -> str:
    if ended.status == 0:
        return "after the end"
    return "behind publication" if published else "before publication"


def test_a_run_killed_at_any_moment_and_started_again_ends_as_if_nothing_had_happened(
    portfolio: Path, tmp_path: Path
) -> None:
    run = partial(body_of, day=DAY)
    stories = tell_both(tmp_path, portfolio, ROWS, run)
    fell = kill_all(tmp_path, stories, run, KILLS)
    print(f"{KILLS} kills in runs of {stories.new.seconds:.2f} and {stories.changed.seconds:.2f} s: {dict(fell)}")
    assert fell["before publication"] > 0
    assert fell["behind publication"] + fell["after the end"] > 0


@pytest.mark.parametrize("step", ["judge_source", "publish"])
def test_what_a_killed_run_had_staged_is_gone_when_its_date_was_run_again(
    portfolio: Path, tmp_path: Path, step: str
) -> None:
    home = new_home(portfolio, tmp_path / "home", days=[])
    land(home, DAY, landing_csv(DAY, 1000))
    assert body_of(home, DAY, step).end().status == -9
    assert left_in_staging(home) != []
    run_day(project_at(home), DAY)
    assert left_in_staging(home) == []
    assert torn(home) == []


def test_the_real_command_killed_at_any_moment_and_given_again_ends_as_if_nothing_had_happened(
    portfolio: Path, prefect_api: str, tmp_path: Path
) -> None:
    run = partial(command_of, day=DAY, api=prefect_api)
    stories = tell_both(tmp_path, portfolio, 5000, run)
    fell = kill_all(tmp_path, stories, run, COMMAND_KILLS)
    print(f"{COMMAND_KILLS} kills in commands of {stories.new.seconds:.2f} s from their first line: {dict(fell)}")
    assert fell["before publication"] > 0


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


def replace_by(content: bytes) -> Callable[[Path], None]:
    """Another file in its place."""

    def replace(path: Path) -> None:
        aside = path.with_name(".coming")
        aside.write_bytes(content)
        aside.replace(path)

    return replace


def overwrite_by(content: bytes) -> Callable[[Path], object]:
    """Other content in the same file."""
    return lambda path: path.write_bytes(content)


def keep_time_and_size(path: Path) -> None:
    """Another file of the same size with the time of the first, as a transfer that keeps times leaves it."""
    before = path.stat()
    content = path.read_bytes()
    replace_by(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


ROWS_IN_FILE = 2000
OTHER = landing_csv(DAY, ROWS_IN_FILE, seed=2)
HEADER, DATA = OTHER.split(b"\n", 1)
CHANGES: dict[str, Callable[[Path], object]] = {
    "another file": replace_by(OTHER),
    "a shorter file": replace_by(OTHER[:5000]),
    "other columns": replace_by(b"id,what\n" + b"1,2\n" * ROWS_IN_FILE),
    "columns in another order": replace_by(b"\n".join(b",".join(reversed(x.split(b","))) for x in OTHER.split(b"\n"))),
    "another delimiter": replace_by(OTHER.replace(b",", b";")),
    "an empty file": replace_by(b""),
    "a file that is not text": replace_by(bytes(range(256)) * 1000),
    "a file written over": overwrite_by(OTHER),
    "a file cut short": overwrite_by(OTHER[: len(OTHER) // 2]),
    "nothing": Path.unlink,
    "a file of the same size and time": keep_time_and_size,
}


@dataclass
class Moment:
    """Changes a file before or behind the call of a function, when it is called for the n-th time."""

    function: Callable[..., Any]
    change: Callable[[], object]
    call: int = 1
    behind: bool = False
    calls: int = 0

    def __call__(self, *given: Any, **named: Any) -> Any:
        self.calls += 1
        now = self.calls == self.call
        if now and not self.behind:
            self.change()
        result = self.function(*given, **named)
        if now and self.behind:
            self.change()
        return result


# The file is read three times: its header, its ids, its rows; each reading begins with the header line.
MOMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "before the header is read": ("tasks.gate.header_of", {}),
    "before the ids are read": ("tasks.gate.find_repeats", {}),
    "before the rows are read": ("tasks.gate.read_rows", {}),
    "behind the header": ("tasks.source.csv_rows.detect_dialect", {"behind": True}),
    "between the header and the ids": ("tasks.source.csv_rows.detect_dialect", {"behind": True, "call": 2}),
    "between the header and the rows": ("tasks.source.csv_rows.detect_dialect", {"behind": True, "call": 3}),
    "between two blocks of rows": ("tasks.gate.judge", {"behind": True}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_is_replaced_while_it_is_read_is_an_error_of_the_landing_zone(
    portfolio: Path, tmp_path: Path, change: str
) -> None:
    home = new_home(portfolio, tmp_path / "home", days=[])
    content = landing_csv(DAY, ROWS_IN_FILE)
    for moment, (name, when) in MOMENTS.items():
        path = land(home, DAY, content)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("tasks.source.csv_rows.CHUNK_BYTES", 20_000)
            module, function = name.rsplit(".", 1)
            changing = Moment(getattr(sys.modules[module], function), partial(CHANGES[change], path), **when)
            patch.setattr(name, changing)
            with pytest.raises(LandingError, match=r"written to while it was read; run the date again"):
                pytest.fail(f"{moment}: {run_day(project_at(home), DAY)}")
        assert changing.calls >= changing.call
        assert query(home, "FROM batches") == []
        assert left_in_staging(home) == []


def test_a_file_that_is_replaced_when_all_of_it_was_read_is_published_as_it_was_read(
    portfolio: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = new_home(portfolio, tmp_path / "home", days=[])
    path = land(home, DAY, landing_csv(DAY, ROWS_IN_FILE))
    read = hashlib.sha256(path.read_bytes()).hexdigest()
    change = partial(CHANGES["another file"], path)
    monkeypatch.setattr("tests.body.score_rows", Moment(score_rows, change))
    assert run_day(project_at(home), DAY).revision == 1
    assert query(home, "SELECT source_sha256 FROM batches") == [(read,)]
    assert run_day(project_at(home), DAY).revision == 2


def test_a_file_that_is_taken_away_before_it_is_hashed_is_an_error_of_the_landing_zone(
    portfolio: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = new_home(portfolio, tmp_path / "home", days=[])
    path = land(home, DAY, landing_csv(DAY, ROWS_IN_FILE))
    monkeypatch.setattr("tasks.ingest.hash_source", Moment(hash_source, path.unlink))
    with pytest.raises(LandingError, match=path.name):
        run_day(project_at(home), DAY)


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
