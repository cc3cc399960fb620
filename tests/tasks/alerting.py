"""Alerts to be sent, servers on this machine that hear of them, and runs in processes of their own.

`python -m tests.tasks.alerting [POINT]` sends the alerts of the home that SCORING_HOME names: it prints `began` when
all is imported, and with a point of `POINTS` it kills itself right behind that.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import duckdb

from schemas.alert import Alert
from tasks import send_alerts as module
from tasks.project import Project, load_project
from tasks.send_alerts import Sent, in_words, send_alerts
from tasks.sending import Limits
from tests.flows.homes import environment, project_at, query
from tests.flows.killing import Victim
from warehouse.writer import Writer

DAY = date(2026, 6, 12)
QUICK = Limits(pause_seconds=0.01, answer_seconds=2.0, total_seconds=30.0)
ONCE = Limits(tries=1, answer_seconds=2.0, total_seconds=30.0)
POINTS: dict[str, tuple[Any, str]] = {"claimed": (Writer, "claim_deliveries"), "sent": (module, "send")}
# What a server does with a message besides keeping it: the status it answers, or one of these.
HANG, BREAK = -1, -2


class Listener:
    """A web service that keeps what is posted to it; `behaviour` gives the status it answers, by path."""

    def __init__(self, port: int = 0, behaviour: Callable[[str], int] = lambda _path: 200) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                listener.heard.append((self.path, told))
                status = behaviour(self.path)
                if status == HANG:
                    time.sleep(30)
                elif status == BREAK:
                    self.close_connection = True
                else:
                    self.send_response(status)
                    self.end_headers()

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> "Listener":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        # Handlers that hang are left to themselves.
        self._server.socket.close()
        self._thread.join()

    def url(self, path: str = "hook", user: str = "") -> str:
        """The Apprise address of a path."""
        return f"json://{user}127.0.0.1:{self.port}/{path}"

    def messages(self, path: str = "hook") -> list[dict[str, Any]]:
        """What was posted to a path."""
        return [told for posted, told in self.heard if posted.partition("?")[0] == f"/{path}"]

    def times_heard(self, *words: str, path: str = "hook") -> list[int]:
        """How many times each of these words was posted to a path."""
        said = "\n".join(told["title"] + told["message"] for told in self.messages(path))
        return [said.count(word) for word in words]


def project_telling(home: Path, *urls: str, **settings: Any) -> Project:
    """The project of a home that tells these addresses."""
    return project_at(home, alert_urls=" ".join(urls), **settings)


def missing(number: int, severity: Any = "critical") -> Alert:
    """An alert of a day of its own; its message is its name, and none is the start of another."""
    day = DAY + timedelta(days=number)
    subject = f"applications_{day}"
    return Alert(kind="missing_file", severity=severity, batch_date=day, subject=subject, message=name_of(number))


def name_of(number: int) -> str:
    return f"missing-{number:03d}"


def raise_alerts(project: Project, count: int) -> list[str]:
    """Raises so many alerts; returns their names."""
    for number in range(count):
        assert project.writer.report_missing(missing(number))
    return [name_of(number) for number in range(count)]


def rename_alerts(home: Path, *names: str) -> None:
    """Gives the alerts these ids, in the order they were raised."""
    ids = query(home, "SELECT alert_id FROM alerts ORDER BY raised_at")
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        for (old,), new in zip(ids, names, strict=True):
            connection.execute("UPDATE alerts SET alert_id = ? WHERE alert_id = ?", [new, old])


def start_sending(home: Path, urls: str, *point: str) -> Victim:
    """A process that sends the alerts of a home, begun."""
    env = environment(SCORING_HOME=str(home), SCORING_ALERT_URLS=urls)
    return Victim(["tests.tasks.alerting", *point], env, began="began")


def send_from(home: Path, urls: str) -> Sent:
    """One run, to be started in a process of its own."""
    return send_alerts(project_telling(home, urls), QUICK)


def _kill_behind(owner: Any, name: str) -> None:
    real = getattr(owner, name)

    def and_die(*given: Any) -> None:
        real(*given)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, and_die)


def main() -> None:
    for point in sys.argv[1:]:
        _kill_behind(*POINTS[point])
    print("began", flush=True)
    print(f"ended: {in_words(send_alerts(load_project(), QUICK))}", flush=True)


if __name__ == "__main__":
    main()
