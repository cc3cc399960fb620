import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.deployment.building import build, missing
from tests.deployment.compose import own_roles
from tests.deployment.machine import Machine, machine
from tests.postgres import USER, programs
from tests.service.conftest import home, portfolio, shared_service

# Fixtures of the service's tests, used here as well.
__all__ = ["home", "portfolio", "shared_service"]

FOUND = programs()
LACKING = missing() or ("" if FOUND else "PostgreSQL")


@pytest.fixture(scope="session")
def image() -> str:
    """The image, built from this checkout."""
    if LACKING:
        pytest.skip(f"the image is not built: this machine has no {LACKING}")
    return build()


@pytest.fixture(scope="module")
def host(image: str) -> Iterator[Machine]:
    """A machine whose roles can be started, with the passwords that its first role makes."""
    with machine(image) as made:
        made.to_end(own_roles()["credentials"])
        yield made


@pytest.fixture(scope="module")
def database(host: Machine) -> Iterator[None]:
    """PostgreSQL as the compose file sets it up: user, database and password, at its usual port."""
    folder = host.volume("postgres")
    if USER:
        shutil.chown(folder, USER)
    password = host.volume("credentials") / "postgres"

    def postgres(program: str, *arguments: str) -> None:
        assert FOUND is not None
        command = host.inside(*(["setpriv", f"--reuid={USER}", "--clear-groups"] if USER else []), str(FOUND / program))
        subprocess.run([*command, *arguments], cwd=folder, check=True, capture_output=True, timeout=120)

    data = f"{folder}/data"
    postgres("initdb", "-D", data, "-U", "prefect", "--auth=scram-sha-256", f"--pwfile={password}", "--no-sync")
    options = f"-c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    postgres("pg_ctl", "-D", data, "-l", f"{folder}/log", "-w", "-o", options, "start")
    try:
        address = f"host=127.0.0.1 user=prefect password={password.read_text()} dbname="
        postgres("psql", f"{address}postgres", "-c", "CREATE DATABASE prefect")
        yield
    finally:
        postgres("pg_ctl", "-D", data, "-m", "fast", "-w", "stop")


@pytest.fixture(scope="module")
def server(host: Machine, database: None) -> Iterator[str]:
    """The address of the Prefect server's API, with everything deployed to it."""
    role, api = own_roles()["prefect-server"], "http://127.0.0.1:4200/api"
    with host.running(role, f"{api}/health", seconds=120):
        assert host.healthy(role)
        assert re.search(r"\d+ deployments", host.to_end(own_roles()["deployments"]))
        yield api
