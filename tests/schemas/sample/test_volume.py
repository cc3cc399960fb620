from datetime import date, timedelta
from statistics import fmean, median

import numpy as np
import pytest

from schemas.sample.volume import rows_on

DAYS = [date(2026, 1, 1) + timedelta(days=offset) for offset in range(365)]


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(3)


def test_a_year_has_the_mean_that_was_asked_for(random: np.random.Generator) -> None:
    assert fmean(rows_on(day, 1_000, random) for day in DAYS) == pytest.approx(1_000, rel=0.01)


def test_weekends_are_low_but_not_so_low_that_the_gate_warns_of_them(random: np.random.Generator) -> None:
    rows = {day: rows_on(day, 1_000, random) for day in DAYS}
    weekend = [rows[day] for day in DAYS if day.weekday() >= 5]
    assert max(weekend) < median(rows.values())
    for place, day in enumerate(DAYS[28:], start=28):
        usual = median(rows[before] for before in DAYS[place - 28 : place])
        assert 0.5 < rows[day] / usual < 2


def test_november_is_busier_than_may(random: np.random.Generator) -> None:
    by_month = {month: fmean(rows_on(day, 1_000, random) for day in DAYS if day.month == month) for month in (5, 11)}
    assert by_month[11] > 1.05 * by_month[5]


def test_no_day_is_empty(random: np.random.Generator) -> None:
    assert {rows_on(day, 0.2, random) for day in DAYS} == {1}
