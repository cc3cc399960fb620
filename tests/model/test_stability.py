import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from scipy.stats import binomtest, chi2, chi2_contingency, ks_2samp, wasserstein_distance

from model.profile import Profile
from model.reference import FeatureReference, LevelBins, reference_of
from model.stability import (
    Floors,
    Shift,
    kolmogorov_smirnov,
    population_stability,
    shifts,
    standard_deviation,
    wasserstein,
)
from tests.model.portfolio import known

Weighted = tuple[list[float], list[float]]

# Few distinct values, so that ties within and between the samples are the rule; and arbitrary ones.
TIED = st.integers(-4, 4).map(float)
FREE = st.floats(-1e6, 1e6)
VALUES = st.one_of(*(st.lists(values, min_size=1, max_size=60) for values in (TIED, FREE, TIED | FREE)))
# Far from zero, where sums of the values have no digits left for what lies between them.
OFFSET = st.sampled_from([0.0, 1e9, -1e9])
WEIGHTS = st.just(0.0) | st.floats(0.01, 100)


def weighted(weights: st.SearchStrategy[Any]) -> st.SearchStrategy[Weighted]:
    """Values and their weights, not all of them 0."""
    pairs = st.lists(st.tuples(TIED | FREE, weights), min_size=1, max_size=40).filter(lambda p: any(w for _, w in p))
    return pairs.map(lambda found: ([value for value, _ in found], [weight for _, weight in found]))


def profile_of(values: Sequence[float], weights: Sequence[float] | None = None) -> Profile:
    order = np.argsort(values, kind="stable")
    return Profile(
        counts=np.array([len(values), 0]),
        values=np.array(values, dtype=np.float64)[order],
        weights=None if weights is None else np.array(weights, dtype=np.float64)[order],
    )


def category(counts: ArrayLike, singletons: int = 0, rare: tuple[str, ...] = ()) -> FeatureReference:
    """A category by its rows: of its levels, of the rare, the unseen and the missing ones."""
    rows = np.array(counts)
    bins = LevelBins(tuple(f"level {place}" for place in range(len(rows) - 3)), rare, singletons)
    return FeatureReference(feature="x", bins=bins, counts=rows, sample=np.array([]))


def of_counts(counts: ArrayLike) -> Profile:
    return Profile(counts=np.array(counts), values=np.array([]))


def of_numbers(reference: Any, current: Any) -> dict[str, Shift]:
    known_values = reference_of("x", np.array(reference, dtype=np.float64))
    return found(known_values, known_values.profile_of_numbers(np.array(current, dtype=np.float64)))


def of_levels(reference: Mapping[Any, int], current: Mapping[Any, int]) -> dict[str, Shift]:
    rows = [level for level, count in reference.items() for _ in range(count)]
    known_levels = reference_of("x", np.array(rows, dtype=object))
    return found(known_levels, known_levels.profile_of_levels(current))


def found(reference: FeatureReference, current: Profile, against: Profile | None = None) -> dict[str, Shift]:
    return {shift.statistic: shift for shift in shifts(reference, current, Floors(), against)}


def certain(shift: Shift) -> bool:
    return known(shift.p_value) < 0.001


def scipy_ks(reference: Any, current: Any) -> Any:
    with warnings.catch_warnings():
        # For one value against one scipy rounds the effective size to none at all.
        warnings.simplefilter("ignore", RuntimeWarning)
        return ks_2samp(reference, current, method="asymp")


@settings(deadline=None)
@given(reference=VALUES, current=VALUES, offset=OFFSET)
def test_ks_and_wasserstein_are_those_of_scipy(reference: Any, current: Any, offset: float) -> None:
    reference, current = np.array(reference) + offset, np.array(current) + offset
    base, profile = profile_of(reference), profile_of(current)
    expected = scipy_ks(reference, current)
    distance, p_value = kolmogorov_smirnov(base, profile)
    assert distance == pytest.approx(expected.statistic, abs=1e-9)
    if not np.isnan(expected.pvalue):
        assert p_value == pytest.approx(expected.pvalue, abs=1e-9)
    area, bound = wasserstein(base, profile)
    assert area == pytest.approx(wasserstein_distance(reference, current), rel=1e-9, abs=rounding(reference, current))
    assert known(area) >= 0
    assert 0 <= known(bound) <= 1


