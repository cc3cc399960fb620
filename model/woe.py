"""Weight of evidence: how much safer than the portfolio the rows of one bin are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# A bin with fewer rows says nothing reliable of its risk and stays neutral.
MIN_ROWS = 50


@dataclass(frozen=True, eq=False)
class BinCounts:
    """Rows and defaults of each bin of one feature, int64 arrays of shape (bins,)."""

    rows: NDArray[np.int64]
    defaults: NDArray[np.int64]

    def default_rate(self, code: int) -> float | None:
        """The share of defaults in a bin; None if the bin is empty."""
        return float(self.defaults[code] / self.rows[code]) if self.rows[code] else None


def count_bins(codes: NDArray[np.intp], defaulted: NDArray[np.int8], size: int) -> BinCounts:
    """Rows and defaults by bin; `codes` and `defaulted` (1 for default) have shape (n,)."""
    rows = np.bincount(codes, minlength=size)
    defaults = np.bincount(codes[defaulted == 1], minlength=size)
    return BinCounts(rows, defaults)


def weight_of_evidence(counts: BinCounts) -> NDArray[np.float64]:
    """ln(share of all goods / share of all bads) of each bin, shape (bins,); positive is safer than average.

    Siddiqi, "Credit Risk Scorecards" (2006), chapter 6. Each bin is given half a row of the rarer class and as much of
    the other as the portfolio's odds ask for, so that no bin is infinite and an empty one is 0, the average.
    A bin with fewer than MIN_ROWS rows is 0 as well: this is the neutral choice for values that training hardly saw.
    """
    goods_of_bin = counts.rows - counts.defaults
    goods, bads = float(goods_of_bin.sum()), float(counts.defaults.sum())
    prior = 0.5 / min(goods, bads)
    odds = (goods_of_bin + prior * goods) / (counts.defaults + prior * bads)
    woe: NDArray[np.float64] = np.where(counts.rows < MIN_ROWS, 0.0, np.log(odds * bads / goods))
    return woe
