import json
import math
from typing import Annotated, Any, Literal

import pytest
from jsonschema_rs import Draft202012Validator
from msgspec import Meta

from schemas.contract import Contract, Field
from schemas.parsing import FIRST_INEXACT_INTEGER
from schemas.request import INT64, SPACES, BrokenRequest, request_struct
from service.openapi import document
from tests.schemas.bodies import (
    APPLICATION,
    CONTRACTS,
    GOOD,
    ODD,
    WRONG,
    body_of,
    pieces_of,
    reader_of,
)
from tests.schemas.declaring import REASON, of_one
from tests.schemas.judging import EVERYTHING
from tests.service.running import Service

each_contract = pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)
BOUNDS = {
    "minimum": "ge",
    "exclusiveMinimum": "gt",
    "maximum": "le",
    "exclusiveMaximum": "lt",
    "minLength": "min_length",
    "maxLength": "max_length",
}
TYPES = {"number": "number", "integer": "integer", "boolean": "boolean", "date": "string", "category": "string"}


def document_of(contract: Contract, **more: bool) -> dict[str, Any]:
    configured = {"needs_key": False, "is_limited": False} | more
    return document(contract, request_struct(contract), "1.2.3", **configured)


def request_of(contract: Contract) -> dict[str, Any]:
    found: dict[str, Any] = document_of(contract)["components"]["schemas"][f"{contract.name}Request"]
    return found


def validator_of(schema: dict[str, Any], described: dict[str, Any]) -> Draft202012Validator:
    """A validator of a schema within a document."""
    return Draft202012Validator(schema | {"components": described["components"]}, validate_formats=True)


def accepted(contract: Contract, body: bytes) -> set[str]:
    """The rules that a request breaks."""
    try:
        reader_of(contract).read(body)
    except BrokenRequest as error:
        return {broken.rule for broken in error.fields}
    return set()


@each_contract
def test_the_example_is_accepted(contract: Contract) -> None:
    (example,) = request_of(contract)["examples"]
    request = reader_of(contract).read(json.dumps(example).encode())
    assert request.application_id == "A-1042"
    # Every field is in it, so that nobody has to guess how it is written.
    assert None not in request.inputs.values()


@pytest.mark.parametrize(
    "hint",
    [
        Annotated[int, Meta(gt=0, lt=2), REASON],
        Annotated[int, Meta(ge=-5, le=-5), REASON],
        Annotated[int, Meta(gt=2**62), REASON],
        Annotated[int, Meta(lt=-7), REASON],
        Annotated[float, Meta(gt=0, lt=0.01), REASON],
        Annotated[float, Meta(gt=0, lt=5e-324 * 3), REASON],
        Annotated[float, Meta(gt=0.1, lt=0.9), REASON],
        Annotated[float, Meta(lt=0), REASON],
        Annotated[float, Meta(ge=1e300), REASON],
        Annotated[float, REASON],
        Annotated[str, Meta(min_length=12, max_length=12), REASON],
        Annotated[str, Meta(max_length=1), REASON],
        Annotated[str, Meta(max_length=9, pattern="^[0-9]+$"), REASON],
        Annotated[str, Meta(max_length=9, pattern="^[A-Z][0-9]"), REASON],
        Annotated[Literal["z", "a"], REASON],
        Annotated[bool, REASON],
    ],
)
def test_an_example_is_found_within_narrow_limits(hint: Any) -> None:
    contract = of_one(hint)
    (example,) = request_of(contract)["examples"]
    assert accepted(contract, json.dumps(example).encode()) == set()


def test_the_contracts_own_examples_come_first_if_they_keep_it() -> None:
    own = Annotated[int, Meta(ge=0, le=9, examples=[99, "4", None, 7]), REASON]
    for hint in (own, own | None):
        (example,) = request_of(of_one(hint))["examples"]
        assert example["x"] == 7


def test_no_example_is_better_than_one_that_is_refused() -> None:
    needed = Annotated[str, Meta(max_length=9, pattern="^ß{3}$"), REASON]
    assert "examples" not in request_of(of_one(needed))
    (example,) = request_of(of_one(needed | None))["examples"]
    assert "x" not in example
    assert accepted(of_one(needed | None), json.dumps(example).encode()) == set()


@each_contract
def test_a_field_is_described_as_in_the_contract(contract: Contract) -> None:
    schema = request_of(contract)
    fields = {field.name: field for field in contract.fields}
    assert [*schema["properties"]] == ["application_id", *fields]
    assert schema["required"] == [name for name, field in fields.items() if not field.nullable]
    assert schema["additionalProperties"] is False
    assert schema["title"] == contract.name
    for name, field in fields.items():
        described = schema["properties"][name]
        assert described["title"] == field.title
        assert described["description"].startswith(field.description)
        assert f"Unit: {field.characteristic.unit}." in described["description"] or not field.characteristic.unit
        assert limits_in(described) == limits_of(field)
        assert TYPES[field.kind] == value_in(described)["type"]
        assert ({"type": "null"} in described.get("anyOf", [])) == field.nullable


