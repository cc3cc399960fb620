"""The business calendar: which date an instant belongs to, on which dates a file is expected, and until when."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from schemas.errors import SettingsError

if TYPE_CHECKING:
    from schemas.settings import Settings  # which reads this module to check itself

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DEADLINE = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
# How far back files that came late are looked for, if nothing is said, and at most.
DAYS_BACK, MOST_DAYS_BACK = 14, 36_500
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class BusinessCalendar:
    """When files are expected.

    `deadline` is a time of day in `timezone`. `weekdays` counts from Monday = 0. `countries` holds codes such as FR and
    DE-BY, whose public holidays are closed, and `named` further closed dates.
    """

    timezone: ZoneInfo
    deadline: time
    weekdays: frozenset[int]
    countries: tuple[str, ...]
    named: frozenset[date]

    def business_date(self, instant: datetime) -> date:
        """The date in the business timezone at an instant; raises ValueError if that has no timezone of its own."""
        if instant.tzinfo is None:
            raise ValueError(f"{instant} has no timezone")
        return instant.astimezone(self.timezone).date()

    def due(self, batch_date: date) -> datetime:
        """The instant (UTC) from which the file of a date is missing: the date at the deadline.

        A deadline that the clocks skip that night is as long after midnight as on any other day; of one that comes
        twice, the first counts.
        """
        # In UTC, since subtracting two times of one timezone forgets that the clocks changed in between.
        return datetime.combine(batch_date, self.deadline, self.timezone).astimezone(UTC)

    def closed(self, batch_date: date) -> str | None:
        """Why no file is expected on a date, in words (a weekday, a holiday's name); None if one is expected."""
        if batch_date.weekday() not in self.weekdays:
            return WEEKDAYS[batch_date.weekday()]
        for country in self.countries:
            if name := _holidays_of(country, batch_date.year).get(batch_date):
                return name
        return "named in SCORING_HOLIDAYS" if batch_date in self.named else None


def calendar_of(settings: "Settings") -> BusinessCalendar:
    """The calendar of the settings; raises SettingsError with the setting as it was written if it makes no sense."""
    countries, named = _closed_days(settings.holidays)
    return BusinessCalendar(
        _timezone(settings.timezone),
        _deadline(settings.file_deadline),
        _weekdays(settings.weekdays),
        countries,
        named,
    )


def _timezone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    # What is no name at all, or the name of a folder of the database, fails in ways of its own.
    except (KeyError, ValueError, OSError) as error:
        hint = _near(name, sorted(available_timezones())) or "names look like Europe/Paris"
        raise SettingsError(f"SCORING_TIMEZONE={name!r}: unknown timezone; {hint}") from error


def _deadline(text: str) -> time:
    match = DEADLINE.fullmatch(text)
    if match is None:
        raise SettingsError(f"SCORING_FILE_DEADLINE={text!r}: not a time of day; write HH:MM, from 00:00 to 23:59")
    return time(int(match[1]), int(match[2]))


def _weekdays(text: str) -> frozenset[int]:
    numbers = {name.lower(): number for number, name in enumerate(WEEKDAYS)}
    numbers |= {name[:3]: number for name, number in numbers.items()}
    names = _words(text)
    for name in names:
        if name.lower() not in numbers:
            hint = _near(name.lower(), list(numbers)) or "write mon tue wed thu fri sat sun, or those of them"
            raise SettingsError(f"SCORING_WEEKDAYS={text!r}: unknown weekday {name!r}; {hint}")
    if not names:
        raise SettingsError(f"SCORING_WEEKDAYS={text!r}: a file has to be expected on one weekday at least")
    return frozenset(numbers[name.lower()] for name in names)


def _closed_days(text: str) -> tuple[tuple[str, ...], frozenset[date]]:
    """Country codes in the order they are named, and single dates."""
    countries, dates = [], set()
    for word in _words(text):
        try:
            if word[0].isdigit():
                dates.add(_date(word))
            else:
                countries.append(_country(word))
        except ValueError as error:
            raise SettingsError(f"SCORING_HOLIDAYS={text!r}: {error}") from error
    return tuple(countries), frozenset(dates)


def _date(word: str) -> date:
    if not DATE.fullmatch(word):
        raise ValueError(f"{word!r} is not a date; write YYYY-MM-DD")
    try:
        return date.fromisoformat(word)
    except ValueError as error:
        raise ValueError(f"there is no date {word}") from error


def _country(word: str) -> str:
    # Imported late, as it is slow and most commands need no holidays.
    from holidays import list_supported_countries  # noqa: PLC0415

    countries = list_supported_countries()
    country, dash, subdivision = word.partition("-")
    if country not in countries:
        hint = _near(country.upper(), list(countries)) or "write a code such as FR or DE-BY"
        raise ValueError(f"unknown country {country!r}; {hint}")
    # A few are named with a space (school zones mostly), which a list separated by spaces cannot hold.
    known = [name for name in countries[country] if " " not in name]
    if dash and subdivision not in known:
        hint = f"it has {', '.join(known)}" if known else f"write {country} alone"
        raise ValueError(f"{country} has no subdivision {subdivision!r}; {hint}")
    return word


@cache
def _holidays_of(code: str, year: int) -> Mapping[date, str]:
    """The public holidays of a year with their names in the country's own language, whatever that of the machine."""
    from holidays import country_holidays  # noqa: PLC0415

    country, _, subdivision = code.partition("-")
    language = country_holidays(country).default_language
    return country_holidays(country, subdivision or None, years=year, expand=False, language=language)


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _near(word: str, known: Sequence[str]) -> str | None:
    near = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {near[0]}?" if near else None
