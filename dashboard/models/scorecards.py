"""Scorecards as tables: bins and points by feature, and one scorecard beside another."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import polars
from numpy.typing import NDArray

from model.binning import Bins, CategoryBins, NumericBins
from model.scorecard import Scorecard
from schemas.characteristic import Column

POINTS = {
    "feature": polars.String,
    "bin": polars.String,
    "rows": polars.Int64,
    "default_rate": polars.Float64,
    "weight_of_evidence": polars.Float64,
    "points": polars.Int64,
}
# The figures two models are compared by: where they stand in the metadata, with their intervals.
MEASURES = {"auc": "AUC", "gini": "Gini", "ks": "KS", "brier": "Brier score (lower is better)"}
FACTS = {
    "train_default_rate": "Default rate, training",
    "test_default_rate": "Default rate, out of time",
    "train_rows": "Rows, training",
    "test_rows": "Rows, out of time",
}
PERIODS = {"train": "Period, training", "test": "Period, out of time"}


def points_of(scorecard: Scorecard) -> polars.DataFrame:
    """The whole scorecard, one row for each bin of each feature; `default_rate` is None for an empty bin."""
    return polars.DataFrame([asdict(row) for row in scorecard.table()], schema=POINTS)


def spread_of(points: polars.DataFrame) -> polars.DataFrame:
    """By feature: bins and `spread`, the points between its worst and its best bin, 0 if it decides nothing."""
    return points.group_by("feature", maintain_order=True).agg(
        bins=polars.len(), spread=polars.col("points").max() - polars.col("points").min()
    )


def features_compared(one: polars.DataFrame, other: polars.DataFrame) -> polars.DataFrame:
    """Each feature of either scorecard: spread in `one` and in `other`, and which of them it counts in (`used_by`)."""
    joined = spread_of(one).join(
        spread_of(other), on="feature", how="full", coalesce=True, suffix="_other", maintain_order="left_right"
    )
    used, used_other = (polars.col(name).fill_null(0) > 0 for name in ("spread", "spread_other"))
    words = (
        polars.when(used & used_other)
        .then(polars.lit("both"))
        .when(used)
        .then(polars.lit("this model only"))
        .when(used_other)
        .then(polars.lit("the other only"))
        .otherwise(polars.lit("neither"))
    )
    return joined.with_columns(used_by=words, difference=polars.col("spread") - polars.col("spread_other"))


def bins_compared(one: Scorecard, other: Scorecard, feature: str) -> polars.DataFrame:
    """Points of a feature in `one` and in `other`, by the bins that the limits of both make together."""
    (bins, points), (bins_other, points_other) = (_bins_of(scorecard, feature) for scorecard in (one, other))
    common, values = _in_common(bins, bins_other)
    frame = polars.DataFrame(
        {
            "bin": common.labels,
            "points": points[bins.codes(values)],
            "points_other": points_other[bins_other.codes(values)],
        },
        schema={"bin": polars.String, "points": polars.Int64, "points_other": polars.Int64},
    )
    return frame.with_columns(difference=polars.col("points") - polars.col("points_other"))


def _bins_of(scorecard: Scorecard, feature: str) -> tuple[Bins, NDArray[np.int32]]:
    place = [item.name for item in scorecard.features].index(feature)
    return scorecard.bins_[place], scorecard.points_[place]


def _in_common(one: Bins, other: Bins) -> tuple[Bins, Column]:
    """Bins so narrow that each lies within one of either, and a value out of each of them."""
    if isinstance(one, NumericBins) and isinstance(other, NumericBins):
        edges = tuple(sorted({*one.edges, *other.edges}))
        return NumericBins(edges), np.array([-np.inf, *edges, np.nan])
    levels = tuple(dict.fromkeys([*getattr(one, "levels", ()), *getattr(other, "levels", ())]))
    # No level is empty, so this is another one than all of them.
    return CategoryBins(levels), np.array([*levels, "", None], dtype=object)


def figures_compared(
    one: Mapping[str, Any], other: Mapping[str, Any], written: Callable[[float | None, bool], str]
) -> polars.DataFrame:
    """Figures of two models from their metadata: `figure`, `this`, `other` with intervals, and `difference`, in words.

    `written` writes a figure, and a change of one if its second argument is True.
    """
    tests = one["metrics"]["test"], other["metrics"]["test"]
    facts = one["training"], other["training"]
    rows = [_measured(title, tests[0][name], tests[1][name], written) for name, title in MEASURES.items()]
    rows += [_counted(title, facts[0][name], facts[1][name], written) for name, title in FACTS.items()]
    rows += [(title, _period(facts[0], part), _period(facts[1], part), "") for part, title in PERIODS.items()]
    return polars.DataFrame(
        rows, schema=dict.fromkeys(("figure", "this", "other", "difference"), polars.String), orient="row"
    )


def figures_of(models: Mapping[str, Mapping[str, Any]]) -> polars.DataFrame:
    """A row for each model, by version and metadata: the figures of `figures_compared`, by name and unrounded."""
    return polars.DataFrame([_row_of(version, metadata) for version, metadata in models.items()])


def _row_of(version: str, metadata: Mapping[str, Any]) -> dict[str, Any]:
    test, training = metadata["metrics"]["test"], metadata["training"]
    measured = {
        name if part == "value" else f"{name}_{part}": test[name][part]
        for name in MEASURES
        for part in ("value", "low", "high")
    }
    dates = [f"{part}_{end}_date" for part in PERIODS for end in ("first", "last")]
    return {"model_version": version, **measured} | {name: training[name] for name in (*FACTS, *dates)}


def same_test(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two models were tested on rows of the same period and number."""
    names = ("test_first_date", "test_last_date", "test_rows")
    return all(one["training"][name] == other["training"][name] for name in names)


Row = tuple[str, str, str, str]


def _measured(title: str, one: Any, other: Any, written: Callable[[float | None, bool], str]) -> Row:
    both = [side["value"] for side in (one, other)]
    change = None if None in both else both[0] - both[1]
    return (f"{title}, out of time", _interval(one), _interval(other), written(change, True))


def _interval(measure: Mapping[str, float | None]) -> str:
    value, low, high = (measure[name] for name in ("value", "low", "high"))
    if value is None:
        return "not known"
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} ({low:.3f} to {high:.3f})"


def _counted(title: str, one: float, other: float, written: Callable[[float | None, bool], str]) -> Row:
    if isinstance(one, int):
        return (title, written(one, False), written(other, False), written(one - other, True))
    return (title, f"{one:.1%}", f"{other:.1%}", f"{100 * (one - other):+.1f} pp")


def _period(training: Mapping[str, Any], part: str) -> str:
    return f"{training[f'{part}_first_date']} to {training[f'{part}_last_date']}"
