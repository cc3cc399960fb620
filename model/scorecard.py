"""The points scorecard as a scikit-learn estimator: bins, weight of evidence, logistic regression, integer points."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from model.binning import Bins, fit_bins
from model.points import Scale, WoeRegression, fit_regression, integer_points
from model.woe import BinCounts, count_bins, weight_of_evidence
from schemas.contract import Feature


@dataclass(frozen=True)
class ScorecardRow:
    """One bin of the scorecard with what training saw in it; `default_rate` is None for an empty bin."""

    feature: str
    bin: str
    rows: int
    default_rate: float | None
    weight_of_evidence: float
    points: int


class Scorecard(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn publishes no types
    """Points for each bin of each feature; a row's score is the sum of its points, and higher is safer.

    The probability of default is a function of that integer score alone (see `model.points.Scale`). Scaling and weight
    of evidence after Siddiqi, "Credit Risk Scorecards" (2006), chapter 6.
    """

    classes_: NDArray[np.int64]
    bins_: tuple[Bins, ...]
    counts_: tuple[BinCounts, ...]
    woe_: tuple[NDArray[np.float64], ...]
    regression_: WoeRegression
    points_: tuple[NDArray[np.int32], ...]

    def __init__(
        self,
        *,
        features: tuple[Feature, ...] = (),
        base_score: int = 600,
        base_odds: float = 50.0,
        pdo: int = 20,
        max_bins: int = 8,
        min_bin_share: float = 0.02,
    ) -> None:
        self.features = features
        self.base_score = base_score
        self.base_odds = base_odds
        self.pdo = pdo
        self.max_bins = max_bins
        self.min_bin_share = min_bin_share

    @property
    def scale(self) -> Scale:
        """How points translate to probability."""
        return Scale(self.base_score, self.base_odds, self.pdo)

    def fit(self, X: Any, y: ArrayLike) -> Self:  # noqa: N803 - scikit-learn's names
        """Fit on columns `X[name]` (see `schemas.columns`) and `y`, 1 for default, shape (n,).

        Raises ValueError without features, or unless `y` holds both 0 and 1.
        """
        defaulted = _outcomes(y)
        if not self.features:
            raise ValueError("a scorecard needs features; pass features=contract.features")
        columns = [np.asarray(X[feature.name]) for feature in self.features]
        self.classes_ = np.array([0, 1])
        self.bins_ = tuple(
            fit_bins(feature, values, defaulted, self.max_bins, self.min_bin_share)
            for feature, values in zip(self.features, columns, strict=True)
        )
        codes = [bins.codes(values) for bins, values in zip(self.bins_, columns, strict=True)]
        self.counts_ = tuple(
            count_bins(code, defaulted, bins.size) for code, bins in zip(codes, self.bins_, strict=True)
        )
        self.woe_ = tuple(weight_of_evidence(counts) for counts in self.counts_)
        self.regression_ = fit_regression(codes, self.woe_, defaulted)
        self.points_ = integer_points(codes, self.woe_, self.regression_, self.scale, float(defaulted.mean()))
        return self

    def bin_codes(self, X: Any) -> NDArray[np.int16]:  # noqa: N803 - scikit-learn's names
        """The bin of each row in each feature, shape (n, features), counted from 0 in the order of `table`."""
        return np.column_stack([code.astype(np.int16) for code in self._codes(X)])

    def points(self, X: Any) -> NDArray[np.int32]:  # noqa: N803 - scikit-learn's names
        """The points of each row for each feature, shape (n, features); their sum is the score."""
        codes = self._codes(X)
        return np.column_stack([points[code] for points, code in zip(self.points_, codes, strict=True)])

    def predict_proba(self, X: Any) -> NDArray[np.float64]:  # noqa: N803 - scikit-learn's names
        """Probabilities of no default and of default, shape (n, 2)."""
        probability = self.scale.probability_of_default(self.points(X).sum(axis=1))
        return np.column_stack([1 - probability, probability])

    def predict(self, X: Any) -> NDArray[np.int64]:  # noqa: N803 - scikit-learn's names
        """1 where default is the likelier outcome, else 0, shape (n,)."""
        return (self.predict_proba(X)[:, 1] > 0.5).astype(np.int64)

    def table(self) -> list[ScorecardRow]:
        """The whole scorecard, feature by feature and bin by bin."""
        check_is_fitted(self)
        parts = zip(self.features, self.bins_, self.counts_, self.woe_, self.points_, strict=True)
        return [
            ScorecardRow(
                feature=feature.name,
                bin=label,
                rows=int(counts.rows[code]),
                default_rate=counts.default_rate(code),
                weight_of_evidence=float(woe[code]),
                points=int(points[code]),
            )
            for feature, bins, counts, woe, points in parts
            for code, label in enumerate(bins.labels)
        ]

    def _codes(self, X: Any) -> Sequence[NDArray[np.intp]]:  # noqa: N803 - scikit-learn's names
        check_is_fitted(self)
        return [
            bins.codes(np.asarray(X[feature.name])) for feature, bins in zip(self.features, self.bins_, strict=True)
        ]


def _outcomes(y: ArrayLike) -> NDArray[np.int8]:
    outcomes = np.asarray(y)
    if not np.array_equal(np.unique(outcomes), [0, 1]):
        raise ValueError("y has to hold 0 (repaid) and 1 (default), and both of them")
    return outcomes.astype(np.int8)
