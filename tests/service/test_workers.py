"""Several processes behind one port, which count, limit and log as one."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from itertools import chain
from pathlib import Path

import httpx
import pytest

from tests.flows.prefect_server import wait_for
from tests.service.asking import asking
from tests.service.running import APPLICATION, Service, logged, running_service
from tests.warehouse.at_once import in_threads

WORKERS = {"SCORING_WORKERS": "2"}
CONNECTIONS, EACH = 16, 10
SECONDS = 60
RATE = 50


@pytest.fixture(scope="module")
def service(portfolio: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("workers") / "home"
    shutil.copytree(portfolio / "models", home / "models")
    with running_service(home, **WORKERS) as running:
        wait_for_workers(running, 2)
        yield running


def wait_for_workers(service: Service, count: int) -> set[int]:
    """The processes that have taken up the champion, so far; waits until there are so many."""
    return wait_for(lambda: pids if len(pids := _workers(service)) >= count else None, SECONDS)


def _workers(service: Service) -> set[int]:
    return {int(line["process"]) for line in service.log() if str(line["message"]).startswith("serving scorecard-")}


def everywhere(service: Service, ask: Callable[[httpx.Client, int], httpx.Response]) -> list[httpx.Response]:
    """What is answered over many connections at once, which the processes share among them."""

    def call(connection: int) -> list[httpx.Response]:
        with httpx.Client(base_url=service.address, timeout=SECONDS) as client:
            return [ask(client, connection * EACH + number) for number in range(EACH)]

    return list(chain.from_iterable(in_threads(*[partial(call, number) for number in range(CONNECTIONS)])))


def ends_to_answer(service: Service) -> bool:
    try:
        httpx.get(f"{service.address}/health")
    except httpx.TransportError:
        return True
    return False


def test_every_process_answers_and_what_it_answered_is_on_record(service: Service) -> None:
    def answering() -> set[int]:
        answers = everywhere(service, lambda client, _: client.post("/predict", json=APPLICATION))
        assert {answer.status_code for answer in answers} == {200}
        ids = [answer.json()["prediction_id"] for answer in answers]
        recorded = [line.prediction_id for line in logged(service.home)]
        assert set(ids) <= set(recorded)
        assert len(set(recorded)) == len(recorded)
        return {path.stat().st_ino for path in (service.home / "predictions").iterdir()}

    # Each has a segment of its own. Which one takes a connection is for the system to say.
    wait_for(lambda: len(answering()) == 2, SECONDS)


def test_any_process_tells_what_all_of_them_counted(service: Service) -> None:
    def counts(client: httpx.Client) -> list[float]:
        asked = Service(service.process, service.address, service.home, client, service.output)
        return [
            asked.metric("scoring_requests_total", route="/predict", status="200"),
            asked.metric("scoring_requests_total", route="/predict", status="422"),
            asked.metric("scoring_request_seconds_count", route="/predict"),
            asked.metric("scoring_decisions_total"),
            asked.metric("scoring_broken_fields_total", field="age", rule="missing"),
        ]

    before = counts(service.client)
    broken = APPLICATION | {"age": None}
    everywhere(service, lambda client, number: client.post("/predict", json=broken if number % 4 else APPLICATION))
    total = CONNECTIONS * EACH
    expected = [count + more for count, more in zip(before, [total / 4, total * 0.75, total, total / 4, total * 0.75])]  # noqa: B905
    # A process counts a request right behind its answer.
    wait_for(lambda: counts(service.client) == expected, 5)
    with ExitStack() as connections:
        clients = [connections.enter_context(httpx.Client(base_url=service.address)) for _ in range(CONNECTIONS)]
        assert [counts(client) for client in clients] == [expected] * CONNECTIONS


def test_lines_of_the_log_are_whole_whichever_process_wrote_them(service: Service) -> None:
    everywhere(service, lambda client, number: client.get("/nothing", headers={"X-Request-ID": f"whole-{number}"}))
    expected = sorted(f"whole-{number}" for number in range(CONNECTIONS * EACH))

    def found() -> list[str]:
        # Each line is read as JSON.
        ids = [str(line.get("request_id")) for line in service.log()]
        return sorted(name for name in ids if name.startswith("whole-"))

    wait_for(lambda: len(found()) >= len(expected), 5)
    assert found() == expected


def test_a_process_that_is_killed_is_replaced_and_nothing_answered_is_missing(service: Service) -> None:
    before = wait_for_workers(service, 2)
    victim = min(before)
    with asking(service.address, callers=8) as asked:
        asked.wait_for_more(100)
        os.kill(victim, signal.SIGKILL)
        after = wait_for_workers(service, 3)
        asked.wait_for_more(100)
    assert asked.others == []
    # Only connections to the killed process were lost, each once.
    assert len(asked.lost) <= 8, asked.lost
    assert set(asked.ids) <= {line.prediction_id for line in logged(service.home)}
    assert len(after - before) == 1
    died = f"Child process [{victim}] died"
    wait_for(lambda: [line for line in service.log() if line["message"] == died], 5)
    # What the killed one had counted is not forgotten.
    assert service.metric("scoring_decisions_total") >= asked.count


def test_the_rate_limit_is_one_for_all_processes_and_ctrl_c_ends_them_all(home: Path) -> None:
    with running_service(home, SCORING_RATE_LIMIT=str(RATE), **WORKERS) as service:
        pids = wait_for_workers(service, 2)
        started = time.monotonic()
        # Another connection for each request: which process takes it is for the system to say.
        with asking(service.address, callers=8, headers={"Connection": "close"}) as asked:
            asked.wait_for_more(RATE * 2)
            wait_for(lambda: len(list((home / "predictions").iterdir())) == 2, SECONDS)
        seconds = time.monotonic() - started
        assert {answer.status_code for answer in asked.others} == {429}
        assert asked.count <= RATE * (1 + seconds) + 1

        assert service.end(signal.SIGINT) == 0
        assert all(not Path(f"/proc/{pid}").exists() for pid in pids)
        assert ends_to_answer(service)
        assert [path.suffix for path in (home / "predictions").iterdir()] == [".jsonl"] * 2
        assert set(asked.ids) == {line.prediction_id for line in logged(home)}
        assert "Traceback" not in next(home.glob("*.err")).read_text()


def test_processes_whose_parent_is_killed_end_in_order(home: Path) -> None:
    with running_service(home, **WORKERS) as service:
        wait_for_workers(service, 2)
        assert service.predict().status_code == 200
        os.kill(service.process.pid, signal.SIGKILL)
        wait_for(lambda: ends_to_answer(service), SECONDS)
        wait_for(lambda: [path.suffix for path in (home / "predictions").iterdir()] == [".jsonl"], SECONDS)
        wait_for(lambda: sum(line["message"] == "ended" for line in service.log()) == 2, SECONDS)