def rounding(reference: Any, current: Any) -> float:
    """What may be lost where the two nearly agree: sums of all the values take part in the area."""
    return 1e-12 * float(np.ptp([*reference, *current]))


@settings(deadline=None)
@given(reference=weighted(WEIGHTS), current=weighted(WEIGHTS), offset=OFFSET)
def test_wasserstein_of_weighted_values_is_that_of_scipy(reference: Weighted, current: Weighted, offset: float) -> None:
    ours, theirs = np.array(reference[0]) + offset, np.array(current[0]) + offset
    expected = wasserstein_distance(ours, theirs, reference[1], current[1])
    area, bound = wasserstein(profile_of(ours.tolist(), reference[1]), profile_of(theirs.tolist(), current[1]))
    assert area == pytest.approx(expected, rel=1e-9, abs=rounding(ours, theirs))
    assert known(area) >= 0
    assert 0 <= known(bound) <= 1


@settings(deadline=None)
@given(reference=weighted(st.integers(0, 5)), current=weighted(st.integers(0, 5)))
def test_a_whole_weight_is_so_many_rows(reference: Weighted, current: Weighted) -> None:
    base, profile = profile_of(*reference), profile_of(*current)
    repeated = [np.repeat(values, np.array(weights, dtype=int)) for values, weights in (reference, current)]
    rows, more_rows = (profile_of(values.tolist()) for values in repeated)
    expected = scipy_ks(*repeated)
    distance, p_value = kolmogorov_smirnov(base, profile)
    assert distance == pytest.approx(expected.statistic, abs=1e-9)
    if not np.isnan(expected.pvalue):
        assert p_value == pytest.approx(expected.pvalue, abs=1e-9)
    lost = rounding(*repeated)
    assert wasserstein(base, profile) == pytest.approx(wasserstein(rows, more_rows), rel=1e-9, abs=max(1e-9, lost))
    assert standard_deviation(base) == pytest.approx(np.std(repeated[0]), rel=1e-9, abs=1e-9)


@settings(deadline=None)
@given(reference=VALUES, one=VALUES, other=VALUES)
def test_the_sum_of_two_batches_is_compared_as_all_their_rows(reference: Any, one: Any, other: Any) -> None:
    base, both = profile_of(reference), profile_of(one) + profile_of(other)
    assert kolmogorov_smirnov(base, both) == pytest.approx(kolmogorov_smirnov(base, profile_of(one + other)), abs=1e-9)
    expected = wasserstein_distance(reference, one + other)
    assert wasserstein(base, both)[0] == pytest.approx(expected, rel=1e-9, abs=rounding(reference, one + other))


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=4, max_size=20))
def test_chi_squared_is_that_of_scipy(pairs: list[tuple[int, int]]) -> None:
    reference, current = np.array(pairs).T
    assume(reference.sum() and current.sum())
    shift = found(category(reference), of_counts(current))["chi_squared"]
    expected = chi2_contingency(np.array([pair for pair in pairs if any(pair)]).T, correction=False)
    assert shift.value == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)
    assert shift.p_value == pytest.approx(expected.pvalue, abs=1e-9)


@given(st.lists(st.tuples(st.integers(1, 500), st.integers(1, 500)), min_size=2, max_size=20))
def test_psi_is_the_textbook_sum_where_no_bin_is_empty(pairs: list[tuple[int, int]]) -> None:
    reference, current = np.array(pairs).T
    r, c = reference / reference.sum(), current / current.sum()
    value, p_value = population_stability(reference, current)
    assert value == pytest.approx(np.sum((c - r) * np.log(c / r)), abs=1e-12)
    scaled = known(value) / (1 / reference.sum() + 1 / current.sum())
    assert p_value == pytest.approx(chi2.sf(scaled, len(pairs) - 1), abs=1e-9)


