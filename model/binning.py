"""Bins of one feature: ranges of numbers or levels of a category, then a bin of its own for missing values."""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier

from model.woe import MIN_ROWS, count_bins, weight_of_evidence
from schemas.characteristic import Column, Risk
from schemas.contract import Feature

CONSTRAINT: dict[Risk, int] = {"rises": 1, "falls": -1, "any": 0}


@dataclass(frozen=True)
class NumericBins:
    """Ranges split at `edges` (ascending): code i holds edges[i-1] <= value < edges[i]; the last code is missing."""

    edges: tuple[float, ...]

    @property
    def size(self) -> int:
        """The number of bins, that for missing values included."""
        return len(self.edges) + 2

    @property
    def labels(self) -> tuple[str, ...]:
        """How each bin reads, by code: `< 25`, `25 to < 31`, `>= 31`, `missing`."""
        names = [np.format_float_positional(edge, trim="-") for edge in self.edges]
        if not names:
            return ("any value", "missing")
        inner = (f"{low} to < {high}" for low, high in pairwise(names))
        return (f"< {names[0]}", *inner, f">= {names[-1]}", "missing")

    def codes(self, values: Column) -> NDArray[np.intp]:
        """The bin of each value, shape (n,)."""
        # searchsorted orders NaN after every number, so a NaN as last edge sends missing values to a code of their own.
        return np.searchsorted(np.array([*self.edges, np.nan]), as_numbers(values), side="right")

    def code_of_one(self) -> Callable[[Any], int]:
        """A function that gives the bin of one value (a number, a boolean, None or NaN for missing)."""
        edges, missing = self.edges, len(self.edges) + 1

        def code(value: Any) -> int:
            if value is None:
                return missing
            number = float(value)
            return bisect_right(edges, number) if number == number else missing  # noqa: PLR0124 - NaN

        return code


@dataclass(frozen=True)
class CategoryBins:
    """One bin for each of `levels`, then one for every other level (rare or never seen), then missing."""

    levels: tuple[str, ...]

    @property
    def size(self) -> int:
        """The number of bins, those for other levels and for missing values included."""
        return len(self.levels) + 2

    @property
    def labels(self) -> tuple[str, ...]:
        """How each bin reads, by code; a level that is itself called `other` or `missing` keeps its name."""
        other = "any other" if "other" in self.levels else "other"
        return (*self.levels, other, "not given" if "missing" in self.levels else "missing")

    def codes(self, values: Column) -> NDArray[np.intp]:
        """The bin of each value (str, or None or NaN for missing), shape (n,)."""
        return np.fromiter(map(self.code_of_one(), values), dtype=np.intp, count=len(values))

    def code_of_one(self) -> Callable[[Any], int]:
        """A function that gives the bin of one value."""
        return _CodeByLevel({level: code for code, level in enumerate(self.levels)}).__getitem__


Bins = NumericBins | CategoryBins


class _CodeByLevel(dict[str, int]):
    """Looks a level up once more only if it is not one of the known ones: the common case stays in C."""

    def __missing__(self, level: object) -> int:
        return len(self) + (level is None or level != level)  # noqa: PLR0124 - only NaN differs from itself


def fit_bins(
    feature: Feature, values: Column, defaulted: NDArray[np.int8], max_bins: int, min_bin_share: float
) -> Bins:
    """The bins of a feature from training values and outcomes (1 for default), both of shape (n,).

    At most `max_bins` ranges (ignored for categories), each with at least `min_bin_share` of the rows. Over the ranges
    the weight of evidence never moves against the direction of risk that the contract declares.
    """
    min_rows = max(MIN_ROWS, int(np.ceil(min_bin_share * len(values))))
    if feature.categorical:
        return CategoryBins(_frequent_levels(values, feature.levels, min_rows))
    numbers = as_numbers(values)
    risk = feature.characteristic.risk
    edges = _tree_edges(numbers, defaulted, risk, max_bins, min_rows)
    return _merge_violations(NumericBins(edges), numbers, defaulted, risk)


def as_numbers(values: Column) -> NDArray[np.float64]:
    """A column as float64 with NaN for missing; booleans become 0 and 1."""
    return np.asarray(values, dtype=np.float64)


def count_levels(values: Iterable[object]) -> dict[str, int]:
    """Rows of each level, missing ones left out: most frequent first, equally frequent ones by name."""
    counts: dict[str, int] = {}
    for value in values:
        if isinstance(value, str):
            counts[value] = counts.get(value, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _frequent_levels(values: Column, declared: tuple[str, ...], min_rows: int) -> tuple[str, ...]:
    """Levels with at least `min_rows` rows, in the order of the contract, or by name for an open category."""
    counts = count_levels(values)
    return tuple(level for level in declared or sorted(counts) if counts.get(level, 0) >= min_rows)


def _tree_edges(
    numbers: NDArray[np.float64], defaulted: NDArray[np.int8], risk: Risk, max_bins: int, min_rows: int
) -> tuple[float, ...]:
    """Where a shallow tree with a monotonic constraint splits the present values."""
    present = ~np.isnan(numbers)
    distinct, ranks = np.unique(numbers[present], return_inverse=True)
    if len(distinct) < 2 or max_bins < 2:
        return ()
    # The tree works in float32, which would merge or overflow large values; their ranks it holds exactly.
    tree = DecisionTreeClassifier(
        max_leaf_nodes=max_bins, min_samples_leaf=min_rows, monotonic_cst=[CONSTRAINT[risk]], random_state=0
    ).fit(ranks[:, np.newaxis], defaulted[present])
    splits = np.sort(tree.tree_.threshold[tree.tree_.feature >= 0]).astype(int)
    return tuple(_readable_between(float(distinct[rank]), float(distinct[rank + 1])) for rank in splits)


def _readable_between(low: float, high: float) -> float:
    """The number with the fewest digits in (low, high]: people read the scorecard."""
    for digits in range(1, 17):
        for number in (high, low / 2 + high / 2):
            rounded = float(f"{number:.{digits}g}")
            if low < rounded <= high:
                return rounded
    return high


def _merge_violations(
    bins: NumericBins, numbers: NDArray[np.float64], defaulted: NDArray[np.int8], risk: Risk
) -> NumericBins:
    """Neighbours joined until the smoothed weight of evidence is monotone; the tree only saw plain default rates."""
    while bins.edges:
        woe = weight_of_evidence(count_bins(bins.codes(numbers), defaulted, bins.size))[:-1]
        rise = np.diff(woe) * CONSTRAINT[risk]
        worst = int(np.argmax(rise))
        if rise[worst] <= 0:
            break
        bins = NumericBins(bins.edges[:worst] + bins.edges[worst + 1 :])
    return bins
