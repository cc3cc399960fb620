"""A run of a date in a process to be killed: `python -m tests.flows.killing HOME DATE [STEP]`.

Prints `began` when all is imported and `ended` when the run is done. With a step of the body (`publish`, say) the
process kills itself right behind that step.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from tasks.project import load_project
from tests import body
from tests.flows.homes import ROOT, environment

PATIENCE = 90.0


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit status (-9 if the kill met it alive), seconds since it began, what it printed."""

    status: int
    seconds: float
    said: str


class Victim:
    """A process that can be killed some time after it has begun, which is when it prints a line with `began` in it."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], began: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=dict(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        self._said = [self._process.stdout.readline()]
        while began not in self._said[-1]:
            assert self._said[-1], "".join(self._said)
            self._said.append(self._process.stdout.readline())
        self._began = time.perf_counter()

    def end(self) -> Ended:
        """Waits for it to end of itself."""
        said, _ = self._process.communicate(timeout=PATIENCE)
        seconds = time.perf_counter() - self._began
        return Ended(self._process.returncode, seconds, "".join([*self._said, said]))

    def kill_after(self, seconds: float) -> Ended:
        """Kills it so long after it began, if it lives that long."""
        time.sleep(max(0.0, self._began + seconds - time.perf_counter()))
        self._process.kill()
        return self.end()


def body_of(home: Path, day: date, *step: str) -> Victim:
    """The body of the daily flow for a date, begun."""
    return Victim(
        ["tests.flows.killing", str(home), str(day), *step], environment(SCORING_HOME=str(home)), began="began"
    )


def command_of(home: Path, day: date, api: str) -> Victim:
    """`score --batch-date` for a date, at its first line of output."""
    env = environment(SCORING_HOME=str(home), PREFECT_API_URL=api, PREFECT_HOME=str(home / "prefect"))
    return Victim(["flows", "score", "--batch-date", str(day)], env, began="")


def _kill_behind(step: str) -> None:
    real = getattr(body, step)

    def and_die(*given: Any) -> None:
        real(*given)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(body, step, and_die)


def main() -> None:
    home, day, *step = sys.argv[1:]
    os.environ["SCORING_HOME"] = home
    for name in step:
        _kill_behind(name)
    print("began", flush=True)
    published = body.run_day(load_project(), date.fromisoformat(day))
    print(f"ended: {published.batch_id}, {'new' if published.new else 'already there'}", flush=True)
    # What Python tears down takes as long as a small run, and is no part of it.
    os._exit(0)


if __name__ == "__main__":
    main()
