"""The dashboard while batches are published: neither keeps the other from its work."""

import time
from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dashboard.app import SECTIONS
from tasks.project import Project
from tests.body import run_day
from tests.dashboard.pages import again, look
from tests.flows.disturbed import land, landing_csv, torn
from tests.flows.homes import new_home, project_at
from tests.warehouse.at_once import in_processes

FIRST = date(2026, 3, 2)
SECONDS = 120
ROWS = 5_000
PATHS = [path for views in SECTIONS.values() for path, *_ in views]
# What is said when the warehouse could not be read, or the page not drawn.
FAILURES = ("is being written to", "cannot be read", "cannot be opened", "was held by another")


def publish_on(home: Path, days: Sequence[date]) -> list[tuple[str, float]]:
    """Publishes a batch after the other until the time is over; the status of each, and the seconds it took."""
    until, published = time.monotonic() + SECONDS, []
    for day in days:
        if time.monotonic() > until:
            break
        begun = time.monotonic()
        found = run_day(project_at(home, lock_wait_seconds=30), day)
        published.append(("published" if found.new else "again", time.monotonic() - begun))
    (home / "done").touch()
    return published


def visit_on(home: Path, paths: Sequence[str]) -> list[str]:
    """Draws one page after the other until the last batch is published; what was wrong with each, or nothing."""
    seen = []
    while not (home / "done").exists():
        for path in paths:
            app = again(look(home, path), home)
            errors = [item.value for item in app.error if any(words in item.value for words in FAILURES)]
            seen.append("; ".join(errors))
    return seen


@pytest.mark.timeout(600)
def test_neither_keeps_the_other_from_its_work(drifted: Project, tmp_path: Path) -> None:
    days = [FIRST + timedelta(days=number) for number in range(150)]
    home = new_home(drifted.settings.home_path, tmp_path / "home", days=[])
    for day in days:
        land(home, day, landing_csv(day, ROWS))
    project_at(home).writer.prepare()
    calls: list[partial[list[Any]]] = [
        partial(publish_on, home, days),
        partial(visit_on, home, PATHS),
        partial(visit_on, home, PATHS[::-1]),
    ]
    published, *visits = in_processes(calls)
    print(
        f"{len(published)} batches published, the slowest in {max(seconds for _, seconds in published):.1f} s, while"
        f" two visitors saw {[len(seen) for seen in visits]} pages"
    )
    assert {status for status, _ in published} == {"published"}
    assert len(published) >= 5
    for seen in visits:
        assert len(seen) >= len(PATHS)
        assert set(seen) == {""}
    assert torn(home) == []
