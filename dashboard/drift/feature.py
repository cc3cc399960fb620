"""What the record says of one feature's drift: distributions to compare, the verdict in words, its statistics."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import numpy as np
import polars

from dashboard.analysis.analysis import pool
from dashboard.drift.days import days_in_words
from dashboard.formats import Formats
from dashboard.words import counted
from model.profile import Profile, restored
from model.verdict import LEGACY_ALPHA

State = Literal["drifted", "beyond", "within", "few"]
# Values of all days together that a picture of a period is drawn from.
MOST_VALUES, KEPT = 50_000, 1_001


@dataclass(frozen=True)
class Said:
    """A verdict in a sentence, and its kind."""

    state: State
    sentence: str


def step_for(days: int) -> int:
    """Every how manieth of the values kept of each day is enough for a picture of so many days."""
    return max(1, -(-days * KEPT // MOST_VALUES))


def profile_of(rows: polars.DataFrame) -> Profile | None:
    """The rows of `profiles_of_feature.sql` taken together; None for none."""
    return pool(
        [
            restored(np.array(counts, dtype=np.int64), np.array(sample, dtype=np.float64))
            for counts, sample in rows.select("counts", "sample").iter_rows()
        ]
    )


def quartiles_of(rows: polars.DataFrame) -> dict[date, list[float]]:
    """The quartiles of each day that has values."""
    days = rows.select("batch_date", "quantiles").iter_rows()
    return {day: found[1:4] for day, found in days if found[0] is not None}


def said_of_day(row: Mapping[str, Any], formats: Formats, least: int) -> Said:
    """The verdict of a day: a row of `verdicts_on_feature.sql`; `least` rows are judged."""
    if not row["enough"]:
        rows = f"{formats.count(row['row_count'])} rows of at least {formats.count(least)}"
        return Said("few", f"Too few rows for a verdict: {rows}, those of the batches before included.")
    lasting = f"in {row['exceeded_batches']} of the last {counted(row['judged_batches'], 'batch')}"
    pooled = _pooled(row["batches_pooled"])
    since = f", since {formats.day(row['since'])}" if row["since"] else ""
    if row["drifted"]:
        return Said("drifted", f"Drifted: beyond a limit {lasting}{since}{pooled}.")
    if row["exceeded"]:
        return Said("beyond", f"Beyond a limit that day, {lasting}: too few of them yet to say drift{pooled}.")
    was = f", which was beyond a limit {lasting}{since}" if row["exceeded_batches"] else ""
    return Said("within", f"Within its limits that day{was}{pooled}.")


def _pooled(batches: int) -> str:
    if batches < 2:
        return ""
    before = "the batch before" if batches == 2 else f"the {batches - 1} batches before"
    return f" (judged with {before}, as rows are few)"


def said_of_period(verdicts: polars.DataFrame, formats: Formats) -> Said:
    """The verdicts of all days of a period, one row of `verdicts_on_feature.sql` at least."""
    days = verdicts["batch_date"].to_list()
    drifted, beyond = (verdicts.filter(polars.col(name))["batch_date"].to_list() for name in ("drifted", "exceeded"))
    if drifted:
        more = f", and beyond a limit on {len(beyond)}" if len(beyond) > len(drifted) else ""
        return Said("drifted", f"Drifted on {days_in_words(drifted, days, formats)}{more}.")
    if beyond:
        return Said("beyond", f"Never drifted; beyond a limit on {days_in_words(beyond, days, formats)}.")
    if not verdicts["enough"].any():
        return Said("few", "On every day there were too few rows for a verdict.")
    return Said(
        "within", f"Within its limits on all of {counted(int(verdicts['enough'].sum()), 'day')} with a verdict."
    )


def legacy_words(verdicts: polars.DataFrame, row: Mapping[str, Any] | None) -> str:
    """What the old rule would say of a day, or of all days if `row` is None."""
    rule = f"The old rule, p < {LEGACY_ALPHA} for the feature by itself,"
    if row is not None:
        return f"{rule} would say {'drift' if row['legacy_drifted'] else 'no drift'}."
    found, judged = int(verdicts["legacy_drifted"].sum()), int(verdicts["enough"].sum())
    return f"{rule} would have said drift on {found} of {counted(judged, 'day')}."
