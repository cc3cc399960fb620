"""The limits a contract sets to a value: what each is called when it is broken, and what a value has to be.

The gate makes Pandera checks of them for a column, the service applies them to one value.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from schemas.contract import Field

LONGEST_ID = 100
NO_CONTROL_CHARACTERS = r"^[^\x00-\x1f\x7f-\x9f]*$"

Test = Literal["ge", "gt", "le", "lt", "in", "at_most_long", "at_least_long", "contains", "matches"]
HOLDS: dict[Test, Callable[[Any, Any], bool]] = {
    "ge": lambda value, bound: bool(value >= bound),
    "gt": lambda value, bound: bool(value > bound),
    "le": lambda value, bound: bool(value <= bound),
    "lt": lambda value, bound: bool(value < bound),
    "in": lambda value, bound: value in bound,
    "at_most_long": lambda value, bound: len(value) <= bound,
    "at_least_long": lambda value, bound: len(value) >= bound,
    "contains": lambda value, bound: re.search(bound, value) is not None,
    "matches": lambda value, bound: re.fullmatch(bound, value) is not None,
}


@dataclass(frozen=True)
class Limit:
    """One limit of one column: the rule it is recorded under, the test with its bound, and what is expected."""

    rule: str
    test: Test
    bound: Any
    expected: str

    def holds(self, value: Any) -> bool:
        """Whether a value of the column's type, not None, keeps it."""
        return HOLDS[self.test](value, self.bound)


PLAIN_TEXT = Limit("invalid_text", "matches", NO_CONTROL_CHARACTERS, "text without control characters")
LIMITS_OF_ID = (Limit("too_long", "at_most_long", LONGEST_ID, f"at most {LONGEST_ID} characters"), PLAIN_TEXT)


def limits_of(field: Field) -> Iterator[Limit]:
    """The limits of a field but that of dates, which depends on the day."""
    if field.ge is not None:
        yield Limit("below_minimum", "ge", field.ge, f"at least {field.ge:,}")
    if field.gt is not None:
        yield Limit("below_minimum", "gt", field.gt, f"more than {field.gt:,}")
    if field.le is not None:
        yield Limit("above_maximum", "le", field.le, f"at most {field.le:,}")
    if field.lt is not None:
        yield Limit("above_maximum", "lt", field.lt, f"less than {field.lt:,}")
    if field.levels:
        yield Limit("unknown_category", "in", field.levels, f"one of {', '.join(field.levels)}")
    if is_open_text(field):
        yield from _limits_of_text(field)


def is_open_text(field: Field) -> bool:
    """Whether a field takes any text, within its limits."""
    return field.kind == "category" and not field.levels


def _limits_of_text(field: Field) -> Iterator[Limit]:
    if field.max_length is not None:
        yield Limit("too_long", "at_most_long", field.max_length, f"at most {field.max_length} characters")
    if field.min_length is not None:
        yield Limit("too_short", "at_least_long", field.min_length, f"at least {field.min_length} characters")
    if field.pattern is not None:
        # msgspec searches the pattern, so does the gate.
        yield Limit("wrong_pattern", "contains", field.pattern, f"text that matches {field.pattern}")
    yield PLAIN_TEXT
