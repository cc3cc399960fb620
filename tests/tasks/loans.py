"""Generated days of loans with their outcomes, a champion trained on them, and a second model to take its place."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars

from model.artifact import ModelVersion, save_model
from model.champion import CHAMPION, champion_identity, load_champion, promote, register
from schemas.application import Application
from schemas.sample.population import draw_applicants
from tasks.project import Project
from tasks.train import train_model
from tests.flows.homes import landing_file, project_at

DAYS = tuple(date(2026, 6, 25) + timedelta(days=number) for number in range(6))
ROWS = 300
COLUMNS = ("application_id", "application_date", *Application.__struct_fields__)
OUTCOMES = "outcomes.csv"


def make_portfolio(home: Path) -> None:
    """Writes landing files without any dirt and an outcome for every row of them, and trains the champion on all."""
    (home / "landing").mkdir(parents=True)
    days = {day: loans_of(day) for day in DAYS}
    for day, loans in days.items():
        loans.select(COLUMNS).write_csv(landing_file(home, day))
    outcomes = (loans.select("application_id", "defaulted", observed_on="application_date") for loans in days.values())
    polars.concat(outcomes).write_csv(home / OUTCOMES)
    train_model(project_at(home), str(home / "landing" / "*.csv"), home / OUTCOMES, None)


def second_model(project: Project, seed: int = 1) -> ModelVersion:
    """Saves a model that differs from the champion in nothing but its seed, and registers it nowhere."""
    models = project.settings.path("models")
    model = load_champion(models, project.contract).model
    return save_model(models, replace(model, training=replace(model.training, seed=seed)), "card")


def make_champions(project: Project, first: date, second: date) -> tuple[str, str]:
    """Makes the champion one since the file of a date was due, and a second model its successor since a later one's.

    Returns the versions of the two.
    """
    models = project.settings.path("models")
    (version, _), successor = champion_identity(models), second_model(project).version
    (models / CHAMPION).unlink()
    register(models, version, at=project.calendar.due(first))
    promote(models, successor, at=project.calendar.due(second))
    return version, successor


def loans_of(day: date) -> polars.DataFrame:
    """The applications of a day with `defaulted`, how they end."""
    numbers = polars.int_range(ROWS).cast(polars.String)
    return draw_applicants(ROWS, np.random.default_rng(day.toordinal())).with_columns(
        application_id=f"{day}-" + numbers, application_date=polars.lit(day)
    )
