"""One application as JSON: read strictly, or every broken field of it named.

What is accepted and what the rules are called is the same as at the gate of the batch (`schemas.parsing`,
`schemas.row_rules`), but that JSON has types: `"35"` is no number. A first, native reading takes what is right; only
what it refuses, and the little it cannot see, is looked at field by field.
"""

import difflib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from operator import attrgetter
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from schemas.characteristic import Characteristic
from schemas.contract import Contract, Field, Kind
from schemas.limits import LIMITS_OF_ID, LONGEST_ID, NO_CONTROL_CHARACTERS, is_open_text, limits_of
from schemas.parsing import APPLICATION_ID, FIRST_INEXACT_INTEGER

# What `strip_chars` of polars takes for a space; Python's strip takes some control characters as well.
SPACES = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
INT64 = range(-(2**63), 2**63)
# The first year the gate reads.
FIRST_DATE = date(1000, 1, 1)
EXPECTED: dict[Kind, str] = {
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "date": 'a date as "YYYY-MM-DD"',
    "category": "text in quotes",
}
# Guessing what was meant takes long; a body of unknown names only is no slip of the pen.
MOST_HINTS = 10
FINITE = "a number that is not infinite"
ID = Field(
    name=APPLICATION_ID,
    kind="category",
    nullable=True,
    title="Application id",
    description="The applicant's reference with the caller; it is logged only as a keyed hash.",
    characteristic=Characteristic(scored=False),
)


