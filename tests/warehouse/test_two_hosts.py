"""Two hosts, in network namespaces of their own, that share PostgreSQL and an object store and nothing else."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

from schemas.errors import WarehouseUnavailable
from schemas.lake import Lake
from tests.flows.homes import ROOT, environment
from tests.postgres import NO_POSTGRES, Postgres, programs, running_postgres
from tests.store import KEYS
from tests.warehouse.staged import DAY, TORN, ask, prepared
from warehouse.lake import exists
from warehouse.turns import turn

DATES = [DAY + timedelta(days=number) for number in range(40)]
BUCKET = "credit-express"
LACKING = (
    NO_POSTGRES
    if programs() is None
    else "network namespaces need root and ip (iproute2)"
    if os.geteuid() != 0 or shutil.which("ip") is None
    else ""
)
pytestmark = [pytest.mark.timeout(600), pytest.mark.skipif(bool(LACKING), reason=LACKING)]


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


class Network:
    """A network of this machine: one address that is shared, and hosts that reach it and one another not."""

    def __init__(self, stack: ExitStack) -> None:
        # Of the block for documentation and tests (RFC 2544), by process, so that several runs are apart.
        self._stack, self._block = stack, f"198.18.{os.getpid() % 250}"
        self.shared = f"{self._block}.1"
        ip("address", "add", f"{self.shared}/32", "dev", "lo")
        stack.callback(ip, "address", "del", f"{self.shared}/32", "dev", "lo")

    def cut(self, number: int) -> None:
        """From now on nothing comes from a host, or to it, as of one that lost its power."""
        ip("link", "set", f"v{number}a{os.getpid()}", "down")

    def host(self, number: int) -> str:
        """The name of a new namespace, from which the shared address is reached."""
        name, near, far = f"host{number}-{os.getpid()}", f"v{number}a{os.getpid()}", f"v{number}b{os.getpid()}"
        here, there = f"{self._block}.{4 * number + 1}", f"{self._block}.{4 * number + 2}"
        ip("netns", "add", name)
        self._stack.callback(ip, "netns", "del", name)
        ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", name)
        ip("address", "add", f"{here}/30", "dev", near)
        ip("link", "set", near, "up")
        ip("-n", name, "address", "add", f"{there}/30", "dev", far)
        ip("-n", name, "link", "set", far, "up")
        ip("-n", name, "link", "set", "lo", "up")
        ip("-n", name, "route", "add", "default", "via", here)
        return name


@pytest.fixture
def network() -> Iterator[Network]:
    with ExitStack() as stack:
        yield Network(stack)


@pytest.fixture
def shared_postgres(network: Network) -> Iterator[Postgres]:
    with running_postgres(network.shared) as server:
        yield server


@pytest.fixture
def store(network: Network, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The variables by which hosts find the store."""
    import boto3

    server = ThreadedMotoServer(network.shared, 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    variables = KEYS | {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_DEFAULT_REGION": KEYS["AWS_REGION"]}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": KEYS["AWS_REGION"]}
    )
    yield variables
    server.stop()


def started(
    host: str, lake: Lake, folder: Path, dates: Sequence[date], variables: dict[str, str]
) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.warehouse.host", lake.catalog, lake.data, str(folder), str(len(DATES))]
    return subprocess.Popen(
        ["ip", "netns", "exec", host, *command, *map(str, dates)],
        cwd=ROOT,
        env=environment(**variables),
        stdout=subprocess.PIPE,
        text=True,
    )


def test_eight_processes_of_two_hosts_publish_forty_dates_while_four_read(
    network: Network, shared_postgres: Postgres, store: dict[str, str], tmp_path: Path
) -> None:
    catalog = shared_postgres.create(f"lake_{uuid4().hex}")
    lake = Lake(catalog, f"s3://{BUCKET}/rows/")
    prepared(lake)
    hosts = []
    for number in (1, 2):
        folder = tmp_path / f"host{number}"
        folder.mkdir()
        hosts.append(started(network.host(number), lake, folder, DATES[number - 1 :: 2], store))
    said = [json.loads(host.communicate(timeout=500)[0]) for host in hosts]
    assert said == [{"new": 20, "pieces": 0, "seen": [40, 40]}] * 2
    assert exists(lake, 10)
    assert ask(lake, TORN) == []
    assert ask(lake, "SELECT batch_date, revision FROM batches ORDER BY batch_date") == [(day, 1) for day in DATES]


HOLD = """
import sys
from schemas.lake import Lake
from warehouse import turns
turns.SESSION |= {"tcp_keepalives_idle": "1", "tcp_keepalives_interval": "1", "tcp_user_timeout": "3000"}
with turns.turn(Lake(sys.argv[1], "rows/"), 10):
    print("mine", flush=True)
    sys.stdin.read()
"""


def test_the_turn_of_a_host_that_is_gone_without_a_word_ends(network: Network, shared_postgres: Postgres) -> None:
    lake = Lake(shared_postgres.create(f"lake_{uuid4().hex}"), "rows/")
    command = ["ip", "netns", "exec", network.host(3), sys.executable, "-c", HOLD, lake.catalog]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as gone:
        assert gone.stdout
        assert gone.stdout.readline() == "mine\n"
        with pytest.raises(WarehouseUnavailable, match="written by another process"), turn(lake, 0.1):
            pass
        network.cut(3)
        # Three seconds without an answer.
        with turn(lake, 60):
            pass
        gone.kill()
