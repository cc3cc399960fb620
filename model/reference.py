"""What a feature looked like in training: the reference that current values are compared with."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.binning import NumericBins, as_numbers, count_levels
from model.profile import Profile
from schemas.characteristic import Column

SCORE = "score"
# Levels with a bin of their own, and levels that are known at all.
MAX_LEVELS, MAX_KNOWN = 50, 10_000


@dataclass(frozen=True)
class LevelBins:
    """One bin for each of `levels`, then one for the `rare` ones together, one for levels never seen, one for missing.

    `singletons` is the number of levels that one row alone had in the reference.
    """

    levels: tuple[str, ...]
    rare: tuple[str, ...]
    singletons: int

    @property
    def size(self) -> int:
        """The number of bins."""
        return len(self.levels) + 3

    @property
    def unseen(self) -> int:
        """The place of the bin for levels that the reference did not have."""
        return self.size - 2

    @property
    def labels(self) -> tuple[str, ...]:
        """How each bin reads, in order; a level that is itself called so keeps its name."""
        others = (("other", "any other"), ("unseen", "never seen"), ("missing", "not given"))
        return (*self.levels, *(again if name in self.levels else name for name, again in others))

    def count(self, rows: Mapping[Any, int]) -> NDArray[np.int64]:
        """Rows by bin, shape (bins,), from rows by level, None for missing."""
        places = dict.fromkeys(self.rare, len(self.levels)) | {level: place for place, level in enumerate(self.levels)}
        counts = np.zeros(self.size, dtype=np.int64)
        for level, count in rows.items():
            counts[-1 if level is None else places.get(level, self.unseen)] += count
        return counts

    def comparable(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows by bin (bins,), those of unseen levels among the rare ones where there are any.

        An open category always has levels that its reference did not happen to have: in a bin of their own, empty on
        one side by definition, they would be a shift on every day.
        """
        if not self.rare:
            return counts
        joined = counts.copy()
        joined[len(self.levels)] += joined[self.unseen]
        joined[self.unseen] = 0
        return joined


MonitoredBins = NumericBins | LevelBins


@dataclass(frozen=True, eq=False, kw_only=True)
class FeatureReference:
    """How a feature was distributed in training: rows in each of `bins`, and a sorted sample of its present values.

    `counts` has shape (bins,), its last the missing rows. `sample` is empty for a category.
    """

    feature: str
    bins: MonitoredBins
    counts: NDArray[np.int64]
    sample: NDArray[np.float64]

    @property
    def profile(self) -> Profile:
        """The reference as a profile, the sample standing for all present rows."""
        return Profile(counts=self.counts, values=self.sample)

    def profile_of_numbers(self, values: Column, *, keep: bool = False) -> Profile:
        """The profile of a column of numbers (n,); NaN and infinities count as missing.

        With `keep` the profile keeps the column itself, which has to be of float64, and puts it in order: there may be
        no room for a copy.
        """
        numbers = as_numbers(values) if keep else as_numbers(values).copy()
        # What is no number comes last, behind what is infinite.
        numbers.sort()
        present = numbers[np.searchsorted(numbers, -np.inf, side="right") : np.searchsorted(numbers, np.inf)]
        edges = np.searchsorted(present, self._edges, side="left")
        counts = np.diff(np.concatenate([[0], edges, [len(present)]]))
        return Profile(counts=np.append(counts, len(numbers) - len(present)), values=present)

    def profile_of_levels(self, rows: Mapping[str | None, int]) -> Profile:
        """The profile of a category from its rows by level, None for missing."""
        if not isinstance(self.bins, LevelBins):
            raise TypeError(f"{self.feature} is no category")
        return Profile(counts=self.bins.count(rows), values=np.array([]))

    @property
    def _edges(self) -> tuple[float, ...]:
        return self.bins.edges if isinstance(self.bins, NumericBins) else ()


# By the name of the feature; the score itself is one of them, as SCORE.
Reference = Mapping[str, FeatureReference]


def reference_of(
    feature: str, values: Column, bins: int = 10, max_values: int = 20_000, seed: int = 0
) -> FeatureReference:
    """The reference for a feature from its training values (n,): numbers with NaN, or str with None (dtype object).

    Numbers are split at quantiles into at most `bins` ranges, and up to `max_values` of them are kept. Of a category
    the 50 most frequent levels have a bin of their own, and the 10,000 most frequent are known.
    """
    if values.dtype == object:
        return _reference_of_levels(feature, values)
    numbers = as_numbers(values)
    present = numbers[np.isfinite(numbers)]
    sample = present
    if len(present) > max_values:
        sample = np.random.default_rng(seed).choice(present, max_values, replace=False)
    ranges = NumericBins(_quantile_edges(present, bins))
    counts = np.bincount(ranges.codes(np.where(np.isfinite(numbers), numbers, np.nan)), minlength=ranges.size)
    return FeatureReference(feature=feature, bins=ranges, counts=counts, sample=np.sort(sample))


def _reference_of_levels(feature: str, values: Column) -> FeatureReference:
    rows = count_levels(values)
    known = list(islice(rows, MAX_KNOWN))
    levels = LevelBins(
        levels=tuple(known[:MAX_LEVELS]),
        rare=tuple(sorted(known[MAX_LEVELS:])),
        singletons=sum(count == 1 for count in rows.values()),
    )
    counts = levels.count(rows)
    counts[-1] = len(values) - sum(rows.values())
    return FeatureReference(feature=feature, bins=levels, counts=counts, sample=np.array([]))


def _quantile_edges(present: NDArray[np.float64], bins: int) -> tuple[float, ...]:
    distinct = np.unique(present)
    if len(distinct) < 2:
        return ()
    quantiles = np.quantile(present, np.arange(1, bins) / bins, method="inverted_cdf")
    # Nothing lies below the smallest value. Where most rows have it, the others are told from it by the next one.
    return tuple(np.unique(np.maximum(quantiles, distinct[1])).tolist())
