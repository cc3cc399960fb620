"""Reason codes: the features that cost an applicant the most points against the best they could have had."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from schemas.contract import Feature

MAX_REASONS = 4
NO_REASON = -1
# The order of a feature takes the low bits of a key, its lost points the bits above.
ORDER_BITS = 7
ORDER_MASK = (1 << ORDER_BITS) - 1


def catalogue(features: Sequence[Feature]) -> dict[str, str]:
    """The sentence for each reason code; protected features have none, as they are never a reason."""
    return {code_of(feature): feature.characteristic.reason for feature in features if is_reason(feature)}


def code_of(feature: Feature) -> str:
    """The reason code of a feature: its name in upper case."""
    return feature.name.upper()


def is_reason(feature: Feature) -> bool:
    """Whether a feature may be given as a reason at all."""
    return not feature.characteristic.protected


def reason_keys(features: Sequence[Feature], points: Sequence[NDArray[np.int32]]) -> tuple[NDArray[np.int32], ...]:
    """For each feature the key of each bin: 0 if the bin is no reason, else larger for a stronger reason.

    Lost points are the most points of any of the feature's bins less the bin's own. Among equal losses the feature
    declared first has the larger key, so that ordering keys orders reasons. Raises ValueError above 127 features.
    """
    if len(features) > ORDER_MASK:
        raise ValueError(f"{len(features)} features are more than the {ORDER_MASK} that reason codes are made for")
    return tuple(
        _keys_of_feature(order, bin_points) if is_reason(feature) else np.zeros_like(bin_points)
        for order, (feature, bin_points) in enumerate(zip(features, points, strict=True))
    )


def top_reasons(keys: NDArray[np.int32]) -> NDArray[np.int8]:
    """The strongest reasons of each row as feature indexes, strongest first, NO_REASON after the last, shape (n, 4).

    `keys` has shape (features, n), holds each row's key for each feature (see `reason_keys`), and is overwritten.
    """
    reasons = np.full((keys.shape[1], MAX_REASONS), NO_REASON, dtype=np.int8)
    for place in range(min(MAX_REASONS, len(keys))):
        strongest = keys.max(axis=0)
        reasons[:, place] = np.where(strongest > 0, ORDER_MASK - (strongest & ORDER_MASK), NO_REASON)
        # No two features share a key other than 0, so only the one just taken is struck out.
        keys *= keys != strongest
    return reasons


def _keys_of_feature(order: int, bin_points: NDArray[np.int32]) -> NDArray[np.int32]:
    lost = bin_points.max() - bin_points
    keys = (lost << ORDER_BITS) | (ORDER_MASK - order)
    return np.where(lost > 0, keys, 0).astype(np.int32)
