from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy.stats import kstest

from model.binning import NumericBins
from model.reference import MAX_KNOWN, MAX_LEVELS, SCORE, FeatureReference, LevelBins, reference_of
from model.serialise import dump_model, load_model
from model.stability import Floors, shifts
from model.trained import Model
from tests.model.portfolio import BORROWER, Portfolio


def of_levels(values: Sequence[object]) -> tuple[FeatureReference, LevelBins]:
    found = reference_of("x", np.array(values, dtype=object))
    assert isinstance(found.bins, LevelBins)
    return found, found.bins


def test_the_sample_is_bounded_and_seeded_and_the_counts_are_of_all_rows() -> None:
    values = np.random.default_rng(0).normal(size=30_000)
    values[:3_000] = np.nan
    found = reference_of("x", values, max_values=1_000, seed=3)
    assert len(found.sample) == 1_000
    assert (np.diff(found.sample) > 0).all()
    assert np.isin(found.sample, values).all()
    assert kstest(found.sample, "norm").pvalue > 0.01
    # Deciles of the present values: ten bins of 2,700.
    assert found.counts.tolist() == [*[pytest.approx(2_700, abs=1)] * 10, 3_000]
    assert found.counts.sum() == 30_000
    again, other = (reference_of("x", values, max_values=1_000, seed=seed) for seed in (3, 4))
    assert np.array_equal(found.sample, again.sample)
    assert not np.array_equal(found.sample, other.sample)


def test_as_many_values_as_may_be_kept_are_all_kept() -> None:
    values = np.array([3.0, np.nan, 1.0, np.inf, 2.0])
    found = reference_of("x", values, max_values=3)
    assert found.sample.tolist() == [1, 2, 3]
    assert found.profile.values is found.sample
    assert (found.profile.rows, found.profile.missing) == (5, 2)


@pytest.mark.parametrize(
    ("values", "edges", "counts"),
    [
        # A range begins with the value that a tenth of the rows reaches.
        pytest.param(range(100), tuple(range(9, 99, 10)), [9, *[10] * 8, 11, 0], id="deciles"),
        # The range that holds most rows is not split, and the others are told from it.
        pytest.param([0.0] * 95 + [1.0] * 5, (1,), [95, 5, 0], id="rarely true"),
        pytest.param([0.0] * 95 + [20.0, 30.0, 40.0, 50.0, 60.0], (20,), [95, 5, 0], id="mostly nothing"),
        pytest.param([1.0] * 95 + [0.0] * 5, (1,), [5, 95, 0], id="rarely false"),
        pytest.param([True, False, False], (1,), [2, 1, 0], id="booleans"),
        pytest.param([5.0] * 10, (), [10, 0], id="constant"),
        pytest.param([np.nan, np.inf, -np.inf], (), [0, 3], id="nothing but missing"),
        pytest.param([], (), [0, 0], id="no rows"),
    ],
)
def test_numbers_are_split_at_quantiles(values: Any, edges: tuple[int, ...], counts: list[int]) -> None:
    found = reference_of("x", np.array(values))
    assert found.bins == NumericBins(edges)
    assert found.counts.tolist() == counts


def test_the_number_of_ranges_can_be_chosen() -> None:
    assert reference_of("x", np.arange(100.0), bins=4).counts.tolist() == [24, 25, 25, 26, 0]


def test_levels_are_those_of_training_most_frequent_first_and_equally_frequent_ones_by_name() -> None:
    found, bins = of_levels(["b", "a", None, "c", "c", "a", "b", "d", np.nan, "c"])
    assert bins == LevelBins(levels=("c", "a", "b", "d"), rare=(), singletons=1)
    assert found.counts.tolist() == [3, 2, 2, 1, 0, 0, 2]
    assert bins.labels == ("c", "a", "b", "d", "other", "unseen", "missing")
    assert (bins.size, bins.unseen, len(found.sample)) == (7, 5, 0)


def test_rows_are_counted_by_level_and_the_rest_as_rare_unseen_or_missing() -> None:
    bins = LevelBins(levels=("a", "b"), rare=("c", "d"), singletons=0)
    rows = {"d": 1, "a": 2, None: 4, "new": 8, "c": 16, "b": 32, "newer": 64, "": 128}
    assert bins.count(rows).tolist() == [2, 32, 17, 200, 4]
    assert bins.count({}).tolist() == [0] * 5


def test_levels_beyond_the_fifty_most_frequent_share_a_bin_and_stay_known() -> None:
    rows = {f"level {number:02}": MAX_LEVELS + 10 - number for number in range(MAX_LEVELS + 10)}
    found, bins = of_levels([level for level, count in rows.items() for _ in range(count)])
    assert bins.levels == tuple(rows)[:MAX_LEVELS]
    assert bins.rare == tuple(rows)[MAX_LEVELS:]
    assert found.counts.tolist() == [*range(60, 10, -1), sum(range(1, 11)), 0, 0]
    assert found.profile_of_levels({"level 59": 3, "level 60": 5}).counts[MAX_LEVELS:].tolist() == [3, 5, 0]


def test_of_more_than_ten_thousand_levels_the_last_are_not_known_and_counted_so() -> None:
    found, bins = of_levels(["often"] * 2 + [f"{number:05}" for number in range(MAX_KNOWN + 4)])
    assert len(bins.levels) + len(bins.rare) == MAX_KNOWN
    assert bins.singletons == MAX_KNOWN + 4
    assert found.counts.tolist() == [2, *[1] * 49, MAX_KNOWN - 50, 5, 0]


def test_levels_called_as_a_bin_are_told_from_it() -> None:
    _, bins = of_levels(["other", "unseen", "missing"])
    assert len(set(bins.labels)) == bins.size
    assert bins.count({"other": 1, "unseen": 2, "missing": 4, None: 8, "new": 16}).tolist() == [4, 1, 2, 0, 16, 8]


@pytest.mark.parametrize("values", [[], [None, np.nan]])
def test_a_category_without_a_level_has_the_common_bins(values: list[Any]) -> None:
    found, bins = of_levels(values)
    assert bins == LevelBins((), (), 0)
    assert found.counts.tolist() == [0, 0, len(values)]


def test_numbers_have_no_levels() -> None:
    with pytest.raises(TypeError, match="x is no category"):
        reference_of("x", np.array([1.0])).profile_of_levels({"a": 1})


def test_use_leaves_nothing_behind_in_the_file_of_the_model(model: Model, portfolio: Portfolio) -> None:
    before = dump_model(model)
    columns = BORROWER.features_of(portfolio.columns)
    for name, reference in model.reference.items():
        profile = reference.profile
        if isinstance(reference.bins, LevelBins):
            levels, rows = np.unique(columns[name].astype(str), return_counts=True)
            profile = reference.profile_of_levels(dict(zip(levels.tolist(), rows.tolist(), strict=True)))
        elif name != SCORE:
            profile = reference.profile_of_numbers(columns[name])
        assert all(shift.value is not None for shift in shifts(reference, profile, Floors()))
        assert reference.bins.labels
    assert dump_model(model) == before
    again = load_model(before, "1").reference
    assert list(again) == list(model.reference)
    assert all(np.array_equal(again[name].sample, model.reference[name].sample) for name in again)
