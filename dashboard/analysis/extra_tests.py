"""Further tests for a person to look at, beside those that verdicts come from; they decide nothing."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from model.profile import Profile
from model.reference import FeatureReference, LevelBins
from model.stability import standard_deviation

# Values drawn of either side: enough to see what matters, too few for every trifle to be certain.
DRAWN = 2_000
LEAST = 10


@dataclass(frozen=True, kw_only=True)
class ExtraTest:
    """One test: its statistic, its p-value, and its effect as a sentence."""

    test: str
    statistic: float
    p_value: float
    says: str


def extra_tests(reference: FeatureReference, period: Profile) -> list[ExtraTest]:
    """Mann-Whitney, Cramer-von Mises and Levene of numbers on drawn values; a G-test of categories on all rows.

    Empty where there are too few values or they are all the same.
    """
    if isinstance(reference.bins, LevelBins):
        return list(_of_levels(reference.counts, period.counts))
    return list(_of_numbers(reference.profile, period))


def draw(profile: Profile, most: int = DRAWN, seed: int = 0) -> NDArray[np.float64]:
    """A sample without replacement of at most `most` of the rows that a profile stands for, the same for a seed."""
    rows = int(profile.size)
    chosen = np.random.default_rng(seed).choice(rows, min(most, rows), replace=False)
    places = np.searchsorted(profile.cumulative[1:], chosen, side="right")
    return profile.values[np.minimum(places, len(profile.values) - 1)]


def _of_numbers(before: Profile, now: Profile) -> Iterator[ExtraTest]:
    x, y = draw(before, seed=1), draw(now, seed=2)
    if min(len(x), len(y)) < LEAST or np.ptp(np.concatenate([x, y])) == 0:
        return
    rank = stats.mannwhitneyu(y, x)
    larger = float(rank.statistic) / (len(x) * len(y))
    yield ExtraTest(
        test="Mann-Whitney U",
        statistic=float(rank.statistic),
        p_value=float(rank.pvalue),
        says=f"in {larger:.0%} of all pairs the value of the period is the larger one (ties count half)",
    )
    shape = stats.cramervonmises_2samp(x, y, method="asymptotic")
    yield ExtraTest(
        test="Cramér-von Mises",
        statistic=float(shape.statistic),
        p_value=float(shape.pvalue),
        says="compares the whole of both distribution functions, the middle as much as the tails",
    )
    with np.errstate(all="ignore"):
        spread = stats.levene(x, y, center="median")
        ratio = np.float64(standard_deviation(now)) / standard_deviation(before)
    if np.isfinite(spread.statistic) and np.isfinite(ratio):
        yield ExtraTest(
            test="Levene (about the median)",
            statistic=float(spread.statistic),
            p_value=float(spread.pvalue),
            says=f"the standard deviation is {ratio:,.2f} times that of training",
        )


def _of_levels(before: NDArray[np.int64], now: NDArray[np.int64]) -> Iterator[ExtraTest]:
    counts = np.stack([before, now])
    counts = counts[:, counts.sum(axis=0) > 0]
    if counts.shape[1] < 2 or counts.sum(axis=1).min() < LEAST:
        return
    found = stats.chi2_contingency(counts, correction=False, lambda_="log-likelihood")
    association = stats.contingency.association(counts, method="cramer")
    yield ExtraTest(
        test="G-test",
        statistic=float(found.statistic),
        p_value=float(found.pvalue),
        says=f"Cramér's V is {association:.2f} (0: alike, 1: nothing shared)",
    )
