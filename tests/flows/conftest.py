import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_API_URL, temporary_settings

from schemas.sample.places import Places
from tasks import arrival, report
from tasks.evidently_report import ReportNote
from tasks.project import Project
from tasks.sample import write_sample
from tasks.train import train_model
from tests.flows.homes import PARAMETERS, QUIET_SERVER, environment, new_home, project_at
from tests.once import made_once

SERVER_START_SECONDS = 120

# Prefect sets up its logging once a process; what runs within this one is not to talk to the terminal.
for _handler in ("", "_FLOW_RUNS", "_TASK_RUNS"):
    os.environ[f"PREFECT_LOGGING_HANDLERS_CONSOLE{_handler}_LEVEL"] = "CRITICAL"


@pytest.fixture(scope="session")
def portfolio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the sample of `homes.PARAMETERS` and a champion trained on it. Not to be written to."""
    return made_once(tmp_path_factory, "portfolio", _make_portfolio)


def _make_portfolio(home: Path) -> None:
    places = Places(
        landing=home / "landing",
        history=home / "history",
        outcomes=home / "outcomes.csv",
        manifest=home / "sample_manifest.json",
    )
    for _ in write_sample(places, PARAMETERS):
        pass
    train_model(project_at(home), str(places.history / "applications_*.csv.gz"), places.outcomes, before=None)


@pytest.fixture
def home(portfolio: Path, tmp_path: Path) -> Path:
    """A home of the test's own: all landing files, the champion, no warehouse yet."""
    return new_home(portfolio, tmp_path / "home")


@pytest.fixture
def project(home: Path) -> Project:
    """The project in the test's own home."""
    return project_at(home)


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Landing files that a test has written just now are complete."""
    monkeypatch.setattr(arrival, "SETTLED_SECONDS", 0.0)


@pytest.fixture
def drawn_reports() -> None:
    """Evidently's pages are drawn for real within this process."""


@pytest.fixture(autouse=True)
def blank_reports(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evidently's pages are blank within this process, unless a test asks for `drawn_reports`: one takes seconds."""

    def write(path: Path, *_: object) -> ReportNote:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return ReportNote(path=path, compared=(), left_out={})

    if "drawn_reports" not in request.fixturenames:
        monkeypatch.setattr(report, "write_drift_report", write)


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prefect server that runs as a process of its own, on a database of its own."""
    folder = tmp_path_factory.mktemp("prefect")
    port = _free_port()
    command = [sys.executable, "-m", "uvicorn", "--factory", "prefect.server.api.server:create_app"]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"],
            env=environment(PREFECT_HOME=str(folder), **QUIET_SERVER),
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}/api"
        _wait_until_healthy(server, f"{url}/health", folder / "server.log")
        yield url
    finally:
        server.terminate()
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@pytest.fixture
def prefect_here(prefect_api: str) -> Iterator[None]:
    """Flows run within this process report to the server of the session."""
    with temporary_settings({PREFECT_API_URL: prefect_api}):
        yield
        # Prefect sends logs and events behind a run's back, and would look for the server when it is gone.
        APILogWorker.instance().drain()
        EventsWorker.drain_all()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_healthy(server: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + SERVER_START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"the Prefect server did not start:\n{log.read_text(errors='replace')[-2000:]}")