def test_a_bin_that_is_empty_on_one_side_counts_half_a_row_there_and_one_on_both_nothing() -> None:
    value, p_value = population_stability(np.array([90, 10, 0, 0]), np.array([40, 0, 10, 0]))
    by_hand = (0.8 - 0.9) * np.log(0.8 / 0.9) + (0.01 - 0.1) * np.log(0.1) + (0.2 - 0.005) * np.log(40)
    assert value == pytest.approx(by_hand)
    assert p_value == pytest.approx(chi2.sf(by_hand / (1 / 100 + 1 / 50), 2))


def test_the_statistics_are_those_of_evidently() -> None:
    import pandas
    from evidently.legacy.calculations.stattests import ks_stat_test, psi_stat_test, wasserstein_stat_test
    from evidently.legacy.core import ColumnType

    random = np.random.default_rng(0)
    for shift in (0.0, 0.3):
        # Above 10,000 rows scipy, and so Evidently, takes the asymptotic p-value.
        reference, current = random.lognormal(0, 1, 12_000), random.lognormal(shift / 10, 1, 3_000)
        base = reference_of("x", reference)
        ours, theirs = of_numbers(reference, current), (pandas.Series(reference), pandas.Series(current))
        expected = ks_stat_test(*theirs, ColumnType.Numerical, None).drift_score
        assert ours["ks"].p_value == pytest.approx(expected, abs=1e-9)
        expected = wasserstein_stat_test(*theirs, ColumnType.Numerical, None).drift_score
        distance = known(ours["wasserstein"].value) / standard_deviation(base.profile)
        assert distance == pytest.approx(expected, abs=1e-9)
        # Evidently gives an empty level a share of 0.0001; none is empty here.
        before, now = (random.choice(list("abcd"), 1_000, p=[0.4, 0.3 - s, 0.2 + s, 0.1]) for s in (0, shift / 2))
        expected = psi_stat_test(pandas.Series(before), pandas.Series(now), ColumnType.Categorical, None).drift_score
        assert of_levels(Counter(before.tolist()), Counter(now.tolist()))["psi"].value == pytest.approx(
            expected, abs=1e-9
        )


def test_the_bound_of_wasserstein_worked_out_by_hand() -> None:
    # A share of 0.5 against one of 0.8: F is 0.5 between 0 and 1, the Brownian bridge there has a variance of 1/4.
    distance, p_value = wasserstein(profile_of([0.0, 1.0] * 50), profile_of([0.0] * 10 + [1.0] * 40))
    scaled, mean, variance = 0.3 * np.sqrt(100 * 50 / 150), np.sqrt(2 * 0.25 / np.pi), 0.25
    assert distance == pytest.approx(0.3)
    assert p_value == pytest.approx(np.exp(-((scaled - mean) ** 2) / (2 * variance)))


def rejections(p_values: Any) -> int:
    return int((np.array(p_values, dtype=np.float64) < 0.05).sum())


# Binomial(400, 0.05) has a mean of 20 and stays within 9 to 34 but once in a thousand times.
TRIALS, LEAST, MOST = 400, 9, 34


@pytest.mark.parametrize("rows", [100, 1_000, 5_000])
def test_numbers_without_a_shift_are_significant_as_often_as_alpha_says(rows: int) -> None:
    random = np.random.default_rng(rows)

    def draw(size: int) -> Any:
        return np.where(random.random(size) < 0.1, np.nan, random.lognormal(size=size))

    runs = [of_numbers(draw(5_000), draw(rows)) for _ in range(TRIALS)]
    significant = {name: rejections([run[name].p_value for run in runs]) for name in runs[0]}
    assert LEAST <= significant["psi"] <= MOST
    assert LEAST <= significant["ks"] <= MOST
    assert LEAST <= significant["missing_share"] <= MOST
    # A bound, not the p-value itself.
    assert significant["wasserstein"] <= MOST


