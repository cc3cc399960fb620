"""Prefect as an operator starts it: server, deployments and worker as processes, asked over HTTP as its pages ask."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tests.flows.homes import ROOT, environment

START_SECONDS = 180
FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
T = TypeVar("T")


class Prefect:
    """What runs, and ways to ask its server."""

    def __init__(self, process: "subprocess.Popen[str]", address: str, client: httpx.Client) -> None:
        self.process, self.address, self._client = process, address, client

    def get(self, path: str) -> Any:
        return self._client.get(path).raise_for_status().json()

    def post(self, path: str, **body: Any) -> Any:
        # A server on SQLite asks to come again while another writes, and Prefect's own client does.
        for _ in range(20):
            answer = self._client.post(path, json=body)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            time.sleep(0.5)
        return answer.raise_for_status().json()

    def deployment(self, name: str) -> Any:
        return self.get(f"/deployments/name/{name}/{name}")

    def start(self, name: str, **parameters: Any) -> str:
        """Starts a run as the button of the deployment's page does; returns its id."""
        path = f"/deployments/{self.deployment(name)['id']}/create_flow_run"
        return str(self.post(path, parameters=parameters, state={"type": "SCHEDULED"})["id"])

    def retry(self, run: str) -> None:
        """Starts a run again as the button of the run's page does."""
        state = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retry from the UI"}
        self.post(f"/flow_runs/{run}/set_state", state=state, force=True)

    def run(self, run: str) -> Any:
        return self.get(f"/flow_runs/{run}")

    def end_of(self, run: str, seconds: float = 300, begun: int = 1) -> Any:
        """A run when it has come to an end, at the earliest in its attempt number `begun`."""

        def ended() -> Any:
            found = self.run(run)
            return found if found["state_type"] in FINAL and found["run_count"] >= begun else None

        return wait_for(ended, seconds)

    def states(self, run: str) -> list[str]:
        return [str(state["name"]) for state in self.get(f"/flow_run_states/?flow_run_id={run}")]

    def runs(self, **chosen: Any) -> list[Any]:
        found: list[Any] = self.post("/flow_runs/filter", sort="EXPECTED_START_TIME_ASC", **chosen)
        return found

    def artifacts(self, run: str) -> dict[str, Any]:
        found = self.post("/artifacts/filter", artifacts={"flow_run_id": {"any_": [run]}})
        return {artifact["key"]: artifact for artifact in found}

    def log(self, run: str) -> str:
        found = self.post("/logs/filter", logs={"flow_run_id": {"any_": [run]}}, sort="TIMESTAMP_ASC")
        return "\n".join(line["message"] for line in found)

    def processes(self, what: str) -> list[int]:
        """The process ids of the worker or of the runs it started."""
        listed = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
        found = [line.split(None, 2) for line in listed.splitlines()]
        workers = {pid for pid, parent, _ in found if int(parent) == self.process.pid}
        mine = [(pid, args) for pid, parent, args in found if pid in workers or parent in workers]
        return [int(pid) for pid, args in mine if what in args]

    def kill(self, *what: str) -> None:
        for pid in [pid for name in what for pid in self.processes(name)]:
            os.kill(pid, signal.SIGKILL)


@contextmanager
def running_prefect(home: Path, port: int, **settings: str) -> Iterator[Prefect]:
    """`python -m flows prefect` for a home, ended as by Ctrl-C."""
    command = [sys.executable, "-m", "flows", "prefect", "--port", str(port)]
    with (home / "prefect.out").open("w+") as printed:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(SCORING_HOME=str(home), **settings),
            stdout=printed,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            address = wait_for(lambda: _address(process, home / "prefect.out"), START_SECONDS)
            # On SQLite the server waits up to a minute for its own database's lock, and answers nobody meanwhile.
            with httpx.Client(base_url=f"{address}/api", timeout=150) as client:
                yield Prefect(process, address, client)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(90)


def wait_for(look: Callable[[], T | None], seconds: float) -> T:
    """What there is to see, as soon as it is there."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.3)
    raise TimeoutError(f"nothing to see after {seconds} seconds")


def timezone_at_noon() -> str:
    """A timezone in which it is about noon now, so that a test's day has begun and does not end under it."""
    offset = 12 - datetime.now(UTC).hour
    # The signs of these names are those of POSIX: GMT-4 is four hours ahead.
    return f"Etc/GMT{-offset:+d}" if offset else "Etc/GMT"


def today_in(timezone: str) -> str:
    from zoneinfo import ZoneInfo

    return str(datetime.now(ZoneInfo(timezone)).date())


def _address(process: "subprocess.Popen[str]", printed: Path) -> str | None:
    text = printed.read_text()
    if process.poll() is not None:
        raise RuntimeError(f"it ended:\n{text}")
    found = re.search(r"Prefect's pages: (\S+)", text)
    return found[1] if found else None


def ids(runs: Sequence[Any]) -> list[str]:
    return [str(run["id"]) for run in runs]
