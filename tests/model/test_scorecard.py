from typing import Any

import numpy as np
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score

from model.binning import NumericBins
from model.points import Scale
from model.scorecard import Scorecard
from tests.model.portfolio import BORROWER, Portfolio, make_portfolio


def test_points_double_the_odds_as_the_scale_says() -> None:
    scale = Scale(base_score=600, base_odds=50.0, pdo=20)
    probability = scale.probability_of_default([580, 600, 620])
    assert (1 - probability) / probability == pytest.approx([25, 50, 100])
    assert scale.score(float(np.log(100))) == pytest.approx(620)


def test_it_is_a_scikit_learn_estimator(portfolio: Portfolio, scorecard: Scorecard) -> None:
    copy = clone(scorecard)
    assert copy.get_params() == scorecard.get_params()
    with pytest.raises(NotFittedError):
        copy.predict(portfolio.features)
    assert copy.set_params(pdo=40).pdo == 40
    assert scorecard.score(portfolio.features, portfolio.defaulted) > 0.7


def test_dictionaries_polars_and_pandas_frames_give_the_same_probabilities(
    portfolio: Portfolio, scorecard: Scorecard
) -> None:
    columns = portfolio.features
    expected = scorecard.predict_proba(columns)
    assert np.array_equal(scorecard.predict_proba(polars.DataFrame(columns)), expected)
    assert np.array_equal(scorecard.predict_proba(polars.DataFrame(columns).to_pandas()), expected)
    assert expected.sum(axis=1) == pytest.approx(1)


def test_mean_probability_on_the_training_rows_is_their_default_rate(
    portfolio: Portfolio, scorecard: Scorecard
) -> None:
    mean = scorecard.predict_proba(portfolio.features)[:, 1].mean()
    # One point is 3.5 % of the odds; the spread of the intercept has to do clearly better than rounding it.
    assert mean == pytest.approx(portfolio.defaulted.mean(), rel=0.01)


def test_rounding_to_points_costs_no_discrimination(portfolio: Portfolio, scorecard: Scorecard) -> None:
    codes = scorecard.bin_codes(portfolio.features)
    weights = zip(scorecard.regression_.coefficients, scorecard.woe_, codes.T, strict=True)
    unrounded = -sum(coefficient * woe[code] for coefficient, woe, code in weights)
    rounded = scorecard.predict_proba(portfolio.features)[:, 1]
    lost = roc_auc_score(portfolio.defaulted, unrounded) - roc_auc_score(portfolio.defaulted, rounded)
    assert abs(lost) < 0.002


def test_the_table_has_a_record_for_each_bin_and_accounts_for_every_row(
    portfolio: Portfolio, scorecard: Scorecard
) -> None:
    table = scorecard.table()
    rows = len(portfolio.defaulted)
    for feature, bins in zip(BORROWER.features, scorecard.bins_, strict=True):
        own = [record for record in table if record.feature == feature.name]
        assert [record.bin for record in own] == list(bins.labels)
        assert sum(record.rows for record in own) == rows
        assert own[-1].bin == "missing"


def test_points_of_the_table_are_the_points_of_the_rows(portfolio: Portfolio, scorecard: Scorecard) -> None:
    first = scorecard.bin_codes(portfolio.features)[0]
    table = scorecard.table()
    by_feature = [[r.points for r in table if r.feature == feature.name] for feature in BORROWER.features]
    expected = [points[code] for points, code in zip(by_feature, first, strict=True)]
    assert scorecard.points(portfolio.features)[0].tolist() == expected


def test_a_feature_that_would_count_against_its_direction_gets_equal_points() -> None:
    # On its own the amount rises with risk; beside the burden that drives it, more of it makes a row safer.
    random = np.random.default_rng(0)
    burden = random.normal(size=4_000)
    amount = burden + 0.5 * random.normal(size=4_000)
    outcomes = (random.random(4_000) < 1 / (1 + np.exp(1.5 - 3 * burden + 1.5 * amount))).astype(int)
    features = tuple(feature for feature in BORROWER.features if feature.name in ("amount", "burden"))
    fitted = Scorecard(features=features).fit({"amount": amount, "burden": burden}, outcomes)
    assert fitted.regression_.coefficients[0] == 0
    assert np.ptp(fitted.woe_[0]) > 1
    assert np.ptp(fitted.points_[0]) == 0
    assert np.ptp(fitted.points_[1]) > 20


def test_features_of_noise_leave_the_portfolio_average() -> None:
    features = (BORROWER.features[0],)
    outcomes = np.tile([0, 0, 0, 1], 100)
    fitted = Scorecard(features=features).fit({"years": np.full(400, 30.0)}, outcomes)
    assert fitted.regression_.fitted is None
    assert fitted.predict_proba({"years": np.array([30.0, 99.0])})[:, 1] == pytest.approx([0.25, 0.25], abs=0.005)


def test_a_portfolio_that_separates_perfectly_has_finite_points() -> None:
    outcomes = np.repeat([0, 1], 200)
    fitted = Scorecard(features=BORROWER.features[2:3]).fit({"amount": np.arange(400.0)}, outcomes)
    assert np.abs(fitted.points_[0]).max() < 2_000
    assert fitted.score({"amount": np.arange(400.0)}, outcomes) == 1


@pytest.mark.parametrize("outcomes", [np.zeros(10), np.ones(10), np.arange(10), np.full(10, np.nan)])
def test_outcomes_have_to_be_zeros_and_ones(outcomes: Any) -> None:
    with pytest.raises(ValueError, match="both of them"):
        Scorecard(features=BORROWER.features).fit(make_portfolio(10).features, outcomes)


def test_a_scorecard_without_features_is_refused() -> None:
    with pytest.raises(ValueError, match="needs features"):
        Scorecard().fit({}, [0, 1])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(30, 1_500), pdo=st.sampled_from([5, 20, 60]))
def test_points_never_move_against_the_declared_direction(seed: int, rows: int, pdo: int) -> None:
    portfolio = make_portfolio(rows, seed)
    portfolio.defaulted[:2] = 0, 1
    fitted = Scorecard(features=BORROWER.features, pdo=pdo).fit(portfolio.features, portfolio.defaulted)
    for feature, bins, points in zip(BORROWER.features, fitted.bins_, fitted.points_, strict=True):
        if isinstance(bins, NumericBins):
            steps = np.diff(points[:-1])
            assert (steps <= 0).all() if feature.characteristic.risk == "rises" else (steps >= 0).all()
