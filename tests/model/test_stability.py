import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from model.stability import (
    DriftStatistic,
    FeatureReference,
    StabilityCounter,
    level,
    population_stability,
    reference_of,
)


def compare(reference: FeatureReference, *chunks: np.ndarray) -> dict[str, DriftStatistic]:
    counter = StabilityCounter(reference)
    for chunk in chunks:
        counter.add(chunk)
    return {found.statistic: found for found in counter.statistics()}


# Few distinct values, so that ties within and between the samples are the rule; and arbitrary ones.
TIED = st.lists(st.integers(-4, 4).map(float), min_size=1, max_size=60)
FREE = st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=60)


@settings(deadline=None)
@given(pair=st.one_of(st.tuples(TIED, TIED), st.tuples(FREE, FREE), st.tuples(TIED, FREE)), cut=st.integers(0, 60))
def test_ks_over_chunks_is_that_of_scipy_on_everything(pair: Any, cut: int) -> None:
    reference, current = np.array(pair[0]), np.array(pair[1])
    found = compare(reference_of("x", reference), current[:cut], current[cut:])["ks"]
    with warnings.catch_warnings():
        # For one value against one scipy rounds the effective size to none at all.
        warnings.simplefilter("ignore", RuntimeWarning)
        expected = ks_2samp(reference, current, method="asymp")
    assert found.value == pytest.approx(expected.statistic, abs=1e-12)
    if len(reference) * len(current) > len(reference) + len(current):
        assert found.p_value == pytest.approx(expected.pvalue, abs=1e-9)


def test_chunks_of_any_size_give_the_same_statistics() -> None:
    random = np.random.default_rng(1)
    reference = reference_of("x", random.normal(size=3_000))
    current = np.where(random.random(5_000) < 0.1, np.nan, random.normal(0.2, 1, 5_000))
    whole = compare(reference, current)
    assert compare(reference, *np.array_split(current, 7)) == whole


def test_the_reference_keeps_a_bounded_sample_and_all_counts() -> None:
    values = np.random.default_rng(0).normal(size=30_000)
    values[:3_000] = np.nan
    reference = reference_of("x", values, max_values=1_000, seed=3)
    assert len(reference.sample) == 1_000
    assert reference.counts.sum() == 30_000
    assert reference.counts[-1] == 3_000
    # Deciles of the present values: ten bins of 2,700.
    assert reference.counts[:-1].tolist() == pytest.approx([2_700] * 10, abs=1)
    assert np.array_equal(reference.sample, reference_of("x", values, max_values=1_000, seed=3).sample)
    assert not np.array_equal(reference.sample, reference_of("x", values, max_values=1_000, seed=4).sample)


def test_psi_approaches_the_textbook_sum_as_rows_grow() -> None:
    # (0.5 - 0.4) ln(0.5 / 0.4) + (0.5 - 0.6) ln(0.5 / 0.6)
    psi, _ = population_stability(np.array([400_000, 600_000]), np.array([50_000, 50_000]))
    assert psi == pytest.approx(0.1 * np.log(0.5 / 0.4) - 0.1 * np.log(0.5 / 0.6), rel=1e-3)


@pytest.mark.parametrize("rows", [100, 1_000, 5_000])
def test_psi_without_a_shift_is_significant_no_oftener_than_alpha_says(rows: Any) -> None:
    random = np.random.default_rng(rows)
    found = [
        compare(reference_of("x", random.normal(size=5_000)), random.normal(size=rows))["psi"].p_value
        for _ in range(400)
    ]
    # Binomial(400, 0.05) has a mean of 20 and stays within 9 to 34 but once in a thousand times.
    assert 9 <= (np.array(found, dtype=float) < 0.05).sum() <= 34


def test_a_shift_drifts_and_the_same_distribution_does_not() -> None:
    random = np.random.default_rng(2)
    reference = reference_of("x", random.normal(size=10_000))
    same, shifted = compare(reference, random.normal(size=5_000)), compare(reference, random.normal(0.7, 1, 5_000))
    assert not same["psi"].drifted
    assert not same["ks"].drifted
    assert shifted["psi"].drifted
    assert shifted["ks"].drifted


