"""A run of a date in a process to be killed, as of `killing`, forked from one that has imported what a run needs.

A process of its own from the beginning imports for longer than it runs.
"""

import os
import sys
import time
from datetime import date
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from threading import Lock

from tests.flows import killing
from tests.flows.homes import environment
from tests.flows.killing import PATIENCE, Ended

# The server that forks has imported these and run nothing, so that no thread or lock of a run is forked.
FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(["pytest", killing.__name__])
# Whoever starts a process looks after all others as well, and only one may read how a process ended.
_TURN = Lock()


class Forked:
    """The body of the daily flow for a date, begun in a process that can be killed some time later."""

    def __init__(self, home: Path, day: date) -> None:
        self._said, said = FORKS.Pipe(duplex=False)
        self._process = FORKS.Process(target=_run, args=(said, str(home), str(day)))
        with _TURN:
            self._process.start()
        said.close()
        self._text = ""
        while "began" not in self._text:
            more = self._read()
            assert more, self._text
            self._text += more
        self._began = time.perf_counter()

    def end(self) -> Ended:
        """Waits for it to end of itself."""
        assert wait([self._process.sentinel], PATIENCE), f"it goes on for ever:\n{self._text}"
        seconds = time.perf_counter() - self._began
        with _TURN:
            self._process.join()
        status = self._process.exitcode
        assert status is not None
        while more := self._read():
            self._text += more
        self._said.close()
        self._process.close()
        return Ended(status, seconds, self._text)

    def kill_after(self, seconds: float) -> Ended:
        """Kills it so long after it began, if it lives that long."""
        time.sleep(max(0.0, self._began + seconds - time.perf_counter()))
        self._process.kill()
        return self.end()

    def _read(self) -> str:
        return os.read(self._said.fileno(), 1 << 16).decode(errors="replace")


def _run(said: Connection, home: str, day: str) -> None:
    for stream in (sys.stdout, sys.stderr):
        os.dup2(said.fileno(), stream.fileno())
    said.close()
    os.environ.clear()
    os.environ.update(environment())
    sys.argv = ["", home, day]
    killing.main()
