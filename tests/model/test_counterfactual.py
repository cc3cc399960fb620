from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Annotated, Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Meta, Struct

from model.alternatives import alternatives_of
from model.counterfactual import BetterDecision, Change, Counterfactual, counterfactual
from model.policy import DECISIONS
from model.scorer import Scorer
from model.trained import Model
from model.training import train
from schemas.application import Application
from schemas.characteristic import Characteristic, Column, derived
from schemas.columns import columns_of_one
from schemas.contract import Contract, Field, read_contract
from tests.contracts.everything import Everything
from tests.contracts.guarded import Guarded
from tests.contracts.lendingclub import LendingClub
from tests.model.portfolio import BORROWER, Borrower

ROWS = 3_000
Values = dict[str, Any]


class Tenant(Struct, frozen=True, kw_only=True):
    """Two fields that count through derived features only, one of them through a protected one."""

    amount: Annotated[float, Meta(ge=100, le=50_000), Characteristic(risk="rises", reason="The amount is high.")]
    rent: Annotated[float, Meta(gt=0, lt=5_000), Characteristic(scored=False)] | None = None
    pay: Annotated[float, Meta(ge=1), Characteristic(scored=False)]
    pension: Annotated[float, Meta(ge=1, le=5_000), Characteristic(scored=False)]

    @derived(title="Rent to pay", risk="rises", reason="The rent is high for your pay.")
    @staticmethod
    def rent_to_pay(rent: Column, pay: Column) -> Column:
        return rent / pay

    @derived(title="Pension to amount", risk="falls", protected=True)
    @staticmethod
    def pension_to_amount(pension: Column, amount: Column) -> Column:
        return pension / amount


class Pledge(Struct, frozen=True, kw_only=True):
    """Two pledges, of which the smaller one counts."""

    amount: Annotated[float, Meta(ge=100, le=50_000), Characteristic(risk="rises", reason="The amount is high.")]
    first: Annotated[float, Meta(ge=0, le=100), Characteristic(scored=False)]
    second: Annotated[float, Meta(ge=0, le=100), Characteristic(scored=False)]

    @derived(title="Smaller pledge", risk="falls", reason="One of the pledges is small.")
    @staticmethod
    def smaller(first: Column, second: Column) -> Column:
        return np.minimum(first, second)


CONTRACTS: tuple[type[Struct], ...] = (Application, LendingClub, Everything, Borrower, Guarded, Tenant)
every_contract = pytest.mark.parametrize("struct", CONTRACTS, ids=lambda struct: struct.__name__)


@dataclass(frozen=True, eq=False)
class Desk:
    """A contract with a model trained for it, and the applications it was trained on."""

    contract: Contract
    model: Model
    scorer: Scorer
    columns: dict[str, Column]

    def explain(self, values: Mapping[str, Any]) -> Counterfactual:
        return counterfactual(self.model, self.contract, values)

    def with_cutoffs(self, approve_from: int, refer_from: int) -> "Desk":
        policy = replace(self.model.policy, approve_from=approve_from, refer_from=refer_from)
        model = replace(self.model, policy=policy)
        return replace(self, model=model, scorer=Scorer(model, self.contract))

    def refused(self, rows: int, missing: str = "") -> Iterator[tuple[Values, Counterfactual]]:
        """Those of the first applications that are not approved, or of those in which a field is missing."""
        for row in np.flatnonzero(np.isnan(self.columns[missing]))[:rows] if missing else range(rows):
            values = values_of(self.contract, self.columns, row)
            found = self.explain(values)
            if found.decision != "approve":
                yield values, found


def drawn(contract: Contract, rows: int, random: np.random.Generator) -> dict[str, Column]:
    """Field columns within the limits of a contract; one in twenty is missing where it may be."""
    columns = {field.name: DRAW[field.kind](field, rows, random) for field in contract.fields}
    for field in contract.fields:
        if field.nullable:
            nothing: Any = {"category": None, "date": np.datetime64("NaT")}.get(field.kind, np.nan)
            columns[field.name][random.random(rows) < 0.05] = nothing
    return columns


def numbers(field: Field, rows: int, random: np.random.Generator) -> Column:
    low = field.gt if field.ge is None else field.ge
    high = field.lt if field.le is None else field.le
    width = 20_000.0 if low is None or high is None or high - low > 100_000 else high - low
    values = (low or 0.0) + width * random.uniform(0.001, 0.999, rows) ** 2
    return values.round(4 if width < 100 else 1)


