from datetime import date
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import pytest
from msgspec import Meta, Struct

from schemas.application import Application
from schemas.characteristic import Characteristic, Column, Derived, derived
from schemas.contract import Contract, Field, Kind, read_contract
from schemas.errors import ContractError
from tests.contracts.everything import Everything
from tests.contracts.lendingclub import LendingClub
from tests.schemas.declaring import REASON, declare, of_one

EVERYTHING = read_contract(Everything)


def field(name: str) -> Field:
    return next(item for item in EVERYTHING.fields if item.name == name)


def hash_of(hint: Any) -> str:
    return of_one(hint).hash


@pytest.mark.parametrize("struct", [Application, LendingClub, Everything])
def test_the_contracts_of_the_project_make_sense(struct: type) -> None:
    contract = read_contract(struct)
    assert contract.name == struct.__name__
    assert [item.name for item in contract.fields] == list(struct.__annotations__)


@pytest.mark.parametrize(
    ("name", "kind", "nullable"),
    [
        ("income", "number", False),
        ("savings", "number", True),
        ("dependants", "integer", False),
        ("has_account", "boolean", False),
        ("owns_home", "boolean", True),
        ("customer_since", "date", False),
        ("due_on", "date", True),
        ("region", "category", False),
        ("employer", "category", True),
    ],
)
def test_the_type_says_what_kind_a_field_is_and_whether_it_may_be_missing(
    name: str, kind: Kind, nullable: bool
) -> None:
    assert (field(name).kind, field(name).nullable) == (kind, nullable)


def test_bounds_and_lengths_are_read_as_declared() -> None:
    income, price, employer, channel = field("income"), field("price"), field("employer"), field("channel")
    assert (income.ge, income.gt, income.le, income.lt) == (None, 0, None, 1_000_000)
    assert (price.ge, price.gt, price.le, price.lt) == (1, None, 50_000, None)
    assert (employer.max_length, employer.pattern) == (20, "^[A-Z]")
    assert (channel.min_length, channel.max_length) == (2, 10)
    assert field("region").levels == ("north", "south", "overseas")
    assert employer.levels == ()


def test_a_field_without_a_title_is_called_by_its_name_in_words() -> None:
    assert field("has_account").title == "Has account"
    assert field("price").title == "Price"


def test_scored_fields_and_derived_features_are_scored_and_dates_and_unscored_fields_are_not() -> None:
    names = [feature.name for feature in EVERYTHING.features]
    fields = ["income", "price", "savings", "dependants", "age", "has_account", "owns_home", "region", "employer"]
    assert names == [*fields, "price_to_income", "term"]


def test_a_protected_field_is_scored_and_needs_no_reason() -> None:
    age = next(feature for feature in EVERYTHING.features if feature.name == "age")
    assert age.characteristic.protected
    assert age.characteristic.reason == ""


def test_categories_know_their_levels_and_derived_features_are_numbers() -> None:
    features = {feature.name: feature for feature in EVERYTHING.features}
    assert features["region"].categorical
    assert features["region"].levels == ("north", "south", "overseas")
    assert not features["price_to_income"].categorical
    assert features["price_to_income"].title == "Price to income"


def test_bounds_may_be_spread_over_several_annotations() -> None:
    # msgspec, and with it the service, applies both; so has the gate to.
    positive = Annotated[float, Meta(ge=0)]
    x = of_one(Annotated[positive, Meta(le=1, title="Share"), REASON]).fields[-1]
    assert (x.ge, x.le, x.title) == (0, 1, "Share")


@pytest.mark.parametrize(
    ("hint", "to_fix"),
    [
        (Annotated[complex, REASON], "unknown type.*use one of float, int, bool, date, str, a Literal of strings"),
        (Annotated[list[int], REASON], r"unknown type list\[int\]"),
        (Annotated[Any, REASON], "unknown type"),
        (Annotated[int | str, REASON], r"mixes types; use one type, with `\| None` if it may be missing"),
        (int | str | None, "mixes types"),
        (Annotated[float | None, REASON], r"put None outside: `Annotated\[float, ...\] \| None`"),
        (Annotated[Literal[1, 2], REASON], "have to be non-empty strings"),
        (Annotated[Literal["a", ""], REASON], "have to be non-empty strings"),
        (Annotated[Literal["a", None], REASON], "have to be non-empty strings"),
        (Annotated[Literal["a", " b"], REASON], "have space around them"),
        (Annotated[int, Meta(multiple_of=5), REASON], "multiple_of is not supported; drop it"),
    ],
)
def test_a_type_without_a_meaning_is_refused(hint: Any, to_fix: str) -> None:
    with pytest.raises(ContractError, match=f"field x: .*{to_fix}"):
        of_one(hint)


@pytest.mark.parametrize("default", [0.0, 1, "", float("nan")])
def test_a_default_that_invents_a_value_is_refused(default: Any) -> None:
    with pytest.raises(ContractError, match=r"field x: the default .* would invent values; only None may be a default"):
        read_contract(declare(("x", Annotated[float, REASON] | None, default)))


def test_a_default_made_by_a_function_invents_values_too() -> None:
    with pytest.raises(ContractError, match=r"field x: .*would invent values"):
        read_contract(declare(("x", Annotated[float, REASON], msgspec.field(default_factory=float))))


def test_a_default_of_none_needs_a_type_that_may_be_none() -> None:
    # The gate would quarantine the missing value, the service would score it.
    with pytest.raises(ContractError, match=r"field x: .*\| None"):
        read_contract(declare(("x", Annotated[float, REASON], None)))


def test_a_field_that_may_be_missing_needs_no_default() -> None:
    assert of_one(Annotated[float, REASON] | None).fields[-1].nullable


