from typing import Any

import numpy as np
import pytest
from scipy.stats import ks_2samp
from sklearn.metrics import brier_score_loss, roc_auc_score

from model.performance import Measure, auc_delong, calibration_by_band, performance_of, wilson


def sample(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    # Rounded to two digits: ties between the classes are common.
    probability = random.beta(1, 5, rows).round(2)
    return probability, (random.random(rows) < probability).astype(np.int8)


def test_figures_are_those_of_scikit_learn_and_scipy() -> None:
    probability, defaulted = sample(2_000)
    found = performance_of(probability, defaulted)
    auc = roc_auc_score(defaulted, probability)
    assert found.auc.value == pytest.approx(auc)
    assert found.gini.value == pytest.approx(2 * auc - 1)
    assert found.ks.value == pytest.approx(ks_2samp(probability[defaulted == 1], probability[defaulted == 0]).statistic)
    assert found.brier.value == pytest.approx(brier_score_loss(defaulted, probability))
    assert (found.rows, found.defaults) == (2_000, defaulted.sum())


def test_the_delong_interval_is_the_published_formula() -> None:
    # By hand: defaults at 3 and 1, goods at 2 and 0. A default beats 2 and 1 goods of 2, goods are beaten by 1 and 2.
    found = auc_delong(np.array([3.0, 1.0]), np.array([2.0, 0.0]))
    assert found.value == pytest.approx(0.75)
    # Both classes have components 1 and 0.5, of variance 0.125: the error is sqrt(0.125 / 2 + 0.125 / 2).
    assert found.low == pytest.approx(0.75 - 1.96 * np.sqrt(0.125), abs=1e-4)
    assert found.high == 1


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    probability, defaulted = sample(400_000)
    truth = performance_of(probability, defaulted)
    held = np.zeros(3)
    for seed in range(200):
        found = performance_of(*sample(500, seed + 1), seed)
        for place, (part, whole) in enumerate(
            [(found.auc, truth.auc), (found.gini, truth.gini), (found.brier, truth.brier)]
        ):
            assert part.low is not None
            assert part.high is not None
            assert whole.value is not None
            held[place] += part.low <= whole.value <= part.high
    # 95 % of 200, give or take three standard errors.
    assert held == pytest.approx([190] * 3, abs=9.5)


def test_the_bootstrap_is_seeded() -> None:
    probability, defaulted = sample(500)
    first, again, other = (performance_of(probability, defaulted, seed).ks for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert first.low is not None
    assert first.high is not None
    assert first.value is not None
    assert first.low < first.value < first.high


@pytest.mark.parametrize("outcome", [0, 1])
def test_one_class_alone_says_nothing_of_discrimination(outcome: Any) -> None:
    found = performance_of(np.array([0.1, 0.2, 0.4]), np.full(3, outcome))
    assert found.auc == found.gini == found.ks == Measure()
    assert found.brier.value is not None


def test_no_outcomes_say_nothing() -> None:
    found = performance_of(np.array([]), np.array([], dtype=int))
    assert found.auc == found.gini == found.ks == found.brier == Measure()
    assert (found.rows, found.defaults) == (0, 0)


def test_a_single_row_of_a_class_has_no_interval() -> None:
    found = performance_of(np.array([0.9, 0.2, 0.4]), np.array([1, 0, 0]))
    assert found.auc == Measure(1.0)
    assert performance_of(np.array([0.5]), np.array([1])).brier == Measure(0.25)


def test_wilson_is_the_textbook_interval() -> None:
    # Agresti and Coull (1998): no success in ten trials gives 0 to 0.2775.
    found = wilson(0, 10)
    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx(0.2775, abs=1e-4)
    assert wilson(0, 0) == Measure()


def test_calibration_sets_expected_beside_observed_and_keeps_empty_bands() -> None:
    bands = np.array(["A", "B", "A", "B"], dtype=object)
    first, second, empty = calibration_by_band(
        ("A", "B", "C"), bands, np.array([0.1, 0.4, 0.3, 0.6]), np.array([0, 1, 0, 0])
    )
    assert (first.rows, first.expected, first.observed.value) == (2, 0.2, 0.0)
    assert (second.rows, second.expected, second.observed.value) == (2, 0.5, 0.5)
    assert (empty.rows, empty.expected, empty.observed) == (0, None, Measure())
