"""Commands run within the test's own process, which saves them the seconds that a process of their own needs."""

import re
from contextlib import AbstractContextManager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, Settings, temporary_settings
from sklearn.model_selection import GridSearchCV

import flows.demo
from flows.__main__ import app, main
from model import boosting
from tests.flows.homes import DAYS, landing_file

# Nobody listens there: a flow would fail.
NOWHERE = "http://127.0.0.1:9/api"


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit status and what it printed, without the line ends of a narrow terminal."""

    returncode: int
    stdout: str
    stderr: str


def run_here(home: Path, *arguments: str, **settings: str) -> Ended:
    """Runs `flows …` within this process; an error that no command foresees is raised here."""
    out, err = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patched, redirect_stdout(out), redirect_stderr(err), without_heartbeat():
        patched.setenv("SCORING_HOME", str(home))
        for name, value in settings.items():
            patched.setenv(name, value)
        try:
            code = main(lambda: app(args=list(arguments), prog_name="flows"))
        except SystemExit as exited:
            code = int(exited.code or 0)
    return Ended(code, flat(out.getvalue()), flat(err.getvalue()))


def flat(text: str) -> str:
    """Without the line ends that the width of the terminal puts in."""
    return re.sub(r"\s+", " ", text)


def assert_refused(found: Any, code: int, *words: str) -> None:
    """The exit status, and a message that says these words on standard error, without a traceback."""
    assert found.returncode == code, found.stderr
    for word in words:
        assert word in found.stderr
    assert "Traceback" not in found.stdout + found.stderr


def reporting_to(api: str) -> AbstractContextManager[Settings]:
    """Flows run here meanwhile report to the server at this address."""
    return temporary_settings({PREFECT_API_URL: api})


def without_heartbeat() -> AbstractContextManager[Settings]:
    """Flow runs do not say that they live: one that does sleeps for up to a second before it ends."""
    return temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None})


def make_small(patch: pytest.MonkeyPatch) -> None:
    """A demo of three days of few rows, and gradient boosting with one candidate in place of its twelve."""
    patch.setattr(flows.demo, "DAYS", 3)
    patch.setattr(flows.demo, "ROWS", 60)
    candidates = boosting._search

    def first_candidate(*given: Any) -> GridSearchCV:
        search = candidates(*given)
        return search.set_params(param_grid={name: values[:1] for name, values in search.param_grid.items()})

    patch.setattr(boosting, "_search", first_candidate)


def spoil(home: Path, day: date) -> None:
    """Makes half of a day's rows bad."""
    path = landing_file(home, day)
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *(row if place % 2 else "?" for place, row in enumerate(rows))]) + "\n")


def keep_days(home: Path, *days: date) -> None:
    """Takes the landing files of all other days away."""
    for day in set(DAYS) - set(days):
        landing_file(home, day).unlink()
