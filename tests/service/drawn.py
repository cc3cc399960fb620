"""Applications that keep their contract: drawn at random, and at every value at which something changes its mind."""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars
from numpy.typing import NDArray

from model.artifact import save_model
from model.binning import Bins, CategoryBins, NumericBins
from model.champion import register
from model.policy import fit_policy
from model.scorecard import Scorecard
from model.trained import Model
from schemas.characteristic import Risk
from schemas.columns import columns_of
from schemas.contract import Contract, Field
from schemas.limits import limits_of
from schemas.parsing import TYPES

Application = dict[str, Any]
LAST_DAY = date(2026, 6, 30)
NUMBERS = (0.0, -0.0, 1.0, 5e-324, 1e-300, 0.1, 1e15, 2.0**53, 1.7976931348623157e308, -1.7976931348623157e308)
INTEGERS = (0, 1, -1, 2**53 - 1, 2**53, 2**53 + 1, 2**62, 2**63 - 1, -(2**63))
DATES = (date(1000, 1, 1), date(2000, 2, 29), date(2024, 2, 29), LAST_DAY, date(9999, 12, 31))
SIGN: dict[Risk, int] = {"rises": 2, "falls": -2, "any": 1}
TEXTS = ("other", "missing", "never seen", "a: b", "É", "Ö😀", "10", "x" * 10, "X" * 20, "nan", "None", "Zebra")


class Drawing:
    """Draws applications for a contract; with the bins of a model, also at the edges of those."""

    def __init__(self, contract: Contract, seed: int, bins: Mapping[str, Bins] | None = None) -> None:
        self.random = random.Random(seed)
        self._fields = contract.fields
        self.edges = {field.name: _valid(field, _edges(field, (bins or {}).get(field.name))) for field in self._fields}

    def usual(self) -> Application:
        """One application somewhere within the bounds, seldom with anything missing."""
        return {field.name: self._usual(field) for field in self._fields}

    def odd(self) -> Application:
        """One application at edges, with much missing."""
        return {
            field.name: self.random.choice(self.edges[field.name]) if self.random.random() < 0.6 else self._usual(field)
            for field in self._fields
        }

    def sweep(self) -> Iterator[Application]:
        """Every edge of every field once, all else as usual."""
        for name, values in self.edges.items():
            for value in values:
                yield self.usual() | {name: value}

    def applications(self, rows: int) -> list[Application]:
        """The sweep, and odd and usual ones to make up so many rows at least."""
        found = [*self.sweep()]
        while len(found) < rows:
            found += [self.odd(), self.usual()]
        return found

    def keeps(self, name: str, value: Any) -> bool:
        """Whether a value keeps the limits of its field."""
        return value in _valid(next(field for field in self._fields if field.name == name), [value])

    def _usual(self, field: Field) -> Any:
        if field.nullable and self.random.random() < 0.05:
            return None
        if field.kind == "boolean":
            return self.random.random() < 0.4
        if field.kind == "date":
            return LAST_DAY + timedelta(days=self.random.randrange(-4_000, 4_000 if field.characteristic.future else 0))
        if field.kind == "category":
            return self.random.choice([value for value in self.edges[field.name] if value is not None][:6])
        return self._number(field)

    def _number(self, field: Field) -> float:
        low, high = _bounds(field)
        if field.kind == "integer":
            return self.random.randint(int(low), int(high))
        # Half of them where most applicants are: amounts are spread over powers of ten.
        share = self.random.random() ** self.random.choice((1, 4))
        return _valid(field, [low + (high - low) * share, (low + high) / 2])[0]  # type: ignore[no-any-return]


def bins_of(model: Model) -> dict[str, Bins]:
    """The bins of a model's features by name."""
    return dict(zip((feature.name for feature in model.scorecard.features), model.scorecard.bins_, strict=True))


def frame_of(contract: Contract, applications: Sequence[Application]) -> polars.DataFrame:
    """Applications as the gate lets them through: a column of its type for each field."""
    return polars.DataFrame(
        {
            field.name: polars.Series([row[field.name] for row in applications], dtype=TYPES[field.kind], strict=True)
            for field in contract.fields
        }
    )


def fitted_to_drawn(model: Model, contract: Contract, rows: int = 3_000, seed: int = 0) -> Model:
    """A model with a scorecard for another contract, fitted to drawn applications; as for the rest, it is the old one.

    Each feature moves the outcome the way the contract declares.
    """
    drawing = Drawing(contract, seed)
    values = contract.features_of(columns_of(contract, frame_of(contract, [drawing.usual() for _ in range(rows)])))
    risk = sum(SIGN[feature.characteristic.risk] * _standard(values[feature.name]) for feature in contract.features)
    defaulted = np.random.default_rng(seed).random(rows) < 1 / (1 + np.exp(1.2 - risk))
    scorecard = Scorecard(features=contract.features).fit(values, defaulted.astype(np.int8))
    return replace(model, scorecard=scorecard, policy=fit_policy(scorecard.points(values).sum(axis=1)))


def home_of(home: Path, model: Model, contract: Contract) -> Path:
    """A home with a champion for a contract, fitted to drawn applications; `model` is any other one."""
    fitted = replace(fitted_to_drawn(model, contract), contract_name=contract.name, contract_hash=contract.hash)
    home.mkdir(parents=True)
    register(home / "models", save_model(home / "models", fitted, "drawn").version)
    return home


def _standard(values: NDArray[Any]) -> NDArray[np.float64]:
    if values.dtype == object:
        values = np.array([math.nan if level is None else len(level) % 3 for level in values])
    ranks = np.argsort(np.argsort(values)) / len(values)
    return np.where(np.isnan(values), 0.0, ranks - 0.5)


def _bounds(field: Field) -> tuple[float, float]:
    low = field.ge if field.ge is not None else field.gt if field.gt is not None else -1_000
    high = field.le if field.le is not None else field.lt if field.lt is not None else max(low, 0) + 100_000
    return low, high


def _edges(field: Field, bins: Bins | None) -> list[Any]:
    """What may be an edge of a field, valid or not."""
    if field.kind == "boolean":
        return [True, False]
    if field.kind == "date":
        return list(DATES)
    if field.kind == "category":
        return [*field.levels, *(bins.levels if isinstance(bins, CategoryBins) else ()), *TEXTS]
    numbers = [*_bounds(field), *(bins.edges if isinstance(bins, NumericBins) else ())]
    if field.kind == "integer":
        return [*(math.floor(number) + step for number in numbers for step in (-1, 0, 1, 2)), *INTEGERS]
    around = [math.nextafter(number, towards) for number in numbers for towards in (-math.inf, math.inf)]
    return [*map(float, numbers), *around, *NUMBERS]


def _valid(field: Field, values: Sequence[Any]) -> list[Any]:
    """Those of the values that keep the contract, and None if the field may be missing."""
    late = field.kind == "date" and not field.characteristic.future
    limits = [*limits_of(field)]
    kept = [
        value for value in values if all(limit.holds(value) for limit in limits) and not (late and value > LAST_DAY)
    ]
    if field.kind == "integer":
        kept = [value for value in kept if -(2**63) <= value < 2**63]
    return [*kept, None] if field.nullable else kept
