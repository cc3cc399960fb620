from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from model.reference import SCORE
from model.stability import Shift, Statistic
from model.verdict import (
    Earlier,
    Finding,
    Persistence,
    Verdict,
    judge_shifts,
    legacy_level_of,
    level,
    level_of,
    verdict_on,
)

FIRST = date(2026, 3, 1)
P_VALUES = st.none() | st.floats(0, 1)


def shift(p_value: float | None, value: float | None = 1.0, statistic: Statistic = "psi") -> Shift:
    return Shift(statistic=statistic, value=value, p_value=p_value, floor=0.1)


def finding(exceeded: bool, found: Shift | None = None) -> Finding:
    return Finding(shift=found or shift(0.5), q_value=None, exceeded=exceeded)


def verdicts(exceeded: str, persistence: Persistence) -> Iterator[Verdict]:
    """Day by day, an x for a day on which the feature exceeds its limits."""
    earlier: list[Earlier] = []
    for place, day in enumerate(exceeded):
        on = FIRST + timedelta(days=place)
        found = verdict_on("income", [finding(False), finding(day == "x")], on, earlier, persistence)
        # What is on record: as many batches as the next verdict needs, latest first.
        latest = Earlier(exceeded=found.exceeded, since=found.since)
        earlier = [latest, *earlier][: max(1, persistence.judged - 1)]
        yield found


def drifted(found: Sequence[Verdict]) -> str:
    return "".join("D" if verdict.drifted else "." for verdict in found)


def since(found: Sequence[Verdict]) -> str:
    """The day since which, counted from 1."""
    return "".join("." if verdict.since is None else str((verdict.since - FIRST).days + 1) for verdict in found)


@given(st.lists(st.lists(P_VALUES, max_size=5), max_size=8))
def test_q_values_are_those_of_scipy_over_all_tests_of_all_features(p_values: list[list[float | None]]) -> None:
    shifts = {f"feature {place}": [shift(p) for p in found] for place, found in enumerate(p_values)}
    judged = judge_shifts(shifts, 0.05)
    assert {name: [finding.shift for finding in found] for name, found in judged.items()} == shifts
    tested = [finding for found in judged.values() for finding in found if finding.shift.p_value is not None]
    expected = false_discovery_control([p for found in p_values for p in found if p is not None] or [1.0])
    assert [finding.q_value for finding in tested] == pytest.approx(expected[: len(tested)].tolist(), abs=1e-12)
    assert [finding.exceeded for finding in tested] == [q < 0.05 for q in expected[: len(tested)]]


def test_what_is_not_tested_has_no_q_value_and_does_not_exceed_nor_weigh_on_the_others() -> None:
    alone = judge_shifts({"a": [shift(0.04)]}, 0.05)["a"][0]
    beside = judge_shifts({"a": [shift(0.04), shift(None)], "b": [shift(None, None)] * 20, "c": []}, 0.05)
    assert beside["a"][0] == alone
    assert alone.exceeded
    assert [finding.q_value for finding in (beside["a"][1], *beside["b"])] == [None] * 21
    assert not any(finding.exceeded for finding in (beside["a"][1], *beside["b"]))
    assert beside["c"] == []


def test_a_test_among_many_has_to_be_surer_than_one_alone() -> None:
    # 0.01 times 10 tests is 0.1.
    many = judge_shifts({"a": [shift(0.01)], "b": [shift(0.9)] * 9}, 0.05)
    assert many["a"][0].q_value == pytest.approx(0.1)
    assert not many["a"][0].exceeded


@pytest.mark.parametrize(
    ("value", "p_value", "exceeded"),
    [
        pytest.param(0.5, 1e-9, True, id="large and certain"),
        pytest.param(0.5, 0.2, False, id="large but uncertain"),
        pytest.param(0.0999, 1e-9, False, id="certain but small"),
        pytest.param(0.1, 1e-9, True, id="as large as the floor"),
        # Certain is below the rate.
        pytest.param(0.5, 0.05, False, id="as certain as the rate"),
        pytest.param(0.5, None, False, id="without a p-value"),
        pytest.param(None, None, False, id="nothing to compare"),
    ],
)
def test_a_shift_exceeds_if_it_is_both_large_and_certain(value: Any, p_value: Any, exceeded: bool) -> None:
    assert judge_shifts({"a": [shift(p_value, value)]}, 0.05)["a"][0].exceeded == exceeded


