from dataclasses import replace

import numpy as np
import pytest

from model.reasons import catalogue, reason_keys, top_reasons
from schemas.characteristic import Characteristic
from schemas.contract import Feature


def features(count: int, protected: frozenset[int] = frozenset()) -> list[Feature]:
    return [
        Feature(
            name=f"f{index}",
            categorical=False,
            title="",
            description="",
            characteristic=Characteristic(protected=index in protected, reason=f"reason {index}"),
        )
        for index in range(count)
    ]


def reasons_of(lost: list[int], protected: frozenset[int] = frozenset()) -> list[int]:
    """The reasons of one row that lost these points in each feature."""
    points = [np.array([50, 50 - part], dtype=np.int32) for part in lost]
    keys = reason_keys(features(len(lost), protected), points)
    return list(top_reasons(np.array([[key[1]] for key in keys]))[0].tolist())


def test_reasons_are_ordered_by_lost_points_and_at_most_four() -> None:
    assert reasons_of([1, 9, 3, 7, 5]) == [1, 3, 4, 2]


def test_features_that_cost_nothing_are_no_reasons() -> None:
    assert reasons_of([0, 4, 0]) == [1, -1, -1, -1]
    assert reasons_of([0]) == [-1, -1, -1, -1]


def test_equal_losses_go_by_the_order_of_declaration() -> None:
    assert reasons_of([5, 7, 5, 7, 5, 5]) == [1, 3, 0, 2]


def test_a_protected_feature_is_never_a_reason_however_much_it_costs() -> None:
    assert reasons_of([900, 1, 2], protected=frozenset({0})) == [2, 1, -1, -1]


def test_the_catalogue_names_every_feature_but_protected_ones() -> None:
    assert catalogue(features(3, frozenset({1}))) == {"F0": "reason 0", "F2": "reason 2"}


def test_the_most_features_that_codes_are_made_for_and_one_more() -> None:
    many = [replace(feature, name=f"n{i}") for i, feature in enumerate(features(127))]
    points = [np.array([0, 1], dtype=np.int32)] * 127
    keys = reason_keys(many, points)
    assert top_reasons(np.array([[0]] * 126 + [[keys[126][0]]]))[0].tolist() == [126, -1, -1, -1]
    with pytest.raises(ValueError, match="more than the 127"):
        reason_keys([*many, many[0]], [*points, points[0]])
