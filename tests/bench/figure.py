"""A figure of the benchmarks."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Figure:
    """What was measured, and what it has to be: at most or at least `limit`."""

    name: str
    value: float
    limit: float
    unit: str
    bound: Literal["at most", "at least"] = "at most"

    @property
    def holds(self) -> bool:
        """Whether it is on the right side of its limit, or on it."""
        return self.value <= self.limit if self.bound == "at most" else self.value >= self.limit


class NotMeasured(Exception):
    """A benchmark could not measure what it is there for, and so has failed; the message says what to do."""
