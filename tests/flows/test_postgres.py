"""The same pieces with PostgreSQL behind the server, by Prefect's own setting."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.local import free_port
from tests.flows.homes import DAYS, new_home, query
from tests.flows.prefect_server import running_prefect

# PostgreSQL refuses to run as root, so that it gets the user its package made.
USER = "postgres" if os.geteuid() == 0 else None


def programs() -> Path | None:
    """The folder PostgreSQL's programs are in; Debian keeps them off the path."""
    folders = [*map(Path, os.environ["PATH"].split(os.pathsep)), *sorted(Path("/usr/lib/postgresql").glob("*/bin"))]
    names = ("initdb", "pg_ctl", "createdb", "psql")
    return next((folder for folder in folders if all((folder / name).exists() for name in names)), None)


FOUND = programs()
PROGRAMS = FOUND or Path()
pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(FOUND is None, reason="no PostgreSQL on this machine"),
]


@pytest.fixture(scope="module")
def database() -> Iterator[int]:
    """The port of a PostgreSQL server on a cluster of its own, with a database named prefect."""
    folder = tempfile.mkdtemp(prefix="postgres-")
    if USER:
        shutil.chown(folder, USER)
    port = free_port(5432)

    def run(program: str, *arguments: str) -> Any:
        command = [str(PROGRAMS / program), *arguments]
        return subprocess.run(command, user=USER, cwd=folder, check=True, capture_output=True, text=True, timeout=120)

    try:
        run("initdb", "-D", f"{folder}/data", "-U", "postgres", "--auth", "trust", "--no-sync")
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "-D", f"{folder}/data", "-l", f"{folder}/log", "-w", "-o", options, "start")
        try:
            run("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "prefect")
            yield port
        finally:
            run("pg_ctl", "-D", f"{folder}/data", "-m", "fast", "-w", "stop")
    finally:
        shutil.rmtree(folder)


def test_a_day_is_published_and_the_records_are_in_postgres(portfolio: Path, tmp_path: Path, database: int) -> None:
    home = new_home(portfolio, tmp_path / "home")
    address = f"postgresql+asyncpg://postgres@127.0.0.1:{database}/prefect"
    with running_prefect(home, 4200, PREFECT_SERVER_DATABASE_CONNECTION_URL=address) as prefect:
        run = prefect.start("daily-scoring", batch_date=str(DAYS[0]))
        assert prefect.end_of(run)["state_name"] == "Published"
        psql = [
            str(PROGRAMS / "psql"),
            "-h",
            "127.0.0.1",
            "-p",
            str(database),
            "-U",
            "postgres",
            "-d",
            "prefect",
            "-tA",
        ]
        asked = [*psql, "-c", "SELECT state_name FROM flow_run WHERE state_type = 'COMPLETED'"]
        assert subprocess.run(asked, check=True, capture_output=True, text=True).stdout.split() == ["Published"]
    assert query(home, "SELECT count(*) FROM batches") == [(1,)]
    assert not list((home / "prefect").glob("*.db"))
