import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from model.calibration import MIN_OUTCOMES, NOT_RECALIBRATED, Calibration, fit_calibration

PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=30).map(np.array)


def sample(rows: int, seed: int, truth: Calibration) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    # Whole points, 20 of which double the odds, as a scorecard gives them.
    probability = expit(random.normal(-58, 29, rows).round() * np.log(2) / 20)
    return probability, (random.random(rows) < truth.calibrated(probability)).astype(np.int8)


@pytest.mark.parametrize("truth", [Calibration(-0.4, 0.8), Calibration(0.5, 1.3), NOT_RECALIBRATED])
def test_a_known_distortion_is_found(truth: Calibration) -> None:
    found = fit_calibration(*sample(100_000, 1, truth))
    # About four standard errors with 10,000 defaults or more.
    assert found.slope == pytest.approx(truth.slope, abs=0.06)
    assert found.intercept == pytest.approx(truth.intercept, abs=0.1)


@given(seed=st.integers(0, 10_000), intercept=st.floats(-1, 1), slope=st.floats(0.5, 2))
def test_the_fit_solves_the_equations_of_the_likelihood(seed: int, intercept: float, slope: float) -> None:
    probability, defaulted = sample(2_000, seed, Calibration(intercept, slope))
    error = fit_calibration(probability, defaulted).calibrated(probability) - defaulted
    # Expected defaults are those observed, and what is left over does not go with the log-odds.
    assert error.mean() == pytest.approx(0, abs=1e-5)
    assert (error * logit(probability)).mean() == pytest.approx(0, abs=1e-5)


def test_what_is_calibrated_already_stays_as_it_is() -> None:
    probability, defaulted = sample(5_000, 2, Calibration(-0.4, 0.8))
    once = fit_calibration(probability, defaulted).calibrated(probability)
    again = fit_calibration(once, defaulted)
    assert (again.intercept, again.slope) == pytest.approx((0, 1), abs=1e-5)


def test_the_order_of_rows_does_not_show_in_the_rounded_numbers() -> None:
    probability, defaulted = sample(5_000, 3, Calibration(-0.4, 0.8))
    found = fit_calibration(probability, defaulted)
    assert found == fit_calibration(probability[::-1], defaulted[::-1])
    assert (round(found.intercept, 6), round(found.slope, 6)) == (found.intercept, found.slope)


@pytest.mark.parametrize("rare", [0, 1])
def test_too_few_rows_of_one_outcome_leave_probabilities_alone(rare: int) -> None:
    common = 1 - rare
    # Either outcome has both probabilities, the rare one mostly that on its own side.
    own, other = (0.3, 0.1) if rare else (0.1, 0.3)
    probability = np.array([own, other] * 100 + [own] * (MIN_OUTCOMES - 2) + [other] * 2)
    defaulted = np.array([common] * 200 + [rare] * MIN_OUTCOMES)
    assert fit_calibration(probability, defaulted).slope > 1
    assert fit_calibration(probability[:-1], defaulted[:-1]) == NOT_RECALIBRATED


def test_no_rows_leave_probabilities_alone() -> None:
    assert fit_calibration(np.array([]), np.array([], dtype=int)) == NOT_RECALIBRATED


def test_a_constant_probability_is_left_alone() -> None:
    assert fit_calibration(np.full(200, 0.2), np.arange(200) % 2) == NOT_RECALIBRATED


@pytest.mark.parametrize("risky", [0.2, 0.3])
@pytest.mark.parametrize("outcomes", [(0, 1), (1, 0)])
def test_outcomes_that_are_separated_completely_are_left_alone(risky: float, outcomes: tuple[int, int]) -> None:
    # With 0.2 both outcomes share one probability and still no finite slope fits best.
    probability = np.array([0.1] * 30 + [0.2] * 30 + [risky] * 30 + [0.4] * 30)
    assert fit_calibration(probability, np.repeat(outcomes, 60)) == NOT_RECALIBRATED


def test_a_slope_against_the_order_of_risk_is_not_taken() -> None:
    probability, defaulted = sample(5_000, 4, NOT_RECALIBRATED)
    assert fit_calibration(1 - probability, defaulted) == NOT_RECALIBRATED


def test_certain_probabilities_neither_break_the_fit_nor_come_out_as_nan() -> None:
    probability, defaulted = sample(5_000, 5, NOT_RECALIBRATED)
    probability[:2], defaulted[:2] = (0, 1), (0, 1)
    found = fit_calibration(probability, defaulted)
    assert found != NOT_RECALIBRATED
    low, high = found.calibrated(np.array([0.0, 1.0]))
    assert 0 <= low < 1e-6
    assert 1 - 1e-6 < high <= 1


@given(probability=PROBABILITIES)
def test_without_recalibration_probabilities_stay_what_they_were(probability: np.ndarray) -> None:
    assert NOT_RECALIBRATED.calibrated(probability) == pytest.approx(probability, abs=1e-11)


@given(probability=PROBABILITIES, intercept=st.floats(-3, 3), slope=st.floats(0.1, 3))
def test_calibrated_probabilities_are_probabilities_in_the_same_order(
    probability: np.ndarray, intercept: float, slope: float
) -> None:
    found = Calibration(intercept, slope).calibrated(np.sort(probability))
    assert np.all((found >= 0) & (found <= 1))
    assert np.all(np.diff(found) >= 0)