@pytest.mark.parametrize("rows", [100, 1_000, 5_000])
def test_categories_without_a_shift_are_significant_as_often_as_alpha_says(rows: int) -> None:
    random = np.random.default_rng(rows)
    shares = [0.3, 0.25, 0.2, 0.1, 0.05, 0, 0, 0.1]
    runs = [
        found(category(random.multinomial(5_000, shares)), of_counts(random.multinomial(rows, shares)))
        for _ in range(TRIALS)
    ]
    for name in ("psi", "chi_squared", "missing_share"):
        assert LEAST <= rejections([run[name].p_value for run in runs]) <= MOST


@pytest.mark.parametrize("rows", [100, 1_000])
def test_new_levels_of_a_category_that_always_has_some_are_significant_no_oftener_than_alpha_says(rows: int) -> None:
    random = np.random.default_rng(rows)
    # 3,000 levels of which a reference of 20,000 rows misses some every time.
    shares = 1 / np.arange(1, 3_001) ** 0.8
    shares /= shares.sum()
    p_values = []
    for _ in range(TRIALS):
        reference, current = random.multinomial(20_000, shares), random.multinomial(rows, shares)
        seen = reference > 0
        base = category([20_000, 0, 0, 0], singletons=int((reference == 1).sum()))
        now = of_counts([current[seen].sum(), 0, current[~seen].sum(), 0])
        p_values.append(found(base, now)["unseen_share"].p_value)
    assert 0 < rejections(p_values) <= MOST


def test_a_shift_is_large_and_certain_and_the_same_distribution_is_neither() -> None:
    random = np.random.default_rng(2)
    reference = random.normal(size=10_000)
    same, shifted = (
        of_numbers(reference, random.normal(size=5_000)),
        of_numbers(reference, random.normal(0.7, 1, 5_000)),
    )
    assert not any(shift.large or certain(shift) for shift in same.values())
    assert all(shift.large and certain(shift) for name, shift in shifted.items() if name != "missing_share")


@pytest.mark.parametrize(("before", "now"), [(0.0, 0.05), (0.05, 0.0), (0.3, 0.1), (0.0, 1.0), (1.0, 0.0)])
def test_a_missing_share_that_rises_or_falls_is_a_shift(before: float, now: float) -> None:
    def rows(missing: float) -> Any:
        return np.where(np.arange(2_000) < missing * 2_000, np.nan, np.arange(2_000) % 7)

    def levels(missing: float) -> dict[str | None, int]:
        return {"a": round(2_000 * (1 - missing)), None: round(2_000 * missing)}

    for shift in (of_numbers(rows(before), rows(now)), of_levels(levels(before), levels(now))):
        missing = shift["missing_share"]
        assert missing.value == pytest.approx(abs(now - before))
        assert missing.large
        assert certain(missing)
        assert certain(shift["psi"])
    pooled = (before + now) / 2
    z = (now - before) / np.sqrt(pooled * (1 - pooled) * 2 / 2_000)
    assert missing.p_value == pytest.approx(chi2.sf(z**2, 1))


def test_a_level_never_seen_is_a_shift_unless_there_always_are_some() -> None:
    closed = of_levels({"a": 600, "b": 400}, {"a": 50, "b": 40, "c": 6, "d": 4})["unseen_share"]
    assert closed.value == pytest.approx(0.1)
    assert closed.large
    assert certain(closed)
    # A fifth of the rows had a level of their own, so a fifth of new ones is to be expected.
    singletons = {f"only {number}": 1 for number in range(200)}
    opened = of_levels({"a": 800, **singletons}, {"a": 80, "new": 12, "newer": 8})["unseen_share"]
    assert opened.value == 0
    assert known(opened.p_value) > 0.3
    # But not two thirds of them.
    assert certain(of_levels({"a": 800, **singletons}, {"a": 33, "new": 67})["unseen_share"])


