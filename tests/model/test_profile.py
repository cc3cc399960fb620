from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.profile import KEPT, Profile, outlined, pooled, restored
from model.reference import FeatureReference, reference_of

# Ties, infinities and missing values among arbitrary numbers.
VALUES = st.lists(
    st.integers(-3, 3).map(float) | st.floats(-1e6, 1e6) | st.sampled_from([np.nan, np.inf, -np.inf]), max_size=60
)


def reference(values: Sequence[float]) -> FeatureReference:
    return reference_of("x", np.array(values, dtype=np.float64))


def profile(known: FeatureReference, values: Sequence[float]) -> Profile:
    return known.profile_of_numbers(np.array(values, dtype=np.float64))


def rows(count: int, missing: int = 0) -> Profile:
    return Profile(counts=np.array([count - missing, missing]), values=np.arange(float(count - missing)))


def distribution(found: Profile, at: np.ndarray) -> np.ndarray:
    shares: np.ndarray = found.cumulative[np.searchsorted(found.values, at, side="right")] / found.size
    return shares


@given(trained=VALUES, current=VALUES)
def test_rows_are_counted_by_the_bins_of_the_reference(trained: list[float], current: list[float]) -> None:
    known = reference(trained)
    found = profile(known, current)
    numbers = np.array(current, dtype=np.float64)
    finite = np.where(np.isfinite(numbers), numbers, np.nan)
    assert found.counts.tolist() == np.bincount(known.bins.codes(finite), minlength=known.bins.size).tolist()  # type: ignore[union-attr]
    assert found.values.tolist() == sorted(finite[~np.isnan(finite)])
    assert (found.rows, found.missing, found.size) == (len(current), np.isnan(finite).sum(), len(found.values))


def test_the_column_stays_in_its_order() -> None:
    column = np.array([3.0, 1.0, np.nan, 2.0])
    reference([1.0, 2.0, 3.0]).profile_of_numbers(column)
    assert np.array_equal(column, [3.0, 1.0, np.nan, 2.0], equal_nan=True)


@given(trained=VALUES, parts=st.lists(VALUES, min_size=1, max_size=4))
def test_the_sum_of_profiles_is_the_profile_of_all_the_rows(trained: list[float], parts: list[list[float]]) -> None:
    known = reference(trained)
    first, *others = (profile(known, part) for part in parts)
    whole = profile(known, [value for part in parts for value in part])
    both = sum(others, start=first)
    assert both.counts.tolist() == whole.counts.tolist()
    assert both.size == whole.size
    for ours, expected in zip(both.steps, whole.steps, strict=True):
        assert ours.tolist() == pytest.approx(expected.tolist(), abs=1e-12)


def test_sums_keep_the_weights_of_both() -> None:
    one = Profile(counts=np.array([6, 0]), values=np.array([1.0, 3.0]), weights=np.array([2.0, 4.0]))
    both = one + Profile(counts=np.array([2, 1]), values=np.array([2.0, 3.0]))
    values, shares = both.steps
    assert values.tolist() == [1, 2, 3]
    assert shares.tolist() == [2 / 8, 3 / 8, 1]
    assert both.counts.tolist() == [8, 1]


@pytest.mark.parametrize("present", [0, 1, KEPT - 1, KEPT])
def test_up_to_1001_values_are_all_kept(present: int) -> None:
    found = rows(present + 5, missing=5)
    assert found.kept().tolist() == found.values.tolist()
    again = restored(found.counts, found.kept())
    assert (again.rows, again.missing, again.size) == (present + 5, 5, present)
    assert again.weights is None


# With 1,002 values one is left out; beyond 2,001 no two that are kept are neighbours.
@pytest.mark.parametrize("present", [1_002, 1_501, 2_001, 7_750, 50_000])
def test_of_more_values_evenly_spaced_order_statistics_are_kept(present: int) -> None:
    found = rows(present + 7, missing=7)
    kept = found.kept()
    assert (len(kept), kept[0], kept[-1]) == (KEPT, 0, present - 1)
    # The values are their own ranks, so a step is the number of ranks from one kept value to the next.
    step = (present - 1) / (KEPT - 1)
    assert {int(np.floor(step)), int(np.ceil(step))} >= set(np.diff(kept).astype(int).tolist())
    again = restored(found.counts, kept)
    assert (again.rows, again.missing) == (present + 7, 7)
    assert again.size == pytest.approx(present)
    assert np.abs(distribution(again, found.values) - distribution(found, found.values)).max() <= 1 / 1_000


def test_a_category_has_rows_but_no_values_to_restore() -> None:
    again = restored(np.array([30, 20, 0, 0, 5]), np.array([]))
    assert (again.rows, again.missing, again.size, len(again.steps[0])) == (55, 5, 0, 0)


@pytest.mark.parametrize(
    ("current", "batches", "total"),
    [
        pytest.param(500, 1, 500, id="enough alone"),
        # 499 and 100 more.
        pytest.param(499, 2, 599, id="one row short"),
        pytest.param(150, 4, 550, id="three more"),
        # 0 + 100 + 200 + 100 + 60 + 30 and the last of them does not reach 500 either.
        pytest.param(0, 6, 490, id="never enough"),
    ],
)
def test_as_many_batches_are_pooled_as_it_takes_the_latest_first(current: int, batches: int, total: int) -> None:
    earlier = [rows(count) for count in (100, 200, 100, 60, 30)]
    found, number = pooled(rows(current), earlier, min_rows=500)
    assert (found.rows, number) == (total, batches)
    assert found.size == total


def test_missing_rows_count_towards_the_rows_that_are_needed() -> None:
    assert pooled(rows(500, missing=499), [rows(100)], min_rows=500)[1] == 1


def test_a_batch_without_any_before_it_is_all_there_is() -> None:
    alone = rows(3)
    assert pooled(alone, [], min_rows=500) == (alone, 1)


def test_a_column_that_is_kept_is_put_in_order_and_not_copied() -> None:
    column = np.array([3.0, np.inf, 1.0, np.nan, -np.inf, 2.0])
    found = reference([1.0, 2.0, 3.0]).profile_of_numbers(column, keep=True)
    assert found.values.tolist() == [1.0, 2.0, 3.0]
    assert found.missing == 3
    assert np.shares_memory(found.values, column)


@given(values=st.lists(st.integers(-3, 3).map(float) | st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_the_median_is_a_value_with_half_of_the_rows_up_to_it(values: list[float]) -> None:
    found = reference(values).profile_of_numbers(np.array(values))
    outline = outlined(found)
    assert outline.median == found.median == sorted(values)[(len(values) - 1) // 2]
    assert not np.shares_memory(outline.kept, found.values)
    assert (outline.rows, outline.missing) == (found.rows, found.missing)


def test_of_no_values_there_is_no_median() -> None:
    assert reference([1.0]).profile_of_numbers(np.array([np.nan])).median is None
