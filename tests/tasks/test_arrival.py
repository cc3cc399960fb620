import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from schemas.settings import Settings
from tasks.arrival import POLL_SECONDS, SETTLED_SECONDS, is_still_to_come, not_expected, report_missing, wait_for_file
from tasks.project import Project
from tests.flows.homes import query
from tests.tasks.batches import CONTRACT, DAY, block_file, publish_file, write_rows

DUE = datetime(2026, 6, 30, 5, tzinfo=UTC)  # 07:00 in Paris
START = DUE - timedelta(hours=1)
SATURDAY, BASTILLE_DAY = date(2026, 6, 27), date(2026, 7, 14)
ALERTS = "SELECT kind, severity, batch_date, subject, message, status FROM alerts"


class Clock:
    """A clock that only sleeping moves on; what is planned happens as soon as its instant is reached."""

    def __init__(self, start: datetime) -> None:
        self.time = start
        self.slept: list[float] = []
        self._plan: list[tuple[datetime, Callable[[], object]]] = []

    def now(self) -> datetime:
        return self.time

    def plan(self, seconds: float, happening: Callable[[], object]) -> None:
        """Lets something happen so many seconds from now."""
        self._plan.append((self.time + timedelta(seconds=seconds), happening))

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += timedelta(seconds=seconds)
        for instant, happening in self._plan:
            if instant <= self.time:
                happening()
        self._plan = [planned for planned in self._plan if planned[0] > self.time]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "landing").mkdir()
    return project_with(tmp_path)


@pytest.fixture
def clock() -> Clock:
    return Clock(START)


def project_with(home: Path, **settings: str) -> Project:
    return Project(Settings(home=str(home), **settings), CONTRACT)  # type: ignore[arg-type]  # the others are numbers


def place(project: Project, name: str = f"{DAY}.csv") -> Path:
    return project.settings.path("landing") / f"applications_{name}"


def land(path: Path, written: datetime) -> Path:
    """A file that was written to at an instant for the last time."""
    path.parent.mkdir(exist_ok=True)
    path.write_text("x")
    os.utime(path, (written.timestamp(), written.timestamp()))
    return path


def wait(project: Project, clock: Clock, day: date = DAY) -> None:
    wait_for_file(project, day, clock.now, clock.sleep)


def test_a_file_that_is_there_is_not_waited_for(project: Project, clock: Clock) -> None:
    land(place(project), START - timedelta(hours=1))
    assert not is_still_to_come(project, DAY, clock.now)
    wait(project, clock)
    assert clock.slept == []


def test_a_file_that_comes_while_it_is_waited_for_ends_the_wait(project: Project, clock: Clock) -> None:
    assert is_still_to_come(project, DAY, clock.now)
    clock.plan(100, lambda: land(place(project), START + timedelta(seconds=100)))
    wait(project, clock)
    # Seven looks at it; at the last it has been there for five seconds.
    assert clock.slept == [POLL_SECONDS] * 7
    assert not is_still_to_come(project, DAY, clock.now)


@pytest.mark.parametrize(
    ("age", "expected"),
    [(SETTLED_SECONDS - 0.001, True), (SETTLED_SECONDS, False), (0, True), (-60, True)],
    ids=["just before", "settled", "now", "by a clock ahead of ours"],
)
def test_a_file_is_still_to_come_until_nobody_writes_to_it(
    project: Project, clock: Clock, age: float, expected: bool
) -> None:
    land(place(project), START - timedelta(seconds=age))
    assert is_still_to_come(project, DAY, clock.now) is expected


def test_a_file_that_is_written_to_is_waited_for(project: Project, clock: Clock) -> None:
    path = land(place(project), START)
    for seconds in range(0, 301, 2):
        clock.plan(seconds, partial(land, path, START + timedelta(seconds=seconds)))
    wait(project, clock)
    assert clock.time == START + timedelta(seconds=315)


def test_a_folder_is_there_when_its_newest_part_is(project: Project, clock: Clock) -> None:
    folder = place(project, str(DAY))
    for part, minutes in (("b.csv", 0), ("a.csv", 30), ("c.csv", 60)):
        land(folder / part, START - timedelta(minutes=minutes))
    clock.plan(12, lambda: land(folder / "a.csv", START + timedelta(seconds=12)))
    wait(project, clock)
    assert clock.time == START + timedelta(seconds=30)


def test_a_file_that_never_comes_is_waited_for_until_it_is_due(project: Project, clock: Clock) -> None:
    wait(project, clock)
    assert clock.time == DUE
    assert not is_still_to_come(project, DAY, clock.now)


@pytest.mark.parametrize(
    ("left", "slept"), [(20, [15, 5]), (15, [15]), (0.25, [0.25]), (0, []), (-0.001, []), (-86_400, [])]
)
def test_nobody_sleeps_past_the_deadline(project: Project, left: float, slept: list[float]) -> None:
    clock = Clock(DUE - timedelta(seconds=left))
    # Not even for a file that is still written to.
    land(place(project), DUE + timedelta(seconds=60))
    wait(project, clock)
    assert clock.slept == slept


def test_a_deadline_that_passes_between_two_looks_at_the_clock_ends_the_wait(project: Project) -> None:
    looks = iter([DUE - timedelta(seconds=1), DUE - timedelta(seconds=1), DUE + timedelta(seconds=1), DUE])
    slept: list[float] = []
    wait_for_file(project, DAY, lambda: next(looks), slept.append)
    assert slept == [0]


