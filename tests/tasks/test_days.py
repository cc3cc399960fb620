from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from schemas.batch import ChampionOf
from schemas.errors import BatchBlocked, LandingError
from tasks import arrival
from tasks.days import Day, Outcome, already_published, dates_between, in_words, late_dates, problems, without_file
from tasks.project import Project
from tests.body import run_day
from tests.flows.homes import landing_file, project_at
from tests.tasks.loans import DAYS, make_champions

FIRST, SECOND, THIRD, FOURTH, FIFTH, LAST = DAYS
ONE_DAY = timedelta(days=1)


def spoil(project: Project, day: date, content: str = "nothing\n") -> None:
    """Puts a file in place that the gate refuses, and runs the day."""
    landing_file(project.settings.home_path, day).write_text(content)
    with pytest.raises(BatchBlocked):
        run_day(project, day)


def correct(project: Project, portfolio: Path, day: date, rows: int) -> None:
    """Puts a part of the good file in place."""
    lines = landing_file(portfolio, day).read_text().splitlines()[: rows + 1]
    landing_file(project.settings.home_path, day).write_text("\n".join([*lines, ""]))


def second_file(project: Project, day: date) -> None:
    landing_file(project.settings.home_path, day).with_suffix(".parquet").touch()


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, DAYS),
        (SECOND, None, DAYS[1:]),
        (None, FIFTH, DAYS[:5]),
        (SECOND, FIFTH, DAYS[1:5]),
        (THIRD, THIRD, (THIRD,)),
        (date(2025, 1, 1), date(2027, 1, 1), DAYS),
    ],
)
def test_the_dates_of_a_period_are_those_with_a_file_oldest_first(
    project: Project, start: date | None, end: date | None, expected: tuple[date, ...]
) -> None:
    assert dates_between(project, start, end) == list(expected)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (LAST + ONE_DAY, None, "no file in .*landing from 2026-07-01 to the last; expected applications_YYYY-MM-DD"),
        (None, FIRST - ONE_DAY, "no file in .*landing from the first to 2026-06-24; expected"),
        (date(2027, 1, 1), date(2027, 1, 2), "from 2027-01-01 to 2027-01-02"),
        (LAST, FIRST, f"the period starts on {LAST} and ends before it, on {FIRST}; exchange the two"),
    ],
)
def test_a_period_without_a_date_is_refused(
    project: Project, start: date | None, end: date | None, expected: str
) -> None:
    with pytest.raises(LandingError, match=expected):
        dates_between(project, start, end)


def test_an_empty_landing_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LandingError, match="from the first to the last"):
        dates_between(project_at(tmp_path), None, None)


def test_days_without_a_file_are_those_of_a_whole_period(project: Project) -> None:
    for day in (SECOND, FIFTH):
        landing_file(project.settings.home_path, day).unlink()
    dates = dates_between(project, None, None)
    missing = [Day(SECOND, "no file"), Day(FIFTH, "no file")]
    assert without_file(project, dates, FIRST, LAST) == missing
    assert without_file(project, dates, FIRST - ONE_DAY, LAST) == [Day(FIRST - ONE_DAY, "no file"), *missing]
    assert without_file(project, dates, THIRD, FOURTH) == []
    # Where a period begins or ends with its files, nobody said that there should be more.
    for start, end in ((None, None), (FIRST, None), (None, LAST)):
        assert without_file(project, dates, start, end) == []


def test_on_closed_days_no_file_is_missed(project: Project) -> None:
    home = project.settings.home_path
    for day in (FIRST, THIRD, FOURTH, FIFTH):
        landing_file(home, day).unlink()
    closed = project_at(home, weekdays="mon tue wed thu fri", holidays=str(FIFTH))
    # The third and fourth are a weekend.
    assert without_file(closed, [SECOND, LAST], FIRST, LAST) == [Day(FIRST, "no file")]


def test_nothing_is_published_in_a_new_warehouse(project: Project) -> None:
    project.settings.path("warehouse").unlink()
    assert already_published(project, DAYS, ChampionOf.TODAY) == []


def test_a_day_is_published_when_its_file_and_model_are_those_asked_for(project: Project, portfolio: Path) -> None:
    for day in (FIRST, SECOND, THIRD, LAST):
        run_day(project, day)
    correct(project, portfolio, SECOND, rows=200)
    second_file(project, THIRD)
    spoil(project, FIFTH)
    asked = DAYS[:5]
    assert already_published(project, asked, ChampionOf.TODAY) == [Day(FIRST, "already published")]
    # The file that was published is back.
    correct(project, portfolio, SECOND, rows=300)
    assert [day.batch_date for day in already_published(project, asked, ChampionOf.TODAY)] == [FIRST, SECOND]


def test_after_a_promotion_the_champion_asked_for_decides(project: Project) -> None:
    make_champions(project, FIRST, THIRD)

    def published(champion_of: ChampionOf) -> list[date]:
        return [day.batch_date for day in already_published(project, DAYS, champion_of)]

    for day in (FIRST, SECOND, THIRD):
        run_day(project, day, champion_of=ChampionOf.THAT_DAY)
    assert published(ChampionOf.THAT_DAY) == [FIRST, SECOND, THIRD]
    assert published(ChampionOf.TODAY) == [THIRD]
    assert run_day(project, FIRST).revision == 2
    assert published(ChampionOf.THAT_DAY) == [SECOND, THIRD]
    assert published(ChampionOf.TODAY) == [FIRST, THIRD]


