"""Drift as numbers: Kolmogorov-Smirnov and population stability of current values against a reference."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, kstwo

from model.binning import Bins, CategoryBins, NumericBins, as_numbers, count_levels
from schemas.characteristic import Column

SCORE = "score"
MAX_LEVELS = 50
Level = Literal["none", "warning", "critical"]


@dataclass(frozen=True, eq=False, kw_only=True)
class FeatureReference:
    """How a feature was distributed in training: rows in each of `bins`, and a sorted sample of its present values.

    Shares are of all rows, missing ones included. `sample` is empty for a category.
    """

    feature: str
    bins: Bins
    counts: NDArray[np.int64]
    sample: NDArray[np.float64]


# By the name of the feature; the score itself is one of them, as SCORE.
Reference = Mapping[str, FeatureReference]


@dataclass(frozen=True, kw_only=True)
class DriftStatistic:
    """One measured shift. `value` and `p_value` are None where there is nothing to compare; `drifted` is then False.

    Drifted means both large and certain: value >= threshold and p_value < alpha.
    """

    feature: str
    statistic: Literal["ks", "psi"]
    value: float | None
    p_value: float | None
    threshold: float
    drifted: bool


def reference_of(
    feature: str, values: Column, bins: int = 10, max_values: int = 20_000, seed: int = 0
) -> FeatureReference:
    """The reference for a feature from its training values (n,): numbers with NaN, or str with None (dtype object).

    Numbers are split at quantiles into at most `bins` ranges, and up to `max_values` of them are kept for the
    Kolmogorov-Smirnov test. Of a category the 50 most frequent levels have a bin of their own.
    """
    if values.dtype == object:
        levels = CategoryBins(tuple(islice(count_levels(values), MAX_LEVELS)))
        return _reference(feature, levels, values, np.array([]))
    numbers = as_numbers(values)
    present = numbers[~np.isnan(numbers)]
    sample = present
    if len(present) > max_values:
        sample = np.random.default_rng(seed).choice(present, max_values, replace=False)
    return _reference(feature, NumericBins(_quantile_edges(present, bins)), numbers, np.sort(sample))


def level(drifted_features: int) -> Level:
    """How bad it is that so many features drifted: one or two warn, three or more are critical."""
    if drifted_features >= 3:
        return "critical"
    return "warning" if drifted_features else "none"


class StabilityCounter:
    """Counts current values chunk by chunk, in memory that does not grow with them, and compares in the end."""

    def __init__(self, reference: FeatureReference) -> None:
        self._reference = reference
        self._counts = np.zeros_like(reference.counts)
        self._distinct, ties = np.unique(reference.sample, return_counts=True)
        self._reference_share = np.cumsum(ties) / max(1, len(reference.sample))
        self._below = np.zeros(len(self._distinct), dtype=np.int64)
        self._up_to = np.zeros(len(self._distinct), dtype=np.int64)

    def add(self, values: Column) -> None:
        """Take in a chunk of current values, shape (n,), of the same type as the reference's."""
        self._counts += np.bincount(self._reference.bins.codes(values), minlength=len(self._counts))
        if isinstance(self._reference.bins, NumericBins):
            # Sorted, NaN comes last, after every distinct value: it is never counted.
            ordered = np.sort(as_numbers(values))
            self._below += np.searchsorted(ordered, self._distinct, side="left")
            self._up_to += np.searchsorted(ordered, self._distinct, side="right")

    def statistics(self, psi: float = 0.2, ks: float = 0.1, alpha: float = 0.01) -> list[DriftStatistic]:
        """The stability index and, for numbers, the Kolmogorov-Smirnov statistic; the arguments are what drifts."""
        found = [self._statistic("psi", *population_stability(self._reference.counts, self._counts), psi, alpha)]
        if isinstance(self._reference.bins, NumericBins):
            found.append(self._statistic("ks", *self._kolmogorov_smirnov(), ks, alpha))
        return found

    def _statistic(
        self, name: Literal["ks", "psi"], value: float | None, p_value: float | None, threshold: float, alpha: float
    ) -> DriftStatistic:
        return DriftStatistic(
            feature=self._reference.feature,
            statistic=name,
            value=value,
            p_value=p_value,
            threshold=threshold,
            drifted=value is not None and p_value is not None and value >= threshold and p_value < alpha,
        )

    def _kolmogorov_smirnov(self) -> tuple[float | None, float | None]:
        """The largest distance between the two distribution functions, and its asymptotic two-sided p-value.

        Exact although current values are not kept: between neighbouring reference values the reference's function is
        flat and the current one rises, so the distance is largest at a reference value or just left of one.
        The p-value is that of `scipy.stats.ks_2samp(method="asymp")`.
        """
        current = int(self._counts[:-1].sum())
        size = len(self._reference.sample)
        if current == 0 or size == 0:
            return None, None
        left = np.concatenate([[0.0], self._reference_share[:-1]])
        distance = max(
            float(np.abs(self._up_to / current - self._reference_share).max()),
            float(np.abs(self._below / current - left).max()),
        )
        effective = max(1.0, np.round(size * current / (size + current)))
        return distance, float(np.clip(kstwo.sf(distance, effective), 0, 1))


def population_stability(reference: NDArray[np.int64], current: NDArray[np.int64]) -> tuple[float | None, float | None]:
    """PSI = sum of (c - r) ln(c / r) over bins from counts by bin (bins,), and its p-value; None if either is empty.

    Half a row is added to each bin of both, so that empty bins stay finite and few rows raise no more false alarms than
    the p-value says; a bin that is empty in both is left out. Without a shift PSI / (1/n + 1/m) follows a chi-squared
    distribution with bins - 1 degrees of freedom: Yurdakul and Naranjo, "Statistical properties of the population
    stability index", Journal of Risk Model Validation (2020).
    """
    n, m = int(current.sum()), int(reference.sum())
    if n == 0 or m == 0:
        return None, None
    used = (current > 0) | (reference > 0)
    bins = int(used.sum())
    if bins == 1:
        return 0.0, 1.0
    c = (current[used] + 0.5) / (n + 0.5 * bins)
    r = (reference[used] + 0.5) / (m + 0.5 * bins)
    psi = float(np.sum((c - r) * np.log(c / r)))
    return psi, float(chi2.sf(psi / (1 / n + 1 / m), bins - 1))


def _reference(feature: str, bins: Bins, values: Column, sample: NDArray[np.float64]) -> FeatureReference:
    counts = np.bincount(bins.codes(values), minlength=bins.size)
    return FeatureReference(feature=feature, bins=bins, counts=counts, sample=sample)


def _quantile_edges(present: NDArray[np.float64], bins: int) -> tuple[float, ...]:
    distinct = np.unique(present)
    if len(distinct) < 2:
        return ()
    quantiles = np.quantile(present, np.arange(1, bins) / bins, method="inverted_cdf")
    # Nothing lies below the smallest value. Where most rows have it, the others are told from it by the next one.
    return tuple(np.unique(np.maximum(quantiles, distinct[1])).tolist())
