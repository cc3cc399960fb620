from itertools import pairwise

import msgspec
import numpy as np
import polars
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from schemas.application import Application
from schemas.sample.population import draw_applicants, probability_of_default

FIELDS = list(Application.__struct_fields__)


@pytest.fixture(scope="module")
def applicants() -> polars.DataFrame:
    return draw_applicants(40_000, np.random.default_rng(5))


def default_rates(applicants: polars.DataFrame, field: str) -> list[float]:
    """The default rate in each quarter of the applicants, by rising value of `field`."""
    ranked = applicants.drop_nulls().sort(field)
    size = ranked.height // 4
    return [float(np.mean(ranked["defaulted"].slice(quarter * size, size).to_numpy())) for quarter in range(4)]


def test_every_applicant_keeps_the_contract(applicants: polars.DataFrame) -> None:
    kept = msgspec.convert(applicants.select(FIELDS).to_dicts(), list[Application])
    assert len(kept) == 40_000
    assert 18 == applicants["age"].to_numpy().min() < 70 < applicants["age"].to_numpy().max() <= 75


def test_nobody_has_worked_for_longer_than_since_the_age_of_18(applicants: polars.DataFrame) -> None:
    assert applicants.filter(polars.col("employment_length") > polars.col("age") - 18).is_empty()


def test_about_four_percent_of_employment_lengths_are_missing_and_nothing_else(applicants: polars.DataFrame) -> None:
    shares = {name: applicants[name].null_count() / applicants.height for name in FIELDS}
    assert shares.pop("employment_length") == pytest.approx(0.04, abs=0.005)
    assert set(shares.values()) == {0.0}


def test_amounts_are_rounded_to_hundreds(applicants: polars.DataFrame) -> None:
    assert applicants.filter((polars.col("income") % 100 != 0) | (polars.col("loan_amount") % 100 != 0)).is_empty()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("age", "income"),
        ("employment_length", "income"),
        ("income", "loan_amount"),
        ("age", "employment_length"),
        ("age", "credit_score"),
        ("employment_length", "credit_score"),
        ("income", "credit_score"),
    ],
)
def test_values_hang_together(applicants: polars.DataFrame, one: str, other: str) -> None:
    known = applicants.drop_nulls()
    assert 0.15 < np.corrcoef(known[one].to_numpy(), known[other].to_numpy())[0, 1] < 0.7


@pytest.mark.parametrize("field", ["age", "income", "employment_length", "credit_score"])
def test_the_default_rate_falls_where_the_contract_says_so(applicants: polars.DataFrame, field: str) -> None:
    assert all(low > high for low, high in pairwise(default_rates(applicants, field)))


def test_the_default_rate_rises_with_the_loan_amount(applicants: polars.DataFrame) -> None:
    assert all(low < high for low, high in pairwise(default_rates(applicants, "loan_amount")))


def test_outcomes_are_drawn_from_the_known_probability(applicants: polars.DataFrame) -> None:
    ranked = applicants.sort("probability_of_default")
    for tenth in ranked.iter_slices(4_000):
        # Four standard errors: a tenth strays further once in 16,000 draws.
        expected = float(np.mean(tenth["probability_of_default"].to_numpy()))
        assert np.mean(tenth["defaulted"].to_numpy()) == pytest.approx(expected, abs=4 * (expected / 4_000) ** 0.5)


def test_about_one_in_nine_defaults_and_the_known_probability_tells_whom(applicants: polars.DataFrame) -> None:
    assert 0.10 < np.mean(applicants["defaulted"].to_numpy()) < 0.12
    assert 0.72 < roc_auc_score(applicants["defaulted"], applicants["probability_of_default"]) < 0.82


def test_a_plain_logistic_regression_learns_most_of_it(applicants: polars.DataFrame) -> None:
    columns = applicants.with_columns(polars.col("employment_length").fill_null(4.0))
    train, test = columns.head(20_000), columns.tail(20_000)
    fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(train.select(FIELDS), train["defaulted"])
    assert roc_auc_score(test["defaulted"], fitted.predict_proba(test.select(FIELDS))[:, 1]) > 0.73


def test_the_probability_follows_the_documented_formula() -> None:
    reference = [np.array([value]) for value in (38.0, 34_000.0, 7_000.0, 5.0, 660.0)]
    assert probability_of_default(*reference) == pytest.approx(1 / (1 + np.exp(2.50)))
