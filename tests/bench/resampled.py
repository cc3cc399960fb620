"""Days drawn from a generated reference portfolio, at the cost of the reference's rows however many a day has.

Drawing n rows with replacement is the same as drawing how often each row of the reference comes: a multinomial number
for each. A day is that vector of counts, the same for all features, so that they hang together as in the reference.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from model.profile import Profile
from model.reference import FeatureReference, LevelBins, reference_of
from schemas.characteristic import Column

Counts = NDArray[np.int64]
MISSING_SHARE = 0.01


def portfolio(features: int, rows: int, random: np.random.Generator, *, related: bool = True) -> dict[str, Column]:
    """`features` columns of `rows` rows, of six kinds in turn; `related` ones share a common cause."""
    common = random.normal(size=rows)
    made: dict[str, Column] = {}
    for place in range(features):
        own = random.normal(size=rows)
        latent = 0.5 * common + np.sqrt(0.75) * own if related else own
        name, make = KINDS[place % len(KINDS)]
        made[f"{name}_{place}"] = make(latent, random)
    return made


def _amount(latent: Column, random: np.random.Generator) -> Column:
    """Lognormal, to the next hundred, 1 % missing."""
    values = np.round(np.exp(10 + 0.6 * latent), -2)
    return np.where(random.random(len(latent)) < MISSING_SHARE, np.nan, values)


def _years(latent: Column, random: np.random.Generator) -> Column:
    return np.clip(np.round(40 + 12 * latent), 18, 75)


def _normal(latent: Column, random: np.random.Generator) -> Column:
    return latent


def _mostly_zero(latent: Column, random: np.random.Generator) -> Column:
    return np.where(latent > 1.2, np.round(np.exp(5 + latent), 1), 0.0)


def _few_levels(latent: Column, random: np.random.Generator) -> Column:
    return np.array(["owner", "tenant", "family", "other"], dtype=object)[np.digitize(latent, [-0.2, 0.9, 1.7])]


def _many_levels(latent: Column, random: np.random.Generator) -> Column:
    """An open category: 60 levels whose shares fall like 1 / rank, the rarest a few rows, and 1 % missing."""
    shares = 1 / np.arange(1, 61) ** 1.3
    levels = np.array([f"trade {number:02}" for number in range(60)], dtype=object)
    values = random.choice(levels, len(latent), p=shares / shares.sum())
    values[random.random(len(latent)) < MISSING_SHARE] = None
    return values


KINDS: tuple[tuple[str, Callable[[Column, np.random.Generator], Column]], ...] = (
    ("amount", _amount),
    ("years", _years),
    ("normal", _normal),
    ("mostly_zero", _mostly_zero),
    ("few_levels", _few_levels),
    ("many_levels", _many_levels),
)


@dataclass(frozen=True, eq=False)
class Drawn:
    """A column of the population days are drawn from, ready to be counted: the bin of each row, and its order."""

    reference: FeatureReference
    base: Profile
    codes: NDArray[np.intp]
    order: NDArray[np.intp]
    ascending: NDArray[np.float64]

    def profile(self, times: Counts) -> Profile:
        """The profile of a day on which row i comes `times[i]` times."""
        counts = np.bincount(self.codes, weights=times, minlength=self.reference.bins.size).astype(np.int64)
        came = times[self.order]
        drawn = came > 0
        return Profile(counts=counts, values=self.ascending[drawn], weights=came[drawn].astype(np.float64))


def drawn_from(population: Mapping[str, Column], referred: NDArray[np.intp]) -> dict[str, Drawn]:
    """Every column of a population, its reference taken of the rows `referred`."""
    return {name: _drawn(name, values, referred) for name, values in population.items()}


def _drawn(name: str, values: Column, referred: NDArray[np.intp]) -> Drawn:
    reference = reference_of(name, values[referred])
    if isinstance(reference.bins, LevelBins):
        places = {level: reference.bins.count({level: 1}).argmax() for level in {*values.tolist()}}
        codes = np.array([places[level] for level in values.tolist()], dtype=np.intp)
        return Drawn(reference, reference.profile, codes, np.array([], dtype=np.intp), np.array([]))
    order = np.argsort(values, kind="stable")[: int(np.isfinite(values).sum())]
    return Drawn(reference, reference.profile, reference.bins.codes(values), order, values[order])


def same(rows: int) -> NDArray[np.float64]:
    """Every row equally likely: nothing has changed."""
    return np.full(rows, 1 / rows)


def shifted(column: Drawn, psi: float, direction: Callable[[int], NDArray[np.float64]]) -> NDArray[np.float64]:
    """How likely each row is when the bins' shares are tilted along a direction until they are `psi` apart."""
    bins = column.reference.bins.size
    before = np.bincount(column.codes, minlength=bins) / len(column.codes)
    along = direction(bins)

    def tilted(strength: float) -> NDArray[np.float64]:
        weights = before * np.exp(strength * along)
        shares: NDArray[np.float64] = weights / weights.sum()
        return shares

    def distance(strength: float) -> float:
        after, held = tilted(strength), before > 0
        return float(np.sum((after - before)[held] * np.log(after[held] / before[held]))) - psi

    after = tilted(brentq(distance, 0.0, 20.0))
    likely: NDArray[np.float64] = (after / np.where(before > 0, before, 1))[column.codes] / len(column.codes)
    return likely


def upwards(bins: int) -> NDArray[np.float64]:
    """More of the higher values: what a rise of the mean does."""
    return np.linspace(-1, 1, bins)


def one_bin(bins: int) -> NDArray[np.float64]:
    """More of one range in the middle, from all others alike: what the means hardly show."""
    along = np.zeros(bins)
    along[bins // 2 - 1] = 1.0
    return along


def more_missing(column: Drawn, share: float) -> NDArray[np.float64]:
    """How likely each row is when missing ones make up `share` of all."""
    missing = column.codes == column.reference.bins.size - 1
    held = missing.mean()
    likely: NDArray[np.float64] = np.where(missing, share / held, (1 - share) / (1 - held)) / len(missing)
    return likely