def test_every_field_that_cannot_be_read_is_named_at_once() -> None:
    with pytest.raises(ContractError) as caught:
        read_contract(declare(("x", complex), ("y", Annotated[float | None, REASON])))
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["field x", "field y"]


@pytest.mark.parametrize("other", [int, dict, date])
def test_a_class_that_is_no_struct_is_refused(other: type) -> None:
    with pytest.raises(ContractError, match=r"it has to be a class derived from msgspec.Struct"):
        read_contract(other)


@pytest.mark.parametrize("other", [5, "Application", len])
def test_a_contract_that_is_no_class_is_refused(other: Any) -> None:
    with pytest.raises(ContractError, match=r"it has to be a class derived from msgspec.Struct"):
        read_contract(other)


def test_what_msgspec_would_refuse_at_the_first_request_is_refused_at_once() -> None:
    with pytest.raises(ContractError, match="max_length"):
        of_one(Annotated[float, Meta(max_length=3), REASON])


def test_the_same_declaration_has_the_same_hash() -> None:
    assert read_contract(Everything).hash == EVERYTHING.hash
    assert hash_of(Annotated[int, Meta(ge=1), REASON]) == hash_of(Annotated[int, Meta(ge=1), REASON])


def test_the_class_name_does_not_change_the_hash() -> None:
    fields: list[Any] = [("x", Annotated[float, REASON])]
    one, other = msgspec.defstruct("One", fields), msgspec.defstruct("Other", fields)
    assert read_contract(one).hash == read_contract(other).hash


@pytest.mark.parametrize(
    "changed",
    [
        Annotated[int, Meta(ge=2, le=9), REASON],
        Annotated[int, Meta(gt=1, le=9), REASON],
        Annotated[int, Meta(ge=1, le=8), REASON],
        Annotated[int, Meta(ge=1), REASON],
        Annotated[float, Meta(ge=1, le=9), REASON],
        Annotated[int, Meta(ge=1, le=9), REASON] | None,
        Annotated[int, Meta(ge=1, le=9), Characteristic(reason=REASON.reason, risk="rises")],
        Annotated[int, Meta(ge=1, le=9), Characteristic(reason=REASON.reason, protected=True)],
        Annotated[int, Meta(ge=1, le=9), Characteristic(reason="Another sentence.")],
    ],
)
def test_another_bound_type_or_meaning_is_another_contract(changed: Any) -> None:
    assert hash_of(changed) != hash_of(Annotated[int, Meta(ge=1, le=9), REASON])


def test_another_level_is_another_contract() -> None:
    assert hash_of(Annotated[Literal["a", "b"], REASON]) != hash_of(Annotated[Literal["a", "c"], REASON])


def doubled() -> Derived:
    @derived(title="Times", reason="It shows a raised risk.")
    def times(harmless: Column) -> Column:
        return harmless * 2

    return times


def tripled() -> Derived:
    @derived(title="Times", reason="It shows a raised risk.")
    def times(harmless: Column) -> Column:
        return harmless * 3

    return times


def test_another_formula_is_another_contract() -> None:
    assert read_contract(declare(feature=doubled())).hash == read_contract(declare(feature=doubled())).hash
    assert read_contract(declare(feature=doubled())).hash != read_contract(declare(feature=tripled())).hash


def columns_of_everything(price: list[float], income: list[float]) -> dict[str, Column]:
    columns = {item.name: np.full(len(price), np.nan) for item in EVERYTHING.fields}
    dates = {"customer_since": np.full(len(price), "2026-01-01"), "due_on": np.full(len(price), "2026-01-31")}
    typed = {name: column.astype("datetime64[D]") for name, column in dates.items()}
    return columns | typed | {"price": np.array(price), "income": np.array(income)}


def test_a_derived_feature_is_computed_from_its_columns() -> None:
    features = EVERYTHING.features_of(columns_of_everything([100.0, 30.0], [50.0, 60.0]))
    assert list(features) == [feature.name for feature in EVERYTHING.features]
    np.testing.assert_array_equal(features["price_to_income"], [2.0, 0.5])
    np.testing.assert_array_equal(features["term"], [30.0, 30.0])


def test_a_derived_feature_that_cannot_be_known_is_missing() -> None:
    # A ratio to zero, to a missing value, of zero to zero, and one beyond what a float holds.
    columns = columns_of_everything([1.0, 1.0, 0.0, 1e300], [0.0, np.nan, 0.0, 1e-300])
    columns["due_on"] = np.array(["NaT"] * 4, dtype="datetime64[D]")
    features = EVERYTHING.features_of(columns)
    assert np.isnan(features["price_to_income"]).all()
    assert np.isnan(features["term"]).all()


def test_a_derived_feature_of_a_base_class_is_a_feature_too() -> None:
    class Extended(Everything, frozen=True, kw_only=True):
        debts: Annotated[float, REASON]

    names = [feature.name for feature in read_contract(Extended).features]
    assert "debts" in names
    assert {"price_to_income", "term"} <= set(names)


def test_a_derived_feature_is_found_whichever_decorator_comes_first() -> None:
    class Reversed(Struct):
        x: Annotated[float, REASON]

        @staticmethod
        @derived(title="Twice", reason="It shows a raised risk.")
        def twice(x: Column) -> Column:
            return x * 2

    assert [feature.name for feature in read_contract(Reversed).features] == ["x", "twice"]


def test_a_derived_feature_knows_its_inputs_by_its_parameters() -> None:
    found: dict[str, Derived] = dict(EVERYTHING.derived)
    assert found["price_to_income"].inputs == ("price", "income")


def test_a_contract_serves_as_a_key_and_equals_itself() -> None:
    # The loaded model is cached by its contract.
    cache: dict[Contract, str] = {EVERYTHING: "model"}
    assert cache[read_contract(Everything)] == "model"
