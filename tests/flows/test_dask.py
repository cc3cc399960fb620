"""A batch on Dask: the same rows as on threads, and an end that is one whatever happens to its workers."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

pytest.importorskip("prefect_dask", reason="the extra `cluster` is not installed")

import dask
import distributed

from flows import dask_cluster
from flows.daily_scoring import daily_scoring
from schemas.errors import ScoringError
from tests.flows.compared import differences
from tests.flows.disturbed import land, landing_csv, left_in_staging
from tests.flows.homes import ROOT, environment, new_home, query
from tests.flows.prefect_runs import Run
from tests.store import ObjectStore, scoring

DAY = date(2026, 3, 2)
ROWS = 60_000
PATIENCE = 120.0

pytestmark = pytest.mark.usefixtures("prefect_here")


@pytest.fixture
def home(portfolio: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with one day whose file is cut into several pieces."""
    made = new_home(portfolio, tmp_path / "large", days=[])
    land(made, DAY, landing_csv(DAY, ROWS))
    monkeypatch.setenv("SCORING_HOME", str(made))
    monkeypatch.setenv("SCORING_PART_BYTES", "1000000")
    return made


@pytest.fixture
def score(prefect_api: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Run]:
    """Runs the day by a task runner into a warehouse."""

    def run(runner: str, warehouse: str) -> Run:
        monkeypatch.setenv("SCORING_TASK_RUNNER", runner)
        monkeypatch.setenv("SCORING_TASK_WORKERS", "2")
        monkeypatch.setenv("SCORING_WAREHOUSE", warehouse)
        return Run(prefect_api, daily_scoring(DAY, return_state=True))

    return run


