"""The lending policy: the cutoffs that separate decisions, and the bands of risk that people talk about."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

BANDS = ("A", "B", "C", "D", "E")
DECISIONS = ("approve", "refer", "decline")


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Approve from `approve_from` points on, refer to a person from `refer_from` on, decline below.

    `bands` names each band with its lowest score, safest first, scores strictly falling; the last band takes every
    score below the one before it, lower ones than its own included. Raises ValueError if an order is not kept.
    """

    approve_from: int
    refer_from: int
    bands: tuple[tuple[str, int], ...]

    def __post_init__(self) -> None:
        if self.refer_from > self.approve_from:
            raise ValueError(f"refer_from {self.refer_from} is above approve_from {self.approve_from}; swap them")
        lowest = [score for _, score in self.bands]
        if not lowest or any(high <= low for high, low in pairwise(lowest)):
            raise ValueError(f"each of the bands {self.bands} has to start below the one before it")

    @property
    def band_names(self) -> tuple[str, ...]:
        """The names of the bands, safest first."""
        return tuple(name for name, _ in self.bands)

    def decision_codes(self, scores: ArrayLike) -> NDArray[np.int8]:
        """The decision for each score as its place in DECISIONS, in the shape of `scores`."""
        return _places(scores, (self.approve_from, self.refer_from))

    def band_codes(self, scores: ArrayLike) -> NDArray[np.int8]:
        """The band of each score as its place in `band_names`, in the shape of `scores`."""
        return _places(scores, [lowest for _, lowest in self.bands[:-1]])


def fit_policy(scores: NDArray[np.integer], approve_share: float = 0.7, refer_share: float = 0.15) -> Policy:
    """Cutoffs that approve and refer about these shares of the reference `scores` (n,), and bands of a fifth each.

    Whole scores rarely hit a share exactly; the nearest one counts. Where scores are too few to tell bands apart, the
    bands stay distinct and some of them are empty. Raises ValueError without scores.
    """
    if len(scores) == 0:
        raise ValueError("a policy needs reference scores; there are none")
    values, counts = np.unique(scores, return_counts=True)
    share_from = np.cumsum(counts[::-1])[::-1] / len(scores)

    def lowest_for(share: float) -> int:
        return int(values[np.argmin(np.abs(share_from - share))])

    lowest = [int(values[0])]
    for share in (0.8, 0.6, 0.4, 0.2):
        lowest.append(max(lowest_for(share), lowest[-1] + 1))
    approve_from = lowest_for(approve_share)
    refer_from = min(lowest_for(approve_share + refer_share), approve_from - 1)
    bands = tuple(zip(BANDS, reversed(lowest), strict=True))
    return Policy(approve_from=approve_from, refer_from=refer_from, bands=bands)


def _places(scores: ArrayLike, falling: Sequence[int]) -> NDArray[np.int8]:
    # Counting the limits above a score gives its place, since limits fall from place to place.
    limits = np.sort(np.asarray(falling))
    return (len(limits) - np.searchsorted(limits, scores, side="right")).astype(np.int8)
