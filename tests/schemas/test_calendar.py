from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from schemas.calendar import BusinessCalendar, calendar_of
from schemas.errors import SettingsError
from schemas.settings import Settings

PARIS = ZoneInfo("Europe/Paris")
SATURDAY, SUNDAY, MONDAY = date(2026, 6, 27), date(2026, 6, 28), date(2026, 6, 29)


def calendar(**settings: str) -> BusinessCalendar:
    return calendar_of(Settings(**settings))  # type: ignore[arg-type]  # the other settings are numbers


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("timezone", "instant", "expected"),
    [
        ("Europe/Paris", "2026-06-29T21:59:59", date(2026, 6, 29)),
        ("Europe/Paris", "2026-06-29T22:00:00", date(2026, 6, 30)),
        ("Europe/Paris", "2026-12-31T22:59:59", date(2026, 12, 31)),
        ("Europe/Paris", "2026-12-31T23:00:00", date(2027, 1, 1)),
        # The day the clocks go forward starts at 23:00 UTC and ends at 22:00, the day they go back the other way round.
        ("Europe/Paris", "2026-03-28T23:00:00", date(2026, 3, 29)),
        ("Europe/Paris", "2026-03-29T21:59:59", date(2026, 3, 29)),
        ("Europe/Paris", "2026-03-29T22:00:00", date(2026, 3, 30)),
        ("Europe/Paris", "2026-10-24T22:00:00", date(2026, 10, 25)),
        ("Europe/Paris", "2026-10-25T22:59:59", date(2026, 10, 25)),
        ("Europe/Paris", "2026-10-25T23:00:00", date(2026, 10, 26)),
        ("America/New_York", "2026-06-30T03:59:59", date(2026, 6, 29)),
        ("America/New_York", "2026-06-30T04:00:00", date(2026, 6, 30)),
        ("UTC", "2026-06-30T00:00:00", date(2026, 6, 30)),
    ],
)
def test_the_business_date_changes_at_midnight_of_the_business_timezone(
    timezone: str, instant: str, expected: date
) -> None:
    assert calendar(timezone=timezone).business_date(utc(instant)) == expected


def test_the_business_date_of_an_instant_in_another_timezone() -> None:
    evening_in_new_york = datetime(2026, 6, 29, 18, 0, tzinfo=ZoneInfo("America/New_York"))
    assert calendar().business_date(evening_in_new_york) == date(2026, 6, 30)


def test_a_time_without_a_timezone_is_no_instant() -> None:
    with pytest.raises(ValueError, match="has no timezone"):
        calendar().business_date(datetime(2026, 6, 30))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("settings", "batch_date", "expected"),
    [
        ({}, date(2026, 6, 30), "2026-06-30T05:00:00"),
        ({}, date(2026, 12, 30), "2026-12-30T06:00:00"),
        ({"timezone": "America/New_York"}, date(2026, 6, 30), "2026-06-30T11:00:00"),
        ({"file_deadline": "00:00"}, date(2026, 6, 30), "2026-06-29T22:00:00"),
        ({"file_deadline": "23:59"}, date(2026, 6, 30), "2026-06-30T21:59:00"),
        # Around the night the clocks go from 02:00 to 03:00.
        ({}, date(2026, 3, 28), "2026-03-28T06:00:00"),
        ({}, date(2026, 3, 29), "2026-03-29T05:00:00"),
        ({"file_deadline": "01:59"}, date(2026, 3, 29), "2026-03-29T00:59:00"),
        ({"file_deadline": "02:30"}, date(2026, 3, 29), "2026-03-29T01:30:00"),  # skipped: at 03:30
        ({"file_deadline": "03:00"}, date(2026, 3, 29), "2026-03-29T01:00:00"),
        # Around the night they go from 03:00 back to 02:00.
        ({}, date(2026, 10, 25), "2026-10-25T06:00:00"),
        ({"file_deadline": "02:30"}, date(2026, 10, 25), "2026-10-25T00:30:00"),  # the first of the two
        ({"file_deadline": "03:00"}, date(2026, 10, 25), "2026-10-25T02:00:00"),
    ],
)
def test_a_file_is_due_at_the_deadline_of_its_date(settings: dict[str, str], batch_date: date, expected: str) -> None:
    due = calendar(**settings).due(batch_date)
    assert due.isoformat() == f"{expected}+00:00"
    assert calendar(**settings).business_date(due) == batch_date


def test_time_left_until_the_deadline_counts_the_hour_the_clocks_skip() -> None:
    midnight = datetime(2026, 3, 29, tzinfo=PARIS)
    assert calendar().due(date(2026, 3, 29)) - midnight == timedelta(hours=6)


def test_by_default_a_file_is_expected_every_day() -> None:
    days = (date(2026, 1, 1) + timedelta(days=days) for days in range(365))
    assert {calendar().closed(day) for day in days} == {None}


