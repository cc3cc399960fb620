"""The JSON schema of a request: what msgspec says of the contract's class, and what only the contract itself says."""

from collections.abc import Mapping
from typing import Any

from schemas.contract import Contract, Field
from schemas.limits import NO_CONTROL_CHARACTERS, is_open_text
from schemas.request import ID
from service.examples import example_of

# Text of which something is left when the space around it is taken away; and text with no space around it.
NOT_BLANK = r"^[^\x00-\x1f\x7f-\x9f]*[^\x00-\x1f\x7f-\x9f\s][^\x00-\x1f\x7f-\x9f]*$"
NO_SPACE_AROUND = r"^[^\x00-\x1f\x7f-\x9f\s]([^\x00-\x1f\x7f-\x9f]*[^\x00-\x1f\x7f-\x9f\s])?$"
ID_EXAMPLE = "A-1042"


def request_schema(contract: Contract, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema that msgspec makes of `schemas.request.request_struct`, with titles, units, examples and all limits.

    What it allows is accepted, but for dates after today and numbers that no float64 or 64-bit integer holds. What it
    does not allow is refused, but for space around a text.
    """
    properties = {field.name: _property(field, schema["properties"][field.name]) for field in (ID, *contract.fields)}
    example = {name: described["examples"][0] for name, described in properties.items() if "examples" in described}
    is_whole = all(field.nullable or field.name in example for field in contract.fields)
    return {
        **schema,
        "title": contract.name,
        "description": contract.struct.__doc__ or "One application.",
        "properties": properties,
        **({"examples": [example]} if is_whole else {}),
    }


def _property(field: Field, schema: Mapping[str, Any]) -> dict[str, Any]:
    value, *null = schema.get("anyOf", [schema])
    if null and (field.pattern is not None or field.min_length):
        # Empty text is missing too.
        null.append({"const": ""})
    given = [ID_EXAMPLE] if field is ID else value.get("examples", [])
    example = example_of(field, given)
    plain = {name: said for name, said in value.items() if name not in ("title", "description", "examples")}
    described = plain | _more_of(field)
    return {
        "title": field.title,
        "description": _words_of(field),
        **({"anyOf": [described, *null], "default": None} if null else described),
        **({} if example is None else {"examples": [example]}),
    }


def _words_of(field: Field) -> str:
    unit = field.characteristic.unit
    is_past = field.kind == "date" and not field.characteristic.future
    said = (field.description, f"Unit: {unit}." if unit else "", "Not after today." if is_past else "")
    return " ".join(filter(None, said))


def _more_of(field: Field) -> dict[str, Any]:
    """What holds for every value of a kind, beside the limits of its type."""
    if field.kind == "integer":
        return {"format": "int64"}
    if field.kind == "date":
        return {"pattern": "^[1-9]"}
    if is_open_text(field):
        return _more_of_text(field)
    return {"type": "string", "enum": list(field.levels)} if field.levels else {}


def _more_of_text(field: Field) -> dict[str, Any]:
    if field.pattern is not None:
        # Patterns and lengths are judged without the space around; where there is none, the schema says the same.
        return {"allOf": [{"pattern": NO_SPACE_AROUND}]}
    if field.min_length:
        return {"pattern": NO_SPACE_AROUND}
    return {"pattern": NO_CONTROL_CHARACTERS if field.nullable else NOT_BLANK}