def integers(field: Field, rows: int, random: np.random.Generator) -> Column:
    assert field.ge is not None
    assert field.le is not None
    return random.integers(int(field.ge), int(field.le) + 1, rows).astype(float)


DRAW: dict[str, Callable[[Field, int, np.random.Generator], Column]] = {
    "number": numbers,
    "integer": integers,
    "boolean": lambda _, rows, random: (random.random(rows) < 0.4).astype(float),
    "date": lambda _, rows, random: np.datetime64("2015-01-01") + random.integers(0, 4_000, rows),
    "category": lambda field, rows, random: random.choice(
        np.array(field.levels or ("Alpha", "Beta", "Gamma"), dtype=object), rows, p=shares(len(field.levels or "abc"))
    ),
}


def shares(levels: int) -> list[float]:
    """The last level is the most frequent, so that order and frequency differ."""
    return [2 * place / (levels * (levels + 1)) for place in range(1, levels + 1)]


def strength(values: Column, risk: str) -> Column:
    """What a feature adds to the log-odds of default, by rank or level; a peak where the risk has no direction."""
    if values.dtype == object:
        return np.array([{None: 1.0}.get(value, len(str(value)) % 3) for value in values]) / 2
    present = ~np.isnan(values)
    ranks = np.searchsorted(np.sort(values[present]), values) / max(present.sum(), 1) - 0.5
    return np.where(present, 2.5 * {"rises": ranks, "falls": -ranks, "any": 0.5 - 2 * np.abs(ranks)}[risk], 1.5)


@cache
def desk_of(struct: type[Struct]) -> Desk:
    contract, random = read_contract(struct), np.random.default_rng(7)
    columns = drawn(contract, ROWS, random)
    features = contract.features_of(columns)
    log_odds = -2 + sum(strength(features[item.name], item.characteristic.risk) for item in contract.features)
    defaulted = (random.random(ROWS) < 1 / (1 + np.exp(-log_odds))).astype(np.int8)
    dates = np.datetime64("2026-01-01") + np.arange(ROWS) * 40 // ROWS
    model = train(contract, columns, defaulted, dates)
    return Desk(contract, model, Scorer(model, contract), columns)


def values_of(contract: Contract, columns: Mapping[str, Column], row: int) -> Values:
    """One application as it is stored."""
    return {field.name: stored(field, columns[field.name][row]) for field in contract.fields}


def stored(field: Field, value: Any) -> Any:
    if field.kind == "date":
        return value.item()
    if value is None or value != value:  # noqa: PLR0124 - NaN
        return None
    return {"integer": int, "boolean": bool, "number": float, "category": str}[field.kind](value)


def changed(values: Values, change: Change) -> Values:
    return values | {setting.field: setting.needed for setting in change.settings}


def offers(desk: Desk, rows: int, missing: str = "") -> Iterator[tuple[Values, BetterDecision, Change]]:
    for values, found in desk.refused(rows, missing):
        for better in found.better:
            for change in better.changes:
                yield values, better, change


def spread(desk: Desk, field: str) -> float:
    """The width of the middle half of the training values; without any, of the drawn ones."""
    reference = desk.model.reference.get(field)
    values = desk.columns[field] if reference is None else reference.sample
    low, high = np.nanquantile(values, [0.25, 0.75])
    return float(high - low)


@every_contract
@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1))
def test_every_change_keeps_the_contract_and_scored_anew_gives_the_better_decision(
    struct: type[Struct], seed: int
) -> None:
    desk = desk_of(struct)
    values = values_of(desk.contract, drawn(desk.contract, 1, np.random.default_rng(seed)), 0)
    found = desk.explain(values)
    present = desk.scorer.score_one(values)
    assert (found.score, found.decision, found.probability_of_default) == (
        present.score,
        present.decision,
        present.probability_of_default,
    )
    for better in found.better:
        assert better.points_short == better.cutoff - present.score > 0
        for change in better.changes:
            assert all(setting.value == values[setting.field] != setting.needed for setting in change.settings)
            anew = changed(values, change)
            # msgspec is the judge of types, bounds, levels and patterns that a request meets.
            msgspec.convert(anew, desk.contract.struct, strict=True)
            score = desk.scorer.score_one(anew)
            assert (change.score, change.decision) == (score.score, score.decision)
            assert change.probability_of_default == score.probability_of_default < present.probability_of_default
            assert DECISIONS.index(score.decision) <= DECISIONS.index(better.decision)


