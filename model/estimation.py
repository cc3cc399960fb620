"""Estimated performance: what calibrated probabilities of default promise before the outcomes are known."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.performance import Measure

DRAWS = 200


@dataclass(frozen=True, kw_only=True)
class EstimatedPerformance:
    """The figures of `model.performance.Performance` and the default rate, expected on `rows` without outcomes."""

    rows: int
    default_rate: Measure
    auc: Measure
    gini: Measure
    ks: Measure
    brier: Measure


def estimated_performance(
    probability_of_default: NDArray[np.float64], rows: NDArray[np.int64], seed: int = 0
) -> EstimatedPerformance:
    """All figures from the calibrated probability of each distinct score and its number of rows, both of shape (k,).

    A value counts each row as a default by its probability p and as a good by 1 - p: "Confidence-Based Performance
    Estimation" in the documentation of NannyML. An interval is the range in which the realised figure would lie in 95
    of 100 cases if the probabilities are right; it does not say whether they are. The KS of few rows lies above its
    value as a rule, and so may its interval: chance widens the largest of many distances.
    """
    probability, counts = _by_probability(probability_of_default, rows)
    total = int(counts.sum())
    if total == 0:
        nothing = Measure()
        return EstimatedPerformance(rows=0, default_rate=nothing, auc=nothing, gini=nothing, ks=nothing, brier=nothing)
    drawn = np.random.default_rng(seed).binomial(counts, probability, size=(DRAWS, len(counts)))
    # The first row holds what is expected, each one below it what might happen.
    bads: NDArray[np.float64] = np.vstack([counts * probability, drawn])
    goods: NDArray[np.float64] = counts - bads
    auc = grouped_auc(bads, goods)
    return EstimatedPerformance(
        rows=total,
        default_rate=_measure(bads.sum(axis=1) / total),
        auc=_measure(auc),
        gini=_measure(2 * auc - 1),
        ks=_measure(grouped_ks(bads, goods)),
        brier=_measure((bads @ np.square(1 - probability) + goods @ np.square(probability)) / total),
    )


def grouped_auc(bads: NDArray[np.float64], goods: NDArray[np.float64]) -> NDArray[np.float64]:
    """The area under the ROC curve, 0 to 1, of counts by ascending probability along the last axis, (..., k) to (...).

    The chance that a bad stands above a good, ties half, which is the trapezoidal area; NaN without both classes.
    """
    goods_below = np.cumsum(goods, axis=-1) - goods / 2
    with np.errstate(invalid="ignore"):
        area: NDArray[np.float64] = (bads * goods_below).sum(axis=-1) / (bads.sum(axis=-1) * goods.sum(axis=-1))
    return area


def grouped_ks(bads: NDArray[np.float64], goods: NDArray[np.float64]) -> NDArray[np.float64]:
    """The largest distance, 0 to 1, between the distributions of bads and goods; counts as in `grouped_auc`.

    NaN without both classes.
    """
    with np.errstate(invalid="ignore"):
        below_bads = np.cumsum(bads, axis=-1) / bads.sum(axis=-1, keepdims=True)
        below_goods = np.cumsum(goods, axis=-1) / goods.sum(axis=-1, keepdims=True)
    distance: NDArray[np.float64] = np.abs(below_bads - below_goods).max(axis=-1)
    return distance


def _by_probability(
    probability_of_default: NDArray[np.float64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Distinct probabilities, ascending, and the rows of each: scores that share one are a tie."""
    distinct, place = np.unique(probability_of_default, return_inverse=True)
    counts = np.zeros(len(distinct), dtype=np.int64)
    np.add.at(counts, place, rows)
    return distinct, counts


def _measure(figures: NDArray[np.float64]) -> Measure:
    """The expected figure, which comes first, with the range of the drawn ones that exist."""
    value, drawn = float(figures[0]), figures[1:][~np.isnan(figures[1:])]
    if np.isnan(value):
        return Measure()
    if len(drawn) == 0:
        return Measure(value)
    # One more draw falls below the m-th lowest of n with chance m / (n + 1): these are the percentiles that hold 95 %.
    low, high = np.percentile(drawn, [2.5, 97.5], method="weibull")
    return Measure(value, float(low), float(high))
