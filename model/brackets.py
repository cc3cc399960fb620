"""From a candidate that suffices to the nearest value that does: variations of one application, scored together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.alternatives import Alternatives
from model.scorer import Scorer
from schemas.characteristic import Column

# Each round leaves a 64th of the gap between what fails and what suffices.
ROUNDS, PARTS = 4, 64
# How much farther away a readable number may lie: a share of the change, or of the spread of the training values.
FARTHER, FINEST = 0.01, 0.001

# Fields with the element of a column that each would have to hold.
Needed = tuple[tuple[Alternatives, Any], ...]


class Variations:
    """Variations of one application, which is given as its field columns of shape (1,)."""

    def __init__(self, scorer: Scorer, columns: Mapping[str, Column]) -> None:
        self._scorer = scorer
        self._columns = columns

    def scores(self, blocks: Sequence[Mapping[str, Column]]) -> list[NDArray[np.int32]]:
        """The scores of each block, at least one; a block replaces fields by columns of equal length, at least 1."""
        ends = np.cumsum([len(next(iter(block.values()))) for block in blocks])
        columns = {name: np.repeat(column, ends[-1]) for name, column in self._columns.items()}
        for block, end in zip(blocks, ends, strict=True):
            for name, values in block.items():
                columns[name][end - len(values) : end] = values
        return np.split(self._scorer.score(columns).score, ends[:-1])


@dataclass(frozen=True, eq=False, kw_only=True)
class Bracket:
    """A candidate that suffices, `far`, and a nearer value that does not, `near`, while the `fixed` fields are changed.

    Values are elements of columns.
    """

    alternatives: Alternatives
    near: Any
    far: Any
    fixed: Mapping[str, Any]

    def block(self, values: Column) -> dict[str, Column]:
        """The variations in which the field takes these values, shape (n,)."""
        fixed = {name: np.full(len(values), value) for name, value in self.fixed.items()}
        return {self.alternatives.field.name: values, **fixed}

    def between(self) -> Column:
        """Values from `near`, left out, to `far`, evenly spaced; only `far` if it is a level."""
        if not self.alternatives.numeric:
            return np.array([self.far])
        values = np.linspace(self.near, self.far, PARTS + 1)[1:]
        return np.rint(values) if self.alternatives.field.kind == "integer" else values

    def narrowed(self, values: Column, sufficient: NDArray[np.bool_]) -> "Bracket":
        """The bracket around the first sufficient one of the values that `between` gave."""
        first = int(np.argmax(sufficient))
        return replace(self, near=values[first - 1] if first else self.near, far=values[first])

    def readable(self) -> Column:
        """Numbers a little farther away than `far` that people can read, fewest digits first; at last `far` itself."""
        return np.array([*self._rounded(), self.far])

    def _rounded(self) -> Iterator[float]:
        if self.alternatives.field.kind != "number":
            return
        change = float(self.far) - self.alternatives.origin
        room = max(FARTHER * abs(change), FINEST * self.alternatives.spread)
        for number in _shorter(float(self.far), upwards=change > 0):
            if change and abs(number - self.far) <= room and self.alternatives.allows(number):
                yield number


def first_sufficient(alternatives: Alternatives, path: Column, sufficient: NDArray[np.bool_]) -> Iterator[Bracket]:
    """The bracket that the first sufficient candidate of a path (n,) ends, if there is one."""
    if sufficient.any():
        first = int(np.argmax(sufficient))
        near = path[first - 1] if first else alternatives.origin
        yield Bracket(alternatives=alternatives, near=near, far=path[first], fixed={})


def sharpened(variations: Variations, brackets: Sequence[Bracket], cutoff: int) -> list[Any]:
    """For each bracket a value that reaches the cutoff (points), as near to the present one as can be told and read."""
    if not brackets:
        return []
    for _ in range(ROUNDS):
        brackets = _narrowed(variations, brackets, [bracket.between() for bracket in brackets], cutoff)
    last = _narrowed(variations, brackets, [bracket.readable() for bracket in brackets], cutoff)
    return [bracket.far for bracket in last]


def _narrowed(
    variations: Variations, brackets: Sequence[Bracket], values: Sequence[Column], cutoff: int
) -> list[Bracket]:
    scores = variations.scores([bracket.block(column) for bracket, column in zip(brackets, values, strict=True)])
    return [
        bracket.narrowed(column, score >= cutoff)
        for bracket, column, score in zip(brackets, values, scores, strict=True)
    ]


def _shorter(number: float, *, upwards: bool) -> Iterator[float]:
    """The number rounded up or down to one digit, two digits and so on."""
    exact = Decimal(repr(number))
    rounding = ROUND_CEILING if upwards else ROUND_FLOOR
    for exponent in range(exact.adjusted() + 1, int(exact.as_tuple().exponent), -1):
        yield float(exact.quantize(Decimal(1).scaleb(exponent), rounding=rounding))