@every_contract
def test_something_is_offered_to_most_who_are_refused(struct: type[Struct]) -> None:
    found = [found for _, found in desk_of(struct).refused(150)]
    assert len(found) > 20
    assert np.mean([bool(item.better[0].changes) for item in found]) > 0.5


@every_contract
def test_no_clearly_nearer_number_suffices(struct: type[Struct]) -> None:
    desk, looked_at = desk_of(struct), 0
    kinds = {field.name: field.kind for field in desk.contract.fields}
    for values, better, change in offers(desk, 150):
        setting = change.settings[0]
        if len(change.settings) == 2 or setting.value is None or kinds[setting.field] not in ("number", "integer"):
            continue
        nearer = nearer_values(setting.value, setting.needed, spread(desk, setting.field), kinds[setting.field])
        looked_at += len(nearer)
        for value in nearer:
            assert desk.scorer.score_one(values | {setting.field: value}).score < better.cutoff
    assert looked_at > 30


def nearer_values(value: float, needed: float, width: float, kind: str) -> list[float]:
    """Values on the way: for an integer the one before, else up to 98 % of the way, unless that is a hair's width."""
    if kind == "integer":
        before = needed - int(np.sign(needed - value))
        return [] if before == value else [before]
    if abs(needed - value) < 0.1 * width:
        return []
    return [value + part * (needed - value) for part in (0.25, 0.5, 0.75, 0.98)]


# With a direction of risk there is one side to look on, without one (dependants) there may be two.
@pytest.mark.parametrize(
    ("struct", "field", "most"),
    [(Application, "credit_score", 1), (LendingClub, "sub_grade", 1), (Everything, "dependants", 2)],
)
def test_an_integer_is_offered_exactly_if_trying_all_finds_one_and_it_is_the_nearest(
    struct: type[Struct], field: str, most: int
) -> None:
    desk, seen = desk_of(struct), set()
    sample = desk.model.reference[field].sample
    tried = range(int(sample[0]), int(sample[-1]) + 1)
    for values, found in desk.refused(150):
        present = values[field]
        scores = {value: desk.scorer.score_one(values | {field: value}).score for value in tried}
        for better in found.better:
            enough = [value for value, score in scores.items() if score >= better.cutoff]
            below, above = [v for v in enough if v < present][-1:], [v for v in enough if v > present][:1]
            distances = {value: abs(rank(sample, value) - rank(sample, present)) for value in below + above}
            offered = {change.settings[0].needed: change.distance for change in better.changes if is_of(change, field)}
            assert len(offered) == bool(distances)
            for needed, distance in offered.items():
                assert distance == pytest.approx(distances[needed])
                assert distance == pytest.approx(min(distances.values()))
            seen.add(len(distances))
    assert seen == set(range(most + 1))


def rank(sample: Column, value: float) -> float:
    """The share of training values below a value; those equal to it count half."""
    return float(np.mean(sample < value) + np.mean(sample == value) / 2)


def is_of(change: Change, field: str) -> bool:
    return [setting.field for setting in change.settings] == [field]


@every_contract
def test_protected_fields_and_dates_are_never_offered(struct: type[Struct]) -> None:
    desk = desk_of(struct)
    kept = {field.name for field in desk.contract.fields if field.characteristic.protected or field.kind == "date"}
    offered = {setting.field for _, _, change in offers(desk, 150) for setting in change.settings}
    assert not kept & offered
    assert offered


def test_a_protected_field_is_not_offered_although_it_would_suffice() -> None:
    desk = desk_of(Borrower)
    older = [
        found
        for values, found in desk.refused(100)
        if desk.scorer.score_one(values | {"years": 90.0}).score >= found.better[0].cutoff
    ]
    assert older
    assert not any(is_of(change, "years") for found in older for change in found.better[0].changes)


