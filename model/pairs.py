"""Pairs of fields that together change a decision where no single field does."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.alternatives import Alternatives, Numbers
from model.brackets import Bracket, Needed, Variations, sharpened
from schemas.characteristic import Column

MAX_PAIRS = 5
# Candidates on each path that are tried in pairs although they change nothing by themselves.
EXTRAS = 6


@dataclass(frozen=True, eq=False, kw_only=True)
class Rungs:
    """The candidates of a field worth trying in pairs, each with a nearer value and its distance, shape (n,)."""

    alternatives: Alternatives
    near: Column
    far: Column
    distances: Numbers

    @property
    def field(self) -> str:
        """The name of the field."""
        return self.alternatives.field.name

    def bracket(self, place: int, fixed: dict[str, Any]) -> Bracket:
        """The bracket that one of the candidates ends."""
        return Bracket(alternatives=self.alternatives, near=self.near[place], far=self.far[place], fixed=fixed)


def rungs_of(alternatives: Alternatives, scores: Sequence[NDArray[np.int32]], present: int, *, derived: bool) -> Rungs:
    """The candidates that score higher than every nearer one on their path and than the present score.

    `scores` are those of the candidates, path by path. A field that a derived feature is computed from may count in
    a pair only: of such a field some candidates are taken whatever they score.
    """
    near, far = [], []
    for path, score in zip(alternatives.paths, scores, strict=True):
        best = np.maximum.accumulate(np.append(present, score))
        worth = score > best[:-1]
        if derived:
            worth[np.linspace(0, len(path) - 1, EXTRAS).round().astype(np.intp)] = True
        nearer = np.append(alternatives.origin, path[:-1]) if alternatives.numeric else path
        near.append(nearer[worth])
        far.append(path[worth])
    values = np.concatenate(far)
    return Rungs(
        alternatives=alternatives, near=np.concatenate(near), far=values, distances=alternatives.distances(values)
    )


class Pairs:
    """All pairs of fields, with the score of every combination of their candidates."""

    def __init__(self, variations: Variations, rungs: Sequence[Rungs]) -> None:
        self._variations = variations
        self._pairs = list(combinations([item for item in rungs if item.far.size], 2))
        self._scores = variations.scores([_combined(*pair) for pair in self._pairs]) if self._pairs else []

    def reaching(self, cutoff: int) -> list[Needed]:
        """Of each pair of fields that reaches the cutoff (points) the smallest changes: the five smallest of all."""
        cheapest = [
            (*_cheapest(*pair, scores >= cutoff), pair)
            for pair, scores in zip(self._pairs, self._scores, strict=True)
            if scores.max() >= cutoff
        ]
        kept = sorted(cheapest, key=lambda item: item[0])[:MAX_PAIRS]
        firsts = [first.bracket(i, {second.field: second.far[j]}) for _, (i, j), (first, second) in kept]
        values = sharpened(self._variations, firsts, cutoff)
        seconds = [
            second.bracket(j, {first.field: value})
            for value, (_, (_, j), (first, second)) in zip(values, kept, strict=True)
        ]
        others = sharpened(self._variations, seconds, cutoff)
        return [
            ((first.alternatives, value), (second.alternatives, other))
            for value, other, (_, _, (first, second)) in zip(values, others, kept, strict=True)
        ]


def _combined(first: Rungs, second: Rungs) -> dict[str, Column]:
    """Every candidate of the one with every candidate of the other."""
    return {
        first.field: np.repeat(first.far, second.far.size),
        second.field: np.tile(second.far, first.far.size),
    }


def _cheapest(first: Rungs, second: Rungs, sufficient: NDArray[np.bool_]) -> tuple[float, tuple[int, int]]:
    """The least sum of distances among the sufficient combinations, at least one, and the places of its candidates."""
    sums = np.where(sufficient, np.add.outer(first.distances, second.distances).ravel(), np.inf)
    place = int(np.argmin(sums))
    return float(sums[place]), divmod(place, second.far.size)