@pytest.mark.parametrize(
    "weekdays",
    [
        "mon tue wed thu fri",
        "MON,TUE,WED,THU,FRI",
        "  fri, Thu,wed tue ,mon,mon ",
        "Monday tuesday WEDNESDAY thu friday",
    ],
)
def test_on_other_weekdays_no_file_is_expected(weekdays: str) -> None:
    closed = calendar(weekdays=weekdays).closed
    assert (closed(SATURDAY), closed(SUNDAY), closed(MONDAY)) == ("Saturday", "Sunday", None)


@pytest.mark.parametrize("language", ["", "de", "en_US", "uk"])
def test_public_holidays_are_named_as_in_their_country(monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    monkeypatch.setenv("LANGUAGE", language)
    closed = calendar(holidays="FR").closed
    assert closed(date(2026, 11, 1)) == "Toussaint"
    assert closed(date(2027, 7, 14)) == "Fête nationale"
    assert closed(date(2026, 4, 6)) == "Lundi de Pâques"
    assert closed(date(2026, 11, 2)) is None


def test_a_subdivision_has_holidays_of_its_own() -> None:
    assumption = date(2026, 8, 15)
    assert calendar(holidays="DE-BY").closed(assumption) is None  # only in towns with a Catholic majority
    assert calendar(holidays="DE-SL").closed(assumption) == "Mariä Himmelfahrt"
    assert calendar(holidays="DE").closed(assumption) is None
    epiphany = date(2026, 1, 6)
    assert calendar(holidays="DE-BY").closed(epiphany) == "Heilige Drei Könige"
    assert calendar(holidays="DE").closed(epiphany) is None


def test_countries_and_dates_together() -> None:
    closed = calendar(holidays="FR, US 2026-12-24,2026-12-25").closed
    assert closed(date(2026, 7, 14)) == "Fête nationale"
    assert closed(date(2026, 7, 3)) == "Independence Day (observed)"
    assert closed(date(2026, 12, 24)) == "named in SCORING_HOLIDAYS"
    assert closed(date(2026, 12, 25)) == "Noël"
    assert closed(date(2026, 12, 23)) is None


def test_a_holiday_on_a_weekday_without_files_is_that_weekday() -> None:
    assert calendar(weekdays="mon", holidays="FR").closed(date(2026, 11, 1)) == "Sunday"


@pytest.mark.parametrize("holidays", ["", " ", " , ,"])
def test_an_empty_list_of_holidays_closes_nothing(holidays: str) -> None:
    assert calendar(holidays=holidays) == calendar()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("timezone", "Mars", "unknown timezone; names look like Europe/Paris"),
        ("timezone", "", "unknown timezone; names"),
        ("timezone", "europe/paris ", r"unknown timezone; did you mean Europe/Paris\?"),
        ("timezone", "Europe", "unknown timezone"),  # a folder of the database
        ("timezone", "../Europe/Paris", "unknown timezone"),
        ("timezone", "Europe/Paris" * 50, "unknown timezone"),
        ("file_deadline", "7:00", "not a time of day; write HH:MM"),
        ("file_deadline", "07:00:00", "not a time of day"),
        ("file_deadline", "24:00", "not a time of day"),
        ("file_deadline", "07:60", "not a time of day"),
        ("file_deadline", "7am", "not a time of day"),
        ("file_deadline", "", "not a time of day"),
        ("weekdays", "mon tus", r"unknown weekday 'tus'; did you mean tue\?"),
        ("weekdays", "Wensday", r"unknown weekday 'Wensday'; did you mean wednesday\?"),
        ("weekdays", "lundi", "unknown weekday 'lundi'"),
        ("weekdays", "mon-fri", "unknown weekday 'mon-fri'"),
        ("weekdays", "1", "unknown weekday '1'; write mon tue"),
        ("weekdays", "", "one weekday at least"),
        ("weekdays", " , ", "one weekday at least"),
        ("holidays", "FR XX", "unknown country 'XX'; write a code such as FR or DE-BY"),
        ("holidays", "fr", r"unknown country 'fr'; did you mean FR\?"),
        ("holidays", "France", "unknown country 'France'"),
        ("holidays", "SAT", "unknown country 'SAT'"),  # the package has it, as a constant
        ("holidays", "-", "unknown country ''"),
        ("holidays", "DE-Bayern", "DE has no subdivision 'Bayern'; it has BB, .*BY"),
        ("holidays", "DE-", "DE has no subdivision ''"),
        ("holidays", "FR-Zone A", "FR has no subdivision 'Zone'; it has 57"),
        ("holidays", "MC-1", "MC has no subdivision '1'; write MC alone"),
        ("holidays", "2026-02-30", "there is no date 2026-02-30"),
        ("holidays", "2026-7-14", "'2026-7-14' is not a date; write YYYY-MM-DD"),
        ("holidays", "20260714", "'20260714' is not a date"),
        ("holidays", "14/07/2026", "'14/07/2026' is not a date"),
    ],
)
def test_what_makes_no_calendar_is_refused_as_it_was_written(name: str, value: str, expected: str) -> None:
    with pytest.raises(SettingsError, match=f"^SCORING_{name.upper()}='{value}': .*{expected}"):
        calendar(**{name: value})