def value_in(described: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = described.get("anyOf", [described])[0]
    return found


def limits_in(described: dict[str, Any]) -> dict[str, Any]:
    value = value_in(described)
    return {name: value[name] for name in (*BOUNDS, "enum") if name in value}


def limits_of(field: Field) -> dict[str, Any]:
    bounds = {name: getattr(field, bound) for name, bound in BOUNDS.items() if getattr(field, bound) is not None}
    return bounds | ({"enum": list(field.levels)} if field.levels else {})


def test_what_the_default_contract_says_is_there_in_full() -> None:
    assert request_of(APPLICATION)["properties"]["income"] == {
        "title": "Income",
        "description": "Gross income of the applicant in a year. Unit: EUR/year.",
        "type": "number",
        "minimum": 0,
        "maximum": 10_000_000,
        "examples": [50_000],
    }
    assert request_of(APPLICATION)["properties"]["employment_length"] == {
        "title": "Employment length",
        "description": "Time with the present employer. Unit: years.",
        "anyOf": [{"type": "number", "minimum": 0, "maximum": 60}, {"type": "null"}],
        "default": None,
        "examples": [5],
    }
    assert "Not after today." in request_of(EVERYTHING)["properties"]["customer_since"]["description"]
    assert "Not after today." not in request_of(EVERYTHING)["properties"]["due_on"]["description"]


@each_contract
def test_what_the_schema_allows_is_accepted_and_what_it_does_not_is_refused(contract: Contract) -> None:
    described = document_of(contract)
    validator = validator_of(request_of(contract), described)
    compared = 0
    for field in contract.fields:
        for piece in [*pieces_of(field), *WRONG]:
            body = body_of(GOOD[contract.name] | {field.name: piece})
            try:
                value = json.loads(piece)
            except ValueError:
                # Longer than Python reads a number.
                continue
            if cannot_be_said(field, value):
                continue
            rules = accepted(contract, body)
            if "after_batch_date" not in rules:
                compared += 1
                assert validator.is_valid(json.loads(body)) == (not rules), (field.name, piece[:80], rules)
    assert compared > 100


def cannot_be_said(field: Field, value: Any) -> bool:
    """What a schema has no words for: what a float64 or 64 bits hold, and space around a text, which is taken away."""
    if isinstance(value, str):
        # A byte order mark is space to the regular expressions of JSON Schema, and a character to the gate.
        return field.kind == "category" and value.strip(f"{SPACES}\ufeff") != value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if isinstance(value, float):
        return math.isinf(value) or (field.kind == "integer" and abs(value) >= FIRST_INEXACT_INTEGER)
    return value not in INT64


@each_contract
def test_a_field_that_is_left_out_or_unknown_is_judged_as_the_schema_says(contract: Contract) -> None:
    validator = validator_of(request_of(contract), document_of(contract))
    good = GOOD[contract.name]
    bodies = [body_of({name: piece for name, piece in good.items() if name != left_out}) for left_out in good]
    bodies += [body_of(good | {name: piece}) for name in (*good, "other", "application_id") for piece in ("null", "{}")]
    for body in bodies:
        assert validator.is_valid(json.loads(body)) == (not accepted(contract, body)), body


@pytest.mark.parametrize("needs_key", [False, True])
@pytest.mark.parametrize("is_limited", [False, True])
@each_contract
def test_every_answer_has_an_example_that_fits(contract: Contract, needs_key: bool, is_limited: bool) -> None:
    described = document_of(contract, needs_key=needs_key, is_limited=is_limited)
    answers = [
        (status, media_type, content)
        for path in described["paths"].values()
        for operation in path.values()
        for status, answer in operation["responses"].items()
        for media_type, content in answer["content"].items()
    ]
    assert ("401" in {status for status, _, _ in answers}) == needs_key
    assert ("429" in {status for status, _, _ in answers}) == is_limited
    assert ("security" in described["paths"]["/predict"]["post"]) == needs_key
    for status, media_type, content in answers:
        validator_of(content["schema"], described).validate(content["example"])
        if status != "200":
            assert media_type == "application/problem+json"
            assert content["example"]["status"] == int(status)


def test_the_document_describes_every_route_but_its_own(shared_service: Service) -> None:
    described = shared_service.client.get("/openapi.json").json()
    assert set(described["paths"]) == {"/predict", "/health", "/ready", "/metrics"}
    assert {name for path in described["paths"].values() for name in path} == {"get", "post"}
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            body = described["components"]["schemas"]["ApplicationRequest"]["examples"][0]
            answer = shared_service.client.request(method, path, json=body if method == "post" else None)
            content = operation["responses"]["200"]["content"]
            assert answer.status_code == 200
            assert answer.headers["content-type"].split(";")[0] in content
            if answer.headers["content-type"] == "application/json":
                validator_of(content["application/json"]["schema"], described).validate(answer.json())


def test_whole_numbers_say_how_large_they_may_be() -> None:
    assert request_of(ODD)["properties"]["whole"]["format"] == "int64"
