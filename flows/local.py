"""Prefect on one machine: server, deployments and a worker as processes, until Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from filelock import FileLock, Timeout

from flows.console import err, out
from schemas.errors import ScoringError
from schemas.settings import load_settings

HOST = "127.0.0.1"
PORTS = 100
START_SECONDS = 180.0
STOP_SECONDS = 30.0
POLL_SECONDS = 0.5
# A worker that ends so soon has a reason that starting it again does not remove.
SHORT_SECONDS = 5.0
LOGS = ("server", "worker")
ROOT = Path(__file__).parents[1]
Process = subprocess.Popen[bytes]


def run_prefect(port: int) -> None:
    """Runs server, deployments and worker until Ctrl-C or SIGTERM; raises ScoringError if one of them ends by itself.

    Prefect's own settings count: PREFECT_HOME (default: the folder prefect below home), where its SQLite file lies, or
    PREFECT_SERVER_DATABASE_CONNECTION_URL for PostgreSQL. What the processes print goes to files in that folder, begun
    anew each time; those of the time before are kept as `*.log.before`.
    """
    folder = load_settings().home_path / "prefect"
    folder.mkdir(parents=True, exist_ok=True)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    with suppress(KeyboardInterrupt), _only_one(folder):
        address = f"http://{HOST}:{free_port(port)}"
        (folder / "address").write_text(address + "\n", encoding="utf-8")
        _begin_logs(folder)
        _run(address, folder, _environment(address, folder))
    out.print("Prefect has ended.")


def free_port(first: int) -> int:
    """The first port from this one on that nobody listens at."""
    for port in range(first, min(first + PORTS, 65_536)):
        with socket.socket() as probe:
            # As servers do: a port whose last connections are still being closed is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind((HOST, port))
                return port
    raise ScoringError(f"no free port from {first} to {first + PORTS - 1}; name another with --port")


def _run(address: str, folder: Path, environment: Mapping[str, str]) -> None:
    port = address.rpartition(":")[2]
    serve = ["prefect", "server", "start", "--host", HOST, "--port", port]
    work = ["prefect", "worker", "start", "--pool", "scoring", "--type", "process"]
    with _process("server", serve, folder, environment) as server:
        with err.status("Starting the Prefect server"):
            _wait_until_healthy(server, f"{address}/api/health", folder / "server.log")
        with err.status("Putting the deployments on it"):
            _deploy(environment)
        out.print(
            f"Prefect's pages: {address}\n"
            f"For commands of yours: export PREFECT_API_URL={address}/api\n"
            f"Logs: {folder / 'server.log'} and worker.log. End with Ctrl-C.",
            soft_wrap=True,
        )
        while _work_until_end(server, work, folder, environment):
            err.print("The worker ended by itself and is started again; see worker.log.")
        raise ScoringError(f"the Prefect server ended by itself:\n{_tail(folder / 'server.log')}")


def _work_until_end(server: Process, work: Sequence[str], folder: Path, environment: Mapping[str, str]) -> bool:
    """Runs a worker until it or the server ends; returns whether the server still runs."""
    started = time.monotonic()
    with _process("worker", work, folder, environment) as worker:
        while server.poll() is None and worker.poll() is None:
            time.sleep(POLL_SECONDS)
    if server.poll() is None and time.monotonic() - started < SHORT_SECONDS:
        raise ScoringError(f"the Prefect worker does not stay alive:\n{_tail(folder / 'worker.log')}")
    return server.poll() is None


def _environment(address: str, folder: Path) -> dict[str, str]:
    return (
        {"PREFECT_HOME": str(folder)}
        | os.environ
        | {
            "PREFECT_API_URL": f"{address}/api",
            "PREFECT_UI_URL": address,
            # The pages in the browser ask here, and not at the port they would take for granted.
            "PREFECT_SERVER_UI_API_URL": f"{address}/api",
            "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        }
    )


def _begin_logs(folder: Path) -> None:
    """They may hold single values of applicants, and would grow for ever."""
    for path in [path for name in LOGS if (path := folder / f"{name}.log").exists()]:
        path.replace(path.with_name(f"{path.name}.before"))


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    try:
        with FileLock(folder / "lock", timeout=0):
            yield
    except Timeout as error:
        address = (folder / "address").read_text(encoding="utf-8").strip()
        raise ScoringError(f"Prefect already runs for this home, at {address}; end it first") from error


@contextmanager
def _process(name: str, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Iterator[Process]:
    """A process in a session of its own: Ctrl-C reaches only this one, which ends the others in their order."""
    command = [sys.executable, "-m", *arguments]
    with (folder / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own
            command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield process
    finally:
        with err.status(f"Ending the {name}"):
            _end(process)


def _end(process: Process) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        err.print(f"It did not end within {STOP_SECONDS:g} seconds and is killed.")
    # Also what it has started and not ended.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _deploy(environment: Mapping[str, str]) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "flows", "deploy"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise ScoringError(run.stderr.removeprefix("error: ").strip())


def _wait_until_healthy(server: Process, url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own
            return
        time.sleep(0.2)
    raise ScoringError(f"the Prefect server did not start:\n{_tail(log)}")


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-2000:]


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