@pytest.mark.parametrize("unseen", [0, 1, 3, 100])
def test_the_p_value_of_unseen_levels_is_that_of_a_binomial_test(unseen: int) -> None:
    shift = found(category([1_000, 0, 0, 0], singletons=4), of_counts([100 - unseen, 0, unseen, 0]))["unseen_share"]
    # Four levels were seen once, and one row more is the next to be new: any of these could have come now.
    expected = binomtest(unseen, unseen + 5, 100 / 1_100, alternative="greater").pvalue
    assert shift.p_value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("levels", "exponent", "known_rows", "rows"), [(2_000, 1.0, 20_000, 5_000), (5_000, 1.5, 20_000, 5_000)]
)
def test_an_open_category_that_always_has_new_levels_does_not_drift_by_them(
    levels: int, exponent: float, known_rows: int, rows: int
) -> None:
    random = np.random.default_rng(levels)
    shares = 1 / np.arange(1, levels + 1) ** exponent
    drawn = random.choice(levels, known_rows, p=shares / shares.sum())
    reference = reference_of("x", np.array([f"level {level}" for level in drawn], dtype=object))
    exceeded = 0
    for _ in range(40):
        again = Counter(f"level {level}" for level in random.choice(levels, rows, p=shares / shares.sum()))
        current = reference.profile_of_levels(dict(again.items()))
        assert isinstance(reference.bins, LevelBins)
        assert current.counts[reference.bins.unseen] > 0.01 * rows
        exceeded += any(shift.large and certain(shift) for shift in found(reference, current).values())
    assert exceeded == 0


def test_rare_levels_and_levels_with_the_name_of_a_bin_are_known() -> None:
    many = {f"level {number:02}": 100 - number for number in range(60)}
    assert of_levels(many, {"level 59": 30})["unseen_share"].value == 0
    named = {"other": 50, "unseen": 30, "missing": 20}
    same = of_levels(named, named)
    assert [same[name].value for name in ("psi", "chi_squared", "unseen_share", "missing_share")] == [0] * 4
    assert certain(of_levels(named, {"other": 50, None: 50})["missing_share"])


def test_a_level_that_vanishes_is_a_shift() -> None:
    gone = of_levels({"a": 500, "b": 500}, {"a": 200})
    assert all(gone[name].large and certain(gone[name]) for name in ("psi", "chi_squared"))
    assert gone["unseen_share"].value == 0


GONE = [np.nan] * 50
ONE_TO_THREE = [1.0, 2.0, 3.0] * 50


@pytest.mark.parametrize(
    ("reference", "current", "unknown"),
    [
        pytest.param(ONE_TO_THREE, [], {"psi", "ks", "wasserstein", "missing_share"}, id="nothing current"),
        pytest.param([], [1.0], {"psi", "ks", "wasserstein", "missing_share"}, id="an empty reference"),
        pytest.param(ONE_TO_THREE, GONE, {"ks", "wasserstein"}, id="all of it missing"),
        pytest.param(GONE, ONE_TO_THREE, {"ks", "wasserstein"}, id="nothing but missing in the reference"),
        pytest.param(GONE, GONE, {"ks", "wasserstein"}, id="nothing but missing in both"),
        pytest.param([5.0] * 50, [5.0] * 50, set(), id="the same constant"),
        pytest.param([5.0] * 50, [6.0] * 50, set(), id="another constant"),
        pytest.param([5.0] * 50, ONE_TO_THREE, set(), id="a constant no longer"),
        pytest.param([1.0], [2.0], set(), id="one value against one"),
        pytest.param(ONE_TO_THREE, [2.0], set(), id="one row"),
        pytest.param([0.0] * 40 + [1.0] * 10, [1.0] * 30, set(), id="booleans"),
        pytest.param(ONE_TO_THREE, [np.inf, -np.inf, 2.0], set(), id="infinities"),
        pytest.param([np.inf] * 50, [-np.inf] * 50, {"ks", "wasserstein"}, id="nothing but infinities"),
        pytest.param([1e300, -1e300] * 50, [1e300] * 50, set(), id="huge values"),
        pytest.param([1e300] * 50, [1e300] * 50, set(), id="the same huge constant"),
        pytest.param([5e-324, 1e-320] * 50, [1e-310] * 50, set(), id="tiny values"),
        # Fifty of these cannot be added up.
        pytest.param([0.0, 1.0] * 50, [1e308] * 50, {"wasserstein"}, id="values that cannot be added up"),
    ],
)
def test_numbers_have_a_finite_answer_or_none_at_every_edge(reference: Any, current: Any, unknown: set[str]) -> None:
    answers = of_numbers(reference, current)
    assert {name for name, shift in answers.items() if shift.value is None} == unknown
    for shift in answers.values():
        assert finite(shift)


