"""Nothing calls out: runs, Prefect's server and its worker talk to their own machine only."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows.homes import DAYS, ROOT, environment, new_home
from tests.flows.prefect_server import running_prefect

# Python runs this in every process whose path it is on; audit hooks see each connection and each look-up of a name.
WATCH = """
import sys
LOCAL = ("127.", "::1", "localhost", "0.0.0.0", "::")

def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo"):
        target = arguments[0] if event == "socket.getaddrinfo" else arguments[1]
        host = target[0] if isinstance(target, tuple) else target
        # Sockets of files have a path for an address.
        if isinstance(host, str) and host and not host.startswith((*LOCAL, "/")):
            with open({record!r}, "a") as record:
                record.write(f"{{event}} {{target}} {{sys.argv}}\\n")

sys.addaudithook(watch)
"""


@pytest.fixture
def record(tmp_path: Path) -> Path:
    (tmp_path / "watch").mkdir()
    record = tmp_path / "calls.txt"
    (tmp_path / "watch" / "sitecustomize.py").write_text(WATCH.format(record=str(record)))
    return record


def test_a_call_out_would_be_seen(record: Path) -> None:
    call = "import socket; s = socket.socket(); s.settimeout(0.1); s.connect_ex(('192.0.2.1', 9))"
    env = environment(PYTHONPATH=str(record.parent / "watch"))
    subprocess.run([sys.executable, "-c", call], env=env, check=True)
    assert "192.0.2.1" in record.read_text()


@pytest.mark.timeout(300)
def test_server_worker_and_runs_talk_to_their_own_machine_only(portfolio: Path, tmp_path: Path, record: Path) -> None:
    home = new_home(portfolio, tmp_path / "home")
    with running_prefect(home, 4200, PYTHONPATH=str(record.parent / "watch")) as prefect:
        run = prefect.start("daily-scoring", batch_date=str(DAYS[0]))
        assert prefect.end_of(run)["state_name"] == "Published"
    assert not record.exists(), record.read_text()


def test_the_dashboards_server_reports_no_usage() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "streamlit", "config", "show"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    assert "gatherUsageStats = false" in shown


def test_reports_report_no_usage() -> None:
    ask = "import flows; from evidently.telemetry import event_logger; print(event_logger.is_enabled())"
    command = [sys.executable, "-W", "ignore", "-c", ask]
    run = subprocess.run(command, cwd=ROOT, env=environment(), check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "False"
