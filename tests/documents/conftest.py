import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from model.champion import register
from schemas.errors import BatchBlocked
from tasks.arrival import report_missing
from tests.body import run_day
from tests.documents.workspace import (
    Workspace,
    a_backup,
    a_challenger,
    a_damaged_segment,
    a_missing_file,
    an_application,
    broken_rows_hash,
    new_workspace,
    this_process,
)
from tests.flows.commands import spoil
from tests.flows.conftest import portfolio, prefect_api
from tests.flows.homes import DAYS, new_home, project_at
from tests.tasks.loans import second_model

__all__ = ["portfolio", "prefect_api"]
WORDS = {
    "DATE": lambda _: str(DAYS[-1]),
    "LAST_DAY": lambda _: str(datetime.now(UTC).date() + timedelta(days=7)),
    "ID": a_missing_file,
    "NAME": lambda _: "ada",
    "VERSION": a_challenger,
    "APPLICATION_ID": an_application,
    "SEGMENT": a_damaged_segment,
    "BACKUP": a_backup,
    "HASH": broken_rows_hash,
    "PID": this_process,
    "FILE": lambda work: str(work.home / "outcomes.csv"),
}


@pytest.fixture
def empty(tmp_path: Path, prefect_api: str) -> Iterator[Workspace]:
    """A checkout as somebody has it who has just cloned it."""
    work = new_workspace(tmp_path / "checkout", prefect_api, WORDS)
    with work.running:
        yield work


@pytest.fixture(scope="module")
def bad_morning(portfolio: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with days published, the last one blocked, the file of an earlier one missing, and a challenger."""
    missing, *published, blocked = DAYS[-5:]
    home = new_home(portfolio, tmp_path_factory.mktemp("bad") / "home", [*published, blocked])
    shutil.copy2(portfolio / "outcomes.csv", home)
    project = project_at(home)
    for day in published:
        run_day(project, day)
    spoil(home, blocked)
    with pytest.raises(BatchBlocked):
        run_day(project, blocked)
    assert report_missing(project, missing)
    register(home / "models", second_model(project).version)
    return home


@pytest.fixture
def desk(empty: Workspace, bad_morning: Path) -> Workspace:
    """A checkout on that morning."""
    shutil.copytree(bad_morning, empty.folder / "data")
    return empty