def finite(shift: Shift) -> bool:
    assert (shift.value is None) == (shift.p_value is None)
    assert shift.value is None or (np.isfinite(shift.value) and shift.value >= 0)
    assert shift.p_value is None or 0 <= shift.p_value <= 1
    return bool(np.isfinite(shift.floor))


@pytest.mark.parametrize(
    ("reference", "current", "answered"),
    [
        pytest.param({"a": 50}, {}, False, id="nothing current"),
        pytest.param({}, {"a": 50}, False, id="an empty reference"),
        pytest.param({"a": 50}, {"a": 50}, True, id="one level"),
        pytest.param({"a": 50}, {"b": 50}, True, id="another level"),
        pytest.param({"a": 50}, {None: 50}, True, id="all of it missing"),
        pytest.param({None: 50}, {"a": 50}, True, id="nothing but missing in the reference"),
        pytest.param({None: 50}, {None: 50}, True, id="nothing but missing in both"),
        pytest.param({"a": 1}, {"b": 1}, True, id="one row against one"),
        pytest.param({str(number): 1 for number in range(90)}, {"new": 1}, True, id="nothing but singletons"),
    ],
)
def test_categories_have_a_finite_answer_or_none_at_every_edge(reference: Any, current: Any, answered: bool) -> None:
    for shift in of_levels(reference, current).values():
        assert (shift.value is not None) == answered
        assert finite(shift)


def test_a_constant_is_told_from_another_one() -> None:
    same, other = of_numbers([5.0] * 50, [5.0] * 50), of_numbers([5.0] * 50, [6.0] * 50)
    assert [(same[name].value, same[name].p_value) for name in ("psi", "ks", "wasserstein")] == [(0, 1)] * 3
    assert (other["ks"].value, other["wasserstein"].value) == (1, 1)
    assert all(other[name].large and certain(other[name]) for name in ("ks", "wasserstein"))


def test_values_of_no_weight_change_nothing_and_without_any_there_is_no_answer() -> None:
    # Seven times 0.7 added up one after the other is more than when added up in pairs.
    values, weights = [-9.0, *range(7), 6.0, 99.0], [0.0, *[0.7] * 7, 0.0, 0.0]
    padded, plain = profile_of(values, weights), profile_of(range(7), [0.7] * 7)
    current, nothing = profile_of([3.0, 4.0, 5.0]), profile_of([1.0], [0.0])
    for compare in (kolmogorov_smirnov, wasserstein):
        assert compare(padded, current) == pytest.approx(compare(plain, current))
        assert compare(current, padded) == pytest.approx(compare(current, plain))
        assert compare(nothing, current) == compare(current, nothing) == (None, None)
    assert standard_deviation(padded) == pytest.approx(standard_deviation(plain))
    assert standard_deviation(nothing) == 0


def test_a_constant_stays_one_beside_values_of_no_weight() -> None:
    constant = -699_051.2076125445
    assert wasserstein(profile_of([0.0, constant], [0.0, 1.0]), profile_of([constant], [3.0])) == (0, 1)


def test_the_standard_deviation_keeps_its_digits_far_from_zero_and_does_not_overflow() -> None:
    assert standard_deviation(profile_of([1e9 - 0.25, 1e9 + 0.25])) == pytest.approx(0.25, rel=1e-12)
    assert standard_deviation(profile_of([1e300, 3e300])) == pytest.approx(1e300)


def test_each_kind_of_feature_has_its_statistics() -> None:
    assert list(of_numbers(ONE_TO_THREE, ONE_TO_THREE)) == ["psi", "ks", "wasserstein", "missing_share"]
    assert list(of_levels({"a": 1}, {"a": 1})) == ["psi", "chi_squared", "unseen_share", "missing_share"]


