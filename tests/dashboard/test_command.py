"""`python -m dashboard`: what it says at start, and that it calls nobody."""

import socket
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tasks.project import Project
from tests.dashboard.running import run_dashboard, running_dashboard
from tests.flows.test_no_calls_out import WATCH


def test_settings_that_make_no_sense_are_said_at_start(tmp_path: Path) -> None:
    ended = run_dashboard(SCORING_HOME=str(tmp_path), SCORING_DRIFT_PSY="1")
    assert ended.returncode == 1
    assert "did you mean SCORING_DRIFT_PSI?" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_contract_that_is_not_there_is_said_at_start(tmp_path: Path) -> None:
    ended = run_dashboard(SCORING_HOME=str(tmp_path), SCORING_CONTRACT="nowhere:Nothing")
    assert ended.returncode == 1
    assert "nowhere" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_wrong_usage_has_a_status_of_its_own() -> None:
    assert run_dashboard("--port", "70000").returncode == 2
    assert "--port" in run_dashboard("--help").stdout


def test_a_taken_port_is_said_with_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = run_dashboard("--port", port, SCORING_HOME=str(tmp_path))
    assert ended.returncode == 1
    assert f"cannot listen at 127.0.0.1:{port}" in ended.stderr
    assert "--port" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_it_calls_nobody_but_its_own_machine(drifted: Project, tmp_path: Path) -> None:
    watch = tmp_path / "watch"
    watch.mkdir()
    record = tmp_path / "calls"
    (watch / "sitecustomize.py").write_text(WATCH.format(record=str(record)))
    with running_dashboard(drifted.settings.home_path, PYTHONPATH=str(watch)) as dashboard:
        assert httpx.get(dashboard.address).status_code == 200
        # A page of another host that embeds this one: Streamlit would ask the internet for this machine's address.
        stream = f"{dashboard.address.replace('http', 'ws')}/_stcore/stream"
        with pytest.raises(InvalidStatus, match="403"), connect(stream, origin=Origin("http://elsewhere.example")):
            pass
    assert not record.exists(), record.read_text()
    assert "Traceback" not in dashboard.output.read_text()
