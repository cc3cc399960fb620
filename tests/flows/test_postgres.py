"""PostgreSQL behind the server, by Prefect's own setting, and behind the warehouse that workers of many hosts share."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from schemas.lake import Lake
from tests.flows.homes import DAYS, ROOT, environment
from tests.flows.prefect_server import Prefect, running_prefect, wait_for
from tests.postgres import Postgres
from tests.store import ObjectStore, scoring
from warehouse.reader import Reader

pytestmark = pytest.mark.timeout(300)


@contextmanager
def worker_of(home: Path, prefect: Prefect, **settings: str) -> Iterator[int]:
    """The process id of a worker as another host starts it, when the server knows it."""
    home.mkdir()
    variables = {
        "SCORING_HOME": str(home),
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_API_URL": f"{prefect.address}/api",
    }
    command = ["prefect", "worker", "start", "--pool", "scoring", "--type", "process", "--name", home.name]
    with (home / "worker.out").open("w") as printed:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=environment(**variables, **settings),
            stdout=printed,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for(lambda: home.name in (item["name"] for item in workers(prefect)), 120)
            yield process.pid
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            process.wait(60)


def workers(prefect: Prefect) -> list[dict[str, str]]:
    found: list[dict[str, str]] = prefect.post("/work_pools/scoring/workers/filter")
    return found


def test_workers_of_two_hosts_share_nothing_but_postgres_and_a_store(
    portfolio: Path, tmp_path: Path, postgres: Postgres, store: ObjectStore
) -> None:
    pytest.importorskip("duckdb_extension_ducklake", reason="the extra `lake` is not installed")
    for name in ("landing", "models"):
        store.put(name, portfolio / name)
    postgres.create("prefect")
    lake = Lake(postgres.create("warehouse"), store.address("warehouse") + "/")
    shared = scoring({**store.settings(), "warehouse": str(lake), "warehouse_data": lake.data})
    shared |= {"SCORING_PSEUDONYM_KEY": "a-secret-that-all-hosts-have", "PREFECT_WORKER_QUERY_SECONDS": "1"}
    database = f"postgresql+asyncpg://postgres@127.0.0.1:{postgres.port}/prefect"
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    with (
        running_prefect(one, 4200, PREFECT_SERVER_DATABASE_CONNECTION_URL=database, **shared) as prefect,
        worker_of(other, prefect, **shared) as worker,
    ):
        (own,) = (pid for pid in prefect.processes("worker start"))
        # Each takes a day while the other stands still.
        for still, day in ((own, DAYS[0]), (worker, DAYS[1])):
            os.kill(still, signal.SIGSTOP)
            run = prefect.start("daily-scoring", batch_date=str(day))
            end = prefect.end_of(run)
            os.kill(still, signal.SIGCONT)
            assert end["state_name"] == "Published", end["state"]["message"]
            assert postgres.ask("prefect", f"SELECT state_name FROM flow_run WHERE id = '{run}'").split() == [
                "Published"
            ]
    published = Reader(lake, 60).frame("published_days")
    assert published["batch_date"].to_list() == list(DAYS[:2])
    for home in (one, other):
        # Of what all share, nothing is on the disk of a host.
        assert {path.name for path in home.iterdir()} <= {"prefect", "prefect.out", "worker.out", "staging"}
        assert [*home.rglob("*.parquet"), *home.rglob("*.db")] == []
