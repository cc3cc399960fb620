"""Runs that are killed at any moment, and what is there when they were run again."""

import random
import shutil
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from tests.body import run_day
from tests.flows.disturbed import held, land, landing_csv, left_in_staging, torn
from tests.flows.forked import Forked
from tests.flows.homes import new_home, project_at, query
from tests.flows.killing import Ended, Victim, body_of, command_of
from warehouse.connection import open_for_reading

DAY = date(2026, 3, 2)
ROWS = 30_000
KILLS, COMMAND_KILLS = 21, 5
# Kills fall between the beginning of a run and this many times as long as an undisturbed one takes.
LONGEST_DELAY = 1.1

Start = Callable[[Path], Forked | Victim]


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


def tell(home: Path, run: Start) -> Story:
    """The story of an undisturbed run in a copy of a home."""
    told = Path(shutil.copytree(home, home.with_name(f"{home.name}-undisturbed")))
    ended = run(told).end()
    assert ended.status == 0, ended.said
    assert torn(told) == []
    assert left_in_staging(told) == []
    before = query(home, "FROM batches") if (home / "warehouse.duckdb").exists() else []
    return Story(home, len(before), held(told), ended.seconds)


def tell_both(folder: Path, portfolio: Path, rows: int, run: Start) -> Stories:
    new, changed = (new_home(portfolio, folder / name, days=[]) for name in ("new", "changed"))
    for home in (new, changed):
        land(home, DAY, landing_csv(DAY, rows))
    run_day(project_at(changed), DAY)
    land(changed, DAY, landing_csv(DAY, rows, seed=1))
    # Both at once, as the disturbed ones run two at a time.
    with ThreadPoolExecutor(2) as pool:
        return Stories(*pool.map(partial(tell, run=run), (new, changed)))


def kill_all(folder: Path, stories: Stories, run: Start, kills: int) -> Counter[str]:
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
    run = partial(Forked, day=DAY)
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