class BrokenField(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a request that breaks the contract: its name (empty: the body itself), the rule, and what to do."""

    field: str
    rule: str
    message: str


class MalformedRequest(ValueError):
    """A body that is not JSON; the message says where."""


class BrokenRequest(ValueError):
    """A body that is JSON and breaks the contract; `fields` has an entry for every broken rule of every field."""

    def __init__(self, fields: Sequence[BrokenField]) -> None:
        self.fields = tuple(fields)
        super().__init__(", ".join(f"{broken.field}: {broken.rule}" for broken in fields))


class _Pairs(list[tuple[str, Any]]):
    """The members of a JSON object as they stand, repeated ones too."""


@dataclass(frozen=True, slots=True)
class ApplicationRequest:
    """What was asked: the contract's fields by name, None for a missing one, and the application's id if it has one."""

    application_id: str | None
    inputs: dict[str, Any]


class RequestReader:
    """Reads requests for a contract; `today` gives the business date, which dates may not lie after."""

    def __init__(self, contract: Contract, today: Callable[[], date]) -> None:
        self._today = today
        self.struct = request_struct(contract)
        self._native = msgspec.json.Decoder(self.struct)
        self._raw = msgspec.json.Decoder(dict[str, msgspec.Raw])
        self._fields = {ID.name: ID} | {field.name: field for field in contract.fields}
        self._limits = {name: tuple(limits_of(field)) for name, field in self._fields.items()} | {ID.name: LIMITS_OF_ID}
        self._values = attrgetter(*self._fields)
        self._looked_at_again = tuple(
            (place, field) for place, field in enumerate(self._fields.values()) if _hides(field)
        )

    def read(self, body: bytes) -> ApplicationRequest:
        """The request in a body; raises MalformedRequest or BrokenRequest."""
        try:
            values = self._values(self._native.decode(body))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._read_by_field(body)
        # As many colons as values: no field is there twice. A null or a colon within a text only costs a closer look.
        if body.count(b":") != len(values) - values.count(None) or not self._is_settled(values):
            return self._read_by_field(body)
        return ApplicationRequest(values[0], dict(zip(self.names, values[1:], strict=True)))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The contract's fields."""
        return tuple(self._fields)[1:]

    def _is_settled(self, values: tuple[Any, ...]) -> bool:
        """Whether what msgspec cannot see is in order."""
        for place, field in self._looked_at_again:
            value = values[place]
            if value is not None and (
                (field.kind == "category" and (not value or value.strip(SPACES) != value))
                or (field.kind == "integer" and value not in INT64)
                or any(self._broken_limits(field, value))
            ):
                return False
        return True

    def _read_by_field(self, body: bytes) -> ApplicationRequest:
        pairs = _pairs(body)
        if not isinstance(pairs, _Pairs):
            message = f"the body has to be one JSON object with the fields {', '.join(self._fields)}"
            raise BrokenRequest([BrokenField(field="", rule="wrong_type", message=message)])
        try:
            given = self._raw.decode(body)
        except ValueError as error:
            # What Python reads and msgspec does not.
            raise MalformedRequest("the body is not text: it has half a surrogate pair") from error
        broken = [*self._repeated(pairs), *self._unknown(pairs)]
        values: dict[str, Any] = {}
        for name, field in self._fields.items():
            values[name], problems = self._value(field, given.get(name))
            broken += problems
        if broken:
            raise BrokenRequest(broken)
        return ApplicationRequest(values.pop(ID.name), values)

    def _repeated(self, pairs: _Pairs) -> Iterator[BrokenField]:
        for name, count in Counter(name for name, _ in pairs).items():
            if count > 1 and name in self._fields:
                message = f"{name} is there {count} times; send it once"
                yield BrokenField(field=name, rule="repeated_field", message=message)

    def _unknown(self, pairs: _Pairs) -> Iterator[BrokenField]:
        for place, name in enumerate(dict.fromkeys(name for name, _ in pairs if name not in self._fields)):
            hint = self._hint(name) if place < MOST_HINTS else ""
            yield BrokenField(field=name[:LONGEST_ID], rule="unknown_field", message=f"this is not a field{hint}")

    def _hint(self, name: str) -> str:
        near = difflib.get_close_matches(name[:LONGEST_ID], self._fields, n=1)
        return f"; did you mean {near[0]}?" if near else f"; the fields are {', '.join(self._fields)}"

    def _value(self, field: Field, raw: msgspec.Raw | None) -> tuple[Any, list[BrokenField]]:
        """The value of a field, and what is wrong with it."""
        try:
            value = None if raw is None else _typed(field.kind, bytes(raw))
        except _WrongValue as error:
            return None, [_broken(field, error.rule, error.expected)]
        if value is None:
            return None, [] if field.nullable else [_broken(field, "missing", "a value; it may not be empty")]
        return value, [_broken(field, rule, expected) for rule, expected in self._broken_limits(field, value)]

    def _broken_limits(self, field: Field, value: Any) -> Iterator[tuple[str, str]]:
        for limit in self._limits[field.name]:
            if not limit.holds(value):
                yield limit.rule, limit.expected
        if field.kind == "date":
            yield from self._broken_limits_of_date(field, value)

    def _broken_limits_of_date(self, field: Field, value: date) -> Iterator[tuple[str, str]]:
        if value < FIRST_DATE:
            yield "wrong_type", EXPECTED["date"]
        elif not field.characteristic.future and value > (today := self._today()):
            yield "after_batch_date", f"a date not after today, {today}"


class _WrongValue(ValueError):
    """A value that is not of its field's type."""

    def __init__(self, rule: str, expected: str) -> None:
        self.rule, self.expected = rule, expected
        super().__init__(rule)


def request_struct(contract: Contract) -> type[msgspec.Struct]:
    """The contract's class with an optional application id: what the service accepts and describes."""
    meta = Meta(title=ID.title, description=ID.description, max_length=LONGEST_ID, pattern=NO_CONTROL_CHARACTERS)
    return msgspec.defstruct(
        f"{contract.name}Request",
        [(ID.name, Annotated[str, meta] | None, None)],
        bases=(contract.struct,),
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )


def _hides(field: Field) -> bool:
    """Whether a field has limits that its type for msgspec does not carry."""
    if field.kind == "integer":
        return (field.ge is None and field.gt is None) or (field.le is None and field.lt is None)
    return field.kind == "date" or is_open_text(field)


def _pairs(body: bytes) -> object:
    """What a body says, objects as _Pairs; numbers stay text, as they may be longer than Python reads them."""
    try:
        text = body.decode()
        return json.loads(text, object_pairs_hook=_Pairs, parse_int=str, parse_float=str, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise MalformedRequest(f"the body is not UTF-8: byte {error.start} is wrong") from error
    except RecursionError as error:
        raise MalformedRequest("the body is nested too deeply; an application is one flat object") from error
    except ValueError as error:
        raise MalformedRequest(f"the body is not JSON: {error}" if text.strip() else "the body is empty") from error


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number in JSON")


def _typed(kind: Kind, raw: bytes) -> Any:
    """The value that stands in a body, None for null; raises _WrongValue if it is not of this kind."""
    try:
        value = msgspec.json.decode(raw)
    except (ValueError, RecursionError) as error:
        # It is JSON, so a number can only be larger than a float64, and a text no text.
        if kind in ("number", "integer") and raw[:1] in b"-0123456789":
            raise _WrongValue("not_finite", FINITE) from error
        raise _WrongValue("wrong_type", EXPECTED[kind]) from error
    try:
        return None if value is None else CONVERT[kind](value)
    except OverflowError as error:
        raise _WrongValue("not_finite", FINITE) from error
    except (ValueError, TypeError) as error:
        raise _WrongValue("wrong_type", EXPECTED[kind]) from error


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return float(value)


def _integer(value: Any) -> int:
    number = _number(value)
    if isinstance(value, int) and value in INT64:
        return value
    # As at the gate: 35.0 is a whole number.
    if isinstance(value, int) or not number.is_integer() or abs(number) >= FIRST_INEXACT_INTEGER:
        raise TypeError
    return int(number)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _date(value: Any) -> date:
    if not isinstance(value, str):
        raise TypeError
    return msgspec.convert(value, date)


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        raise TypeError
    return value.strip(SPACES) or None


CONVERT: dict[Kind, Callable[[Any], Any]] = {
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "date": _date,
    "category": _text,
}


def _broken(field: Field, rule: str, expected: str) -> BrokenField:
    return BrokenField(field=field.name, rule=rule, message=f"{field.title} has to be {expected}")