def test_a_field_counts_through_a_derived_feature_unless_that_is_protected() -> None:
    desk = desk_of(Tenant)
    offered = {setting.field for _, _, change in offers(desk, 150) for setting in change.settings}
    assert offered == {"amount", "rent", "pay"}
    assert any(
        desk.scorer.score_one(values | {"pension": 5_000.0}).score >= found.better[0].cutoff
        for values, found in desk.refused(150)
    )


def test_a_missing_value_that_only_a_derived_feature_is_computed_from_may_be_given() -> None:
    desk = desk_of(Tenant)
    given = [change.settings[0].needed for _, _, change in offers(desk, 100, missing="rent") if is_of(change, "rent")]
    assert given
    assert all(0 < value < 5_000 for value in given)


def test_a_date_is_left_as_it_is_although_another_would_suffice() -> None:
    desk = desk_of(Everything)
    later = np.datetime64("2019-01-01").item()
    assert any(
        values["due_on"] is not None
        and desk.scorer.score_one(values | {"due_on": later}).score >= found.better[0].cutoff
        for values, found in desk.refused(150)
    )


def test_for_an_approved_application_nothing_would_have_to_change() -> None:
    desk = desk_of(Borrower)
    approved = [
        values
        for row in range(50)
        if desk.scorer.score_one(values := values_of(BORROWER, desk.columns, row)).decision == "approve"
    ]
    assert approved
    for values in approved:
        found = desk.explain(values)
        assert (found.decision, found.better) == ("approve", ())


def test_a_declined_application_is_told_of_both_better_decisions_the_next_one_first() -> None:
    desk = desk_of(Borrower)
    policy = desk.model.policy
    told = {
        found.decision: [(better.decision, better.cutoff) for better in found.better] for _, found in desk.refused(100)
    }
    approve = ("approve", policy.approve_from)
    assert told == {"decline": [("refer", policy.refer_from), approve], "refer": [approve]}


def test_nobody_is_told_of_a_referral_where_the_policy_has_none() -> None:
    desk = desk_of(Borrower)
    cutoff = desk.model.policy.approve_from
    for _, found in desk.with_cutoffs(cutoff, cutoff).refused(50):
        assert [better.decision for better in found.better] == ["approve"]


def out_of_reach(struct: type[Struct], rows: int) -> Iterator[tuple[Desk, Values]]:
    """Applications, each at a desk whose cutoff lies just above what any change of one field gives."""
    desk = desk_of(struct)
    for row in range(rows):
        values = values_of(desk.contract, desk.columns, row)
        reached = [desk.scorer.score_one(values).score]
        while reached:
            cutoff = max(reached) + 1
            higher = desk.with_cutoffs(cutoff, cutoff)
            changes = higher.explain(values).better[0].changes
            reached = [change.score for change in changes if len(change.settings) == 1]
        yield higher, values


@pytest.mark.parametrize("struct", [Everything, LendingClub, Borrower])
def test_where_no_single_field_suffices_pairs_do_of_which_neither_half_suffices(struct: type[Struct]) -> None:
    paired = 0
    for desk, values in out_of_reach(struct, 40):
        (better,) = desk.explain(values).better
        paired += bool(better.changes)
        assert len({frozenset(setting.field for setting in change.settings) for change in better.changes}) == len(
            better.changes
        )
        levels = level_fields(desk.contract)
        order = [(sum(part.field in levels for part in change.settings), change.distance) for change in better.changes]
        assert order == sorted(order)
        assert len(order) <= 5
        for change in better.changes:
            assert len(change.settings) == 2
            assert desk.scorer.score_one(changed(values, change)).score >= better.cutoff
            for setting in change.settings:
                assert desk.scorer.score_one(values | {setting.field: setting.needed}).score < better.cutoff
    assert paired > 20


def test_of_many_pairs_the_five_of_the_smallest_changes_are_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    more = 0
    for desk, values in out_of_reach(LendingClub, 40):
        five = desk.explain(values).better[0].changes
        with monkeypatch.context() as patch:
            patch.setattr("model.pairs.MAX_PAIRS", 1_000)
            every = desk.explain(values).better[0].changes
        assert set(five) <= set(every)
        # They are chosen by the candidates' distances, which sharpening makes a little smaller.
        assert all(change.distance <= every[: len(five)][-1].distance + 0.05 for change in five)
        more += len(every) > 5
    assert more > 10