@pytest.mark.parametrize(
    ("exceeded", "expected", "began"),
    [
        (".....", ".....", "....."),
        ("....x", ".....", "....5"),
        ("...x.", ".....", "...44"),
        ("...xx", "....D", "...44"),
        ("..x..", ".....", "..333"),
        ("..x.x", "....D", "..333"),
        ("..xx.", "...D.", "..333"),
        ("..xxx", "...DD", "..333"),
        (".x...", ".....", ".222."),
        (".x..x", ".....", ".2222"),
        (".x.x.", "...D.", ".2222"),
        (".x.xx", "...DD", ".2222"),
        (".xx..", "..D..", ".2222"),
        (".xx.x", "..D.D", ".2222"),
        (".xxx.", "..DD.", ".2222"),
        (".xxxx", "..DDD", ".2222"),
        ("x....", ".....", "111.."),
        ("x...x", ".....", "111.5"),
        ("x..x.", ".....", "11111"),
        ("x..xx", "....D", "11111"),
        ("x.x..", "..D..", "11111"),
        ("x.x.x", "..D.D", "11111"),
        ("x.xx.", "..DD.", "11111"),
        ("x.xxx", "..DDD", "11111"),
        ("xx...", ".D...", "1111."),
        ("xx..x", ".D...", "11111"),
        ("xx.x.", ".D.D.", "11111"),
        ("xx.xx", ".D.DD", "11111"),
        ("xxx..", ".DD..", "11111"),
        ("xxx.x", ".DD.D", "11111"),
        ("xxxx.", ".DDD.", "11111"),
        ("xxxxx", ".DDDD", "11111"),
    ],
)
def test_a_feature_drifts_when_it_exceeds_today_and_on_two_of_the_last_three_days(
    exceeded: str, expected: str, began: str
) -> None:
    found = list(verdicts(exceeded, Persistence()))
    assert [verdict.exceeded for verdict in found] == [day == "x" for day in exceeded]
    assert drifted(found) == expected
    assert since(found) == began


@pytest.mark.parametrize(
    ("persistence", "exceeded", "expected", "began"),
    [
        pytest.param(Persistence(exceeded=1, judged=1), "x.xx..x", "D.DD..D", "1.33..7", id="1 of 1"),
        pytest.param(Persistence(exceeded=3, judged=3), "xx.xxx.", ".....D.", "1111111", id="3 of 3"),
        pytest.param(Persistence(exceeded=3, judged=5), "xxx.....x", "..D......", "1111111.9", id="3 of 5"),
        pytest.param(Persistence(exceeded=3, judged=5), "xx..x.xx.", "....D..D.", "111111111", id="3 of 5 with gaps"),
    ],
)
def test_persistence_can_be_set(persistence: Persistence, exceeded: str, expected: str, began: str) -> None:
    found = list(verdicts(exceeded, persistence))
    assert drifted(found) == expected
    assert since(found) == began


def test_a_verdict_counts_the_batches_it_looked_at() -> None:
    found = list(verdicts("xx.x", Persistence()))
    assert [(verdict.exceeded_batches, verdict.judged) for verdict in found] == [(1, 1), (2, 2), (2, 3), (2, 3)]


def test_batches_older_than_those_judged_do_not_count() -> None:
    # As many are on record as any setting may have asked for.
    earlier = [Earlier(exceeded=False, since=None)] * 2 + [Earlier(exceeded=True, since=FIRST)] * 5
    found = verdict_on("income", [finding(True)], date(2026, 4, 1), earlier, Persistence())
    assert (found.drifted, found.exceeded_batches, found.judged) == (False, 1, 3)
    assert found.since == date(2026, 4, 1)


def test_a_feature_without_findings_has_not_drifted() -> None:
    found = verdict_on("income", [], FIRST, [], Persistence(exceeded=1, judged=1))
    assert [found.exceeded, found.drifted, found.legacy_drifted] == [False] * 3
    assert (found.since, found.exceeded_batches, found.judged) == (None, 0, 1)


@pytest.mark.parametrize(
    ("statistic", "p_value", "fires"),
    [
        ("ks", 0.049, True),
        ("chi_squared", 0.049, True),
        # Below 0.05, not at it.
        ("ks", 0.05, False),
        ("chi_squared", None, False),
        ("psi", 1e-9, False),
        ("wasserstein", 1e-9, False),
        ("missing_share", 1e-9, False),
        ("unseen_share", 1e-9, False),
    ],
)
def test_the_usual_rule_fires_on_the_p_value_of_ks_or_chi_squared_alone(
    statistic: Any, p_value: Any, fires: bool
) -> None:
    # However small the shift, and in the first batch.
    found = verdict_on("x", [finding(False, shift(p_value, 0.001, statistic))], FIRST, [], Persistence())
    assert found.legacy_drifted == fires
    assert not found.drifted


@pytest.mark.parametrize(
    ("count", "expected"), [(0, "none"), (1, "warning"), (2, "warning"), (3, "critical"), (9, "critical")]
)
def test_the_level_rises_with_the_number_of_drifted_features_and_the_score_is_none(count: int, expected: str) -> None:
    def judged(feature: str, shifted: bool) -> Verdict:
        # Drifted by the one rule or by the other, never by both.
        found = shift(0.01, statistic="ks")
        one = Persistence(exceeded=1, judged=1)
        return verdict_on(feature, [finding(shifted, found if not shifted else None)], FIRST, [], one)

    features = [judged(f"drifted {number}", shifted=True) for number in range(count)]
    by_legacy = [judged(f"by legacy {number}", shifted=False) for number in range(count)]
    score = [judged(SCORE, shifted=True), judged(SCORE, shifted=False)]
    assert level(count) == expected
    assert level_of([*features, *by_legacy[:1], *score]) == expected
    assert legacy_level_of([*by_legacy, *features[:1], *score]) == expected
