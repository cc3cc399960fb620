from datetime import date

import numpy as np
import pytest

from model.trained import Model
from model.training import MIN_ROWS_OF_A_CLASS, MIN_TRAIN_ROWS, default_split, train
from schemas.errors import ModelError
from tests.model.portfolio import BORROWER, Portfolio, known, make_portfolio


def test_the_split_leaves_about_a_quarter_and_cuts_no_day(portfolio: Portfolio, model: Model) -> None:
    facts = model.training
    assert facts.train_rows + facts.test_rows == len(portfolio.dates)
    assert facts.test_rows / len(portfolio.dates) == pytest.approx(0.25, abs=0.02)
    assert facts.train_last_date < facts.before == facts.test_first_date


def test_the_model_is_fitted_on_the_earlier_rows_alone(portfolio: Portfolio, model: Model) -> None:
    earlier = portfolio.dates < np.datetime64(model.training.before)
    assert sum(row.rows for row in model.scorecard.table() if row.feature == "years") == earlier.sum()
    assert model.evaluation.train.defaults == portfolio.defaulted[earlier].sum()
    assert model.evaluation.test.defaults == portfolio.defaulted[~earlier].sum()
    assert model.reference["score"].counts.sum() == earlier.sum()
    assert set(model.reference) == {feature.name for feature in BORROWER.features} | {"score"}


def test_the_scorecard_keeps_up_with_gradient_boosting(model: Model) -> None:
    auc = known(model.evaluation.test.auc.value)
    assert auc > 0.65
    assert auc > known(model.evaluation.boosting.auc.value) - 0.02
    assert set(model.evaluation.boosting.settings) == {"learning_rate", "max_iter", "max_leaf_nodes", "monotonic"}


def test_groups_of_protected_features_account_for_every_test_row(model: Model) -> None:
    groups = model.evaluation.groups
    assert {group.feature for group in groups} == {"years"}
    assert sum(group.rows for group in groups) == model.training.test_rows


def test_the_default_split_takes_the_nearest_day() -> None:
    days = np.repeat(np.array(["2026-01-01", "2026-01-02", "2026-01-03"], dtype="datetime64[D]"), [70, 20, 10])
    # From the 2nd on 30 %, from the 3rd on 10 %: 30 is nearer to a quarter.
    assert default_split(days) == np.datetime64("2026-01-02")


def test_one_heavy_last_day_is_still_tested_on() -> None:
    days = np.repeat(np.array(["2026-01-01", "2026-01-02"], dtype="datetime64[D]"), [10, 90])
    assert default_split(days) == np.datetime64("2026-01-02")


def test_a_given_date_splits_there(portfolio: Portfolio) -> None:
    with pytest.raises(ModelError, match=r"no application with an outcome is left to test on.*earlier --before"):
        train(BORROWER, portfolio.columns, portfolio.defaulted, portfolio.dates, date(2027, 1, 1))
    with pytest.raises(ModelError, match=r"0 applications with an outcome lie before 2025-01-01.*later --before"):
        train(BORROWER, portfolio.columns, portfolio.defaulted, portfolio.dates, date(2025, 1, 1))


def test_what_cannot_be_trained_on_is_said() -> None:
    portfolio = make_portfolio(600)
    columns, outcomes, dates = portfolio.columns, portfolio.defaulted, portfolio.dates
    with pytest.raises(ModelError, match="span two dates"):
        train(BORROWER, columns, outcomes, np.full(600, np.datetime64("2026-01-01")))
    with pytest.raises(ModelError, match=r"0 defaulted and .* did not"):
        train(BORROWER, columns, np.zeros(600), dates)
    with pytest.raises(ModelError, match="have to be 0"):
        train(BORROWER, columns, np.full(600, np.nan), dates)
    with pytest.raises(ModelError, match="599 outcomes do not fit 600"):
        train(BORROWER, columns, outcomes[1:], dates)


def test_the_least_that_can_be_trained_on_is_and_one_row_less_is_not() -> None:
    rows = MIN_TRAIN_ROWS + 10
    portfolio = make_portfolio(rows)
    outcomes = (np.arange(rows) < MIN_ROWS_OF_A_CLASS).astype(int)
    dates = np.where(np.arange(rows) < MIN_TRAIN_ROWS, np.datetime64("2026-01-01"), np.datetime64("2026-01-02"))
    model = train(BORROWER, portfolio.columns, outcomes, dates, date(2026, 1, 2))
    # No default among the ten rows to test on.
    assert model.evaluation.test.auc.value is None
    assert model.evaluation.boosting.auc.value is None
    dates[MIN_TRAIN_ROWS - 1] = np.datetime64("2026-01-02")
    with pytest.raises(ModelError, match=f"needs {MIN_TRAIN_ROWS}"):
        train(BORROWER, portfolio.columns, outcomes, dates, date(2026, 1, 2))
