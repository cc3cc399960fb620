"""A feature's distribution in a batch: rows by bin, and its values in ascending order."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

# Values kept of a batch on the record: so many order statistics, evenly spaced.
KEPT = 1_001


@dataclass(frozen=True, eq=False, kw_only=True)
class Profile:
    """Rows by bin of the reference (bins,), the missing ones last, and the present values ascending, shape (k,).

    `weights` (k,) says how many rows each value stands for, None for one each; a category has no values.
    """

    counts: NDArray[np.int64]
    values: NDArray[np.float64]
    weights: NDArray[np.float64] | None = None

    @property
    def rows(self) -> int:
        """All rows, missing ones included."""
        return int(self.counts.sum())

    @property
    def missing(self) -> int:
        """Rows without a value."""
        return int(self.counts[-1])

    @cached_property
    def size(self) -> float:
        """Rows that the values stand for."""
        return float(len(self.values)) if self.weights is None else float(self.cumulative[-1])

    @cached_property
    def median(self) -> float | None:
        """The value in the middle, of two the lower one; None without values."""
        if len(self.values) == 0:
            return None
        if self.weights is None:
            place = (len(self.values) - 1) // 2
        else:
            place = int(np.searchsorted(self.cumulative[1:], self.size / 2))
        return float(self.values[min(place, len(self.values) - 1)])

    def rows_of_first(self, values: NDArray[np.intp]) -> NDArray[np.float64]:
        """Rows that the first so many values stand for; spares an array as long as the values where each is a row."""
        return values.astype(np.float64) if self.weights is None else self.cumulative[values]

    def first_reaching(self, rows: NDArray[np.float64]) -> NDArray[np.intp]:
        """The place of the first value up to which there are so many rows; the number of values if there are not."""
        if self.weights is None:
            return np.asarray(np.clip(np.ceil(rows) - 1, 0, len(self.values)), dtype=np.intp)
        places: NDArray[np.intp] = np.searchsorted(self.cumulative[1:], rows, side="left")
        return places

    @cached_property
    def cumulative(self) -> NDArray[np.float64]:
        """Rows that the first 0, 1, … k values stand for, shape (k + 1,)."""
        weights = np.ones(len(self.values)) if self.weights is None else self.weights
        return np.concatenate([[0.0], np.cumsum(weights)])

    @cached_property
    def steps(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The distribution function: where it rises, ascending, and the share of rows up to each value, in (0, 1]."""
        last = np.append(self.values[1:] != self.values[:-1], True)[: len(self.values)]
        rows = self.cumulative[1:][last]
        rises = np.diff(rows, prepend=0.0) > 0
        return self.values[last][rises], rows[rises] / self.size

    def __add__(self, other: "Profile") -> "Profile":
        """The profile of the rows of both; they have to be of one feature and one reference."""
        values = np.concatenate([self.values, other.values])
        weights = np.concatenate([np.diff(self.cumulative), np.diff(other.cumulative)])
        order = np.argsort(values, kind="stable")
        return Profile(counts=self.counts + other.counts, values=values[order], weights=weights[order])

    def kept(self) -> NDArray[np.float64]:
        """What is kept of the values: all of up to 1,001, else as many order statistics, evenly spaced."""
        if len(self.values) <= KEPT:
            return self.values
        return self.values[np.round(np.linspace(0, len(self.values) - 1, KEPT)).astype(np.intp)]


@dataclass(frozen=True, eq=False, kw_only=True)
class Outline:
    """What is told and stored of a profile: rows by bin (bins,), the kept values, the median. It is always small."""

    counts: NDArray[np.int64]
    kept: NDArray[np.float64]
    median: float | None

    @property
    def rows(self) -> int:
        """All rows, missing ones included."""
        return int(self.counts.sum())

    @property
    def missing(self) -> int:
        """Rows without a value."""
        return int(self.counts[-1])


def outlined(profile: Profile) -> Outline:
    """The outline of a profile; holds on to none of its values but the kept ones."""
    return Outline(counts=profile.counts, kept=profile.kept().copy(), median=profile.median)


def restored(counts: NDArray[np.int64], kept: NDArray[np.float64]) -> Profile:
    """The profile of a batch as it was put on the record: each kept value stands for as many rows as any other."""
    present = int(counts[:-1].sum())
    weights = None if len(kept) in (0, present) else np.full(len(kept), present / len(kept))
    return Profile(counts=counts, values=kept, weights=weights)


def pooled(current: Profile, earlier: Sequence[Profile], min_rows: int) -> tuple[Profile, int]:
    """The current profile with as many `earlier` ones, latest first, as it takes to reach `min_rows`; and how many
    batches that are, the current one included. Has fewer rows if all together have.
    """
    batches = 1
    for profile in earlier:
        if current.rows >= min_rows:
            break
        current, batches = current + profile, batches + 1
    return current, batches
