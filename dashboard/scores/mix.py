"""How applications are spread over bands, decisions and scores, and how far one spread lies from another."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars
from numpy.typing import NDArray

from dashboard.filters import Period
from model.policy import DECISIONS, Policy
from model.reference import SCORE
from model.stability import population_stability
from model.trained import Model

# Bars of a histogram, at most; each is so many points wide.
MOST_BARS = 60
WIDTHS = (1, 2, 5, 10, 20, 50, 100)


@dataclass(frozen=True, eq=False)
class Spread:
    """Applications by band, shape (bands,), and by score (score, row_count)."""

    bands: NDArray[np.int64]
    scores: polars.DataFrame


def before(period: Period) -> Period:
    """As many days, right before the period."""
    days = period.end - period.start + timedelta(days=1)
    return Period(period.start - days, period.start - timedelta(days=1))


def year_earlier(period: Period) -> Period:
    """The same dates of the year before; the 29th of February becomes the 28th."""
    return Period(_year_before(period.start), _year_before(period.end))


def bands_of(rows: polars.DataFrame, policy: Policy | None) -> list[str]:
    """The bands, safest first: those of the policy, or without one those of the rows by probability of default."""
    if policy:
        return list(policy.band_names)
    return rows.group_by("band").agg(_mean_probability()).sort("mean_probability_of_default")["band"].to_list()


def by_day(rows: polars.DataFrame, column: str, names: Sequence[str], *, shares: bool) -> polars.DataFrame:
    """A row for each day, a column for each name of a band or decision: applications, or shares of the day's."""
    wide = (
        rows.group_by("batch_date", column)
        .agg(polars.col("row_count").sum())
        .pivot(column, index="batch_date", values="row_count")
        .sort("batch_date")
    )
    counts = wide.select("batch_date", *(_column_or_none(wide, name) for name in names))
    return counts.with_columns(polars.col(names) / polars.sum_horizontal(names)) if shares else counts


def by_band_and_decision(rows: polars.DataFrame, bands: Sequence[str]) -> polars.DataFrame:
    """A row for each band and decision there is: applications, shares of all and of the band, mean probability."""
    places = {name: place for place, name in enumerate((*bands, *DECISIONS))}
    count = polars.col("row_count")
    return (
        rows.group_by("band", "decision")
        .agg(count.sum(), _mean_probability())
        .sort(polars.col("band").replace_strict(places, default=None), polars.col("decision").replace_strict(places))
        .with_columns(share=count / count.sum(), share_of_band=count / count.sum().over("band"))
    )


def spread_of(rows: polars.DataFrame, scores: polars.DataFrame, bands: Sequence[str]) -> Spread:
    """The spread of the rows of `decisions_by_day.sql` and `scores_of_period.sql` over these bands."""
    counts = dict(rows.group_by("band").agg(polars.col("row_count").sum()).iter_rows())
    return Spread(np.array([counts.get(band, 0) for band in bands], dtype=np.int64), scores)


def training_spread(model: Model) -> Spread | None:
    """The spread of the scores that the model keeps of its training (at most 20,000 rows); None if it keeps none."""
    reference = model.reference.get(SCORE)
    if reference is None or not reference.sample.size:
        return None
    values, rows = np.unique(reference.sample.astype(np.int64), return_counts=True)
    codes = model.policy.band_codes(values)
    bands = np.bincount(codes, weights=rows, minlength=len(model.policy.bands)).astype(np.int64)
    return Spread(bands, polars.DataFrame({"score": values, "row_count": rows}))


def migration(bands: Sequence[str], earlier: Spread, now: Spread) -> polars.DataFrame:
    """Of each band its shares then and now, the change in percentage points, and what it adds to PSI."""
    then_share, now_share = (_shares(spread.bands) for spread in (earlier, now))
    return polars.DataFrame(
        {
            "band": list(bands),
            "earlier": then_share,
            "now": now_share,
            "change": 100 * (now_share - then_share),
            "psi": stability_by_band(earlier.bands, now.bands),
        }
    )


def stability_by_band(earlier: NDArray[np.int64], now: NDArray[np.int64]) -> NDArray[np.float64]:
    """What each band adds to PSI: (c - r) ln(c / r), shape (bands,), from counts of at least one row each.

    c and r are shares of rows now and earlier; a band that is empty on one side counts half a row there, one that is
    empty on both adds nothing, so that the sum is that of `model.stability.population_stability`. Siddiqi, "Credit
    Risk Scorecards" (2006), chapter 8.
    """
    c, r = np.maximum(now, 0.5) / now.sum(), np.maximum(earlier, 0.5) / earlier.sum()
    added: NDArray[np.float64] = np.where((now > 0) | (earlier > 0), (c - r) * np.log(c / r), 0.0)
    return added


def stability(earlier: Spread, now: Spread) -> tuple[float, float]:
    """The PSI of the bands, 0 for no change, and its p-value; both spreads have rows."""
    psi, p_value = population_stability(earlier.bands, now.bands)
    return psi or 0.0, 1.0 if p_value is None else p_value


def bars(spreads: Sequence[Spread], cutoffs: Sequence[int]) -> tuple[int, list[polars.DataFrame]]:
    """The width of the bars of a histogram in points, and for each spread their lowest scores and shares of its rows.

    Bars are the same for all spreads, and one begins at the first of the cutoffs.
    """
    scores = np.concatenate([spread.scores["score"].to_numpy() for spread in spreads])
    low, high = int(scores.min()), int(scores.max())
    width = next((width for width in WIDTHS if (high - low) / width < MOST_BARS), WIDTHS[-1])
    offset = cutoffs[0] % width if cutoffs else 0
    return width, [_bars_of(spread, width, offset) for spread in spreads]


def _bars_of(spread: Spread, width: int, offset: int) -> polars.DataFrame:
    lowest = (polars.col("score") - offset).floordiv(width) * width + offset
    rows = spread.scores.group_by(lowest.cast(polars.Int64).alias("lowest")).agg(polars.col("row_count").sum())
    return rows.select("lowest", share=polars.col("row_count") / polars.col("row_count").sum()).sort("lowest")


def total(rows: polars.DataFrame) -> int:
    """How many applications the rows count."""
    return int(rows["row_count"].sum())


def decided(rows: polars.DataFrame) -> dict[str, float]:
    """The share of each decision, and the mean probability of default as `probability`; at least one row."""
    shares = {name: total(rows.filter(polars.col("decision") == name)) / total(rows) for name in DECISIONS}
    return shares | {"probability": float(rows.select(_mean_probability()).item())}


def _mean_probability() -> polars.Expr:
    weighted = polars.col("mean_probability_of_default") * polars.col("row_count")
    return (weighted.sum() / polars.col("row_count").sum()).alias("mean_probability_of_default")


def _column_or_none(frame: polars.DataFrame, name: str) -> polars.Expr:
    return polars.col(name).fill_null(0) if name in frame.columns else polars.lit(0, polars.Int64).alias(name)


def _shares(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = counts / counts.sum()
    return shares


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)