def test_two_fields_that_change_nothing_alone_are_found_together() -> None:
    desk = desk_of(Pledge)
    values = {"amount": 3_000.0, "first": 5.0, "second": 5.0}
    score = desk.scorer.score_one(values).score
    most = desk.scorer.score_one(values | {"first": 100.0, "second": 100.0}).score
    for alone in ("first", "second"):
        assert desk.scorer.score_one(values | {alone: 100.0}).score == score
    # No loan is small enough for the most points that the pledges give.
    smallest = desk.scorer.score_one(values | {"amount": 100.0}).score
    assert smallest < most
    (better,) = desk.with_cutoffs(most, most).explain(values).better
    assert ["first", "second"] in [[setting.field for setting in change.settings] for change in better.changes]


def test_pairs_are_found_exactly_where_trying_all_levels_finds_some() -> None:
    desk = desk_of(LendingClub)
    points = dict(zip((item.name for item in desk.contract.features), desk.model.scorecard.points_, strict=True))
    values, found = next(desk.refused(ROWS))
    present = desk.scorer.points(columns_of_one(desk.contract, values))[0]
    # The last two bins of a category are for levels it does not have and for none; the last of a number for none.
    best = {
        item.name: max(points[item.name][: -2 if item.categorical else -1]) - held
        for item, held in zip(desk.contract.features, present, strict=True)
    }
    most = sorted(best.values())
    single, double = found.score + most[-1], found.score + most[-1] + most[-2]
    for cutoff, fields in ((single, 1), (single + 1, 2), (double, 2), (double + 1, 0)):
        better = desk.with_cutoffs(int(cutoff), int(cutoff)).explain(values).better[0]
        assert {len(change.settings) for change in better.changes} == ({fields} if fields else set())


def test_where_nothing_helps_nothing_is_offered() -> None:
    desk = desk_of(Everything).with_cutoffs(10_000, 9_999)
    values = values_of(desk.contract, desk.columns, 0)
    assert [better.changes for better in desk.explain(values).better] == [(), ()]


def level_fields(contract: Contract) -> set[str]:
    return {field.name for field in contract.fields if field.kind in ("category", "boolean")}


@every_contract
def test_changes_are_ranked_numbers_before_levels_then_by_distance(struct: type[Struct]) -> None:
    desk = desk_of(struct)
    levels, several = level_fields(desk.contract), 0
    for _, found in desk.refused(100):
        for better in found.better:
            order = [
                (sum(item.field in levels for item in change.settings), change.distance) for change in better.changes
            ]
            assert order == sorted(order)
            several += len(order) > 1
    assert several > 5


def test_another_level_is_as_far_away_as_can_be() -> None:
    distances = [
        change.distance
        for _, _, change in offers(desk_of(Borrower), 100)
        if is_of(change, "housing") or is_of(change, "guarantor")
    ]
    assert distances
    assert set(distances) == {1.0}


def test_of_several_levels_that_suffice_the_most_frequent_in_training_is_offered() -> None:
    desk, chosen = desk_of(LendingClub), set()
    frequent = list(reversed(desk.contract.fields[-2].levels))
    for values, better, change in offers(desk, 150):
        if is_of(change, "home_ownership"):
            enough = [
                level
                for level in frequent
                if desk.scorer.score_one(values | {"home_ownership": level}).score >= better.cutoff
            ]
            assert change.settings[0].needed == enough[0]
            chosen.add(enough[0])
    assert chosen


def test_of_open_text_only_levels_that_training_has_seen_are_offered() -> None:
    offered = {
        change.settings[0].needed for _, _, change in offers(desk_of(LendingClub), 300) if is_of(change, "purpose")
    }
    assert offered
    assert offered <= {"Alpha", "Beta", "Gamma"}


def test_a_boolean_is_offered_as_the_other_value() -> None:
    offered = [change.settings[0] for _, _, change in offers(desk_of(Borrower), 150) if is_of(change, "guarantor")]
    assert offered
    assert all(setting.value is not setting.needed is (not setting.value) for setting in offered)


