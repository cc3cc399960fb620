"""A folder in which the commands of a document are run as they stand there: the checkout, with a home of its own."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import polars

from model.champion import challengers
from tests.flows.homes import ROOT, environment, project_at, query
from tests.service.running import running_service

# What a command may find beside it; the packages are imported from here too.
CHECKOUT = (
    "dashboard",
    "flows",
    "model",
    "schemas",
    "service",
    "tasks",
    "warehouse",
    "prefect.yaml",
    "pyproject.toml",
    "Makefile",
    "requirements.lock",
    "docker-compose.yml",
)
SERVICE = "http://127.0.0.1:8000"
SECONDS = 120


@dataclass
class Workspace:
    """The folder, the variables its shell has, what stands for the words in capitals, and what to end at the end.

    Each command runs in a shell of its own and hands what it has exported to the next, as in one terminal. A command
    that asks the service is answered by a real one, which is started for it.
    """

    folder: Path
    env: Mapping[str, str]
    words: Mapping[str, Callable[["Workspace"], str]] = field(default_factory=dict)
    running: ExitStack = field(default_factory=ExitStack)
    service: str = ""

    @property
    def home(self) -> Path:
        """The home of the settings that are in force."""
        return self.folder / self.exported().get("SCORING_HOME", "data")

    def run(self, command: str) -> "subprocess.CompletedProcess[str]":
        """Runs a command of a document."""
        if SERVICE in command:
            command = command.replace(SERVICE, self._address_of_service())
        kept = shlex.quote(str(self._kept))
        return subprocess.run(
            ["bash", "-c", f"set -aeuo pipefail; . {kept}; {self.filled_in(command)}\nexport -p > {kept}"],
            cwd=self.folder,
            env=dict(self.env),
            # To those that ask whether it is meant.
            input="y\n",
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def filled_in(self, command: str) -> str:
        """A command with the words in capitals that a reader fills in."""
        # The longest first: APPLICATION_ID is not an ID. Names of settings are left as they are.
        names = "|".join(sorted(self.words, key=len, reverse=True)) or "(?!)"
        pattern = rf"SCORING_\w+|(?<![A-Za-z$])(?:{names})(?![A-Za-z=])"
        return re.sub(pattern, lambda found: self._in_place_of(found[0]), command)

    def _in_place_of(self, word: str) -> str:
        return self.words[word](self) if word in self.words else word

    def exported(self) -> dict[str, str]:
        """The settings of the project that the commands before have exported."""
        found = re.findall(r'^declare -x (SCORING_\w+)="(.*)"$', self._kept.read_text(), flags=re.MULTILINE)
        return dict(found)

    @property
    def _kept(self) -> Path:
        return self.folder / ".exported"

    def _address_of_service(self) -> str:
        if not self.service:
            settings = {name: value for name, value in self.exported().items() if name != "SCORING_HOME"}
            started = self.running.enter_context(running_service(self.home, **settings))
            self.service = started.address
        return self.service


def new_workspace(folder: Path, api: str, words: Mapping[str, Callable[[Workspace], str]] | None = None) -> Workspace:
    """A checkout without any data; its flows report to the Prefect server at `api`."""
    (folder / ".venv" / "bin").mkdir(parents=True)
    for name in CHECKOUT:
        if (ROOT / name).exists():
            (folder / name).symlink_to(ROOT / name)
    python = folder / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    # For make: newer than the lock it was installed from.
    (folder / ".venv" / ".installed").touch()
    (folder / ".exported").touch()
    # An answer that refuses is a command that failed.
    (folder / ".curlrc").write_text("fail\n")
    env = environment(PREFECT_API_URL=api, PREFECT_HOME=str(folder / "prefect"), CURL_HOME=str(folder))
    return Workspace(folder, env, words or {})


def an_application(work: Workspace) -> str:
    """The id of an application that was scored."""
    ((found,),) = query(work.home, "SELECT min(application_id) FROM current_scores")
    return str(found)


def a_missing_file(work: Workspace) -> str:
    """The first characters of the id of the alert that a file is missing."""
    listed = project_at(work.home).reader.frame("listed_alerts", resolved=0)
    (alert_id,) = listed.filter(polars.col("kind") == "missing_file")["alert_id"]
    return str(alert_id)[:8]


def a_challenger(work: Workspace) -> str:
    """The version of a model that is not champion."""
    return challengers(work.home / "models")[-1]


def a_damaged_segment(work: Workspace) -> str:
    """Writes a segment of the prediction log that is none, and returns its name without the ending."""
    predictions = work.home / "predictions"
    predictions.mkdir(exist_ok=True)
    (predictions / "damaged-by-hand.jsonl").write_text('{"prediction_id": \n')
    return "damaged-by-hand"


def broken_rows_hash(work: Workspace) -> str:
    """What stands in the name of the file of broken rows of a blocked batch."""
    (path,) = (work.home / "reports").glob("blocked_*.csv")
    return path.stem.rpartition("_")[2]


def a_backup(work: Workspace) -> str:
    """The name of the backup that was made."""
    (path,) = (work.folder / "backups").glob("backup_*")
    return path.name


def this_process(_work: Workspace) -> str:
    """A process that lives."""
    return str(os.getpid())
