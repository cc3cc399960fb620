"""Homes with published days to analyse: loans of the default contract, and of one with categories."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars

from schemas.loading import load_contract
from schemas.settings import Settings
from tasks.project import Project
from tasks.train import train_model
from tests.body import run_day
from tests.flows.homes import landing_file, project_at
from tests.tasks.loans import DAYS, make_portfolio

LENDINGCLUB = "tests/contracts/lendingclub.py:LendingClub"
# The later half of the days: what is analysed.
PERIOD = DAYS[3:]
ROWS = 600
PURPOSES = ("car", "house", "wedding")


def drifted_home(home: Path) -> None:
    """A home whose later days have higher incomes and blank employment lengths; all its days are published."""
    make_portfolio(home)
    for day in PERIOD:
        loans = polars.read_csv(landing_file(home, day))
        blank = polars.when(polars.int_range(polars.len()) % 2 == 0).then("employment_length")
        loans.with_columns(polars.col("income") * 2, blank).write_csv(landing_file(home, day))
    _publish(project_at(home))


def lender_at(home: Path) -> Project:
    """The project of a home of `lender_home`."""
    return Project(Settings(home=str(home), contract=LENDINGCLUB), load_contract(LENDINGCLUB))


def lender_home(home: Path) -> None:
    """A home of the LendingClub contract, whose later days have a purpose that training has not seen."""
    (home / "landing").mkdir(parents=True)
    days = {day: _loans(day, np.random.default_rng(day.toordinal())) for day in DAYS}
    for day, loans in days.items():
        loans.drop("defaulted").write_csv(landing_file(home, day))
    outcomes = [
        loans.select("application_id", "defaulted", observed_on=polars.lit(day + timedelta(days=90)))
        for day, loans in days.items()
    ]
    polars.concat(outcomes).write_csv(home / "outcomes.csv")
    project = lender_at(home)
    train_model(project, str(home / "landing" / "*.csv"), home / "outcomes.csv", None)
    for day in PERIOD:
        _change(
            home, day, lambda rows: {"purpose": ["a <b>barge</b>" if row < rows / 5 else "car" for row in range(rows)]}
        )
    _publish(project)


def _change(home: Path, day: date, columns: Callable[[int], Mapping[str, list[str]]]) -> None:
    loans = polars.read_csv(landing_file(home, day))
    changed = {name: polars.Series(values) for name, values in columns(loans.height).items()}
    loans.with_columns(**changed).write_csv(landing_file(home, day))


def _publish(project: Project) -> None:
    for day in DAYS:
        run_day(project, day)


def _loans(day: date, generator: np.random.Generator) -> polars.DataFrame:
    grade = generator.integers(1, 36, ROWS)
    income = np.round(generator.lognormal(11, 0.5, ROWS), 2)
    return polars.DataFrame(
        {
            "application_id": [f"{day}-{number}" for number in range(ROWS)],
            "annual_income": [
                None if blank else value
                for value, blank in zip(income.tolist(), generator.random(ROWS) < 0.1, strict=True)
            ],
            "loan_amount": np.round(generator.uniform(500, 30_000, ROWS)),
            "employment_length": generator.integers(0, 11, ROWS),
            "credit_history": np.round(generator.uniform(1, 30, ROWS), 1),
            "sub_grade": grade,
            "debt_to_income": np.round(generator.uniform(0, 30, ROWS), 1),
            "revolving_utilisation": np.round(generator.uniform(0, 1, ROWS), 3),
            "home_ownership": generator.choice(["RENT", "MORTGAGE", "OWN"], ROWS),
            "purpose": generator.choice(PURPOSES, ROWS),
            "defaulted": (generator.random(ROWS) < grade / 60).astype(int),
        }
    )
