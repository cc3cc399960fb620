from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.fairness import GroupCount, approval_by_group
from model.performance import Measure, wilson


def ratios(counts: Sequence[GroupCount], min_rows: int = 100) -> list[Measure]:
    return [found.impact_ratio for found in approval_by_group(counts, min_rows)]


def test_rates_and_ratios_worked_out_by_hand() -> None:
    # Katz: the variance of the log is 1/60 - 1/200 + 1/120 - 1/200 = 0.015, so half the interval is 1.96 * 0.1225.
    low, high = approval_by_group([GroupCount("a", 200, 60), GroupCount("b", 200, 120)])
    assert (low.group, low.rows, low.approval) == ("a", 200, wilson(60, 200))
    assert low.impact_ratio.value == pytest.approx(0.5)
    assert low.impact_ratio.low == pytest.approx(0.5 * np.exp(-0.24005), abs=1e-5)
    assert low.impact_ratio.high == pytest.approx(0.5 * np.exp(0.24005), abs=1e-5)
    assert low.below_four_fifths
    assert (high.group, high.approval, high.impact_ratio) == ("b", wilson(120, 200), Measure(1.0))
    assert not high.below_four_fifths


def test_a_ratio_below_four_fifths_alone_accuses_nobody() -> None:
    # 0.75, but with 100 rows each the interval reaches beyond 0.8; with 5,000 rows it no longer does.
    few, _ = approval_by_group([GroupCount("a", 100, 45), GroupCount("b", 100, 60)])
    many, _ = approval_by_group([GroupCount("a", 5_000, 2_250), GroupCount("b", 5_000, 3_000)])
    assert few.impact_ratio.value == many.impact_ratio.value == pytest.approx(0.75)
    assert (few.below_four_fifths, many.below_four_fifths) == (False, True)


def test_a_small_group_keeps_its_rate_but_is_neither_compared_nor_the_reference() -> None:
    small, below, above = approval_by_group(
        [GroupCount("small", 99, 99), GroupCount("below", 100, 30), GroupCount("above", 100, 60)]
    )
    assert small.approval == wilson(99, 99)
    assert (small.impact_ratio, small.below_four_fifths) == (Measure(), False)
    assert below.impact_ratio.value == pytest.approx(0.5)
    assert above.impact_ratio == Measure(1.0)


def test_of_equal_rates_the_largest_group_is_the_reference() -> None:
    smaller, larger = ratios([GroupCount("smaller", 100, 50), GroupCount("larger", 200, 100)])
    assert larger == Measure(1.0)
    assert smaller.value == 1
    assert smaller.low is not None


def test_a_group_without_approvals_gets_an_interval_from_halves_added() -> None:
    # 0.5 of 200.5 against 100.5 of 200.5: the variance of the log is 1/0.5 - 1/200.5 + 1/100.5 - 1/200.5.
    nobody, _ = approval_by_group([GroupCount("nobody", 200, 0), GroupCount("half", 200, 100)])
    high = 0.5 / 100.5 * np.exp(1.959964 * np.sqrt(2 + 1 / 100.5 - 2 / 200.5))
    assert (nobody.impact_ratio.value, nobody.impact_ratio.low) == (0, 0)
    assert nobody.impact_ratio.high == pytest.approx(high)
    assert nobody.below_four_fifths


def test_two_groups_without_a_refusal_are_equal_without_an_interval() -> None:
    assert ratios([GroupCount("a", 100, 100), GroupCount("b", 150, 150)]) == [Measure(1.0), Measure(1.0)]


@pytest.mark.parametrize(
    "counts",
    [
        [],
        [GroupCount("alone", 500, 200)],
        # Only one has enough rows.
        [GroupCount("a", 500, 200), GroupCount("b", 99, 10)],
        # Nobody was approved, or only in a group too small to compare with.
        [GroupCount("a", 500, 0), GroupCount("b", 500, 0)],
        [GroupCount("a", 500, 0), GroupCount("b", 500, 0), GroupCount("c", 50, 50)],
    ],
)
def test_without_two_groups_to_compare_there_is_no_ratio(counts: list[GroupCount]) -> None:
    found = approval_by_group(counts)
    assert [part.impact_ratio for part in found] == [Measure()] * len(counts)
    assert [part.approval for part in found] == [wilson(count.approved, count.rows) for count in counts]
    assert not any(part.below_four_fifths for part in found)


def test_an_empty_group_has_neither_rate_nor_ratio_however_few_rows_are_asked_for() -> None:
    empty, *_ = approval_by_group([GroupCount("empty", 0, 0), GroupCount("a", 5, 2), GroupCount("b", 5, 4)], min_rows=0)
    assert (empty.approval, empty.impact_ratio) == (Measure(), Measure())


@given(
    st.lists(
        st.integers(1, 500).flatmap(lambda rows: st.tuples(st.just(rows), st.integers(0, rows))), min_size=2, max_size=6
    )
)
def test_no_group_is_above_the_reference_and_every_interval_holds_its_ratio(counts: list[tuple[int, int]]) -> None:
    groups = [GroupCount(str(place), rows, approved) for place, (rows, approved) in enumerate(counts)]
    found = ratios(groups, min_rows=1)
    assert (Measure(1.0) in found) == any(approved for _, approved in counts)
    for ratio in found:
        if ratio.low is not None:
            assert ratio.value is not None
            assert ratio.high is not None
            assert 0 <= ratio.low <= ratio.value <= min(1, ratio.high)


def test_intervals_hold_the_true_ratio_about_as_often_as_they_say() -> None:
    random = np.random.default_rng(0)
    held = 0
    for _ in range(1_000):
        # Rates far enough apart that the reference is always the same group.
        low, _ = ratios(
            [GroupCount("a", 300, random.binomial(300, 0.35)), GroupCount("b", 400, random.binomial(400, 0.6))]
        )
        assert low.low is not None
        assert low.high is not None
        held += low.low <= 0.35 / 0.6 <= low.high
    # 95 % of 1,000, give or take three standard errors.
    assert held == pytest.approx(950, abs=21)
