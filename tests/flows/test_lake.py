"""Days whose warehouse is a lake: the same as in a file, whatever becomes of PostgreSQL or of the store."""

import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from schemas.batch import Published
from schemas.errors import WarehouseUnavailable
from schemas.lake import Lake
from tasks.project import Project
from tests.body import run_day
from tests.flows.compared import differences
from tests.flows.homes import DAYS, new_home, project_at, run_cli
from tests.postgres import Postgres
from tests.store import ObjectStore
from warehouse.backup import copy_warehouse

SECONDS = 60.0
FIRST = DAYS[:3]


def on(lake: Lake, project: Project) -> Project:
    """The same installation with its warehouse in a lake."""
    there = {"warehouse": f"ducklake:postgres:{lake.catalog}", "warehouse_data": lake.data}
    return replace(project, settings=msgspec.structs.replace(project.settings, **there))


def as_file(lake: Lake, folder: Path) -> Path:
    copy_warehouse(lake, folder / "copy.duckdb", SECONDS)
    return folder / "copy.duckdb"


@pytest.fixture
def project(portfolio: Path, tmp_path: Path) -> Project:
    return project_at(new_home(portfolio, tmp_path / "home", FIRST))


@pytest.fixture
def scored(project: Project) -> Path:
    """The same days in a file."""
    for day in FIRST:
        run_day(project, day)
    return project.settings.path("warehouse")


def test_days_in_a_lake_are_those_in_a_file(project: Project, scored: Path, lake: Lake, tmp_path: Path) -> None:
    published = [run_day(on(lake, project), day) for day in FIRST]
    assert [item.new for item in published] == [True] * 3
    assert differences(scored, as_file(lake, tmp_path)) == {}
    assert not run_day(on(lake, project), FIRST[1]).new


def test_days_whose_rows_lie_in_a_store_are_those_in_a_file(
    project: Project, scored: Path, lake: Lake, store: ObjectStore, tmp_path: Path
) -> None:
    remote = replace(lake, data=store.address("warehouse/"))
    for day in FIRST:
        run_day(on(remote, project), day)
    assert differences(scored, as_file(remote, tmp_path)) == {}
    assert all(key.startswith("warehouse/main/") for key in store.objects())


def test_a_store_that_refuses_for_ten_seconds_is_waited_for(
    project: Project, lake: Lake, store: ObjectStore, tmp_path: Path
) -> None:
    remote = on(replace(lake, data=store.address("warehouse/")), project)
    run_day(remote, FIRST[0])
    with store.refusing(10):
        published = completed(remote)
    assert published.batch_date == FIRST[1]
    assert sorted(remote.reader.identities()) == list(FIRST[:2])


def completed(project: Project) -> Published:
    """As a flow does, which tries a step that met passing trouble again."""
    for _ in range(5):
        try:
            return run_day(project, FIRST[1])
        except WarehouseUnavailable:
            time.sleep(1)
    return run_day(project, FIRST[1])


def test_postgres_restarted_at_any_moment_of_a_day_leaves_all_of_it_or_nothing(
    project: Project, scored: Path, lake: Lake, postgres: Postgres, tmp_path: Path
) -> None:
    in_lake = on(lake, project)
    run_day(in_lake, FIRST[0])
    for seconds, day in zip((0.1, 0.6), FIRST[1:], strict=True):
        restart = threading.Timer(seconds, postgres.restart)
        restart.start()
        with suppress(WarehouseUnavailable):
            run_day(in_lake, day)
        restart.join()
        run_day(in_lake, day)
    assert differences(scored, as_file(lake, tmp_path)) == {}


def test_an_installation_is_moved_by_a_command_and_goes_on(project: Project, scored: Path, lake: Lake) -> None:
    home = project.settings.home_path
    address = f"ducklake:postgres:{lake.catalog}"
    wrong = run_cli(home, "migrate-warehouse", address, str(scored))
    assert (wrong.returncode, "a warehouse is moved from a file to a lake" in wrong.stderr) == (1, True)
    for _ in range(2):
        moved = run_cli(home, "migrate-warehouse", str(scored), address, "--data", lake.data)
        assert moved.returncode == 0, moved.stderr
        assert "counts and checksums as in the file" in moved.stdout
        assert f"SCORING_WAREHOUSE_DATA={lake.data}" in moved.stdout
    there = {"SCORING_WAREHOUSE": address, "SCORING_WAREHOUSE_DATA": lake.data}
    assert differences(scored, as_file(lake, home)) == {}
    again = run_cli(home, "score", "--batch-date", str(FIRST[0]), env=there)
    assert again.returncode == 0, again.stderr
    assert "already published, nothing to do" in again.stdout
    kept = run_cli(home, "upkeep", env=there)
    assert "0 snapshots forgotten" in kept.stdout, kept.stderr
    assert "the warehouse is no lake: nothing to keep up" in run_cli(home, "upkeep").stdout
    refused = run_cli(home, "restore", str(home), env=there)
    assert "a backup is restored to a file" in refused.stderr
    made = run_cli(home, "backup", str(home / "backups"), env=there)
    assert made.returncode == 0, made.stderr