def test_a_date_that_no_run_has_judged_is_late(project: Project) -> None:
    assert late_dates(project, LAST, 14) == list(DAYS)
    for day in (FIRST, FOURTH):
        run_day(project, day)
    assert late_dates(project, LAST, 14) == [SECOND, THIRD, FIFTH, LAST]


def test_in_a_new_warehouse_every_date_is_late(project: Project) -> None:
    project.settings.path("warehouse").unlink()
    assert late_dates(project, LAST, 14) == list(DAYS)


@pytest.mark.parametrize(
    ("today", "days_back", "expected"),
    [
        (LAST, 5, DAYS),
        (LAST, 4, DAYS[1:]),
        (LAST, 0, (LAST,)),
        (THIRD, 14, DAYS[:3]),
        (THIRD, 1, (SECOND, THIRD)),
        (LAST + ONE_DAY, 0, ()),
        (LAST + ONE_DAY, 1, (LAST,)),
        (FIRST - ONE_DAY, 14, ()),
    ],
)
def test_dates_are_late_from_so_many_days_back_to_today(
    project: Project, today: date, days_back: int, expected: tuple[date, ...]
) -> None:
    assert late_dates(project, today, days_back) == list(expected)


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written just now is complete."""
    monkeypatch.setattr(arrival, "SETTLED_SECONDS", 0.0)


@pytest.mark.usefixtures("settled")
def test_a_file_that_was_blocked_is_late_when_it_is_another_one(project: Project, portfolio: Path) -> None:
    spoil(project, LAST)
    assert late_dates(project, LAST, 0) == []
    correct(project, portfolio, LAST, rows=300)
    assert late_dates(project, LAST, 0) == [LAST]
    # A correction that is refused too leaves both files judged.
    spoil(project, LAST, "nothing again\n")
    assert late_dates(project, LAST, 0) == []
    landing_file(project.settings.home_path, LAST).write_text("nothing\n")
    assert late_dates(project, LAST, 0) == []
    correct(project, portfolio, LAST, rows=300)
    run_day(project, LAST)
    assert late_dates(project, LAST, 0) == []


def test_a_file_that_is_still_written_to_is_left_for_the_next_time(project: Project) -> None:
    path = landing_file(project.settings.home_path, LAST)
    path.touch()
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    assert late_dates(project, LAST, 0, lambda: written + timedelta(seconds=4)) == []
    assert late_dates(project, LAST, 0, lambda: written + timedelta(seconds=5)) == [LAST]


@pytest.mark.usefixtures("settled")
def test_a_file_that_was_blocked_is_late_on_another_date(project: Project) -> None:
    spoil(project, FIFTH)
    landing_file(project.settings.home_path, LAST).write_text("nothing\n")
    assert late_dates(project, LAST, 1) == [LAST]


def test_a_published_date_is_left_alone_whatever_its_file_is_now(project: Project, portfolio: Path) -> None:
    run_day(project, LAST)
    correct(project, portfolio, LAST, rows=200)
    assert late_dates(project, LAST, 0) == []
    spoil(project, LAST)
    correct(project, portfolio, LAST, rows=100)
    assert late_dates(project, LAST, 0) == []
    landing_file(project.settings.home_path, LAST).unlink()
    assert late_dates(project, LAST, 0) == []


def test_two_files_for_a_date_are_for_its_run_to_report(project: Project) -> None:
    second_file(project, FIFTH)
    spoil(project, LAST)
    second_file(project, LAST)
    assert late_dates(project, LAST, 1) == [FIFTH, LAST]


def test_a_folder_that_is_still_empty_is_for_its_run_to_report(project: Project) -> None:
    landing_file(project.settings.home_path, LAST).unlink()
    landing_file(project.settings.home_path, LAST).with_suffix("").mkdir()
    assert late_dates(project, LAST, 0) == [LAST]


def test_a_day_without_a_champion_does_not_stop_the_others(project: Project) -> None:
    make_champions(project, DAYS[1], DAYS[3])
    for day in DAYS[:2]:
        run_day(project, day)
    assert already_published(project, DAYS, ChampionOf.THAT_DAY) == []


def test_a_day_to_come_is_not_one_without_a_file(project: Project) -> None:
    tomorrow = datetime.now(UTC).date() + ONE_DAY
    assert without_file(project, (), tomorrow, tomorrow + ONE_DAY) == []


def days(*outcomes: Outcome) -> list[Day]:
    return [Day(FIRST + number * ONE_DAY, outcome) for number, outcome in enumerate(outcomes)]


def test_blocked_and_failed_days_need_a_person() -> None:
    given = days("published", "blocked", "already published", "failed", "no file", "blocked")
    assert list(problems(given)) == [given[1], given[3], given[5]]
    assert list(problems([])) == []


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (["published"], "1 day: 1 published"),
        (["published", "failed", "published", "blocked"], "4 days: 1 blocked, 1 failed, 2 published"),
        (["no file", "already published"], "2 days: 1 already published, 1 no file"),
        (["already published", "published"], "2 days: 1 already published, 1 published"),
        (["already published", "already published"], "2 days already published; nothing to do"),
    ],
)
def test_days_are_counted_in_words(outcomes: list[Outcome], expected: str) -> None:
    assert in_words(days(*outcomes)) == expected