def test_of_a_missing_number_the_sufficient_value_nearest_to_the_middle_of_training_is_offered() -> None:
    desk = desk_of(LendingClub)
    sample = desk.model.reference["employment_length"].sample
    middle, found = float(np.median(sample)), 0
    for values, better, change in offers(desk, 100, missing="employment_length"):
        if is_of(change, "employment_length"):
            found += 1
            needed = change.settings[0].needed
            for part in (0.0, 0.25, 0.5, 0.75, 0.95):
                nearer = middle + part * (needed - middle)
                if abs(needed - middle) > 0.1:
                    score = desk.scorer.score_one(values | {"employment_length": nearer}).score
                    assert score < better.cutoff
    assert found > 3


def test_a_missing_number_may_take_the_middle_of_training_itself() -> None:
    desk, sufficient = desk_of(LendingClub), 0
    middle = float(np.median(desk.model.reference["employment_length"].sample))
    for values, better, change in offers(desk, 100, missing="employment_length"):
        middling = desk.scorer.score_one(values | {"employment_length": middle}).score
        if is_of(change, "employment_length") and middling >= better.cutoff:
            sufficient += 1
            assert change.settings[0].needed == pytest.approx(middle, abs=0.01)
            assert change.distance == 0
    assert sufficient


def test_of_a_missing_boolean_the_sufficient_value_more_frequent_in_training_is_offered() -> None:
    desk = desk_of(Everything)
    values = values_of(desk.contract, desk.columns, 0) | {"owns_home": None}
    # Both answers are better than none, and four in ten own their home.
    score = {answer: desk.scorer.score_one(values | {"owns_home": answer}).score for answer in (None, False, True)}
    cutoff = score[None] + 1
    assert min(score[False], score[True]) >= cutoff
    (better,) = desk.with_cutoffs(cutoff, cutoff).explain(values).better
    assert [change.settings[0].needed for change in better.changes if is_of(change, "owns_home")] == [False]


def test_not_a_number_is_a_missing_value() -> None:
    desk = desk_of(LendingClub)
    values, found = next(desk.refused(100, missing="employment_length"))
    assert desk.explain(values | {"employment_length": np.nan}) == found


def test_numbers_are_readable() -> None:
    desk = desk_of(Everything)
    needed = [
        setting.needed
        for _, _, change in offers(desk, 200)
        for setting in change.settings
        if isinstance(setting.needed, float) and setting.value is not None
    ]
    assert len(needed) > 50
    assert max(len(f"{value!r}".removesuffix(".0").replace(".", "").strip("0")) for value in needed) <= 5


def test_just_at_an_edge_the_number_offered_is_below_it_and_still_readable() -> None:
    desk = desk_of(Application)
    bins = dict(zip((item.name for item in desk.contract.features), desk.model.scorecard.bins_, strict=True))
    (edge, *_) = bins["loan_amount"].edges  # type: ignore[union-attr]
    values = values_of(desk.contract, desk.columns, 0) | {"loan_amount": float(edge)}
    score = desk.scorer.score_one(values).score
    found = desk.with_cutoffs(score + 1, score + 1).explain(values)
    (needed,) = [change.settings[0].needed for change in found.better[0].changes if is_of(change, "loan_amount")]
    assert edge - 0.001 * spread(desk, "loan_amount") <= needed < edge
    assert len(f"{needed:g}".replace(".", "")) <= 6
    assert float(f"{needed:g}") == needed


@pytest.mark.parametrize(("field", "integer"), [("loan_amount", False), ("credit_score", True)])
def test_both_sides_of_every_edge_of_the_scorecard_are_candidates(field: str, integer: bool) -> None:
    desk = desk_of(Application)
    values = values_of(desk.contract, desk.columns, 0)
    columns = columns_of_one(desk.contract, values)
    (found,) = [
        item for item in alternatives_of(desk.model, desk.contract, values, columns) if item.field.name == field
    ]
    (bins,) = [
        bins
        for feature, bins in zip(desk.contract.features, desk.model.scorecard.bins_, strict=True)
        if feature.name == field
    ]
    edges = np.array(bins.edges)  # type: ignore[union-attr]
    from_here, below = (np.ceil(edges), np.ceil(edges) - 1) if integer else (edges, np.nextafter(edges, 0))
    assert len(edges) > 2
    assert {*from_here, *below} <= {*np.concatenate(found.paths), values[field]}


def test_a_field_that_is_not_given_is_an_error() -> None:
    desk = desk_of(Application)
    with pytest.raises(KeyError, match="income"):
        desk.explain({"age": 30})
