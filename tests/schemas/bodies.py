"""Bodies of requests, written by hand: a value is a piece of JSON, so that also what no encoder writes can be sent."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Annotated, Literal

from hypothesis import strategies as st
from msgspec import Meta

from schemas.application import Application
from schemas.contract import Contract, Field, Kind, read_contract
from schemas.request import SPACES, RequestReader
from tests.contracts.lendingclub import LendingClub
from tests.schemas.declaring import REASON, declare
from tests.schemas.judging import BATCH_DATE, EVERYTHING

APPLICATION = read_contract(Application)
LENDINGCLUB = read_contract(LendingClub)
# What the other contracts have not: whole numbers without bounds or with bounds that no float64 holds, and odd levels.
ODD = read_contract(
    declare(
        ("whole", Annotated[int, REASON]),
        ("large", Annotated[int, Meta(ge=-(2**62), le=2**62), REASON]),
        ("half", Annotated[int, Meta(gt=0), REASON]),
        ("level", Annotated[Literal["a: b", "ä", "1"], REASON]),
        ("code", Annotated[str, Meta(min_length=2, max_length=5, pattern="[0-9]{2}$"), REASON]),
    )
)
# A body of each contract that breaks nothing.
GOOD: dict[str, dict[str, str]] = {
    APPLICATION.name: {
        "age": "35",
        "income": "50000",
        "loan_amount": "15000",
        "employment_length": "5.5",
        "credit_score": "720",
    },
    EVERYTHING.name: {
        "income": "30000.5",
        "price": "1500",
        "dependants": "2",
        "age": "35",
        "has_account": "true",
        "customer_since": '"2020-02-29"',
        "due_on": '"2030-01-01"',
        "region": '"north"',
        "employer": '"Müller"',
        "channel": '"web"',
    },
    LENDINGCLUB.name: {
        "loan_amount": "5000",
        "sub_grade": "7",
        "home_ownership": '"RENT"',
        "purpose": '"car"',
    },
    ODD.name: {"harmless": "1", "whole": "1", "large": "1", "half": "1", "level": '"ä"', "code": '"a10"'},
}
CONTRACTS = {contract.name: contract for contract in (APPLICATION, EVERYTHING, LENDINGCLUB, ODD)}
LARGEST = 1.7976931348623157e308
NUMBERS = [
    *("0", "-0", "-0.0", "0e0", "1", "-1", "35.0", "35.5", "1E2", "1e-7", "0.1", "1" * 30, f"0.{'3' * 400}"),
    *(repr(LARGEST), "1.7976931348623159e308", "1e400", "-1e400", "5e-324", "1e-400", "9" * 309, "9" * 5_000),
    # Where a float64 begins to stand for its neighbour too, where 64 bits end, and one more.
    *("9007199254740991.0", "9007199254740992.0", "9007199254740993", "4503599627370497.5", "1e15", "1e17"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809"),
    *("18446744073709551615", "18446744073709551616", "1e300"),
]
TEXTS = [
    *(
        "",
        " ",
        "a",
        "ab",
        "É",
        "Müller",
        "müller",
        "a: b",
        "1",
        "10",
        "web",
        "application",
        "x" * 100,
        "E" * 20,
        "x" * 5_000,
    ),
    *(
        "E" + "é" * 19,
        "E" + "é" * 20,
        "E" + "😀" * 19,
        "E" + "😀" * 20,
        "a\0",
        "\0",
        "A\nB",
        "A\x1fB",
        "A\x7f",
        "A\x85B",
        "A\u00a0B",
    ),
    *(f"{space}Web{space}" for space in SPACES),
    # No spaces for the gate, though Python's strip takes the first ones away.
    *("\x1cWeb", "Web\x1f", "\u200bWeb", "\ufeffWeb", "Web\u180e"),
]
DATES = [
    *("2026-06-30", "2026-07-01", "2024-02-29", "2023-02-29", "1900-02-29", "2026-02-30", "2026-13-01", "2026-00-01"),
    *("1000-01-01", "0999-12-31", "0001-01-01", "0000-01-01", "9999-12-31", "10000-01-01", "-2026-06-30", "26-06-30"),
    *("2026-6-30", "20260630", "2026-W27-2", "2026-181", "30.06.2026", "2026-06-30Z", "2026-06-30T12:00:00", "x"),
]
WRONG = ["null", "true", "false", '"35"', '"yes"', "[]", "{}", "[35]", '{"a": 1, "a": 2}', '""', "35", "20260630"]


def body_of(members: Mapping[str, str] | Iterable[tuple[str, str]]) -> bytes:
    """One JSON object."""
    pairs = members.items() if isinstance(members, Mapping) else members
    return ("{" + ", ".join(f'"{name}": {value}' for name, value in pairs) + "}").encode()


def reader_of(contract: Contract, today: date = BATCH_DATE) -> RequestReader:
    """A reader for which it is that day."""
    return RequestReader(contract, lambda: today)


def edges_of(field: Field) -> Iterator[str]:
    """The values of a field's own type at which its limits change their mind, and their neighbours."""
    for bound in (field.ge, field.gt, field.le, field.lt):
        if bound is not None:
            neighbours = (math.nextafter(bound, -math.inf), float(bound), math.nextafter(bound, math.inf))
            yield from map(repr, neighbours)
            yield from (str(int(bound) + step) for step in (-1, 0, 1))
    yield from map(json.dumps, field.levels)


def pieces_of(field: Field) -> list[str]:
    """Values of a field's own type, right and wrong ones."""
    plain: dict[Kind, list[str]] = {
        "number": NUMBERS,
        "integer": NUMBERS,
        "boolean": ["true", "false"],
        "date": [json.dumps(text) for text in DATES],
        "category": [json.dumps(text, ensure_ascii=place % 2 == 0) for place, text in enumerate(TEXTS)],
    }
    return [*edges_of(field), *plain[field.kind]]


def values_of(field: Field) -> st.SearchStrategy[str]:
    """Values of a field's own type, drawn."""
    low = field.ge if field.ge is not None else field.gt if field.gt is not None else -1e6
    high = field.le if field.le is not None else field.lt if field.lt is not None else 1e6
    floats = st.floats(allow_nan=False, allow_infinity=False) | st.floats(float(low), float(high))
    drawn: dict[Kind, st.SearchStrategy[str]] = {
        "number": floats.map(repr) | st.integers().map(str),
        "integer": st.integers(int(low), int(high)).map(str) | floats.map(repr) | st.integers().map(str),
        "boolean": st.booleans().map(json.dumps),
        "date": st.dates().map(str).map(json.dumps),
        "category": st.builds(json.dumps, st.text(max_size=30), ensure_ascii=st.booleans()),
    }
    return st.sampled_from(pieces_of(field)) | drawn[field.kind]
