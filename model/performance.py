"""Realised performance: what probabilities of default were worth once the outcomes are known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Z95 = 1.959963984540054
BOOTSTRAPS = 200


@dataclass(frozen=True)
class Measure:
    """A figure with its 95 % interval; None where the data cannot tell."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Performance:
    """Discrimination (AUC, Gini, KS: higher is better) and accuracy (Brier: lower is better) on `rows` outcomes."""

    rows: int
    defaults: int
    auc: Measure
    gini: Measure
    ks: Measure
    brier: Measure


@dataclass(frozen=True, kw_only=True)
class BandCalibration:
    """Expected against observed default rate of a band; both None if the band has no rows."""

    band: str
    rows: int
    expected: float | None
    observed: Measure


def performance_of(
    probability_of_default: NDArray[np.float64], defaulted: NDArray[np.integer], seed: int = 0
) -> Performance:
    """All figures from probabilities and outcomes (1 for default), both of shape (n,); any of them may be None."""
    bads, goods = probability_of_default[defaulted == 1], probability_of_default[defaulted == 0]
    auc = auc_delong(bads, goods)
    return Performance(
        rows=len(defaulted),
        defaults=len(bads),
        auc=auc,
        gini=_gini(auc),
        ks=_kolmogorov_smirnov(bads, goods, seed),
        brier=_brier(probability_of_default, defaulted),
    )


def calibration_by_band(
    names: Sequence[str],
    bands: NDArray[np.object_],
    probability_of_default: NDArray[np.float64],
    defaulted: NDArray[np.integer],
) -> tuple[BandCalibration, ...]:
    """For each band in `names`: rows, mean probability, observed default rate; the arrays have shape (n,)."""
    return tuple(_calibration(name, probability_of_default[bands == name], defaulted[bands == name]) for name in names)


def auc_delong(bads: NDArray[np.float64], goods: NDArray[np.float64]) -> Measure:
    """The chance that a default got a higher probability than a good row, ties half; None without both classes.

    Interval: DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988), by midranks as in Sun and Xu, IEEE Signal
    Processing Letters 21 (2014); normal, cut at 0 and 1.
    """
    if len(bads) == 0 or len(goods) == 0:
        return Measure()
    ranks = rankdata(np.concatenate([bads, goods]))
    above_goods = (ranks[: len(bads)] - rankdata(bads)) / len(goods)
    below_bads = 1 - (ranks[len(bads) :] - rankdata(goods)) / len(bads)
    auc = float(above_goods.mean())
    if len(bads) == 1 or len(goods) == 1:
        return Measure(auc)
    variance = above_goods.var(ddof=1) / len(bads) + below_bads.var(ddof=1) / len(goods)
    return _normal(auc, float(np.sqrt(variance)))


def wilson(successes: int, rows: int) -> Measure:
    """A share with its interval after Wilson, Journal of the American Statistical Association 22 (1927)."""
    if rows == 0:
        return Measure()
    share = successes / rows
    centre = (share + Z95**2 / (2 * rows)) / (1 + Z95**2 / rows)
    half = Z95 / (1 + Z95**2 / rows) * np.sqrt(share * (1 - share) / rows + Z95**2 / (4 * rows**2))
    return Measure(share, max(0.0, float(centre - half)), min(1.0, float(centre + half)))


def _normal(value: float, standard_error: float) -> Measure:
    return Measure(value, max(0.0, value - Z95 * standard_error), min(1.0, value + Z95 * standard_error))


def _gini(auc: Measure) -> Measure:
    """Gini = 2 AUC - 1 (Somers' D); the interval follows from that of the AUC."""
    return Measure(*(None if part is None else 2 * part - 1 for part in (auc.value, auc.low, auc.high)))


def _brier(probability_of_default: NDArray[np.float64], defaulted: NDArray[np.integer]) -> Measure:
    """Mean squared error of the probabilities: Brier, Monthly Weather Review 78 (1950); interval of a mean."""
    if len(defaulted) == 0:
        return Measure()
    errors = np.square(probability_of_default - defaulted)
    if len(errors) == 1:
        return Measure(float(errors[0]))
    return _normal(float(errors.mean()), float(errors.std(ddof=1) / np.sqrt(len(errors))))


def _kolmogorov_smirnov(bads: NDArray[np.float64], goods: NDArray[np.float64], seed: int) -> Measure:
    """The largest distance between the distributions of bads and goods; interval: percentiles of a bootstrap.

    The bootstrap draws each class again by the counts of its distinct values, which is the same as drawing rows.
    """
    if len(bads) == 0 or len(goods) == 0:
        return Measure()
    distinct, place = np.unique(np.concatenate([bads, goods]), return_inverse=True)
    bad_counts = np.bincount(place[: len(bads)], minlength=len(distinct))
    good_counts = np.bincount(place[len(bads) :], minlength=len(distinct))
    random = np.random.default_rng(seed)
    drawn = [
        _distance(
            random.multinomial(len(bads), bad_counts / len(bads)),
            random.multinomial(len(goods), good_counts / len(goods)),
        )
        for _ in range(BOOTSTRAPS)
    ]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Measure(_distance(bad_counts, good_counts), float(low), float(high))


def _distance(bad_counts: NDArray[np.int64], good_counts: NDArray[np.int64]) -> float:
    gap = np.cumsum(bad_counts) / bad_counts.sum() - np.cumsum(good_counts) / good_counts.sum()
    return float(np.abs(gap).max())


def _calibration(
    band: str, probability_of_default: NDArray[np.float64], defaulted: NDArray[np.integer]
) -> BandCalibration:
    return BandCalibration(
        band=band,
        rows=len(defaulted),
        expected=float(probability_of_default.mean()) if len(defaulted) else None,
        observed=wilson(int(defaulted.sum()), len(defaulted)),
    )
