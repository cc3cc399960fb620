"""A figure of the benchmarks."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """What was measured, and the most it may be."""

    name: str
    value: float
    limit: float
    unit: str

    @property
    def holds(self) -> bool:
        """Whether it is within its limit."""
        return self.value <= self.limit
