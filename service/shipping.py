"""Ships finished segments of the prediction log to an object store, behind the back of what answers."""

import logging
import threading
from pathlib import Path

from schemas.prediction_log import FINISHED
from schemas.segments import finish_abandoned, segments_in, ship
from schemas.storage import hasty

LOG = logging.getLogger("service.shipping")
LOOK_SECONDS = 2.0
# A store in trouble is asked again after pauses that grow up to this.
LONGEST_PAUSE_SECONDS = 30.0
# How long one attempt waits for a store that does not answer, and how long the end of the process waits for the last.
PATIENCE_SECONDS = 2.0
END_SECONDS = 10.0


class Shipping:
    """A thread that brings what is finished in the spool, by this process or one that died, to a folder in a store.

    `problem` says why segments wait, if they do: nothing of them is lost meanwhile.
    """

    def __init__(self, spool: Path, folder: Path) -> None:
        self._spool, self._folder = spool, hasty(folder, PATIENCE_SECONDS)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ship-segments", daemon=True)
        self.problem: str | None = None

    def start(self) -> None:
        """Begins with what an earlier process left."""
        self._thread.start()

    def close(self) -> None:
        """Ships what is finished by now, if the store answers; what it does not take, the next process ships."""
        self._ended.set()
        self._thread.join(END_SECONDS)

    def ship_waiting(self) -> bool:
        """One attempt at all that waits; returns whether the store took it."""
        try:
            for message in finish_abandoned(self._spool):
                LOG.error("%s", message)
            for path in segments_in(self._spool, FINISHED):
                if ship(path, self._folder):
                    LOG.info("shipped %s", path.name)
        except OSError as error:
            waiting = len(segments_in(self._spool, FINISHED))
            problem = f"{waiting} segments of the prediction log wait in {self._spool} to be shipped: {error}"
            if self.problem is None:
                LOG.error("%s", problem)  # noqa: TRY400 - no traceback in logs
            self.problem = problem
            return False
        if self.problem:
            LOG.info("segments of the prediction log are shipped again")
        self.problem = None
        return True

    def _run(self) -> None:
        pause = LOOK_SECONDS
        while not self._ended.wait(pause):
            pause = LOOK_SECONDS if self.ship_waiting() else min(2 * pause, LONGEST_PAUSE_SECONDS)
        self.ship_waiting()
