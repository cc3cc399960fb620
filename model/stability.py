"""Drift as numbers: how far a current profile lies from a reference, and how sure that is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc, chdtrc
from scipy.stats import kstwo

from model.profile import Profile
from model.reference import FeatureReference, LevelBins

Statistic = Literal["psi", "ks", "wasserstein", "chi_squared", "missing_share", "unseen_share"]
# As sentences name them, and those that are shares of rows.
NAMES: Mapping[Statistic, str] = {
    "psi": "PSI",
    "ks": "KS",
    "wasserstein": "Wasserstein distance",
    "chi_squared": "chi-squared",
    "missing_share": "share of missing values changed by",
    "unseen_share": "share of levels never seen in training",
}
SHARES = ("missing_share", "unseen_share")
# Values that are worked on at a time.
BLOCK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Floors:
    """The least size of a shift that may count, by statistic.

    `psi`: also the floor of the chi-squared distance, which is the same to second order. `ks`: distance of the
    distribution functions, 0 to 1. `wasserstein`: in standard deviations of the reference. `missing_share` and
    `unseen_share`: change of the share of rows, 0 to 1.
    """

    psi: float = 0.08
    ks: float = 0.1
    wasserstein: float = 0.25
    missing_share: float = 0.02
    unseen_share: float = 0.01


@dataclass(frozen=True, kw_only=True)
class Shift:
    """One measured shift; `value` and `p_value` are None where there is nothing to compare. Large is value >= floor."""

    statistic: Statistic
    value: float | None
    p_value: float | None
    floor: float

    @property
    def large(self) -> bool:
        """Whether the shift reaches its floor."""
        return self.value is not None and self.value >= self.floor


def shifts(
    reference: FeatureReference, current: Profile, floors: Floors, against: Profile | None = None
) -> list[Shift]:
    """Every statistic of a feature: of numbers PSI, KS and Wasserstein, of categories PSI, chi-squared and unseen
    levels, of both the missing share; `against` another profile than the reference's own if one is given.
    """
    base = reference.profile if against is None else against
    bins = reference.bins
    if isinstance(bins, LevelBins):
        once = bins.singletons if against is None else 0
        found = _shifts_of_levels(bins, base, current, floors, once)
    else:
        found = _shifts_of_numbers(reference, base, current, floors)
    return [*found, _missing_share(base, current, floors.missing_share)]


def _shifts_of_levels(bins: LevelBins, base: Profile, current: Profile, floors: Floors, once: int) -> Iterator[Shift]:
    counts = bins.comparable(base.counts), bins.comparable(current.counts)
    psi, p_value = population_stability(*counts)
    yield Shift(statistic="psi", value=psi, p_value=p_value, floor=floors.psi)
    yield _chi_squared(*counts, floors.psi)
    yield _unseen_share(bins, base, current, floors.unseen_share, once)


def _shifts_of_numbers(reference: FeatureReference, base: Profile, current: Profile, floors: Floors) -> Iterator[Shift]:
    psi, p_value = population_stability(base.counts, current.counts)
    yield Shift(statistic="psi", value=psi, p_value=p_value, floor=floors.psi)
    distance, p_value = kolmogorov_smirnov(base, current)
    yield Shift(statistic="ks", value=distance, p_value=p_value, floor=floors.ks)
    distance, p_value = wasserstein(base, current)
    floor = floors.wasserstein * standard_deviation(reference.profile)
    yield Shift(statistic="wasserstein", value=distance, p_value=p_value, floor=floor)


def population_stability(reference: NDArray[np.int64], current: NDArray[np.int64]) -> tuple[float | None, float | None]:
    """PSI = sum of (c - r) ln(c / r) over bins from counts by bin (bins,), and its p-value; None if either is empty.

    c and r are shares of rows; a bin that is empty on one side counts half a row there, one that is empty on both is
    left out. Without a shift PSI / (1/n + 1/m) follows a chi-squared distribution with bins - 1 degrees of freedom:
    Yurdakul and Naranjo, "Statistical properties of the population stability index", Journal of Risk Model Validation
    (2020).
    """
    n, m = int(current.sum()), int(reference.sum())
    if n == 0 or m == 0:
        return None, None
    used = (current > 0) | (reference > 0)
    if used.sum() == 1:
        return 0.0, 1.0
    c = np.maximum(current[used], 0.5) / n
    r = np.maximum(reference[used], 0.5) / m
    psi = float(np.sum((c - r) * np.log(c / r)))
    return psi, float(chdtrc(used.sum() - 1, psi / (1 / n + 1 / m)))


def kolmogorov_smirnov(reference: Profile, current: Profile) -> tuple[float | None, float | None]:
    """The largest distance between the two distribution functions, and its asymptotic two-sided p-value.

    The p-value is that of `scipy.stats.ks_2samp(method="asymp")`. None if either has no present value.
    """
    if reference.size == 0 or current.size == 0:
        return None, None
    # Between neighbouring values of the reference its function is flat and the current one rises, so the distance is
    # largest at a value of the reference or just left of one.
    points, share = reference.steps
    at = current.rows_of_first(np.searchsorted(current.values, points, side="right")) / current.size
    before = current.rows_of_first(np.searchsorted(current.values, points, side="left")) / current.size
    distance = float(max(np.abs(share - at).max(), np.abs(np.append(0.0, share[:-1]) - before).max()))
    return distance, _certainty(distance, max(1.0, np.round(_effective(reference.size, current.size))))


def _certainty(distance: float, effective: float) -> float:
    # Of distances this small all but 1e-11 of the chance lies above; working that out takes longer than all the rest.
    if effective > 1_000 and effective * distance**2 < 0.04:
        return 1.0
    return float(np.clip(kstwo.sf(distance, effective), 0, 1))


def wasserstein(reference: Profile, current: Profile) -> tuple[float | None, float | None]:
    """The area between the two distribution functions, in the feature's unit, and an upper bound of its p-value.

    None if either has no present value, or values too large to be added up. Without a shift, the distance times
    sqrt(nm / (n + m)) tends to the integral of |B(F(x))|, B a Brownian bridge and F the reference's function (del
    Barrio, Gine and Matran, Annals of Probability 27, 1999). Its mean is the integral of sqrt(2 F (1 - F) / pi), and it
    exceeds that by t at most with probability exp(-t^2 / (2 s^2)), s the standard deviation (Borell-TIS inequality).
    """
    if reference.size == 0 or current.size == 0:
        return None, None
    with np.errstate(over="ignore", invalid="ignore"):
        distance = _area(reference, current)
        p_value = _bound(reference, distance * np.sqrt(_effective(reference.size, current.size)))
    return (distance, p_value) if np.isfinite(distance) and np.isfinite(p_value) else (None, None)


def _bound(reference: Profile, scaled: float) -> float:
    points, share = reference.steps
    mean = float(np.sum(np.diff(points) * np.sqrt(2 * share[:-1] * (1 - share[:-1]) / np.pi)))
    deviation = standard_deviation(reference)
    if deviation == 0:
        return float(scaled == 0)
    return float(np.exp(-(max(0.0, (scaled - mean) / deviation) ** 2) / 2))


def _area(reference: Profile, current: Profile) -> float:
    """The integral of |F - G| over all x, exact: F is flat between neighbouring values of the reference.

    Within such a stretch G rises above F at most once, at one of the current values; either side of that the area
    follows from the integral of G up to a point t, the sum of the distances t - x over all current x below t.
    """
    steps, share = reference.steps
    # From the middle, so that sums of large numbers close to each other keep their digits.
    centre = steps[np.searchsorted(share, 0.5)]
    points = steps - centre

    rows, sums, total = _up_to(current, centre, points)
    up_to = (rows * points - sums) / current.size
    # Left of the reference F is 0, right of it 1.
    right = (total - sums[-1] - (current.size - rows[-1]) * points[-1]) / current.size
    start, end, flat = points[:-1], points[1:], share[:-1]
    crossing = current.first_reaching(flat * current.size)
    turn = np.clip(current.values[np.minimum(crossing, len(current.values) - 1)] - centre, start, end)
    rows, sums, _ = _up_to(current, centre, turn)
    at_turn = (rows * turn - sums) / current.size
    below = flat * (turn - start) - (at_turn - up_to[:-1])
    above = (up_to[1:] - at_turn) - flat * (end - turn)
    return abs(float(up_to[0] + np.sum(below + above) + right))


def _up_to(
    profile: Profile, centre: float, t: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Of the values less `centre`: rows up to each t, their sums, and the sum of all; block by block, as a profile may
    be as large as memory allows, in the order of the values, so that no sum depends on the blocks.
    """
    places, sums, total = np.zeros(len(t), dtype=np.intp), np.zeros(len(t)), 0.0
    for start in range(0, len(profile.values), BLOCK):
        values = profile.values[start : start + BLOCK] - centre
        weighted = values if profile.weights is None else values * profile.weights[start : start + BLOCK]
        running = np.cumsum(np.append(total, weighted))
        here = np.searchsorted(values, t, side="right")
        places += here
        sums = np.where(here > 0, running[here], sums)
        total = float(running[-1])
    return profile.rows_of_first(places), sums, total


