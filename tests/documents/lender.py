"""Files of a lender as the guide on portfolios describes them: generated, in the form of LendingClub's."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars

# Months to train on, and those that the guide scores.
MONTHS = (*(date(2010, month, 1) for month in range(7, 13)), *(date(2011, month, 1) for month in (1, 2, 12)))
ROWS = 300


def write_loans(home: Path) -> None:
    """Writes landing files, and outcomes of all their rows a year later."""
    (home / "landing").mkdir(parents=True)
    loans = {month: _loans(month) for month in MONTHS}
    for month, rows in loans.items():
        rows.drop("defaulted").write_csv(home / "landing" / f"applications_{month}.csv")
    outcomes = (
        rows.select("application_id", "defaulted", observed_on=polars.lit(month + timedelta(days=365)))
        for month, rows in loans.items()
    )
    polars.concat(outcomes).write_csv(home / "outcomes.csv")


def _loans(month: date) -> polars.DataFrame:
    generator = np.random.default_rng(month.toordinal())
    grade = generator.integers(1, 36, ROWS)
    income = np.round(generator.lognormal(11, 0.5, ROWS), 2).tolist()
    known = generator.random(ROWS) > 0.05
    return polars.DataFrame(
        {
            "application_id": [f"{month:%Y%m}-{number:04}" for number in range(ROWS)],
            "application_date": [month] * ROWS,
            "annual_income": [value if here else None for value, here in zip(income, known, strict=True)],
            "loan_amount": generator.integers(1, 60, ROWS) * 500,
            "employment_length": generator.integers(0, 11, ROWS),
            "credit_history": np.round(generator.uniform(1, 30, ROWS), 2),
            "sub_grade": grade,
            "debt_to_income": np.round(generator.uniform(0, 30, ROWS), 2),
            "revolving_utilisation": np.round(generator.uniform(0, 1, ROWS), 3),
            "home_ownership": generator.choice(["RENT", "MORTGAGE", "OWN"], ROWS),
            "purpose": generator.choice(["car", "house", "credit_card"], ROWS),
            "defaulted": (generator.random(ROWS) < grade / 60).astype(int),
        }
    )