def test_a_profile_given_takes_the_place_of_the_reference_but_not_in_the_floors() -> None:
    random = np.random.default_rng(0)
    reference = reference_of("x", random.normal(size=2_000))
    window = reference.profile_of_numbers(np.append(random.normal(3, 2, 1_000), [np.nan] * 500))
    current = reference.profile_of_numbers(np.append(random.normal(3, 2, 1_000), [np.nan] * 500))
    apart, beside = found(reference, current), found(reference, current, against=window)
    assert all(shift.large and certain(shift) for shift in apart.values())
    assert not any(shift.large or certain(shift) for shift in beside.values())
    assert beside["wasserstein"].value == pytest.approx(wasserstein_distance(window.values, current.values))
    assert [shift.floor for shift in apart.values()] == [shift.floor for shift in beside.values()]


def test_levels_new_to_the_reference_are_not_new_to_a_profile_that_has_them() -> None:
    reference = category([100, 0, 0, 0])
    beside = found(reference, of_counts([80, 0, 20, 0]), against=of_counts([90, 0, 10, 0]))["unseen_share"]
    assert beside.value == pytest.approx(0.1)
    assert found(reference, of_counts([90, 0, 10, 0]), against=of_counts([80, 0, 20, 0]))["unseen_share"].value == 0


def test_floors_are_those_given_in_the_unit_of_each_statistic() -> None:
    floors = Floors(psi=0.2, ks=0.3, wasserstein=0.5, missing_share=0.04, unseen_share=0.05)
    numbers = reference_of("x", np.array([0.0, 20.0] * 100))
    by_name = {s.statistic: s.floor for s in shifts(numbers, numbers.profile, floors)}
    # Half a standard deviation of 10.
    assert by_name == {"psi": 0.2, "ks": 0.3, "wasserstein": pytest.approx(5), "missing_share": 0.04}
    levels = category([300, 300, 0, 0, 0])
    by_name = {s.statistic: s.floor for s in shifts(levels, of_counts([100, 100, 0, 0, 0]), floors)}
    # 0.2 nm / (n + m) with 200 rows against 600.
    expected = {"psi": 0.2, "chi_squared": pytest.approx(30), "unseen_share": 0.05, "missing_share": 0.04}
    assert by_name == expected


def test_the_floor_of_chi_squared_is_reached_where_that_of_psi_is() -> None:
    reference = category([50_000, 50_000, 0, 0, 0])
    below, above = (found(reference, of_counts([c, 10_000 - c, 0, 0, 0])) for c in (6_350, 6_450))
    assert [below[name].large for name in ("psi", "chi_squared")] == [False, False]
    assert [above[name].large for name in ("psi", "chi_squared")] == [True, True]


@pytest.mark.parametrize(("value", "large"), [(None, False), (0.0999, False), (0.1, True)])
def test_a_shift_is_large_from_its_floor_on(value: Any, large: bool) -> None:
    assert Shift(statistic="ks", value=value, p_value=None, floor=0.1).large == large


@given(reference=VALUES, current=VALUES, block=st.integers(1, 20), offset=OFFSET)
def test_no_distance_depends_on_how_many_values_are_worked_on_at_a_time(
    reference: list[float], current: list[float], block: int, offset: float
) -> None:
    base, batch = (profile_of([value + offset for value in values]) for values in (reference, current))
    weights = profile_of([value + offset for value in current], [1.5] * len(current))
    expected = [wasserstein(base, batch), wasserstein(base, weights)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("model.stability.BLOCK", block)
        assert [wasserstein(base, batch), wasserstein(base, weights)] == expected


@given(reference=VALUES, current=VALUES)
def test_a_row_a_value_is_a_weight_of_one(reference: list[float], current: list[float]) -> None:
    base = profile_of(reference)
    plain, ones = profile_of(current), profile_of(current, [1.0] * len(current))
    assert kolmogorov_smirnov(base, plain) == kolmogorov_smirnov(base, ones)
    assert wasserstein(base, plain) == wasserstein(base, ones)
    assert (plain.size, plain.median) == (ones.size, ones.median)
    # What a profile of fifty million rows has no room for.
    assert "cumulative" not in vars(plain)
