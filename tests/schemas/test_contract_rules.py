from datetime import date
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta, Struct

from schemas.characteristic import Characteristic, Column, derived
from schemas.contract import read_contract
from schemas.contract_rules import RESERVED_NAMES
from schemas.errors import ContractError
from tests.schemas.declaring import REASON, declare, of_one

TEXT = Characteristic(reason="It shows a raised risk.", scored=False)


@pytest.mark.parametrize(
    "meta",
    [
        Meta(ge=2, le=1),
        Meta(gt=2, lt=1),
        Meta(gt=1, le=1),
        Meta(ge=1, lt=1),
        Meta(gt=1, lt=1),
    ],
)
def test_bounds_that_leave_no_value_are_refused(meta: Meta) -> None:
    with pytest.raises(ContractError, match=r"field x: no value is both above .*; swap or widen the bounds"):
        of_one(Annotated[float, meta, REASON])


def test_bounds_that_leave_one_value_are_fine() -> None:
    assert of_one(Annotated[float, Meta(ge=1, le=1), REASON]).fields[-1].ge == 1


@pytest.mark.parametrize("hint", [bool, str, date, Literal["a"]])
def test_numeric_bounds_are_refused_on_what_is_no_number(hint: Any) -> None:
    with pytest.raises(ContractError, match="field x: ge, gt, le and lt are for numbers; this is a "):
        of_one(Annotated[hint, Meta(ge=0), REASON])


def test_a_shortest_text_above_the_longest_is_refused() -> None:
    with pytest.raises(ContractError, match="field x: min_length 5 is above max_length 4"):
        of_one(Annotated[str, Meta(min_length=5, max_length=4), REASON])


@pytest.mark.parametrize("text", [Annotated[str, REASON], Annotated[str, Meta(min_length=1), TEXT]])
def test_open_text_needs_a_longest_length(text: Any) -> None:
    with pytest.raises(ContractError, match="field x: open text needs max_length"):
        of_one(text)


@pytest.mark.parametrize("pattern", ["(?=x)", r"(x)\1", "(?<!x)y"])
def test_a_pattern_that_only_the_service_could_apply_is_refused(pattern: str) -> None:
    # Python knows look-around and back-references, the engine behind the gate does not.
    with pytest.raises(ContractError, match=r"field x: .*pattern"):
        of_one(Annotated[str, Meta(max_length=9, pattern=pattern), REASON])


@pytest.mark.parametrize("hint", [float, int, bool])
def test_only_dates_may_lie_in_the_future(hint: type) -> None:
    with pytest.raises(ContractError, match="field x: future=True is for dates; this is a "):
        of_one(Annotated[hint, Characteristic(reason="r", future=True)])


@pytest.mark.parametrize("hint", [Literal["a", "b"], Annotated[str, Meta(max_length=9)]])
def test_a_category_has_no_direction(hint: Any) -> None:
    with pytest.raises(ContractError, match="field x: risk='rises' needs an order, and categories have none"):
        of_one(Annotated[hint, Characteristic(reason="r", risk="rises")])


def test_an_unknown_direction_is_refused() -> None:
    risk: Any = "up"
    with pytest.raises(ContractError, match="field x: risk='up' is unknown; use 'rises', 'falls' or 'any'"):
        of_one(Annotated[float, Characteristic(reason="r", risk=risk)])


@pytest.mark.parametrize("hint", [float, Annotated[float, Characteristic(risk="rises")]])
def test_a_scored_field_without_a_sentence_for_the_applicant_is_refused(hint: Any) -> None:
    with pytest.raises(ContractError, match="field x: it is scored and has no reason; write the sentence"):
        of_one(hint)


@pytest.mark.parametrize(
    "hint", [date, Annotated[float, Characteristic(scored=False)], Annotated[float, Characteristic(protected=True)]]
)
def test_what_is_never_given_as_a_reason_needs_no_sentence(hint: Any) -> None:
    assert of_one(hint).fields[-1].characteristic.reason == ""


@pytest.mark.parametrize("name", sorted(RESERVED_NAMES))
def test_a_name_the_pipeline_writes_itself_is_refused(name: str) -> None:
    with pytest.raises(ContractError, match=f"field {name}: the name is reserved; choose another"):
        read_contract(declare((name, Annotated[float, REASON])))


@pytest.mark.parametrize("names", [("Row_Number",), ("x", "X")])
def test_names_that_differ_in_capitals_only_are_refused(names: tuple[str, ...]) -> None:
    # The warehouse does not tell them apart.
    with pytest.raises(ContractError, match=f"field {names[-1]}: "):
        read_contract(declare(*((name, Annotated[float, REASON]) for name in names)))


def test_a_contract_without_anything_to_score_is_refused() -> None:
    class Dates(Struct):
        opened_on: date

    class Empty(Struct):
        pass

    for struct in (Dates, Empty):
        with pytest.raises(ContractError, match="no feature to score; declare at least one number, boolean or categ"):
            read_contract(struct)


def test_a_derived_feature_of_an_absent_column_is_refused_with_the_columns_there_are() -> None:
    @derived(title="Ratio", reason="r")
    def ratio(harmless: Column, incme: Column) -> Column:
        return harmless / incme

    with pytest.raises(ContractError, match=r"derived feature feature: it asks for incme, .*the fields are harmless"):
        read_contract(declare(feature=ratio))


def test_a_derived_feature_of_nothing_is_refused() -> None:
    @derived(title="Constant", reason="r")
    def constant() -> Column:
        raise NotImplementedError

    with pytest.raises(ContractError, match="derived feature feature: it has no parameters; name the fields"):
        read_contract(declare(feature=constant))


def test_a_derived_feature_needs_a_sentence_and_a_name_of_its_own() -> None:
    @derived(title="Twice")
    def twice(harmless: Column) -> Column:
        return harmless * 2

    with pytest.raises(ContractError) as caught:
        read_contract(declare(score=twice))
    assert [problem.split(";")[0] for problem in caught.value.problems] == [
        "derived feature score: the name is taken",
        "derived feature score: it is scored and has no reason",
    ]


def test_all_problems_are_named_at_once() -> None:
    with pytest.raises(ContractError) as caught:
        read_contract(declare(("score", float), ("x", Annotated[float, Meta(ge=2, le=1), REASON])))
    assert len(caught.value.problems) == 3
    assert all(f"  - {problem}" in str(caught.value) for problem in caught.value.problems)
