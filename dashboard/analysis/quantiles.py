"""What a profile looks like as numbers to draw: quantiles, steps and shares of rows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model.profile import Profile

BARS = 30
# Of a box with its whiskers, and of the box alone.
QUANTILES, QUARTILES = (0.05, 0.25, 0.5, 0.75, 0.95), (0.25, 0.5, 0.75)
# Whole numbers of a narrower range have a bar each.
WHOLE = 40


def quantiles(profile: Profile, levels: ArrayLike) -> NDArray[np.float64]:
    """The least values up to which the given shares of the present rows lie; the profile has to have some."""
    wanted = np.asarray(levels, dtype=np.float64) * profile.size
    places = np.searchsorted(profile.cumulative[1:], wanted - 1e-9 * profile.size, side="left")
    return profile.values[np.minimum(places, len(profile.values) - 1)]


def common_range(profiles: Sequence[Profile]) -> tuple[float, float]:
    """From the least 0.5 % quantile to the largest 99.5 % quantile of profiles with values: the tails would take up the
    picture.
    """
    ends = np.array([quantiles(profile, [0.005, 0.995]) for profile in profiles])
    return float(ends[:, 0].min()), float(ends[:, 1].max())


def bar_edges(profiles: Sequence[Profile]) -> NDArray[np.float64]:
    """Edges of bars of one width for all the profiles, shape (bars + 1,); whole numbers stand in the middle of one."""
    low, high = common_range(profiles)
    whole = all(np.array_equal(profile.values, np.round(profile.values)) for profile in profiles)
    if whole and high - low <= 100_000:
        width = max(1, round((high - low) / BARS)) if high - low > WHOLE else 1
        return np.arange(low, high + width + 1, width) - 0.5
    high = high if high > low else low + (abs(low) or 1.0) * 1e-6
    return np.linspace(low, high, BARS + 1)


def shares(profile: Profile, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of all rows, missing ones included, between neighbouring edges, shape (bars,)."""
    counts, _ = np.histogram(profile.values, bins=edges, weights=np.diff(profile.cumulative))
    # The values of a reference are a sample: they stand for all present rows.
    present = (profile.rows - profile.missing) / max(1, profile.rows)
    found: NDArray[np.float64] = counts / (profile.size or 1.0) * present
    return found