def test_a_folder_without_parts_may_still_be_filled(project: Project, clock: Clock) -> None:
    folder = place(project, str(DAY))
    folder.mkdir()
    (folder / "_SUCCESS").touch()
    clock.plan(40, lambda: land(folder / "1.csv", START + timedelta(seconds=40)))
    wait(project, clock)
    assert clock.time == START + timedelta(seconds=45)


def test_one_of_two_files_may_still_be_taken_away(project: Project, clock: Clock) -> None:
    long_ago = START - timedelta(hours=1)
    land(place(project), long_ago)
    wrong = land(place(project, f"{DAY}.parquet"), long_ago)
    clock.plan(40, wrong.unlink)
    wait(project, clock)
    assert clock.time == START + timedelta(seconds=45)


@pytest.mark.parametrize("name", [f"{DAY}.csv.tmp", f".{DAY}.csv", f"{DAY - timedelta(days=1)}.csv", str(DAY)])
def test_a_file_of_another_name_is_not_the_file(project: Project, clock: Clock, name: str) -> None:
    land(place(project, name), START - timedelta(hours=1))
    assert is_still_to_come(project, DAY, clock.now)


@pytest.mark.parametrize(
    ("day", "deadline", "due"),
    [
        # The clocks go forward on the first of the two days, and back on the second.
        (date(2026, 3, 29), "07:00", datetime(2026, 3, 29, 5, tzinfo=UTC)),
        (date(2026, 3, 29), "02:30", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        (date(2026, 10, 25), "07:00", datetime(2026, 10, 25, 6, tzinfo=UTC)),
        (date(2026, 10, 25), "02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
)
def test_the_wait_ends_at_the_deadline_when_the_clocks_change(
    tmp_path: Path, day: date, deadline: str, due: datetime
) -> None:
    project, clock = project_with(tmp_path, file_deadline=deadline), Clock(due - timedelta(hours=6))
    wait(project, clock, day)
    assert clock.time == due
    assert sum(clock.slept) == 6 * 3600


def test_on_a_closed_day_no_file_is_expected(tmp_path: Path) -> None:
    project = project_with(tmp_path, weekdays="mon tue wed thu fri", holidays="FR")
    assert not_expected(project, SATURDAY) == "Saturday"
    assert not_expected(project, BASTILLE_DAY) == "Fête nationale"
    assert not_expected(project, DAY) is None


def test_a_file_that_came_on_a_closed_day_is_taken(project: Project) -> None:
    closed = project_with(project.settings.home_path, weekdays="mon")
    land(place(project, f"{SATURDAY}.csv"), START)
    assert not_expected(closed, SATURDAY) is None
    assert not_expected(closed, SATURDAY + timedelta(days=1)) == "Sunday"


def test_a_file_that_is_not_due_is_not_missing(project: Project) -> None:
    assert not report_missing(project, DAY, lambda: DUE - timedelta(microseconds=1))
    assert not project.settings.path("warehouse").exists()


def test_a_file_that_was_due_raises_an_alert_once(project: Project) -> None:
    assert report_missing(project, DAY, lambda: DUE)
    assert not report_missing(project, DAY, lambda: DUE + timedelta(days=1))
    ((*stored, message, status),) = query(project.settings.home_path, ALERTS)
    assert stored == ["missing_file", "critical", DAY, f"applications_{DAY}"]
    assert message.startswith(
        f"no file for {DAY} in {project.settings.path('landing')}; it was due at 07:00 (Europe/Paris)."
    )
    assert "catch-up" in message
    assert status == "open"


def test_every_date_has_an_alert_of_its_own(project: Project) -> None:
    days = [DAY, DAY - timedelta(days=1)]
    assert [report_missing(project, day, lambda: DUE) for day in days] == [True, True]
    assert query(project.settings.home_path, "SELECT count(DISTINCT batch_date) FROM alerts") == [(2,)]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"timezone": "Asia/Tokyo", "file_deadline": "08:15"}, "due at 08:15 (Asia/Tokyo)"),
        # There is no 02:30 that night.
        ({"file_deadline": "02:30"}, "due at 03:30 (Europe/Paris)"),
    ],
)
def test_the_alert_names_the_deadline_by_the_clocks_of_the_desk(
    tmp_path: Path, settings: dict[str, str], expected: str
) -> None:
    project, day = project_with(tmp_path, **settings), date(2026, 3, 29)
    due = project.calendar.due(day)
    assert not report_missing(project, day, lambda: due - timedelta(seconds=1))
    assert report_missing(project, day, lambda: due)
    assert expected in query(tmp_path, "SELECT message FROM alerts")[0][0]


def test_the_file_of_a_date_that_was_judged_is_not_missing(project: Project) -> None:
    project.writer.prepare()
    published = write_rows(place(project), [{}])
    blocked = write_rows(place(project, f"{DAY - timedelta(days=1)}.csv"), [{"age": "17"}])
    publish_file(project, published)
    block_file(project, blocked, DAY - timedelta(days=1))
    for path, day in ((published, DAY), (blocked, DAY - timedelta(days=1))):
        path.unlink()
        assert not report_missing(project, day, lambda: DUE)
    assert query(project.settings.home_path, f"{ALERTS} WHERE kind = 'missing_file'") == []


def test_an_alert_is_resolved_when_the_file_comes(project: Project) -> None:
    report_missing(project, DAY, lambda: DUE)
    publish_file(project, write_rows(place(project), [{}]))
    assert query(project.settings.home_path, "SELECT status FROM alerts") == [("resolved",)]
