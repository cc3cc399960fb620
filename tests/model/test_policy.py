from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.policy import DECISIONS, Policy, fit_policy

POLICY = Policy(approve_from=600, refer_from=560, bands=(("A", 640), ("B", 610), ("C", 590), ("D", 550), ("E", 400)))


@pytest.mark.parametrize(
    ("score", "decision"),
    # On each cutoff, and one point below it.
    [(600, "approve"), (599, "refer"), (560, "refer"), (559, "decline"), (-1_000, "decline"), (9_000, "approve")],
)
def test_a_decision_changes_exactly_at_its_cutoff(score: Any, decision: Any) -> None:
    assert DECISIONS[POLICY.decision_codes(score)] == decision


@pytest.mark.parametrize(
    ("score", "band"),
    [(640, "A"), (639, "B"), (610, "B"), (609, "C"), (590, "C"), (589, "D"), (550, "D"), (549, "E"), (-50, "E")],
)
def test_a_band_changes_exactly_at_its_lowest_score(score: Any, band: Any) -> None:
    assert POLICY.band_names[POLICY.band_codes(score)] == band


def test_shares_are_met_where_scores_are_many() -> None:
    scores = np.random.default_rng(0).normal(600, 60, 50_000).round().astype(int)
    policy = fit_policy(scores, approve_share=0.6, refer_share=0.25)
    decided = np.bincount(policy.decision_codes(scores), minlength=3) / len(scores)
    banded = np.bincount(policy.band_codes(scores), minlength=5) / len(scores)
    assert decided == pytest.approx([0.6, 0.25, 0.15], abs=0.01)
    assert banded == pytest.approx([0.2] * 5, abs=0.01)


@given(scores=st.lists(st.integers(300, 900), min_size=1, max_size=40))
def test_any_reference_gives_distinct_bands_and_ordered_cutoffs(scores: list[int]) -> None:
    policy = fit_policy(np.array(scores))
    lowest = [score for _, score in policy.bands]
    assert lowest == sorted(set(lowest), reverse=True)
    assert policy.band_names == ("A", "B", "C", "D", "E")
    assert policy.refer_from < policy.approve_from
    # The best score seen is always approved.
    assert policy.decision_codes(max(scores)) == 0


def test_a_policy_needs_scores() -> None:
    with pytest.raises(ValueError, match="there are none"):
        fit_policy(np.array([], dtype=int))


def test_cutoffs_and_bands_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="swap them"):
        Policy(approve_from=500, refer_from=501, bands=(("A", 1),))
    with pytest.raises(ValueError, match="start below"):
        Policy(approve_from=500, refer_from=500, bands=(("A", 1), ("B", 1)))
