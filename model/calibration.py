"""Recalibration: two numbers that bring probabilities of default back in line with outcomes, their order unchanged."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

# Rows of each outcome below which two numbers cannot be told from noise.
MIN_OUTCOMES = 20
# The log-odds of 0 and 1 are infinite; from here on (27.6 either way) a probability counts as certain.
CERTAIN = 1e-12


@dataclass(frozen=True)
class Calibration:
    """ln(odds of default) = intercept + slope * ln(odds of the probability given).

    With slope 1 the intercept says how much too low (above 0) or too high all odds were; a slope below 1 says that the
    probabilities were too far apart, above 1 too close together.
    """

    intercept: float
    slope: float

    def calibrated(self, probability_of_default: NDArray[np.float64]) -> NDArray[np.float64]:
        """The calibrated probability of each one in `probability_of_default`, in its shape, from 0 to 1."""
        found: NDArray[np.float64] = expit(self.intercept + self.slope * _log_odds(probability_of_default))
        return found


NOT_RECALIBRATED = Calibration(0.0, 1.0)


def fit_calibration(probability_of_default: NDArray[np.float64], defaulted: NDArray[np.integer]) -> Calibration:
    """Logistic recalibration on outcomes (1 for default): Cox, Biometrika 45 (1958); both arrays have shape (n,).

    NOT_RECALIBRATED where the data cannot tell: fewer than MIN_OUTCOMES rows of either outcome, log-odds that are
    constant or separate the outcomes completely (no finite slope fits best then), or a slope that is not positive,
    which would turn the order of risk around.
    """
    log_odds = _log_odds(probability_of_default)
    if not _can_tell(log_odds[defaulted == 1], log_odds[defaulted == 0]):
        return NOT_RECALIBRATED
    fitted = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10).fit(log_odds[:, np.newaxis], defaulted)
    slope = _rounded(fitted.coef_[0, 0])
    return Calibration(_rounded(fitted.intercept_[0]), slope) if slope > 0 else NOT_RECALIBRATED


def _can_tell(bads: NDArray[np.float64], goods: NDArray[np.float64]) -> bool:
    if min(len(bads), len(goods)) < MIN_OUTCOMES:
        return False
    # The likelihood has a maximum only if the outcomes overlap; constant log-odds do not overlap either.
    return bool(bads.min() < goods.max() and goods.min() < bads.max())


def _log_odds(probability_of_default: NDArray[np.float64]) -> NDArray[np.float64]:
    log_odds: NDArray[np.float64] = logit(np.clip(probability_of_default, CERTAIN, 1 - CERTAIN))
    return log_odds


def _rounded(number: float) -> float:
    # The last bits depend on the linear algebra library, and models are compared by hash; adding 0 turns -0 into 0.
    return round(float(number), 6) + 0.0
