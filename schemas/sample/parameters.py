"""What a generated portfolio is asked for, and the random numbers that follow from it."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from schemas.errors import ScoringError

HISTORY_DAYS = 365
HISTORY_ROWS_PER_ROW = 30
# With fewer rows than this a scorecard finds too few defaults for stable bins.
HISTORY_MIN_ROWS = 12_000
# Daily noise moves the total by a few tenths of a percent; this keeps it from ending below what is promised.
HISTORY_MARGIN = 1.02


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """`days` landing files ending at `until`, with `rows` applications a day on average; same `seed`, same bytes."""

    days: int
    rows: int
    until: date
    seed: int

    def __post_init__(self) -> None:
        for name, least in (("days", 1), ("rows", 1), ("seed", 0)):
            value = getattr(self, name)
            if value < least:
                raise ScoringError(f"the sample cannot be generated with {name}={value}; use {least} or more")
        if self.days + HISTORY_DAYS > self.until.toordinal():
            raise ScoringError(f"{self.days} days before {self.until} lie before the calendar; ask for fewer days")

    @property
    def first_day(self) -> date:
        """The date of the first landing file."""
        return self.until - timedelta(days=self.days - 1)

    @property
    def landing_days(self) -> tuple[date, ...]:
        """The dates of the landing files, oldest first."""
        return tuple(self.first_day + timedelta(days=offset) for offset in range(self.days))

    @property
    def history_months(self) -> dict[date, tuple[date, ...]]:
        """The days of the year before the first landing file, by the first of their month, oldest first."""
        months: dict[date, tuple[date, ...]] = {}
        for day in self._history_days():
            month = day.replace(day=1)
            months[month] = (*months.get(month, ()), day)
        return months

    @property
    def history_rows_per_day(self) -> float:
        """Mean applications on a day of the history: in total `30 * rows` or 12,000, whichever is more."""
        total = max(HISTORY_ROWS_PER_ROW * self.rows, HISTORY_MIN_ROWS)
        return HISTORY_MARGIN * total / HISTORY_DAYS

    def random(self, day: date, purpose: str) -> np.random.Generator:
        """The random numbers of one purpose on one day: no other day or purpose moves them."""
        # crc32 and not hash(): the latter differs from process to process.
        return np.random.default_rng([self.seed, day.toordinal(), zlib.crc32(purpose.encode())])

    def _history_days(self) -> Iterator[date]:
        for offset in range(HISTORY_DAYS, 0, -1):
            yield self.first_day - timedelta(days=offset)