def test_a_certain_but_small_shift_and_a_large_but_uncertain_one_do_not_drift() -> None:
    random = np.random.default_rng(2)
    reference = reference_of("x", random.normal(size=20_000))
    small = compare(reference, random.normal(0.06, 1, 200_000))
    few = compare(reference, np.array([0.1, 0.2, 0.9, -1.0, -0.5, 0.3]))
    assert small["ks"].p_value is not None
    assert small["ks"].p_value < 1e-6
    assert few["psi"].value is not None
    assert few["psi"].value >= 0.2
    assert not any(found.drifted for found in (*small.values(), *few.values()))


def test_a_rising_share_of_missing_values_drifts_in_psi() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=5_000)
    current = np.where(random.random(2_000) < 0.4, np.nan, random.normal(size=2_000))
    found = compare(reference_of("x", values), current)
    assert found["psi"].drifted
    assert not found["ks"].drifted


def test_categories_are_compared_by_level_with_unseen_ones_together_and_without_ks() -> None:
    reference = reference_of("x", np.array(["a"] * 600 + ["b"] * 400, dtype=object))
    same = compare(reference, np.array(["a"] * 60 + ["b"] * 40, dtype=object))
    unseen = compare(reference, np.array(["a"] * 30 + ["b"] * 20 + ["c", "d"] * 25, dtype=object))
    missing = compare(reference, np.array(["a"] * 50 + [None] * 50, dtype=object))
    assert set(same) == {"psi"}
    assert same["psi"].value == pytest.approx(0, abs=1e-5)
    assert unseen["psi"].drifted
    assert missing["psi"].drifted


@pytest.mark.parametrize(
    ("reference", "current", "psi_known", "ks_known"),
    [
        pytest.param([1.0, 2.0, 3.0] * 50, [], False, False, id="nothing current"),
        pytest.param([1.0, 2.0, 3.0] * 50, [np.nan] * 50, True, False, id="all of it missing"),
        pytest.param([np.nan] * 50, [1.0, 2.0] * 50, True, False, id="nothing but missing in the reference"),
        pytest.param([np.nan] * 50, [np.nan] * 50, True, False, id="nothing but missing in both"),
        pytest.param([], [1.0], False, False, id="an empty reference"),
        pytest.param([5.0] * 50, [5.0] * 50, True, True, id="the same constant"),
        pytest.param([1.0], [2.0], True, True, id="one value against one"),
    ],
)
def test_answers_are_finite_or_none_at_every_edge(reference: Any, current: Any, psi_known: Any, ks_known: Any) -> None:
    found = compare(reference_of("x", np.array(reference, dtype=float)), np.array(current, dtype=float))
    assert (found["psi"].value is not None) == psi_known
    assert (found["ks"].value is not None) == ks_known
    for part in found.values():
        assert part.value is None or np.isfinite(part.value)
        assert part.p_value is None or 0 <= part.p_value <= 1


def test_values_lost_altogether_drift() -> None:
    known, gone = np.array([1.0, 2.0, 3.0] * 50), np.full(50, np.nan)
    assert compare(reference_of("x", known), gone)["psi"].drifted
    assert compare(reference_of("x", gone), known)["psi"].drifted


def test_a_value_that_most_rows_have_is_told_from_the_others() -> None:
    rarely_true = reference_of("x", np.array([0.0] * 95 + [1.0] * 5))
    mostly_nothing = reference_of("x", np.array([0.0] * 95 + [20.0, 30.0, 40.0, 50.0, 60.0]))
    assert rarely_true.counts.tolist() == mostly_nothing.counts.tolist() == [95, 5, 0]


@pytest.mark.parametrize(("drifted", "expected"), [(0, "none"), (1, "warning"), (2, "warning"), (3, "critical")])
def test_the_level_rises_with_the_number_of_drifted_features(drifted: Any, expected: Any) -> None:
    assert level(drifted) == expected
