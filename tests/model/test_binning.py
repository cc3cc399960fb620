import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.binning import CategoryBins, NumericBins, fit_bins
from model.woe import count_bins, weight_of_evidence
from schemas.characteristic import Characteristic, Risk
from schemas.contract import Feature


def feature(risk: Risk = "any", categorical: bool = False, levels: tuple[str, ...] = ()) -> Feature:
    return Feature(
        name="x",
        categorical=categorical,
        title="",
        description="",
        characteristic=Characteristic(risk=risk, reason="r"),
        levels=levels,
    )


def test_ranges_hold_their_lower_edge_and_missing_has_the_last_code() -> None:
    bins = NumericBins((25.0, 31.0))
    values = np.array([24.999, 25.0, 30.999, 31.0, np.nan])
    assert bins.codes(values).tolist() == [0, 1, 1, 2, 3]
    assert bins.labels == ("< 25", "25 to < 31", ">= 31", "missing")


def test_rare_and_unseen_levels_share_a_bin_and_missing_has_its_own() -> None:
    bins = CategoryBins(("RENT", "OWN"))
    values = np.array(["OWN", "CASTLE", None, "RENT", np.nan], dtype=object)
    assert bins.codes(values).tolist() == [1, 2, 3, 0, 3]
    assert bins.labels == ("RENT", "OWN", "other", "missing")


@settings(deadline=None)
@given(edges=st.sets(st.floats(allow_nan=False), max_size=8), values=st.lists(st.floats() | st.integers(), max_size=20))
def test_one_number_has_the_bin_it_has_in_a_column(edges: set[float], values: list[Any]) -> None:
    bins = NumericBins(tuple(sorted(edges)))
    neighbours = [math.nextafter(edge, towards) for edge in edges for towards in (-math.inf, math.inf)]
    numbers = np.array([*values, *edges, *neighbours, 0.0, -0.0, math.nan], dtype=np.float64)
    code = bins.code_of_one()
    expected = bins.codes(numbers).tolist()
    # As a request brings them, and as derived features do.
    assert [code(value) for value in [*values, *numbers[len(values) :].tolist()]] == expected
    assert [code(value) for value in numbers] == expected


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, 3),
        (math.nan, 3),
        (np.float64("nan"), 3),
        (np.float32("nan"), 3),
        (False, 0),
        (True, 1),
        (np.bool_(True), 1),
        (1, 1),
        (np.int64(2), 2),
        (np.float64(0.999), 0),
        (2**63 - 1, 2),
        (-math.inf, 0),
        (math.inf, 2),
    ],
)
def test_one_value_of_any_kind_of_number_has_a_bin(value: Any, code: int) -> None:
    found = NumericBins((1.0, 2.0)).code_of_one()(value)
    assert (found, type(found)) == (code, int)


def test_without_edges_one_number_is_there_or_missing() -> None:
    code = NumericBins(()).code_of_one()
    assert [code(value) for value in (1.0, np.float64(-1), None, np.nan)] == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("level", "code"),
    [("RENT", 0), ("OWN", 1), ("CASTLE", 2), ("", 2), ("rent", 2), (None, 3), (math.nan, 3), (np.float64("nan"), 3)],
)
def test_one_level_has_the_bin_it_has_in_a_column(level: Any, code: int) -> None:
    bins = CategoryBins(("RENT", "OWN"))
    found = bins.code_of_one()
    # Asked twice: a level once seen is not remembered as one of the known.
    assert [found(level), found(level)] == [code, code]
    assert bins.codes(np.array([level], dtype=object)).tolist() == [code]
    assert bins.size == 4


def test_levels_called_other_and_missing_are_told_from_the_bins_of_that_name() -> None:
    labels = CategoryBins(("other", "missing")).labels
    assert len(set(labels)) == len(labels)


def test_a_literal_keeps_its_order_and_an_open_category_is_ordered_by_name() -> None:
    values = np.array(["b", "a", "c"] * 100 + ["rare"] * 9, dtype=object)
    outcomes = np.tile([0, 1, 1], 103).astype(np.int8)
    closed = fit_bins(feature(categorical=True, levels=("c", "b", "a", "rare")), values, outcomes, 8, 0.02)
    opened = fit_bins(feature(categorical=True), values, outcomes, 8, 0.02)
    assert closed == CategoryBins(("c", "b", "a"))
    assert opened == CategoryBins(("a", "b", "c"))


def test_edges_are_the_shortest_numbers_that_split_alike() -> None:
    values = np.repeat([0.0, 1.0, 31_237.25, 31_911.5], 100)
    outcomes = np.concatenate([np.arange(100) < share for share in (80, 60, 40, 20)]).astype(np.int8)
    bins = fit_bins(feature("falls"), values, outcomes, 8, 0.05)
    assert bins == NumericBins((1.0, 30_000.0, 31_900.0))


def test_neighbouring_doubles_are_split_although_single_precision_merges_them() -> None:
    low = 10_000_000_000.0
    values = np.repeat([low, np.nextafter(low, np.inf)], 100)
    outcomes = np.repeat([0, 1], 100).astype(np.int8)
    bins = fit_bins(feature("rises"), values, outcomes, 8, 0.05)
    assert bins.codes(values).tolist() == [0] * 100 + [1] * 100


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(np.full(300, 7.0), id="constant"),
        pytest.param(np.full(300, np.nan), id="all missing"),
        pytest.param(np.arange(300.0)[:3], id="three rows"),
    ],
)
def test_values_that_say_nothing_get_one_range_and_are_neutral(values: Any) -> None:
    outcomes = (np.arange(len(values)) % 2).astype(np.int8)
    bins = fit_bins(feature("rises"), values, outcomes, 8, 0.05)
    woe = weight_of_evidence(count_bins(bins.codes(values), outcomes, bins.size))
    assert bins == NumericBins(())
    assert bins.labels == ("any value", "missing")
    assert np.abs(woe).max() < 1e-9


def test_one_bin_is_all_that_one_bin_allows() -> None:
    values, outcomes = np.arange(400.0), np.repeat([0, 1], 200).astype(np.int8)
    assert fit_bins(feature(), values, outcomes, 1, 0.05) == NumericBins(())


def test_a_direction_against_the_declared_one_is_not_split_on() -> None:
    values, outcomes = np.arange(400.0), np.repeat([0, 1], 200).astype(np.int8)
    assert fit_bins(feature("falls"), values, outcomes, 8, 0.05) == NumericBins(())


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    rows=st.integers(60, 2_500),
    slope=st.floats(-3, 3),
    risk=st.sampled_from(["rises", "falls"]),
    min_share=st.sampled_from([0.0, 0.02, 0.05]),
)
def test_weight_of_evidence_never_moves_against_the_declared_direction(
    seed: int, rows: int, slope: float, risk: Any, min_share: float
) -> None:
    random = np.random.default_rng(seed)
    values = np.where(random.random(rows) < 0.1, np.nan, random.normal(size=rows).round(2))
    outcomes = (random.random(rows) < 1 / (1 + np.exp(1.5 - slope * np.nan_to_num(values)))).astype(np.int8)
    outcomes[:2] = 0, 1
    bins = fit_bins(feature(risk), values, outcomes, 8, min_share)
    ranges = weight_of_evidence(count_bins(bins.codes(values), outcomes, bins.size))[:-1]
    steps = np.diff(ranges)
    assert (steps <= 0).all() if risk == "rises" else (steps >= 0).all()
    assert bins.size <= 9
