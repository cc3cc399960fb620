"""Example values for the documentation: the contract's own where it gives some, else made of its bounds."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from schemas.contract import Field
from schemas.limits import limits_of
from schemas.request import CONVERT

TEXTS = ("text", "Text", "a1", "A1", "1", "A-1", "01", "text@example.com")


def example_of(field: Field, given: Sequence[Any]) -> Any:
    """The first of the given values, or of those made up, that keeps the field's limits; None if none does."""
    return next((value for value in (*given, *_made_up(field)) if _keeps(field, value)), None)


def _keeps(field: Field, value: Any) -> bool:
    try:
        typed = CONVERT[field.kind](value)
    except (ValueError, TypeError, OverflowError):
        return False
    return typed is not None and all(limit.holds(typed) for limit in limits_of(field))


def _made_up(field: Field) -> Iterator[Any]:
    if field.kind == "boolean":
        yield True
    elif field.kind == "date":
        yield "2026-06-30"
    elif field.kind == "category":
        yield from field.levels
        yield from (text.ljust(field.min_length or 0, "x")[: field.max_length] for text in TEXTS)
    else:
        yield from _numbers(field)


def _numbers(field: Field) -> Iterator[float]:
    """Bounds are far wider than what is usual: a tenth of the way up reads more like an application than the middle."""
    low = field.ge if field.ge is not None else field.gt
    high = field.le if field.le is not None else field.lt
    if low is None:
        low = 0 if high is None else high - 10
    if high is None:
        high = low + 10
    tenth = low + (high - low) / 10
    yield from (round(tenth), math.ceil(tenth), math.floor(high), math.ceil(low), math.ceil(high) - 1)
    if field.kind == "number":
        yield from (round(tenth, 2), tenth, low / 2 + high / 2, low, high)
