from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from sklearn.metrics import auc, brier_score_loss, roc_auc_score

from model.estimation import EstimatedPerformance, estimated_performance, grouped_auc, grouped_ks
from model.performance import Measure


def probabilities(rows: int, seed: int, digits: int = 2) -> np.ndarray:
    """Rounded to two digits, ties are common; to sixteen, there are none."""
    return np.random.default_rng(seed).beta(1, 5, rows).round(digits).clip(0.001, 0.999)


def estimate(by_row: np.ndarray, seed: int = 0) -> EstimatedPerformance:
    distinct, rows = np.unique(by_row, return_counts=True)
    return estimated_performance(distinct, rows, seed)


def outcomes(by_row: np.ndarray, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).random(len(by_row)) < by_row).astype(np.int8)


def values(found: EstimatedPerformance) -> list[Any]:
    return [part.value for part in (found.default_rate, found.auc, found.gini, found.ks, found.brier)]


def nannyml_today(by_row: np.ndarray, decimals: int = 5) -> float:
    """`estimate_roc_auc` since NannyML 0.10.5: expected counts down from the highest probability."""
    expected = np.sort(by_row)[::-1]
    true_positives = np.r_[0, np.cumsum(expected)].round(decimals)
    false_positives = np.r_[0, np.cumsum(1 - expected)].round(decimals)
    return float(auc(false_positives / false_positives[-1], true_positives / true_positives[-1]))


