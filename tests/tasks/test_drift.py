"""How batches are judged with the batches before them: on profiles built by hand, as `tasks.monitor` does it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from model.profile import Profile, outlined, restored
from model.reference import Reference, reference_of
from model.verdict import Earlier
from schemas.settings import Settings
from tasks import drift as drift_of_batch
from tasks.drift import FeatureDrift, History, drift_rows, measure, profile_rows, verdict_rows
from warehouse.monitoring import framed

DAY = date(2026, 6, 30)
SETTINGS = Settings()
EXCEEDED = Earlier(exceeded=True, since=DAY - timedelta(days=1))
NOTHING = History(profiles={}, verdicts={}, level="none")


def numbers(rows: int, seed: int = 0, shift: float = 0.0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(100 + shift, 10, rows)


REFERENCE: Reference = {
    "income": reference_of("income", numbers(5_000, seed=9)),
    "region": reference_of("region", np.repeat(np.array(["north", "south"], dtype=object), [4_000, 1_000])),
}


def profiles(rows: int, seed: int = 0, shift: float = 0.0) -> dict[str, Profile]:
    """A batch of as many rows, whose regions are as ever."""
    return {
        "income": REFERENCE["income"].profile_of_numbers(numbers(rows, seed, shift)),
        "region": REFERENCE["region"].profile_of_levels({"north": rows - rows // 5, "south": rows // 5}),
    }


def history(*earlier: Mapping[str, Profile], verdicts: Sequence[Earlier] = ()) -> History:
    """Earlier batches, latest first; `verdicts` are those on income."""
    return History(
        profiles={name: [batch[name] for batch in earlier] for name in REFERENCE if earlier},
        verdicts={"income": verdicts} if verdicts else {},
        level="none",
    )


def judge_drift(
    settings: Settings, reference: Reference, batch: Mapping[str, Profile], before: History, day: date
) -> list[FeatureDrift]:
    measured = [measure(settings, reference[name], batch[name], before.profiles.get(name, ())) for name in reference]
    return drift_of_batch.judge_drift(settings, measured, before, day)


def judge(batch: Mapping[str, Profile], before: History = NOTHING, settings: Settings = SETTINGS) -> FeatureDrift:
    """What is said of income."""
    return judge_drift(settings, REFERENCE, batch, before, DAY)[0]


def values(drift: FeatureDrift) -> dict[str, float | None]:
    return {finding.shift.statistic: finding.shift.value for finding in drift.findings}


def test_a_batch_of_enough_rows_is_judged_alone() -> None:
    found = judge(profiles(500), history(profiles(500, seed=1)))
    assert (found.rows, found.batches, found.enough) == (500, 1, True)
    assert list(values(found)) == ["psi", "ks", "wasserstein", "missing_share"]


@pytest.mark.parametrize(("rows", "batches"), [(250, 2), (249, 3), (170, 3), (100, 5)])
def test_a_small_batch_is_judged_with_as_many_before_it_as_it_takes(rows: int, batches: int) -> None:
    found = judge(profiles(rows), history(*(profiles(rows, seed=number) for number in range(1, 9))))
    assert (found.rows, found.batches, found.enough) == (rows * batches, batches, True)


def test_what_is_pooled_counts_as_one_batch() -> None:
    small, earlier = profiles(300, shift=30), profiles(300, seed=1)
    together = numbers(300, shift=30), numbers(300, seed=1)
    whole = {**small, "income": REFERENCE["income"].profile_of_numbers(np.concatenate(together))}
    assert values(judge(small, history(earlier))) == pytest.approx(values(judge(whole)))


def test_too_few_rows_even_so_are_not_judged() -> None:
    drift = judge_drift(SETTINGS, REFERENCE, profiles(100, shift=90), history(profiles(399)), DAY)
    assert [(item.rows, item.batches, item.enough) for item in drift] == [(499, 2, False)] * 2
    assert list(drift_rows(drift)) == []
    rows = framed("drift_verdicts", list(verdict_rows(drift, {})))
    assert rows["enough"].to_list() == rows["drifted"].to_list() == rows["exceeded"].to_list() == [False, False]
    assert rows["row_count"].to_list() == [499, 499]


@pytest.mark.parametrize(("before", "beside"), [([], False), ([499], False), ([250, 249], False), ([250, 250], True)])
def test_the_window_is_looked_at_once_it_has_rows_enough(before: list[int], *, beside: bool) -> None:
    found = judge(profiles(500), history(*(profiles(rows, seed=rows) for rows in before)))
    assert len(found.window) == (len(found.findings) if beside else 0)
    rows = list(drift_rows([found]))
    assert all((row["window_value"] is not None) == beside for row in rows)


def test_the_window_ends_where_the_pooled_batches_begin() -> None:
    # Two batches are pooled, which leaves one of 400 rows.
    assert judge(profiles(300), history(profiles(300, seed=1), profiles(400, seed=2))).window == []


def test_what_lasts_is_far_from_the_reference_and_near_the_window() -> None:
    found = judge(profiles(1_000, shift=20), history(profiles(1_000, seed=1, shift=20)))
    for place, finding in enumerate(found.findings[:3]):
        assert finding.exceeded
        assert not found.window[place].large
    (psi, *_) = drift_rows([found])
    assert psi["value"] > 10 * psi["window_value"]


def test_one_batch_is_not_enough_for_drift_and_two_of_three_are() -> None:
    far, near = profiles(1_000, shift=20), profiles(1_000)
    first = judge(far).verdict
    assert (first.exceeded, first.drifted, first.since, first.judged) == (True, False, DAY, 1)
    fine = Earlier(exceeded=False, since=EXCEEDED.since)
    for before in ([EXCEEDED], [fine, EXCEEDED]):
        again = judge(far, history(verdicts=before)).verdict
        assert (again.drifted, again.exceeded_batches, again.since) == (True, 2, EXCEEDED.since)
    # It lasts until none of three was far.
    between = judge(near, history(verdicts=[fine, EXCEEDED])).verdict
    assert (between.drifted, between.since) == (False, EXCEEDED.since)
    assert judge(near, history(verdicts=[fine, fine])).verdict.since is None


def test_a_feature_that_drifts_says_nothing_of_the_others() -> None:
    income, region = judge_drift(SETTINGS, REFERENCE, profiles(1_000, shift=20), NOTHING, DAY)
    assert income.verdict.exceeded
    assert not region.verdict.exceeded


NEAR: dict[str | None, int] = {"north": 800, "south": 200}
ODD: dict[str, tuple[NDArray[np.float64], dict[str | None, int]]] = {
    "constant": (np.full(1_000, 100.0), {"north": 1_000}),
    "all missing": (np.full(1_000, np.nan), {None: 1_000}),
    "one present": (np.append(np.full(999, np.nan), 100.0), {None: 999, "south": 1}),
    "a level vanished": (numbers(1_000), {"north": 1_000}),
    "all levels new": (numbers(1_000), {"east": 999, "west": 1}),
    "infinite": (np.full(1_000, np.inf), NEAR),
    "huge": (np.full(1_000, 1e300), NEAR),
    "both ends": (np.repeat([-1.7e308, 1.7e308], 500), NEAR),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_batch_gets_a_verdict(name: str) -> None:
    column, levels = ODD[name]
    batch = {
        "income": REFERENCE["income"].profile_of_numbers(column),
        "region": REFERENCE["region"].profile_of_levels(levels),
    }
    # Once alone, and once with a window of batches that are as odd, as they come back from the record.
    outlines = {feature: outlined(profile) for feature, profile in batch.items()}
    kept = {row["feature"]: row for row in profile_rows("v1", REFERENCE, outlines)}
    again = {feature: restored(np.array(row["counts"]), np.array(row["sample"])) for feature, row in kept.items()}
    for before in (NOTHING, history(again, again), history(profiles(1_000))):
        drift = judge_drift(SETTINGS, REFERENCE, batch, before, DAY)
        assert all(item.enough for item in drift)
        framed("drift", list(drift_rows(drift)))
        income, region = (item.verdict.exceeded for item in drift)
        assert income == (name not in ("a level vanished", "all levels new"))
        assert region == (name not in ("infinite", "huge", "both ends"))


@pytest.mark.parametrize("rows", [0, 1])
def test_a_batch_of_one_row_or_none_is_judged_with_those_before_or_not_at_all(rows: int) -> None:
    batch = {
        "income": REFERENCE["income"].profile_of_numbers(numbers(rows)),
        "region": REFERENCE["region"].profile_of_levels({"north": rows} if rows else {}),
    }
    alone, pooled = judge(batch), judge(batch, history(profiles(500)))
    assert (alone.enough, alone.rows) == (False, rows)
    assert (pooled.enough, pooled.rows, pooled.batches) == (True, 500 + rows, 2)
    assert not pooled.verdict.exceeded


def test_a_reference_without_a_value_is_no_error() -> None:
    reference = {"income": reference_of("income", np.full(500, np.nan))}
    batch = {"income": reference["income"].profile_of_numbers(numbers(500))}
    (found,) = judge_drift(SETTINGS, reference, batch, NOTHING, DAY)
    assert found.enough
    # What was always missing is there now.
    assert [item.shift.statistic for item in found.findings if item.exceeded] == ["psi", "missing_share"]


def test_the_verdicts_of_batches_that_are_judged_with_a_small_one_do_not_count_again() -> None:
    """One shifted day, judged a second time with the day after it, would else be two."""
    shifted, normal = profiles(300, seed=1, shift=30), profiles(300, seed=2)
    before = history(shifted, normal, verdicts=[Earlier(exceeded=True, since=DAY), Earlier(exceeded=False, since=None)])
    dates = [DAY - timedelta(days=1), DAY - timedelta(days=2)]
    found = judge(profiles(300), replace(before, profiled=dates, judged=dates))
    assert found.verdict.exceeded
    assert (found.verdict.exceeded_batches, found.verdict.judged, found.verdict.drifted) == (1, 2, False)
