"""The rate limit: so many requests a second for each key or address, counted together by all worker processes."""

import fcntl
import hashlib
import mmap
import os
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

SLOTS = 65_536
SLOT = struct.Struct("=d")


class RateLimit:
    """The generic cell rate algorithm (ITU-T I.371): an even rate, with bursts of up to a second's worth.

    What is kept for each client is one instant, in a file that the processes share; the monotonic clock is the same
    for all of them. Two clients of 65,536 may fall on the same place and then share its rate.
    """

    def __init__(self, rate: float, file: Path, now: Callable[[], float] = time.monotonic) -> None:
        """`rate` in requests a second, above 0."""
        self.rate = rate
        self._interval = 1.0 / rate
        self._burst = max(rate - 1.0, 0.0) * self._interval
        # Sums of floats are not exact.
        self._slack = self._interval / 100
        self._now = now
        self._file = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(self._file, SLOTS * SLOT.size)
        self._instants = mmap.mmap(self._file, SLOTS * SLOT.size)

    def wait(self, client: str) -> float:
        """0 if a request of this client may pass, which is then counted; else the seconds until the next one may."""
        digest = hashlib.blake2b(client.encode(), digest_size=4).digest()
        place = int.from_bytes(digest, "big") % SLOTS * SLOT.size
        now = self._now()
        with self._locked(place):
            due = max(SLOT.unpack_from(self._instants, place)[0], now)
            if (early := due - now - self._burst) > self._slack:
                return float(early)
            SLOT.pack_into(self._instants, place, due + self._interval)
        return 0.0

    def close(self) -> None:
        """Lets go of the shared file."""
        self._instants.close()
        os.close(self._file)

    @contextmanager
    def _locked(self, place: int) -> Iterator[None]:
        fcntl.lockf(self._file, fcntl.LOCK_EX, SLOT.size, place)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, SLOT.size, place)
