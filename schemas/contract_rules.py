"""What makes a contract nonsense, each as a sentence that says what to change."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars

from schemas.characteristic import Characteristic, Derived

if TYPE_CHECKING:
    from schemas.contract import Contract, Field

# Columns the pipeline itself writes beside the contract's; a field of that name would be overwritten.
RESERVED_NAMES = frozenset(
    {
        "application_id",
        "application_date",
        "batch_id",
        "batch_date",
        "row_number",
        "source",
        "score",
        "probability_of_default",
        "band",
        "decision",
        "reason_codes",
        "model_version",
    }
)


def problems_of_contract(contract: "Contract") -> list[str]:
    """Everything that is wrong with a contract whose fields could be read; empty if it makes sense."""
    problems = [problem for field in contract.fields for problem in _problems_of_field(field)]
    names = {field.name for field in contract.fields}
    seen = set[str]()
    for field in contract.fields:
        if field.name.lower() in seen:
            problems.append(f"field {field.name}: another column differs from it in capitals only; choose another name")
        seen.add(field.name.lower())
    for name, item in contract.derived:
        problems += _problems_of_derived(name, item, names)
    if not contract.features:
        problems.append("it has no feature to score; declare at least one number, boolean or category")
    return problems


def _problems_of_field(field: "Field") -> Iterator[str]:
    here = f"field {field.name}:"
    if field.name.lower() in RESERVED_NAMES or field.name.startswith("_"):
        yield f"{here} the name is reserved; choose another"
    yield from _problems_of_bounds(field, here)
    if field.characteristic.future and field.kind != "date":
        yield f"{here} future=True is for dates; this is a {field.kind}"
    if field.kind == "category" and not field.levels:
        yield from _problems_of_text(field, here)
    if field.kind == "category" and field.characteristic.risk != "any":
        yield f"{here} risk={field.characteristic.risk!r} needs an order, and categories have none; use risk='any'"
    if field.characteristic.scored and field.kind != "date":
        yield from _problems_of_reason(field.characteristic, here)


def _problems_of_text(field: "Field", here: str) -> Iterator[str]:
    if field.max_length is None:
        yield f"{here} open text needs max_length; say how long it may be, or list its categories as a Literal"
    if field.pattern is not None:
        try:
            polars.Series([""]).str.contains(field.pattern)
        except polars.exceptions.ComputeError:
            yield f"{here} the gate cannot apply the pattern {field.pattern}; drop look-around and back-references"


def _problems_of_bounds(field: "Field", here: str) -> Iterator[str]:
    numeric = field.kind in ("number", "integer")
    bounds = (field.ge, field.gt, field.le, field.lt)
    if any(bound is not None for bound in bounds) and not numeric:
        yield f"{here} ge, gt, le and lt are for numbers; this is a {field.kind}"
    if field.ge is not None and field.gt is not None:
        yield f"{here} both ge and gt are set; keep one"
    if field.le is not None and field.lt is not None:
        yield f"{here} both le and lt are set; keep one"
    low = field.gt if field.ge is None else field.ge
    high = field.lt if field.le is None else field.le
    if low is not None and high is not None:
        strict = field.gt is not None or field.lt is not None
        if low > high or (strict and low == high):
            yield f"{here} no value is both above {low:g} and below {high:g}; swap or widen the bounds"
    if (field.min_length or 0) > (field.max_length if field.max_length is not None else float("inf")):
        yield f"{here} min_length {field.min_length} is above max_length {field.max_length}"


def _problems_of_derived(name: str, item: Derived, fields: set[str]) -> Iterator[str]:
    here = f"derived feature {name}:"
    if name in fields or name in RESERVED_NAMES:
        yield f"{here} the name is taken; choose another"
    if not item.inputs:
        yield f"{here} it has no parameters; name the fields it is computed from"
    for absent in [column for column in item.inputs if column not in fields]:
        yield f"{here} it asks for {absent}, which is not a field; the fields are {', '.join(sorted(fields))}"
    yield from _problems_of_reason(item.characteristic, here)


def _problems_of_reason(characteristic: Characteristic, here: str) -> Iterator[str]:
    if characteristic.risk not in ("rises", "falls", "any"):
        yield f"{here} risk={characteristic.risk!r} is unknown; use 'rises', 'falls' or 'any'"
    if not characteristic.reason and not characteristic.protected:
        yield f"{here} it is scored and has no reason; write the sentence a declined applicant would read"
