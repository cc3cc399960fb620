"""How dates and figures read to the visitor: by the language and the timezone of the browser."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo

import streamlit as st
from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal, format_percent

NONE = "-"
DEFAULT_LOCALE = "en_GB"
# What `st.date_input` can show, by the order of day, month and year that a locale writes.
DATE_INPUTS = {"y": "YYYY-MM-DD", "m": "MM/DD/YYYY", "d": "DD/MM/YYYY"}


@dataclass(frozen=True)
class Formats:
    """Words for dates and figures; None reads as a dash. The text of the pages is English in any locale."""

    locale: Locale
    timezone: tzinfo

    def day(self, day: date | None) -> str:
        """`30 Jun 2026`."""
        return NONE if day is None else format_date(day, "medium", self.locale)

    def weekday(self, day: date) -> str:
        """`Tuesday, 30 June 2026`."""
        return format_date(day, "full", self.locale)

    def instant(self, instant: datetime | None) -> str:
        """An instant (UTC, without a zone) at the visitor's clock: `30 Jun 2026, 06:04`."""
        if instant is None:
            return NONE
        return format_datetime(instant.replace(tzinfo=UTC), "medium", self.timezone, self.locale)

    def count(self, number: float | None) -> str:
        """`1,234`."""
        return NONE if number is None else format_decimal(round(number), locale=self.locale)

    def share(self, share: float | None, digits: int = 1) -> str:
        """A share between 0 and 1 as `12.3%`."""
        pattern = f"#,##0.{'0' * digits}%"
        return NONE if share is None else format_percent(share, pattern, self.locale)

    def points_of_percent(self, change: float | None, digits: int = 1) -> str:
        """A change of a share as `+1.2 pp`."""
        if change is None:
            return NONE
        pattern = f"+#,##0.{'0' * digits};-#"
        return f"{format_decimal(100 * change, pattern, self.locale)} pp"

    def number(self, number: float | None, unit: str = "", digits: int = 3) -> str:
        """A figure of any size with the digits that matter, and its unit."""
        if number is None:
            return NONE
        large = abs(number) >= 100 or float(number).is_integer()
        rounded = round(number) if large else float(f"{number:.{digits}g}")
        text = format_decimal(rounded, "#,##0.######", self.locale)
        return f"{text} {unit}" if unit else text

    def change(self, change: float) -> str:
        """A change of a figure with its sign: `+28`."""
        return f"{'+' if change > 0 else ''}{self.number(change)}"

    @property
    def date_input(self) -> str:
        """The format of a date to choose, as `st.date_input` takes it."""
        pattern = str(self.locale.date_formats["short"].pattern)
        first = next(letter.lower() for letter in pattern if letter.lower() in DATE_INPUTS)
        return DATE_INPUTS[first]


def visitors_formats() -> Formats:
    """The formats of whoever looks at the page; outside a browser British English and UTC."""
    return Formats(_locale(st.context.locale), _timezone(st.context.timezone))


def _locale(tag: str | None) -> Locale:
    try:
        return Locale.parse(tag or DEFAULT_LOCALE, sep="-" if tag else "_")
    except (UnknownLocaleError, ValueError):
        return Locale.parse(DEFAULT_LOCALE)


def _timezone(name: str | None) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (KeyError, ValueError, OSError):
        return UTC
