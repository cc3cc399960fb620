"""From weight of evidence to integer points, and from points to the probability of default."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.linear_model import LogisticRegression

Codes = Sequence[NDArray[np.intp]]
Weights = Sequence[NDArray[np.float64]]


@dataclass(frozen=True)
class Scale:
    """Points and odds: `base_odds` goods to one bad at `base_score`, and twice as many `pdo` points higher.

    Siddiqi, "Credit Risk Scorecards" (2006), chapter 6: score = offset + factor * ln(odds), factor = pdo / ln 2.
    """

    base_score: float
    base_odds: float
    pdo: float

    @property
    def factor(self) -> float:
        """Points for each unit of log-odds."""
        return self.pdo / float(np.log(2))

    def score(self, log_odds: float) -> float:
        """Points, not rounded, that natural log-odds of good to bad stand for."""
        return self.base_score + self.factor * (log_odds - float(np.log(self.base_odds)))

    def probability_of_default(self, score: ArrayLike) -> NDArray[np.float64]:
        """Between 0 and 1, in the shape of `score`: 1 / (1 + odds)."""
        exponent = (np.asarray(score, dtype=np.float64) - self.base_score) / self.pdo
        return 1 / (1 + self.base_odds * np.exp2(exponent))


@dataclass(frozen=True, eq=False)
class WoeRegression:
    """ln(odds of good to bad) = intercept + sum of coefficient * weight of evidence; dropped features have 0.

    `fitted` is the scikit-learn model behind the numbers, None if no feature was left in it.
    """

    intercept: float
    coefficients: tuple[float, ...]
    fitted: LogisticRegression | None


def fit_regression(codes: Codes, woe: Weights, defaulted: NDArray[np.int8]) -> WoeRegression:
    """Logistic regression of no default on the weight of evidence, one coefficient for each feature, none negative.

    A negative coefficient would turn a feature's bins against their own default rates, and with them the direction of
    risk that the contract declares. The worst such feature is dropped and the rest fitted again.
    """
    inputs = np.column_stack([weights[code] for weights, code in zip(woe, codes, strict=True)])
    good = 1 - defaulted
    active = np.flatnonzero(np.ptp(inputs, axis=0) > 0)
    while active.size:
        # Almost no penalty: enough to keep coefficients finite where a small portfolio separates perfectly.
        fitted = LogisticRegression(C=10.0, solver="newton-cholesky", max_iter=1000).fit(inputs[:, active], good)
        # Rounded, since the last bits depend on the linear algebra library, and models are compared by hash.
        fitted.coef_, fitted.intercept_ = np.round(fitted.coef_, 6), np.round(fitted.intercept_, 6)
        found = fitted.coef_[0]
        if found.min() > 0:
            coefficients = np.zeros(len(woe))
            coefficients[active] = found
            return WoeRegression(float(fitted.intercept_[0]), tuple(coefficients.tolist()), fitted)
        active = np.delete(active, np.argmin(found))
    return WoeRegression(float(np.log(good.sum() / defaulted.sum())), (0.0,) * len(woe), None)


def integer_points(
    codes: Codes, woe: Weights, regression: WoeRegression, scale: Scale, default_rate: float
) -> tuple[NDArray[np.int32], ...]:
    """Points of each bin of each feature; the intercept is spread evenly, so the points of a row add up to its score.

    Rounding moves the mean probability of default a little. Of 81 totals to spread, up to two points either side of
    the fitted intercept, that one is taken whose mean on the training rows comes closest to their `default_rate`.
    """
    exact = [scale.factor * c * weights for c, weights in zip(regression.coefficients, woe, strict=True)]
    intercept = scale.score(regression.intercept)

    def error(total: float) -> float:
        points = _rounded(exact, total)
        scores = np.sum([bin_points[code] for bin_points, code in zip(points, codes, strict=True)], axis=0)
        return abs(float(scale.probability_of_default(scores).mean()) - default_rate)

    return _rounded(exact, min((intercept + shift / 20 for shift in range(-40, 41)), key=error))


def _rounded(exact: Weights, total: float) -> tuple[NDArray[np.int32], ...]:
    # One shift for all bins of a feature, before rounding, keeps the order of its points.
    return tuple(np.floor(part + total / len(exact) + 0.5).astype(np.int32) for part in exact)