def nannyml_before(by_row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False and true positive rates of `estimate_roc_auc` up to NannyML 0.8.6, from the confusion matrix."""
    thresholds = np.sort(by_row)
    true_positives = np.cumsum(thresholds[::-1])[::-1]
    false_positives = np.cumsum(1 - thresholds[::-1])[::-1]
    false_negatives = np.cumsum(np.r_[0, thresholds[:-1]])
    true_negatives = np.cumsum(np.r_[0, 1 - thresholds[:-1]])
    first = np.diff(thresholds, prepend=-1) > 0
    true_rate = (true_positives / (true_positives + false_negatives))[first]
    return (false_positives / (false_positives + true_negatives))[first], true_rate


@pytest.mark.parametrize("digits", [1, 2, 16])
@pytest.mark.parametrize("rows", [2, 50, 3_000])
def test_the_auc_is_that_of_nannyml(rows: int, digits: int) -> None:
    by_row = probabilities(rows, 3, digits)
    found = estimate(by_row).auc.value
    assert found == pytest.approx(nannyml_today(by_row, decimals=15), abs=1e-9)
    # NannyML rounds its counts to five decimals, which shows where few rows make rates of them.
    assert found == pytest.approx(nannyml_today(by_row), abs=1e-4)
    # Its first curves ended at the highest probability and left out the corner down to (0, 0).
    false_rate, true_rate = nannyml_before(by_row)
    assert found == pytest.approx(auc(false_rate, true_rate) + false_rate[-1] * true_rate[-1] / 2, abs=1e-9)


@given(
    by_row=st.lists(st.floats(0.001, 0.999).map(lambda p: round(p, 2)), min_size=1, max_size=30).filter(
        lambda found: 0 < sum(found) < len(found)
    )
)
def test_the_auc_is_that_of_rows_counted_as_both_outcomes(by_row: list[float]) -> None:
    weights = np.array([*by_row, *(1 - p for p in by_row)])
    both = np.repeat([1, 0], len(by_row))
    expected = roc_auc_score(both, by_row * 2, sample_weight=weights)
    assert estimate(np.array(by_row)).auc.value == pytest.approx(expected, abs=1e-9)


def test_figures_worked_out_by_hand() -> None:
    # Three rows at 0.2 and one at 0.6: 0.6 bads and 2.4 goods below, 0.6 bads and 0.4 goods above.
    found = estimated_performance(np.array([0.6, 0.2]), np.array([1, 3]))
    area = (0.6 * 1.2 + 0.6 * (2.4 + 0.2)) / (1.2 * 2.8)
    spread = abs(0.6 / 1.2 - 2.4 / 2.8)
    assert values(found) == pytest.approx([0.3, area, 2 * area - 1, spread, (3 * 0.16 + 0.24) / 4])
    assert found.rows == 4


def test_grouped_figures_are_those_of_the_rows() -> None:
    by_row = probabilities(2_000, 1)
    defaulted = outcomes(by_row, 1)
    distinct, place = np.unique(by_row, return_inverse=True)
    bads = np.bincount(place[defaulted == 1], minlength=len(distinct)).astype(float)
    goods = np.bincount(place[defaulted == 0], minlength=len(distinct)).astype(float)
    assert grouped_auc(bads, goods) == pytest.approx(roc_auc_score(defaulted, by_row))
    assert grouped_ks(bads, goods) == pytest.approx(ks_2samp(by_row[defaulted == 1], by_row[defaulted == 0]).statistic)


def test_the_estimate_lies_close_to_what_comes_true() -> None:
    by_row = probabilities(100_000, 2)
    defaulted = outcomes(by_row, 2)
    found = estimate(by_row)
    # Within four standard errors, of 0.0023 for the AUC and less for the others.
    assert found.auc.value == pytest.approx(roc_auc_score(defaulted, by_row), abs=0.009)
    assert found.default_rate.value == pytest.approx(defaulted.mean(), abs=0.005)
    assert found.brier.value == pytest.approx(brier_score_loss(defaulted, by_row), abs=0.004)


@pytest.mark.parametrize("rows", [300, 2_000])
def test_intervals_hold_the_realised_figures_about_as_often_as_they_say(rows: int) -> None:
    held = np.zeros(4)
    for seed in range(200):
        by_row = probabilities(rows, seed)
        defaulted = outcomes(by_row, seed + 1_000)
        found = estimate(by_row, seed)
        realised = (
            defaulted.mean(),
            roc_auc_score(defaulted, by_row),
            ks_2samp(by_row[defaulted == 1], by_row[defaulted == 0], method="asymp").statistic,
            brier_score_loss(defaulted, by_row),
        )
        for place, part in enumerate((found.default_rate, found.auc, found.ks, found.brier)):
            assert part.low is not None
            assert part.high is not None
            held[place] += part.low <= realised[place] <= part.high
    # 95 % of 200, give or take three standard errors.
    assert held == pytest.approx([190] * 4, abs=9.5)


def test_chance_lifts_the_ks_of_scores_that_hardly_differ_above_its_value() -> None:
    found = estimated_performance(np.linspace(0.19, 0.21, 50), np.full(50, 10)).ks
    assert found.value is not None
    assert found.low is not None
    assert found.value < found.low


def test_wrong_probabilities_show_in_a_realised_rate_outside_the_interval() -> None:
    by_row = probabilities(5_000, 4)
    high = estimate(by_row).default_rate.high
    assert high is not None
    assert outcomes(np.minimum(1, by_row * 1.5), 4).mean() > high


def test_scores_with_one_probability_are_a_tie_and_their_order_does_not_matter() -> None:
    merged = estimated_performance(np.array([0.1, 0.3]), np.array([40, 60]))
    apart = estimated_performance(np.array([0.3, 0.1, 0.3, 0.1]), np.array([20, 0, 40, 40]))
    assert apart == merged


def test_the_draws_are_seeded() -> None:
    by_row = probabilities(500, 5)
    first, again, other = (estimate(by_row, seed) for seed in (1, 1, 2))
    assert first == again
    assert first.auc != other.auc
    assert values(first) == values(other)


@pytest.mark.parametrize("scores", [0, 2])
def test_no_rows_promise_nothing(scores: int) -> None:
    found = estimated_performance(np.full(scores, 0.2), np.zeros(scores, dtype=np.int64))
    assert found.rows == 0
    assert found.default_rate == found.auc == found.gini == found.ks == found.brier == Measure()


@pytest.mark.parametrize("certain", [0.0, 1.0])
def test_one_certain_outcome_alone_says_nothing_of_discrimination(certain: float) -> None:
    found = estimated_performance(np.array([certain]), np.array([50]))
    assert found.auc == found.gini == found.ks == Measure()
    assert found.default_rate == Measure(certain, certain, certain)
    assert found.brier == Measure(0.0, 0.0, 0.0)


def test_certain_outcomes_of_both_kinds_are_told_apart_for_sure() -> None:
    found = estimated_performance(np.array([0.0, 1.0]), np.array([30, 20]))
    assert found.auc == found.gini == found.ks == Measure(1.0, 1.0, 1.0)
    assert found.default_rate == Measure(0.4, 0.4, 0.4)


def test_one_score_cannot_discriminate() -> None:
    found = estimated_performance(np.array([0.2]), np.array([100]))
    assert found.auc == Measure(0.5, 0.5, 0.5)
    assert found.ks == Measure(0.0, 0.0, 0.0)
    low, high = found.default_rate.low, found.default_rate.high
    assert low is not None
    assert high is not None
    assert low < 0.2 < high


def test_one_row_never_holds_both_outcomes_and_has_no_interval() -> None:
    found = estimated_performance(np.array([0.3]), np.array([1]))
    assert (found.auc, found.ks) == (Measure(0.5), Measure(0.0))
    assert found.default_rate == Measure(0.3, 0.0, 1.0)
    # The row turns out good or bad: 0.3 squared or 0.7 squared.
    assert (found.brier.low, found.brier.high) == pytest.approx((0.09, 0.49))