@contextmanager
def a_cluster(allowed_failures: int) -> Iterator[distributed.LocalCluster]:
    """Two worker processes; a part whose workers died more often than allowed is given up."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": allowed_failures}),
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,  # type: ignore[no-untyped-call]
    ):
        yield cluster


class Killer(threading.Thread):
    """Kills the first worker that is at work on a part of the step with this name."""

    def __init__(self, cluster: distributed.LocalCluster, home: Path, kind: str) -> None:
        super().__init__(daemon=True)
        self._cluster, self._home, self._kind = cluster, home, kind
        self.killed = 0

    def run(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self.killed and time.monotonic() < deadline:
            if any(self._home.glob(f"staging/*/{self._kind}-*.parquet")):
                self._kill_one_at_work()
            time.sleep(0.005)

    def _kill_one_at_work(self) -> None:
        scheduler = self._cluster.scheduler
        assert scheduler
        at_work = {address for address, worker in scheduler.workers.items() if worker.processing}
        for nanny in list(self._cluster.workers.values()):
            if not self.killed and nanny.worker_address in at_work and nanny.pid:
                os.kill(nanny.pid, signal.SIGKILL)
                self.killed = nanny.pid


def test_a_batch_on_dask_is_the_batch_on_threads_row_by_row(home: Path, score: Callable[[str, str], Run]) -> None:
    for runner, warehouse in (("", "threads.duckdb"), ("dask", "dask.duckdb")):
        assert score(runner, warehouse).end[1] == "Published"
    assert differences(home / "threads.duckdb", home / "dask.duckdb") == {}
    assert left_in_staging(home) == []


@pytest.mark.parametrize("kind", ["ids", "accepted"])
def test_a_worker_that_is_killed_in_the_middle_changes_nothing(
    home: Path, score: Callable[[str, str], Run], kind: str
) -> None:
    with a_cluster(allowed_failures=3) as cluster:
        killer = Killer(cluster, home, kind)
        killer.start()
        run = score(f"dask:{cluster.scheduler_address}", "dask.duckdb")
        killer.join(PATIENCE)
    assert killer.killed
    assert run.end[1] == "Published", run.end
    assert score("", "threads.duckdb").end[1] == "Published"
    assert differences(home / "threads.duckdb", home / "dask.duckdb") == {}


def test_a_part_that_kills_its_workers_ends_the_run_with_a_message_and_a_rerun_completes_it(
    home: Path, score: Callable[[str, str], Run]
) -> None:
    with a_cluster(allowed_failures=0) as cluster:
        killer = Killer(cluster, home, "accepted")
        killer.start()
        run = score(f"dask:{cluster.scheduler_address}", "dask.duckdb")
        killer.join(PATIENCE)
        assert killer.killed
        assert run.end[0] == "FAILED"
        for words in ("each worker of the Dask cluster that tried it died", "Nothing is published; run the date again"):
            assert words in run.end[2]
        assert query_of(home) == []
        assert left_in_staging(home) == []
        # The cluster has started another worker meanwhile.
        again = score(f"dask:{cluster.scheduler_address}", "dask.duckdb")
    assert again.end[1] == "Published"
    assert query_of(home) == [(again.result.rows.scored,)]


@contextmanager
def scheduler_and_workers(folder: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """The address of a scheduler with two workers, all of them processes as on other hosts, and the scheduler."""
    file = folder / "scheduler.json"
    common = ["--no-dashboard", "--scheduler-file", str(file)]
    host = ["--host", "127.0.0.1"]
    commands = (["dask_scheduler", *host, "--port", "0"], ["dask_worker", "--nworkers", "2", "--nthreads", "1"])
    started = [
        subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{command}", *options, *common],
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for command, *options in commands
    ]
    try:
        deadline = time.monotonic() + PATIENCE
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        yield json.loads(file.read_text())["address"], started[0]
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(PATIENCE)


def test_workers_that_share_no_disk_with_the_run_have_the_results_of_its_threads(
    home: Path, score: Callable[[str, str], Run], tmp_path: Path, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert score("", "threads.duckdb").end[1] == "Published"
    for name in ("landing", "models"):
        store.put(name, home / name)
        (home / name).rename(tmp_path / f"{name} that no worker finds")
    for name, value in scoring({**store.settings(), "staging": store.address("staging")}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SCORING_PSEUDONYM_KEY", "a-secret-that-all-hosts-have")
    with scheduler_and_workers(tmp_path) as (address, _):
        run = score(f"dask:{address}", "dask.duckdb")
    assert run.end[1] == "Published", run.end
    assert differences(home / "threads.duckdb", home / "dask.duckdb") == {}
    assert store.objects("staging") == {}


def test_a_scheduler_that_dies_ends_the_run_with_a_message_and_a_rerun_completes_it(
    home: Path, score: Callable[[str, str], Run], tmp_path: Path
) -> None:
    with scheduler_and_workers(tmp_path) as (address, scheduler):

        def kill_in_the_middle() -> None:
            deadline = time.monotonic() + PATIENCE
            while not any(home.glob("staging/*/ids-*.parquet")) and time.monotonic() < deadline:
                time.sleep(0.005)
            scheduler.kill()

        killer = threading.Thread(target=kill_in_the_middle, daemon=True)
        killer.start()
        run = score(f"dask:{address}", "dask.duckdb")
        killer.join(PATIENCE)
    assert run.end[0] == "FAILED"
    assert "Nothing is published; run the date again" in run.end[2]
    assert query_of(home) == []
    assert left_in_staging(home) == []
    assert score("", "dask.duckdb").end[1] == "Published"


def query_of(home: Path) -> list[tuple[int]]:
    (home / "warehouse.duckdb").unlink(missing_ok=True)
    (home / "warehouse.duckdb").symlink_to(home / "dask.duckdb")
    return query(home, "SELECT rows_scored FROM batches WHERE status = 'published'")


def test_a_cluster_without_workers_is_not_waited_for_without_end(
    home: Path, score: Callable[[str, str], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_cluster, "WITHOUT_WORKERS_SECONDS", 0.5)
    monkeypatch.setattr(dask_cluster, "POLL_SECONDS", 0.3)
    with distributed.LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0") as cluster:  # type: ignore[no-untyped-call]
        run = score(f"dask:{cluster.scheduler_address}", "dask.duckdb")
    assert run.end[0] == "FAILED"
    assert "the Dask cluster has had none for" in run.end[2]
    assert "dask worker ADDRESS" in run.end[2]
    assert isinstance(run.result, ScoringError)


def test_a_cluster_that_nobody_answers_at_ends_the_run_with_its_address(
    score: Callable[[str, str], Run], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        run = score("dask:tcp://127.0.0.1:9", "dask.duckdb")
    assert run.end[0] == "FAILED"
    assert "SCORING_TASK_RUNNER" in run.end[2]
    assert "tcp://127.0.0.1:9" in run.end[2]
