"""The load balancer's own configuration before two real services."""

import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from flows.local import free_port
from tests.deployment.compose import ROOT, own_roles
from tests.flows.prefect_server import wait_for
from tests.service.running import APPLICATION, Service, running_service

FILE = ROOT / "service" / "deploy" / "haproxy.cfg"
HAPROXY = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
pytestmark = pytest.mark.skipif(HAPROXY is None, reason="no HAProxy on this machine")


@pytest.fixture
def limit() -> str:
    """Requests a second of one address at one replica; 0 is no limit."""
    return "0"


@pytest.fixture
def drain() -> str:
    """For how many seconds a replica that is told to end answers on: where none is, nobody needs to wait for it."""
    return "0"


@pytest.fixture
def replicas(home: Path, limit: str, drain: str) -> Iterator[tuple[Service, Service]]:
    changed = {"SCORING_RATE_LIMIT": limit, "SCORING_DRAIN_SECONDS": drain}
    settings = own_roles()["service"].environment | changed
    with running_service(home, **settings) as one, running_service(home, **settings) as two:
        yield one, two


@pytest.fixture
def balanced(replicas: tuple[Service, Service], tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of the load balancer, which asks these two in place of those that a name server would name."""
    port = free_port(18_000)
    text = FILE.read_text(encoding="utf-8").replace("bind :8000", f"bind 127.0.0.1:{port}")
    named = [f"server replica{number} {one.address.removeprefix('http://')}" for number, one in enumerate(replicas)]
    text, count = re.subn(r"( +)server-template replica 10 service:8000", r"\1" + r"\n\1".join(named), text)
    assert count == 2
    path = tmp_path / "haproxy.cfg"
    path.write_text(text, encoding="utf-8")
    assert HAPROXY is not None
    process = subprocess.Popen([HAPROXY, "-f", str(path)], stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            wait_for(lambda: _answers(client), 30)
            yield client
    finally:
        process.terminate()
        process.wait(30)


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/ready").status_code == 200
    except httpx.TransportError:
        return False


def counted(replica: Service) -> float:
    return replica.metric("scoring_requests_total", route="/predict", status="200")


def test_haproxy_accepts_the_file() -> None:
    assert HAPROXY is not None
    done = subprocess.run([HAPROXY, "-c", "-f", str(FILE)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_both_replicas_score_and_counts_stay_inside(balanced: httpx.Client, replicas: tuple[Service, Service]) -> None:
    answers = [balanced.post("/predict", json=APPLICATION) for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["score"] for answer in answers}) == 1
    assert sum(map(counted, replicas)) == 20
    assert all(counted(replica) > 0 for replica in replicas)
    assert balanced.get("/docs").status_code == 200


def spelled(path: str) -> list[str]:
    """A path in other words that the service takes for it."""
    encoded = f"/%{ord(path[1]):x}{path[2:]}"
    return [path, f"{path}/", encoded, f"{encoded}%2F"]


def test_counts_stay_inside_however_their_path_is_spelled(
    balanced: httpx.Client, replicas: tuple[Service, Service]
) -> None:
    for path in (*spelled("/metrics"), "//metrics", "/metrics//"):
        # To the service each of them is the same.
        assert httpx.get(f"{replicas[0].address}{path}").status_code == 200
        assert balanced.get(f"{balanced.base_url}{path}").status_code == 404


@pytest.mark.parametrize("drain", [own_roles()["service"].environment["SCORING_DRAIN_SECONDS"]])
def test_a_replica_that_ends_is_not_noticed(balanced: httpx.Client, replicas: tuple[Service, Service]) -> None:
    statuses: list[int] = []
    ended = threading.Event()

    def ask() -> None:
        until = time.monotonic() + 3
        while time.monotonic() < until or not ended.is_set():
            statuses.append(balanced.post("/predict", json=APPLICATION).status_code)

    asking = threading.Thread(target=ask)
    asking.start()
    replicas[0].end()
    ended.set()
    asking.join()
    assert set(statuses) == {200}


def test_with_no_replica_that_has_a_model_the_answer_says_so(
    balanced: httpx.Client, replicas: tuple[Service, Service]
) -> None:
    for replica in replicas:
        replica.end()

    def refused() -> httpx.Response | None:
        answer = balanced.post("/predict", json=APPLICATION)
        return answer if answer.status_code == 503 else None

    wait_for(refused, 30)
    for path in spelled("/predict"):
        answer = balanced.post(f"{balanced.base_url}{path}", json=APPLICATION)
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.status_code, answer.json()["status"]) == (503, 503)


@pytest.mark.parametrize("limit", ["0.1"])
def test_the_rate_is_limited_by_the_address_that_asks_and_not_by_the_one_it_claims(balanced: httpx.Client) -> None:
    statuses = []
    for number, path in enumerate([*spelled("/predict"), "/predict", "/predict/"]):
        claim = {"X-Forwarded-For": f"10.0.0.{number}"}
        answer = balanced.post(f"{balanced.base_url}{path}", json=APPLICATION, headers=claim)
        statuses.append(answer.status_code)
    # One of each replica, within ten seconds.
    assert sorted(statuses) == [200, 200, 429, 429, 429, 429]
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
    with httpx.Client(base_url=balanced.base_url, transport=elsewhere, timeout=30) as another:
        assert another.post("/predict", json=APPLICATION).status_code == 200
