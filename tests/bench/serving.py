"""The servers that are measured: each a process of its own on the server's core, with one worker."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from flows.local import free_port
from service.run import BACKLOG
from tests.bench.figure import NotMeasured
from tests.bench.pinning import pinned
from tests.flows.homes import ROOT, environment
from tests.flows.prefect_server import wait_for
from tests.service.running import Service

START_SECONDS = 60
OURS = ["service"]


def peer(name: str) -> list[str]:
    """A module of tests/bench/peers under uvicorn, set as the service sets it; uvloop and httptools it finds itself."""
    settings = ["--no-access-log", "--no-server-header", "--log-level=warning", f"--backlog={BACKLOG}", "--workers=1"]
    return ["uvicorn", f"tests.bench.peers.{name}:app", *settings, "--loop=uvloop", "--http=httptools"]


@contextmanager
def serving(module: Sequence[str], home: Path, **env: str) -> Iterator[Service]:
    """`python -m MODULE …` on a free port, as soon as it answers."""
    port = free_port(8950)
    output = home / f"server-{port}.log"
    with output.open("wb") as printed:
        process = subprocess.Popen(
            pinned([sys.executable, "-m", *module, f"--port={port}"], "server"),
            cwd=ROOT,
            env=environment(**env),
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(base_url=address, timeout=30) as client:
            service = Service(process, address, home, client, output)
            wait_for(lambda: _is_there(service), START_SECONDS)
            yield service
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _is_there(service: Service) -> bool:
    if service.process.poll() is not None:
        raise NotMeasured(f"a server did not start: {service.output.read_text().strip()[-2000:]}")
    try:
        service.client.get("/")
    except httpx.TransportError:
        return False
    return True
