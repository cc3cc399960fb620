"""The applicants: how their values hang together, and how likely each of them is to default."""

import numpy as np
import polars
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Share of applicants who come through the mobile app, whose users are young.
APP_SHARE = 0.15
MISSING_EMPLOYMENT_SHARE = 0.04


def draw_applicants(size: int, random: np.random.Generator, app_share: float = APP_SHARE) -> polars.DataFrame:
    """`size` applicants: the contract's five columns, `probability_of_default` in (0, 1) and `defaulted` (0 or 1).

    About 4 % of `employment_length` is null. The probability follows the true length, which the null only hides.
    """
    age = _draw_age(size, random, app_share)
    employment_length = np.round((age - 18) * random.beta(0.9, 2.1, size), 1)
    income = _draw_income(age, employment_length, random)
    loan_amount = _draw_loan_amount(income, random)
    credit_score = _draw_credit_score(age, employment_length, income, random)
    probability = probability_of_default(age, income, loan_amount, employment_length, credit_score)
    hidden = random.random(size) < MISSING_EMPLOYMENT_SHARE
    return polars.DataFrame(
        {
            "age": age.astype(np.int64),
            "income": income.astype(np.int64),
            "loan_amount": loan_amount.astype(np.int64),
            "employment_length": np.where(hidden, np.nan, employment_length),
            "credit_score": credit_score.astype(np.int64),
            "probability_of_default": probability,
            "defaulted": (random.random(size) < probability).astype(np.int8),
        }
    ).with_columns(polars.col("employment_length").fill_nan(None))


def probability_of_default(
    age: Floats, income: Floats, loan_amount: Floats, employment_length: Floats, credit_score: Floats
) -> Floats:
    """The known truth of the sample, in (0, 1): `1 / (1 + exp(-z))`, with years, EUR and points as in the contract and

    z = -2.50 - 0.0115 (credit_score - 660) - 0.55 ln(income / 34,000) + 0.85 ln(loan_amount / 7,000)
        - 0.05 (min(employment_length, 15) - 5) - 0.012 (age - 38)
    """
    z = (
        -2.50
        - 0.0115 * (credit_score - 660)
        - 0.55 * np.log(income / 34_000)
        + 0.85 * np.log(loan_amount / 7_000)
        - 0.05 * (np.minimum(employment_length, 15) - 5)
        - 0.012 * (age - 38)
    )
    probability: Floats = 1 / (1 + np.exp(-z))
    return probability


def _draw_age(size: int, random: np.random.Generator, app_share: float) -> Floats:
    """Whole years from 18 to 75: mostly 25 to 55, through the app mostly 19 to 27."""
    everyone = 18 + 58 * random.beta(2.0, 3.2, size)
    app_users = 18 + 16 * random.beta(1.3, 2.6, size)
    age: Floats = np.floor(np.where(random.random(size) < app_share, app_users, everyone))
    return age


def _draw_income(age: Floats, employment_length: Floats, random: np.random.Generator) -> Floats:
    """EUR/year, lognormal around a level that grows until 55 and with the time at one employer; to the next 100."""
    level = np.log(24_500) + 0.013 * np.minimum(age - 18, 37) + 0.010 * np.minimum(employment_length, 20)
    income = np.exp(level + random.normal(0, 0.36, age.size))
    return _bounded(income, 6_000, 400_000, -2)


def _draw_loan_amount(income: Floats, random: np.random.Generator) -> Floats:
    """EUR, lognormal; less than proportional to income, since express loans pay for much the same things."""
    amount = 6_500 * (income / 34_000) ** 0.6 * np.exp(random.normal(0, 0.62, income.size))
    return _bounded(amount, 500, 75_000, -2)


def _draw_credit_score(age: Floats, employment_length: Floats, income: Floats, random: np.random.Generator) -> Floats:
    """Points from 300 to 850: a long life, a steady job and a good income go with a good history."""
    level = 655 + 0.9 * (age - 38) + 2.0 * (np.minimum(employment_length, 15) - 5) + 40 * np.log(income / 34_000)
    return _bounded(level + random.normal(0, 62, age.size), 300, 850, 0)


def _bounded(values: Floats, low: float, high: float, decimals: int) -> Floats:
    return np.minimum(np.maximum(values, low), high).round(decimals)
