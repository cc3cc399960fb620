"""Drift of all features by day: the level of each day, and what of it is to be said."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import polars

from dashboard.formats import Formats
from dashboard.words import counted, listed, spells
from model.reference import SCORE
from model.verdict import level

# As the marks by day are called; the first three are the levels of `model.verdict`.
LEVELS = {
    "none": "level none",
    "warning": "level warning",
    "critical": "level critical",
    "few": "too few rows",
}
# Runs of days that are named one by one.
MOST_RUNS = 3


def levels_by_day(verdicts: polars.DataFrame) -> polars.DataFrame:
    """batch_date, features_drifted and level (a key of LEVELS) of every day, from rows of `verdicts_by_day.sql`.

    The score is not a feature. A day is `few` if nothing was judged on it.
    """
    moved = (polars.col("drifted") & (polars.col("feature") != SCORE)).sum()
    days = verdicts.group_by("batch_date").agg(features_drifted=moved, judged=polars.col("enough").any())
    named = [
        level(drifted) if judged else "few" for drifted, judged in days.select("features_drifted", "judged").rows()
    ]
    return days.with_columns(polars.Series("level", named, polars.String)).drop("judged").sort("batch_date")


def levels_in_words(levels: polars.DataFrame, formats: Formats) -> str:
    """How bad the days of a period were, the worst first, and which days those are."""
    days = levels["batch_date"].to_list()
    parts = [
        f"{name} on {days_in_words(found, days, formats)}"
        for name in ("critical", "warning")
        if (found := levels.filter(polars.col("level") == name)["batch_date"].to_list())
    ]
    few = levels.filter(polars.col("level") == "few").height
    said = f"The level of drift was {'; '.join(parts)}" if parts else "No feature drifted on any day"
    return f"{said}; {counted(few, 'day')} of {len(days)} had too few rows to judge." if few else f"{said}."


def days_in_words(found: Sequence[date], days: Sequence[date], formats: Formats) -> str:
    """`7 of 28 days (14 Jun 2026 to 20 Jun 2026)`; of many runs the last one only."""
    runs = [
        formats.day(first) if first == last else f"{formats.day(first)} to {formats.day(last)}"
        for first, last in spells(found, days)
    ]
    named = listed(runs) if len(runs) <= MOST_RUNS else f"{len(runs)} times, the last one {runs[-1]}"
    return f"{len(found)} of {counted(len(days), 'day')} ({named})"


def every_day(start: date, end: date) -> list[date]:
    """All calendar days of a period."""
    return [start + timedelta(days=number) for number in range((end - start).days + 1)]


def marked(verdicts: polars.DataFrame) -> Iterator[tuple[date, str, bool]]:
    """Day and feature of every verdict beyond a limit, and whether that was drift."""
    for row in verdicts.filter(polars.col("exceeded")).iter_rows(named=True):
        yield row["batch_date"], row["feature"], row["drifted"]
