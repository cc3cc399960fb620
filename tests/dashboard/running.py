"""The dashboard as it is used: a process of its own on a free port."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.flows.homes import ROOT, environment
from tests.flows.prefect_server import wait_for
from tests.service.running import own_port

START_SECONDS = 60
END_SECONDS = 20


@dataclass(frozen=True)
class Dashboard:
    """What runs: the process, its address, and the file that all it says goes to."""

    process: "subprocess.Popen[bytes]"
    address: str
    output: Path


@contextmanager
def running_dashboard(home: Path, **settings: str) -> Iterator[Dashboard]:
    """`python -m dashboard` for a home, ready for visitors."""
    port = own_port()
    address, output = f"http://127.0.0.1:{port}", home / f"dashboard-{port}.log"
    with output.open("wb") as printed:
        process = subprocess.Popen(
            [sys.executable, "-m", "dashboard", "--port", str(port)],
            cwd=ROOT,
            env=environment(SCORING_HOME=str(home), **settings),
            stdout=printed,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(lambda: process.poll() is not None or answers(address), START_SECONDS)
        assert process.poll() is None, output.read_text()
        yield Dashboard(process, address, output)
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)
        process.kill()
        process.wait()


def answers(address: str) -> bool:
    """Whether the dashboard is up."""
    try:
        return httpx.get(f"{address}/_stcore/health", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def run_dashboard(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """`python -m dashboard …` where it is to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "dashboard", *arguments],
        cwd=ROOT,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
