"""What a field of an application could hold instead: candidates, nearest first, and how far away a value is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.binning import Bins, NumericBins
from model.reference import FeatureReference, LevelBins
from model.trained import Model
from schemas.characteristic import Column
from schemas.contract import Contract, Field
from schemas.limits import limits_of

# Candidates from the training values, or evenly from bound to bound: so many of each.
STEPS = 65
# Without training values: how far from 0 a number may get, as a multiple of the present one, or if that says nothing.
FACTOR, FARTHEST = 1_024.0, 1e8
TYPES = {"integer": int, "number": float, "boolean": bool, "category": str}

Numbers = NDArray[np.float64]
NOTHING: Numbers = np.array([])


@dataclass(frozen=True, eq=False, kw_only=True)
class Alternatives:
    """What one field could hold instead of `present` (None if missing), within the limits of the contract.

    `paths` are columns of candidates, each nearest first. A number has up to two, below and above `origin`: the present
    value or, if that is missing, the middle one in training. A category or a boolean has one, its other levels, the
    most frequent in training first. `sample` holds a number's training values in ascending order, if there are any;
    `place` is the field's in the contract.
    """

    field: Field
    place: int
    present: Any
    origin: float
    sample: Numbers
    paths: tuple[Column, ...]

    @property
    def numeric(self) -> bool:
        """Whether there may be values between the candidates."""
        return self.field.kind in ("number", "integer")

    @property
    def spread(self) -> float:
        """The width of the middle half of the training values, or the best that can stand for it; above 0."""
        low, high = np.quantile(self.sample, [0.25, 0.75]) if self.sample.size else (0.0, 0.0)
        return float(high - low) or abs(self.origin) or 1.0

    def distances(self, values: Column) -> Numbers:
        """How far each value (n,) is from the origin, between 0 and 1, shape (n,); 1 for another level.

        For a number the share of the training values that lie between, those equal to either counted half; without
        training values the difference as a share of both sizes together.
        """
        if not self.numeric:
            return np.ones(len(values))
        if self.sample.size:
            return np.abs(_ranks(self.sample, values) - _ranks(self.sample, np.array([self.origin])))
        sizes = np.abs(values) + abs(self.origin)
        shares: Numbers = np.abs(values - self.origin) / np.where(sizes > 0, sizes, 1.0)
        return shares

    def allows(self, value: Any) -> bool:
        """Whether the contract allows an element of a column."""
        return bool(_allowed(self.field, [value]))

    def decoded(self, value: Any) -> Any:
        """An element of a column as the type of the contract."""
        return TYPES[self.field.kind](value)


def alternatives_of(
    model: Model, contract: Contract, values: Mapping[str, Any], columns: Mapping[str, Column]
) -> Iterator[Alternatives]:
    """What each field of an application could hold instead, in the order of the contract.

    `values` are the fields of the application by name, `columns` the same as columns of shape (1,). Left out are dates,
    protected fields, fields that reach the score through protected derived features alone or not at all, and open text
    of which training knows no other level.
    """
    bins = dict(zip((feature.name for feature in model.scorecard.features), model.scorecard.bins_, strict=True))
    reaching = _reaching(contract)
    for place, field in enumerate(contract.fields):
        if field.name in reaching and not field.characteristic.protected and field.kind != "date":
            reference = model.reference.get(field.name)
            held = columns[field.name][0]
            missing = held is None or held != held  # noqa: PLR0124 - only NaN differs from itself
            origin, paths = _paths(field, None if missing else held, reference, bins.get(field.name))
            if paths:
                yield Alternatives(
                    field=field,
                    place=place,
                    present=None if missing else values[field.name],
                    origin=origin,
                    sample=NOTHING if reference is None else reference.sample,
                    paths=paths,
                )


def _reaching(contract: Contract) -> set[str]:
    """The fields that are scored, or that feed a derived feature which is not protected."""
    derived = [item.inputs for _, item in contract.derived if not item.characteristic.protected]
    return {feature.name for feature in contract.features}.union(*derived)


def _paths(
    field: Field, held: Any, reference: FeatureReference | None, bins: Bins | None
) -> tuple[float, tuple[Column, ...]]:
    """The origin, NaN for levels, and the paths that have a candidate."""
    candidates = _allowed(field, [value for value in _candidates(field, held, reference, bins) if value != held])
    if not candidates:
        return np.nan, ()
    if field.kind not in ("number", "integer"):
        return np.nan, (np.array(candidates, dtype=object if field.kind == "category" else np.float64),)
    numbers = np.unique(candidates)
    origin = float(_middle(reference, numbers) if held is None else held)
    # A missing value may well take the origin itself.
    paths = numbers[numbers < origin][::-1], numbers[numbers >= origin]
    return origin, tuple(path for path in paths if path.size)


def _allowed(field: Field, values: list[Any]) -> list[Any]:
    limits = list(limits_of(field))
    return [value for value in values if all(limit.holds(value) for limit in limits)]


def _candidates(field: Field, held: Any, reference: FeatureReference | None, bins: Bins | None) -> list[Any]:
    if field.kind == "category":
        seen = reference.bins.levels if reference and isinstance(reference.bins, LevelBins) else ()
        return list(dict.fromkeys((*seen, *field.levels)))
    sample = NOTHING if reference is None else reference.sample
    if field.kind == "boolean":
        return [1.0, 0.0] if sample.size and sample.mean() > 0.5 else [0.0, 1.0]
    edges = np.array(bins.edges if isinstance(bins, NumericBins) else ())
    spread = _evenly(sample) if sample.size else _from_bounds(field, held)
    if field.kind == "integer":
        # The bin below an edge ends with the integer before the first one that is not below it.
        return [*np.ceil(edges), *(np.ceil(edges) - 1), *np.rint(spread)]
    return [*edges, *np.nextafter(edges, -np.inf), *spread]


def _evenly(sample: Numbers) -> Numbers:
    """Quantiles of a sorted sample, its lowest and highest value among them."""
    return sample[np.linspace(0, len(sample) - 1, STEPS).round().astype(np.intp)]


def _from_bounds(field: Field, held: float | None) -> Numbers:
    """Where training has no values: multiples of the present one, and values from one bound to the other."""
    scale = abs(held or 1.0)
    sizes = scale * np.geomspace(1 / FACTOR, FACTOR if held else FARTHEST, STEPS)
    low = field.gt if field.ge is None else field.ge
    high = field.lt if field.le is None else field.le
    between = NOTHING if low is None or high is None else np.linspace(low, high, STEPS)
    ends = np.array([bound for bound in (low, high) if bound is not None])
    return np.concatenate([-sizes, [0.0], sizes, between, ends])


def _middle(reference: FeatureReference | None, numbers: Numbers) -> float:
    """The candidate nearest to the middle of the training values, or the middle candidate without them."""
    if reference is None or not reference.sample.size:
        return float(numbers[len(numbers) // 2])
    middle = reference.sample[len(reference.sample) // 2]
    return float(numbers[np.argmin(np.abs(numbers - middle))])


def _ranks(sample: Numbers, values: Column) -> Numbers:
    """The share of a sorted sample below each value, equal ones counted half."""
    places = np.searchsorted(sample, values, side="left") + np.searchsorted(sample, values, side="right")
    shares: Numbers = places / (2 * len(sample))
    return shares
