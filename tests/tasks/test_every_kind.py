"""Every kind of field there is, monitored through days on which much of it is odd."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars
import pytest

from model.artifact import save_model
from model.champion import register
from schemas.columns import columns_of
from tasks.project import Project
from tasks.report import write_report
from tests.body import run_day
from tests.flows.homes import landing_file, query
from tests.tasks.batches import CONTRACT, new_project
from tests.tasks.models import quick_model

FIRST = date(2026, 6, 20)
ROWS = 600
FEATURES = {feature.name for feature in CONTRACT.features} | {"score"}


def draw(rows: int, seed: int) -> polars.DataFrame:
    """Applications for furniture loans."""
    random = np.random.default_rng(seed)
    days = random.integers(0, 1_000, rows).tolist()

    def some(values: Sequence[Any]) -> list[Any]:
        return [None if missing else value for value, missing in zip(values, random.random(rows) < 0.1, strict=True)]

    return polars.DataFrame(
        {
            "income": random.lognormal(10.3, 0.4, rows).round(2),
            "price": random.lognormal(7.3, 0.5, rows).clip(1, 50_000).round(2),
            "savings": some(random.lognormal(8, 1, rows).round(2).tolist()),
            "dependants": random.integers(0, 5, rows),
            "age": random.integers(18, 90, rows),
            "has_account": random.random(rows) < 0.5,
            "owns_home": some((random.random(rows) < 0.4).tolist()),
            "customer_since": [date(2020, 1, 1) + timedelta(days=day) for day in days],
            "due_on": some([date(2029, 1, 1) + timedelta(days=day) for day in days]),
            "region": random.choice(["north", "south", "overseas"], rows, p=[0.5, 0.4, 0.1]),
            "employer": some(random.choice(["Müller", "Rossi", "Smith"], rows).tolist()),
            "channel": ["web"] * rows,
        }
    )


# What is made of a day's applications.
DAYS: Sequence[dict[str, polars.Expr]] = (
    {},
    {},
    # Everything that may be missing is, and everything else is constant: twice, so that it is drift.
    *[
        {
            "income": polars.lit(30_000.0),
            "price": polars.lit(1_500.0),
            "dependants": polars.lit(0),
            "age": polars.lit(40),
            "has_account": polars.lit(value=True),
            "region": polars.lit("north"),
            **{name: polars.lit(None) for name in ("savings", "owns_home", "due_on", "employer")},
        }
    ]
    * 2,
    # One level is never sent again, and in place of another there are new ones.
    {
        "region": polars.col("region").replace("overseas", "south"),
        "employer": polars.col("employer").replace({"Rossi": "Nuovo", "Smith": "A|`<b>"}),
    },
)


@pytest.fixture(scope="module")
def monitored(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """All days published, and after them one with a single application."""
    project = new_project(tmp_path_factory.mktemp("furniture"))
    home = project.settings.home_path
    frame = draw(1_000, seed=0)
    price, income = frame["price"].to_numpy(), frame["income"].to_numpy()
    model = quick_model(CONTRACT, columns_of(CONTRACT, frame), np.clip(2 * price / income, 0.05, 0.9))
    models = project.settings.path("models")
    register(models, save_model(models, model, "card").version)
    (home / "landing").mkdir()
    for number, odd in enumerate([*DAYS, {}]):
        day = FIRST + timedelta(days=number)
        rows = draw(ROWS if number < len(DAYS) else 1, seed=number + 1).with_columns(**odd)
        ids = polars.int_range(polars.len()).cast(polars.String)
        rows.with_columns(application_id=f"{day}-" + ids).write_csv(landing_file(home, day))
        run_day(project, day)
    return project


def test_every_feature_has_a_verdict_on_every_day(monitored: Project) -> None:
    question = (
        "SELECT batch_date, list(feature), bool_and(enough), max(row_count) FROM drift_verdicts GROUP BY 1 ORDER BY 1"
    )
    found = query(monitored.settings.home_path, question)
    assert len(found) == len(DAYS) + 1
    for _, features, enough, _ in found:
        assert (set(features), len(features), enough) == (FEATURES, len(FEATURES), True)
    # The single application is judged with those of the day before.
    assert [rows for *_, rows in found] == [ROWS] * len(DAYS) + [ROWS + 1]


def test_a_day_like_those_of_training_has_no_drift(monitored: Project) -> None:
    question = f"SELECT feature FROM drift_verdicts WHERE exceeded AND batch_date < '{FIRST + timedelta(days=2)}'"
    assert query(monitored.settings.home_path, question) == []


def test_constant_and_missing_values_are_drift_with_a_message(monitored: Project) -> None:
    question = (
        f"SELECT feature, message FROM drift_verdicts WHERE drifted AND batch_date = '{FIRST + timedelta(days=3)}'"
    )
    messages = dict(query(monitored.settings.home_path, question))
    assert set(messages) == FEATURES
    assert messages["income"].startswith("Income (income): PSI ")
    assert "EUR/year (limit" in messages["income"]
    assert "share of missing values changed by" in messages["savings"]
    assert "median" not in messages["savings"]
    assert "median" not in messages["region"]
    assert messages["term"].startswith("Term (term): ")
    assert messages["score"].startswith("The score: ")


def test_new_levels_are_named_with_their_rows(monitored: Project) -> None:
    home, of_day = monitored.settings.home_path, f"batch_date = '{FIRST + timedelta(days=4)}'"
    counted = f"SELECT count(*) FROM applications JOIN batches USING (batch_id) WHERE {of_day} AND employer ="
    ((new,),), ((odd,),) = query(home, f"{counted} 'Nuovo'"), query(home, f"{counted} 'A|`<b>'")
    ((said,),) = query(home, f"SELECT message FROM drift_verdicts WHERE feature = 'employer' AND {of_day}")
    assert f"'Nuovo' ({new} rows)" in said
    assert f"'A|`<b>' ({odd} rows)" in said
    unseen = f"SELECT value, message FROM quality WHERE monitor = 'unseen_share' AND subject = 'employer' AND {of_day}"
    ((share, levels),) = query(home, unseen)
    assert share == pytest.approx((new + odd) / ROWS)
    assert levels in said


def test_a_report_can_be_made_of_odd_days(monitored: Project) -> None:
    for number in (3, 5):
        note = write_report(monitored, FIRST + timedelta(days=number))
        assert set(note.compared) | set(note.left_out) == FEATURES
