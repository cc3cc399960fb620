"""The service as it is used: processes of its own on a free port, asked over HTTP."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec

from flows.local import free_port
from schemas.prediction_log import LOADED, LoggedPrediction
from tests.flows.homes import ROOT, environment
from tests.flows.prefect_server import wait_for

START_SECONDS = 60
END_SECONDS = 15
APPLICATION = {"age": 35, "income": 50_000, "loan_amount": 15_000, "employment_length": 5, "credit_score": 720}


@dataclass(frozen=True)
class Service:
    """What runs: the process, its address, its home, a client, and the file its log goes to."""

    process: "subprocess.Popen[bytes]"
    address: str
    home: Path
    client: httpx.Client
    output: Path

    def predict(self, **changes: Any) -> httpx.Response:
        """Asks for APPLICATION with some fields changed."""
        return self.client.post("/predict", json=APPLICATION | changes)

    def log(self) -> list[dict[str, Any]]:
        """The lines of its log so far."""
        return [msgspec.json.decode(line) for line in self.output.read_bytes().splitlines()]

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's series that have these labels."""
        found = re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", self.client.get("/metrics").text, flags=re.MULTILINE)
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        return sum(float(value) for given, value in found if all(item in given for item in wanted))

    def end(self, number: int = signal.SIGTERM, seconds: float = 40) -> int:
        """Ends it; returns its exit status."""
        self.process.send_signal(number)
        return self.process.wait(seconds)


@contextmanager
def running_service(home: Path, **settings: str) -> Iterator[Service]:
    """`python -m service` for a home, ready to score unless it has no model."""
    address = f"http://127.0.0.1:{(port := own_port())}"
    output = home / f"service-{port}.log"
    with output.open("wb") as printed, (home / f"service-{port}.err").open("wb") as complaints:
        process = subprocess.Popen(
            [sys.executable, "-m", "service", "--port", str(port)],
            cwd=ROOT,
            # What it leaves in the folder for temporary files when it is killed goes with its home.
            env=environment(SCORING_HOME=str(home), TMPDIR=str(home), **settings),
            stdout=printed,
            stderr=complaints,
            start_new_session=True,
        )
    try:
        with httpx.Client(base_url=address, timeout=30) as client:
            service = Service(process, address, home, client, output)
            wait_for(lambda: process.poll() is not None or _answers(client), START_SECONDS)
            assert process.poll() is None, complaints_of(home)
            yield service
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)
        # Worker processes, too, whatever became of their parent.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def run_service(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """`python -m service …` where it is to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "service", *arguments],
        cwd=ROOT,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


def own_port() -> int:
    """A free port that test processes at work beside this one do not try: between asking and listening it is free."""
    return free_port(8100 + os.getpid() % 90 * 50)


def complaints_of(home: Path) -> str:
    """What the services of a home wrote to standard error."""
    return "".join(path.read_text() for path in sorted(home.glob("service-*.err")))


def logged(home: Path) -> list[LoggedPrediction[dict[str, Any], dict[str, Any]]]:
    """Every whole line of every segment in a home, loaded ones too."""
    folder = home / "predictions"
    lines = [line for path in [*folder.glob("*.jsonl*"), *(folder / LOADED).glob("*.jsonl")] for line in _lines(path)]
    return [msgspec.json.decode(line, type=LoggedPrediction[dict[str, Any], dict[str, Any]]) for line in lines]


def _lines(path: Path) -> list[bytes]:
    return [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/health").is_success
    except httpx.TransportError:
        return False
