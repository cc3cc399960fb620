"""Runs the service: one process, or several behind one port that count and log together."""

import os
import shutil
import signal
import socket
import sys
import tempfile
from pathlib import Path
from types import FrameType

import uvicorn

from model.signature import trust_of
from schemas.errors import ScoringError
from schemas.loading import load_contract
from schemas.pseudonyms import pseudonym_key
from schemas.settings import Settings
from service.ending import DrainingServer, DrainingSupervisor, Ending
from service.keys import ApiKeys
from service.logs import log_as_json

# Names a folder that the worker processes share while they run.
RUN_FOLDER = "CREDIT_EXPRESS_RUN_FOLDER"
# Where prometheus_client keeps the counts of several processes; it reads this when it is imported.
SHARED = "PROMETHEUS_MULTIPROC_DIR"
GRACE_SECONDS = 20
# A worker process is killed when it gives no sign for so long; on a busy machine it takes seconds to begin.
STALLED_SECONDS = 20
BACKLOG = 2048


def serve(settings: Settings, host: str, port: int) -> None:
    """Serves until Ctrl-C or SIGTERM; answers what was asked before it ends, and on SIGTERM says first that it will.

    Raises ScoringError if the settings cannot be used or the port is taken, OSError if there is no writing to home.
    """
    # What cannot be used is said here, once; worker processes would be started again and again.
    load_contract(settings.contract)
    keys = ApiKeys(settings.api_keys)
    trust_of(settings)
    pseudonym_key(settings)
    listening = _listen(host, port)
    folder = Path(tempfile.mkdtemp(prefix="credit-express-"))
    os.environ[RUN_FOLDER] = str(folder)
    if settings.workers > 1:
        counts = folder / "counts"
        counts.mkdir()
        os.environ[SHARED] = str(counts)
    sys.stderr.write(f"Scores at http://{host}:{port}/predict, documentation at http://{host}:{port}/docs\n")
    if not keys:
        sys.stderr.write("warning: SCORING_API_KEYS is empty: whoever reaches this port may ask for scores.\n")
    sys.stderr.flush()
    config = uvicorn.Config(
        "service.app:create_app",
        factory=True,
        workers=settings.workers,
        log_config=None,
        access_log=False,
        server_header=False,
        # Uvicorn would log the address of whoever asks for a WebSocket.
        ws="none",
        lifespan="on",
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_worker_healthcheck=STALLED_SECONDS,
    )
    log_as_json()
    # Uvicorn handles them itself while it runs, and raises them again when it has ended.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _exit)
    try:
        if settings.workers > 1:
            DrainingSupervisor(config, [listening], Ending(folder), settings.drain_seconds).run()
        else:
            DrainingServer(config, Ending(folder), settings.drain_seconds).run(sockets=[listening])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _exit(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        # At once: until one listens, Linux lets others bind to the same port.
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise ScoringError(
            f"cannot listen at {host}:{port} ({error.strerror}); name another port with --port"
        ) from error
    listening.set_inheritable(True)
    return listening
