"""The one scoring path: the batch passes a million rows, the service passes one, the code is the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars
from numpy.typing import NDArray

from model.policy import DECISIONS
from model.reasons import MAX_REASONS, NO_REASON, ORDER_MASK, code_of, reason_keys, top_reasons
from model.trained import Model
from schemas.characteristic import Column
from schemas.columns import columns_of_one
from schemas.contract import Contract

# Rows scored together: few enough for the working arrays to stay in the processor's cache.
BLOCK = 32_768


@dataclass(frozen=True, eq=False, kw_only=True)
class Scores:
    """What is decided about n applications, one element each.

    `probability_of_default` lies between 0 and 1, `score` is in points (higher is safer). The codes are places in
    `band_names`, DECISIONS and `reason_names`; `reason_codes` has shape (n, 4), strongest first, -1 for none.
    """

    probability_of_default: NDArray[np.float64]
    score: NDArray[np.int32]
    band_codes: NDArray[np.int8]
    decision_codes: NDArray[np.int8]
    reason_codes: NDArray[np.int8]
    band_names: tuple[str, ...]
    reason_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.score)

    @property
    def band(self) -> NDArray[np.object_]:
        """The name of each row's band, shape (n,)."""
        return np.array(self.band_names, dtype=object)[self.band_codes]

    @property
    def decision(self) -> NDArray[np.object_]:
        """`approve`, `refer` or `decline` for each row, shape (n,)."""
        return np.array(DECISIONS, dtype=object)[self.decision_codes]

    def reasons(self, row: int) -> list[str]:
        """The reason codes of one row by name, strongest first."""
        return [self.reason_names[index] for index in self.reason_codes[row].tolist() if index != NO_REASON]

    def to_frame(self) -> polars.DataFrame:
        """The columns of the warehouse's `scores` that scoring fills, in the order of the rows."""
        return polars.DataFrame(
            {
                "probability_of_default": self.probability_of_default,
                "score": self.score,
                "band": _repeated(polars.Series(self.band_names), self.band_codes),
                "decision": _repeated(polars.Series(DECISIONS), self.decision_codes),
                "reason_codes": _reason_series(self.reason_codes, self.reason_names),
            }
        )


@dataclass(frozen=True, slots=True)
class Score:
    """What is decided about one application; the fields are those of `Scores`, by name."""

    probability_of_default: float
    score: int
    band: str
    decision: str
    reason_codes: tuple[str, ...]


class Scorer:
    """Scores applications with a trained model; `contract` has to be the one it was trained for."""

    def __init__(self, model: Model, contract: Contract) -> None:
        scorecard = model.scorecard
        self._contract = contract
        self._bins = dict(zip((feature.name for feature in scorecard.features), scorecard.bins_, strict=True))
        self._points: tuple[NDArray[np.int32], ...] = scorecard.points_
        self._keys = reason_keys(scorecard.features, scorecard.points_)
        self._reason_names = tuple(code_of(feature) for feature in scorecard.features)
        # Probability, band and decision depend on the score alone: one table entry for each score that can occur.
        self._lowest = sum(int(points.min()) for points in self._points)
        scores = np.arange(self._lowest, sum(int(points.max()) for points in self._points) + 1)
        self._probability_of_default = scorecard.scale.probability_of_default(scores)
        self._band_names = model.policy.band_names
        self._band_codes = model.policy.band_codes(scores)
        self._decision_codes = model.policy.decision_codes(scores)
        # The same tables as plain lists, for `score_one`.
        self._derived = bool(contract.derived)
        self._tables = [
            (name, bins.code_of_one(), points.tolist(), keys.tolist())
            for (name, bins), points, keys in zip(self._bins.items(), self._points, self._keys, strict=True)
        ]
        self._probabilities: list[float] = self._probability_of_default.tolist()
        self._bands = [self._band_names[code] for code in self._band_codes]
        self._decisions = [DECISIONS[code] for code in self._decision_codes]

    def score(self, columns: Mapping[str, Column]) -> Scores:
        """Scores n applications given as the contract's field columns (see `schemas.columns`), each of shape (n,)."""
        codes = self._codes(columns)
        rows = len(codes[0])
        score = np.empty(rows, dtype=np.int32)
        reasons = np.empty((rows, MAX_REASONS), dtype=np.int8)
        for start in range(0, rows, BLOCK):
            block = slice(start, start + BLOCK)
            score[block] = sum(points[code[block]] for points, code in zip(self._points, codes, strict=True))
            reasons[block] = top_reasons(
                np.stack([keys[code[block]] for keys, code in zip(self._keys, codes, strict=True)])
            )
        place = score - self._lowest
        return Scores(
            probability_of_default=self._probability_of_default[place],
            score=score,
            band_codes=self._band_codes[place],
            decision_codes=self._decision_codes[place],
            reason_codes=reasons,
            band_names=self._band_names,
            reason_names=self._reason_names,
        )

    def score_one(self, values: Mapping[str, Any]) -> Score:
        """Scores one application given as the contract's fields by name, None for a missing value.

        The same tables give the same result to the bit as `score`; looked up one by one, they take a tenth of the time
        that NumPy needs for arrays of one element.
        """
        inputs = self._features_of_one(values) if self._derived else values
        score = 0
        lost = []
        for name, code_of_value, points, keys in self._tables:
            code = code_of_value(inputs[name])
            score += points[code]
            if keys[code]:
                lost.append(keys[code])
        lost.sort(reverse=True)
        place = score - self._lowest
        return Score(
            self._probabilities[place],
            score,
            self._bands[place],
            self._decisions[place],
            tuple([self._reason_names[ORDER_MASK - (key & ORDER_MASK)] for key in lost[:MAX_REASONS]]),
        )

    def points(self, columns: Mapping[str, Column]) -> NDArray[np.int32]:
        """The points of each row for each feature, shape (n, features): they add up to the score."""
        codes = self._codes(columns)
        return np.column_stack([points[code] for points, code in zip(self._points, codes, strict=True)])

    def _features_of_one(self, values: Mapping[str, Any]) -> dict[str, Any]:
        columns = columns_of_one(self._contract, values)
        return {name: column[0] for name, column in self._contract.features_of(columns).items()}

    def _codes(self, columns: Mapping[str, Column]) -> list[NDArray[np.intp]]:
        values = self._contract.features_of(columns)
        return [bins.codes(values[name]) for name, bins in self._bins.items()]


def _repeated(values: polars.Series, places: NDArray[np.integer]) -> polars.Series:
    return values.gather(polars.Series(places.astype(np.uint32)))


def _reason_series(reason_codes: NDArray[np.int8], names: tuple[str, ...]) -> polars.Series:
    """Lists of names: each combination is written out once, then repeated for the rows that have it."""
    # One number for the four codes of a row; the highest, 128 ** 4 - 1, is within int32.
    base = len(names) + 1
    packed = np.zeros(len(reason_codes), dtype=np.int32)
    for codes in reason_codes.T:
        packed = packed * base + (codes + 1)
    distinct = np.unique(packed)
    digits = distinct[:, np.newaxis] // base ** np.arange(MAX_REASONS)[::-1] % base
    lists = [[names[digit - 1] for digit in row if digit] for row in digits.tolist()]
    return _repeated(polars.Series(lists, dtype=polars.List(polars.String)), np.searchsorted(distinct, packed))
