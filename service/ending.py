"""Ending without losing a request: `/ready` says so first, and a load balancer is given time to notice.

What reaches a socket in the moment it is closed is answered by nobody, and a balancer may not send it again.
"""

import signal
import socket
from collections.abc import Callable
from pathlib import Path
from threading import Timer
from types import FrameType

import uvicorn
from uvicorn.supervisors import Multiprocess


class Ending:
    """A mark in the folder that the processes of a service share while they run."""

    def __init__(self, folder: Path) -> None:
        self._mark = folder / "ending"

    @property
    def has_begun(self) -> bool:
        """Whether the service is about to end."""
        return self._mark.exists()

    def begin(self, seconds: float, end: Callable[[], None]) -> None:
        """Marks that it has begun; `end` is called so many seconds later."""
        self._mark.touch()
        timer = Timer(seconds, end)
        timer.daemon = True
        timer.start()


class DrainingServer(uvicorn.Server):
    """A process that goes on answering for some seconds after the first SIGTERM."""

    def __init__(self, config: uvicorn.Config, ending: Ending, seconds: float) -> None:
        super().__init__(config)
        self._ending, self._seconds = ending, seconds

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """As uvicorn's, but later on SIGTERM; Ctrl-C, or a second SIGTERM, ends it at once."""
        end = super().handle_exit
        if sig == signal.SIGTERM and self._seconds and not self._ending.has_begun:
            self._ending.begin(self._seconds, lambda: end(sig, frame))
        else:
            end(sig, frame)


class DrainingSupervisor(Multiprocess):
    """Several processes that go on answering for some seconds after the first SIGTERM."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket], ending: Ending, seconds: float) -> None:
        super().__init__(config, sockets=sockets)
        self._ending, self._seconds = ending, seconds

    def handle_term(self) -> None:
        """As uvicorn's, but later; Ctrl-C, or a second SIGTERM, ends it at once."""
        end = super().handle_term
        if self._seconds and not self._ending.has_begun:
            self._ending.begin(self._seconds, end)
        else:
            end()
