"""Installations of their own, made in milliseconds from the portfolio that a test session generates once."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from schemas.loading import load_contract
from schemas.sample.parameters import Parameters
from schemas.settings import Settings
from tasks.project import Project

PARAMETERS = Parameters(days=16, rows=150, until=date(2026, 6, 30), seed=0)
DAYS = PARAMETERS.landing_days
ROOT = Path(__file__).parents[2]
# What Prefect's server is not asked for here only slows it down.
QUIET_SERVER = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
    "PREFECT_SERVER_UI_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}


def new_home(portfolio: Path, home: Path, days: Iterable[date] = DAYS) -> Path:
    """A home with the portfolio's champion and the landing files of some days; its warehouse does not exist yet."""
    (home / "landing").mkdir(parents=True)
    shutil.copytree(portfolio / "models", home / "models")
    for day in days:
        shutil.copy2(landing_file(portfolio, day), landing_file(home, day))
    return home


def landing_file(home: Path, day: date) -> Path:
    """The landing file of a day."""
    return home / "landing" / f"applications_{day}.csv"


def project_at(home: Path, **settings: Any) -> Project:
    """The project of a home, with the default contract."""
    return Project(Settings(home=str(home), **settings), load_contract(Settings().contract))


def environment(**more: str) -> dict[str, str]:
    """This process's environment without its settings of the project and of Prefect, and with some more."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith(("SCORING_", "PREFECT_", "COV_"))}
    # Wide, so that no line is folded.
    return mine | {"COLUMNS": "250"} | more


def run_cli(home: Path, *arguments: str, api: str = "", env: Mapping[str, str] | None = None) -> Any:
    """Runs `python -m flows …` as a process of its own; `api` is the address of the Prefect server to use."""
    more = {"SCORING_HOME": str(home), **(env or {})}
    if api:
        more |= {"PREFECT_API_URL": api, "PREFECT_HOME": str(home / "prefect")}
    return subprocess.run(
        [sys.executable, "-m", "flows", *arguments],
        cwd=ROOT,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def query(home: Path, question: str) -> list[tuple[Any, ...]]:
    """Asks the warehouse of a home, past the project's own reader."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(question).fetchall()


def contents(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of every table, in an order that does not depend on how they were written."""
    tables = query(home, "SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'")
    return {name: query(home, f"SELECT * FROM {name} ORDER BY ALL") for (name,) in sorted(tables)}