def _chi_squared(reference: NDArray[np.int64], current: NDArray[np.int64], psi: float) -> Shift:
    """Pearson's test that two rows of counts come from one distribution, without a correction.

    chi2 (1/n + 1/m) is a distance of distributions that is the same as PSI to second order: where that reaches the
    floor of PSI, chi2 is large.
    """
    n, m = int(current.sum()), int(reference.sum())
    if n == 0 or m == 0:
        return Shift(statistic="chi_squared", value=None, p_value=None, floor=psi)
    floor = psi * _effective(n, m)
    counts = np.stack([reference, current])[:, (current > 0) | (reference > 0)].astype(np.float64)
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0, keepdims=True) / counts.sum()
    value = float(np.sum((counts - expected) ** 2 / expected))
    degrees = counts.shape[1] - 1
    p_value = float(chdtrc(degrees, value)) if degrees else 1.0
    return Shift(statistic="chi_squared", value=value, p_value=p_value, floor=floor)


def _missing_share(reference: Profile, current: Profile, floor: float) -> Shift:
    """The change of the share of missing rows, with the two-sided test of two proportions (pooled, normal)."""
    n, m = current.rows, reference.rows
    if n == 0 or m == 0:
        return Shift(statistic="missing_share", value=None, p_value=None, floor=floor)
    change = current.missing / n - reference.missing / m
    pooled = (current.missing + reference.missing) / (n + m)
    variance = pooled * (1 - pooled) * (1 / n + 1 / m)
    p_value = float(chdtrc(1, change**2 / variance)) if variance else 1.0
    return Shift(statistic="missing_share", value=abs(change), p_value=p_value, floor=floor)


