import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from flows import local
from flows.local import free_port
from schemas.errors import ScoringError
from tests.flows.homes import ROOT, environment


def test_a_taken_port_is_passed_over() -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        first = free_port(4700)
        taken.bind((local.HOST, first))
        taken.listen()
        assert first < free_port(first) < first + local.PORTS


def test_no_free_port_is_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "PORTS", 1)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        first = free_port(4800)
        taken.bind((local.HOST, first))
        taken.listen()
        with pytest.raises(ScoringError, match=f"no free port from {first} to {first}; name another with --port"):
            free_port(first)


def test_logs_begin_anew_with_each_start_and_those_of_the_last_one_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "prefect"
    monkeypatch.setenv("SCORING_HOME", str(tmp_path))
    # They print, and end at once.
    words = iter(("first", "second", "third"))
    monkeypatch.setattr(
        local, "_run", lambda _address, folder, _environment: (folder / "server.log").write_text(next(words))
    )
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    for _ in range(3):
        local.run_prefect(4950)
    assert {path.name: path.read_text() for path in folder.glob("*.log*")} == {
        "server.log": "third",
        "server.log.before": "second",
    }


def test_a_server_that_does_not_start_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    address = "postgresql+asyncpg://nobody@127.0.0.1:9/nothing"
    run = subprocess.run(
        [sys.executable, "-m", "flows", "prefect", "--port", "4900"],
        cwd=ROOT,
        env=environment(SCORING_HOME=str(tmp_path), PREFECT_SERVER_DATABASE_CONNECTION_URL=address),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 1
    assert "the Prefect server did not start:" in run.stderr
    assert "refused" in run.stderr or "Connect" in run.stderr
