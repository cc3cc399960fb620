"""How many applications arrive on a day."""

import math
from datetime import date

import numpy as np

# Monday to Sunday, mean 1. Weekends stay above half of the median day, below which the gate would warn of them.
WEEKDAYS = (1.16, 1.12, 1.10, 1.08, 1.10, 0.76, 0.68)
SEASON = 0.06
PEAK_DAY_OF_YEAR = 330
NOISE = 0.05


def rows_on(day: date, mean: float, random: np.random.Generator) -> int:
    """Applications on `day`, at least 1: `mean` times weekday, season (± 6 %, highest in late November) and noise."""
    phase = 2 * math.pi * (day.timetuple().tm_yday - PEAK_DAY_OF_YEAR) / 365.25
    noise = float(np.clip(random.normal(0, NOISE), -2 * NOISE, 2 * NOISE))
    return max(1, round(mean * WEEKDAYS[day.weekday()] * (1 + SEASON * math.cos(phase)) * (1 + noise)))