def _unseen_share(bins: LevelBins, reference: Profile, current: Profile, floor: float, once: int) -> Shift:
    """The share of rows with a level that training did not have, beyond what is usual, with a one-sided exact test.

    A reference does not have every level there is. How much it leaves to be seen is estimated by its rows whose level
    came `once`: Good, Biometrika 40 (1953). Without a shift each row that is new to the rest, in the reference or now,
    is one of the current ones with the chance n / (n + m).
    """
    n, m = current.rows, reference.rows
    if n == 0 or m == 0:
        return Shift(statistic="unseen_share", value=None, p_value=None, floor=floor)
    unseen, usual = int(current.counts[bins.unseen]), int(reference.counts[bins.unseen]) + once
    return Shift(
        statistic="unseen_share",
        value=max(0.0, unseen / n - usual / m),
        p_value=float(bdtrc(unseen - 1, unseen + usual + 1, n / (n + m))) if unseen else 1.0,
        floor=floor,
    )


def standard_deviation(profile: Profile) -> float:
    """The standard deviation of the present rows, in the feature's unit; 0 for none."""
    if profile.size == 0:
        return 0.0
    weights = np.diff(profile.cumulative) / profile.size
    with np.errstate(over="ignore", invalid="ignore"):
        centred = profile.values - profile.values[len(profile.values) // 2]
        # Squares of large numbers would overflow.
        scale = float(np.abs(centred).max()) or 1.0
        mean = float(np.sum(weights * (centred / scale)))
        return scale * float(np.sqrt(np.sum(weights * (centred / scale - mean) ** 2)))


def _effective(n: float, m: float) -> float:
    return n * m / (n + m)
