import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.contract import Contract
from schemas.request import SPACES, ApplicationRequest, BrokenRequest, MalformedRequest, RequestReader
from tests.schemas.bodies import (
    APPLICATION,
    CONTRACTS,
    GOOD,
    LENDINGCLUB,
    ODD,
    WRONG,
    body_of,
    pieces_of,
    reader_of,
    values_of,
)
from tests.schemas.judging import BATCH_DATE, EVERYTHING, judged

READERS = {name: reader_of(contract) for name, contract in CONTRACTS.items()}
each_contract = pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)
Reading = Callable[[bytes], ApplicationRequest]


def read(contract: Contract, **pieces: str) -> ApplicationRequest:
    """A good request, with some pieces of JSON in place of others."""
    return READERS[contract.name].read(body_of(GOOD[contract.name] | pieces))


def broken(contract: Contract, body: bytes) -> list[tuple[str, str]]:
    """Field and rule of everything that is wrong with a body."""
    with pytest.raises(BrokenRequest) as caught:
        READERS[contract.name].read(body)
    return [(field.field, field.rule) for field in caught.value.fields]


def malformed(body: bytes) -> str:
    with pytest.raises(MalformedRequest) as caught:
        READERS[APPLICATION.name].read(body)
    return str(caught.value)


def outcome(reading: Reading, body: bytes) -> object:
    """What came of a body; 35 and 35.0, 0.0 and -0.0 are told apart."""
    try:
        return repr(reading(body))
    except BrokenRequest as error:
        return error.fields
    except MalformedRequest as error:
        return str(error)


def test_an_application_is_read_into_the_types_of_its_contract() -> None:
    assert repr(read(APPLICATION)) == repr(
        ApplicationRequest(
            None,
            {"age": 35, "income": 50_000.0, "loan_amount": 15_000.0, "employment_length": 5.5, "credit_score": 720},
        )
    )
    assert read(EVERYTHING, application_id='"A-1"') == ApplicationRequest(
        "A-1",
        {
            "income": 30_000.5,
            "price": 1500.0,
            "savings": None,
            "dependants": 2,
            "age": 35,
            "has_account": True,
            "owns_home": None,
            "customer_since": date(2020, 2, 29),
            "due_on": date(2030, 1, 1),
            "region": "north",
            "employer": "Müller",
            "channel": "web",
        },
    )


@pytest.mark.parametrize(
    ("contract", "field", "piece", "value"),
    [
        # A whole number is one however it is written.
        (APPLICATION, "age", "35.0", 35),
        (APPLICATION, "age", "3.5e1", 35),
        (APPLICATION, "age", "350E-1", 35),
        (APPLICATION, "income", "50000", 50_000.0),
        (APPLICATION, "income", "-0.0", -0.0),
        (APPLICATION, "income", "5e-324", 5e-324),
        (APPLICATION, "income", "1e-400", 0.0),
        (APPLICATION, "employment_length", "null", None),
        (APPLICATION, "age", "18", 18),
        (APPLICATION, "age", "100", 100),
        (APPLICATION, "loan_amount", "1e6", 1e6),
        # Without bounds, up to what 64 bits hold; with a point only as far as a float64 knows its neighbour.
        (ODD, "whole", "9223372036854775807", 2**63 - 1),
        (ODD, "whole", "-9223372036854775808", -(2**63)),
        (ODD, "whole", "9007199254740991.0", 2**53 - 1),
        (ODD, "large", "4611686018427387904", 2**62),
        (ODD, "half", "9223372036854775807", 2**63 - 1),
        (ODD, "harmless", repr(1.7976931348623157e308), 1.7976931348623157e308),
        (EVERYTHING, "has_account", "false", False),
        (EVERYTHING, "owns_home", "null", None),
        (EVERYTHING, "customer_since", '"1000-01-01"', date(1000, 1, 1)),
        (EVERYTHING, "customer_since", '"2026-06-30"', BATCH_DATE),
        (EVERYTHING, "due_on", '"9999-12-31"', date(9999, 12, 31)),
        (EVERYTHING, "due_on", "null", None),
        # Text without what stands around it; nothing but space is nothing.
        (EVERYTHING, "channel", r'"\tweb\n"', "web"),
        (EVERYTHING, "channel", '" a: b "', "a: b"),
        (EVERYTHING, "employer", '"  "', None),
        (EVERYTHING, "employer", '""', None),
        (EVERYTHING, "employer", r'"M\u00fcller"', "Müller"),
        (EVERYTHING, "employer", r'"E\ud83d\ude00"', "E😀"),
        # Twenty characters of four bytes each but the first.
        (EVERYTHING, "employer", f'"E{"😀" * 19}"', "E" + "😀" * 19),
        (EVERYTHING, "employer", f'"  E{"é" * 19}  "', "E" + "é" * 19),
        (EVERYTHING, "region", '" south "', "south"),
        (LENDINGCLUB, "home_ownership", '"NONE"', "NONE"),
        (LENDINGCLUB, "purpose", '"never seen"', "never seen"),
        (ODD, "level", '"a: b"', "a: b"),
        (ODD, "code", '" ab10\\n"', "ab10"),
    ],
)
def test_what_keeps_the_contract_is_accepted(contract: Contract, field: str, piece: str, value: Any) -> None:
    found = read(contract, **{field: piece}).inputs[field]
    assert repr(found) == repr(value)


@each_contract
def test_what_may_be_missing_may_be_null_or_left_out(contract: Contract) -> None:
    optional = [field.name for field in contract.fields if field.nullable]
    needed = {name: piece for name, piece in GOOD[contract.name].items() if name not in optional}
    left_out = READERS[contract.name].read(body_of(needed))
    assert left_out == READERS[contract.name].read(body_of(needed | dict.fromkeys(optional, "null")))
    assert all(left_out.inputs[name] is None for name in optional)
    assert list(left_out.inputs) == [field.name for field in contract.fields]


@pytest.mark.parametrize(
    ("piece", "identifier"),
    [
        ('"A-1"', "A-1"),
        ('"urn:a:b"', "urn:a:b"),
        ('" A 1 "', "A 1"),
        (f'"{"é" * 100}"', "é" * 100),
        (f'"{" " * 200}a"', "a"),
        ('"\\u00e9"', "é"),
        ('"application_id"', "application_id"),
        ("null", None),
        ('""', None),
        ('" \\u2003 "', None),
    ],
)
def test_an_id_is_taken_as_it_is_but_for_spaces_around_it(piece: str, identifier: str | None) -> None:
    for contract in CONTRACTS.values():
        assert read(contract, application_id=piece).application_id == identifier


@pytest.mark.parametrize("space", SPACES, ids=ascii)
def test_all_that_the_gate_takes_for_space_is_taken_away(space: str) -> None:
    for escaped in (True, False):
        # Within a text JSON wants control characters escaped.
        piece = json.dumps(f"{space}web{space}", ensure_ascii=escaped)
        assert read(EVERYTHING, channel=piece).inputs["channel"] == "web"


@pytest.mark.parametrize(
    ("contract", "field", "piece", "rule", "message"),
    [
        (APPLICATION, "age", "null", "missing", "Age has to be a value; it may not be empty"),
        (APPLICATION, "age", '"35"', "wrong_type", "Age has to be a whole number"),
        (APPLICATION, "age", "35.5", "wrong_type", "Age has to be a whole number"),
        (APPLICATION, "age", "true", "wrong_type", "Age has to be a whole number"),
        (APPLICATION, "age", "[35]", "wrong_type", "Age has to be a whole number"),
        (APPLICATION, "age", "1e400", "not_finite", "Age has to be a number that is not infinite"),
        (APPLICATION, "age", "17", "below_minimum", "Age has to be at least 18"),
        (APPLICATION, "age", "-0.0", "below_minimum", "Age has to be at least 18"),
        (APPLICATION, "age", "101", "above_maximum", "Age has to be at most 100"),
        (APPLICATION, "income", '"50,000"', "wrong_type", "Income has to be a number"),
        (APPLICATION, "income", "false", "wrong_type", "Income has to be a number"),
        (APPLICATION, "income", "{}", "wrong_type", "Income has to be a number"),
        (APPLICATION, "income", "-1e400", "not_finite", "Income has to be a number that is not infinite"),
        (APPLICATION, "income", "9" * 5_000, "not_finite", "Income has to be a number that is not infinite"),
        (APPLICATION, "income", "-5e-324", "below_minimum", "Income has to be at least 0"),
        (APPLICATION, "income", "10000000.000000002", "above_maximum", "Income has to be at most 10,000,000"),
        (APPLICATION, "employment_length", '""', "wrong_type", "Employment length has to be a number"),
        (EVERYTHING, "income", "0", "below_minimum", "Income has to be more than 0"),
        (EVERYTHING, "income", "1e6", "above_maximum", "Income has to be less than 1,000,000"),
        (EVERYTHING, "has_account", "1", "wrong_type", "Has account has to be true or false"),
        (EVERYTHING, "has_account", '"yes"', "wrong_type", "Has account has to be true or false"),
        (EVERYTHING, "customer_since", '"x"', "wrong_type", 'Customer since has to be a date as "YYYY-MM-DD"'),
        (EVERYTHING, "customer_since", '"2023-02-29"', "wrong_type", 'Customer since has to be a date as "YYYY-MM-DD"'),
        (EVERYTHING, "customer_since", "20200229", "wrong_type", 'Customer since has to be a date as "YYYY-MM-DD"'),
        # The gate reads years of four digits only.
        (EVERYTHING, "customer_since", '"0999-12-31"', "wrong_type", 'Customer since has to be a date as "YYYY-MM-DD"'),
        (EVERYTHING, "due_on", '"0000-01-01"', "wrong_type", 'Due on has to be a date as "YYYY-MM-DD"'),
        (
            EVERYTHING,
            "customer_since",
            '"2026-07-01"',
            "after_batch_date",
            "Customer since has to be a date not after today, 2026-06-30",
        ),
        (EVERYTHING, "region", '"west"', "unknown_category", "Region has to be one of north, south, overseas"),
        (EVERYTHING, "region", '"North"', "unknown_category", "Region has to be one of north, south, overseas"),
        (EVERYTHING, "region", '""', "missing", "Region has to be a value; it may not be empty"),
        (EVERYTHING, "region", "5", "wrong_type", "Region has to be text in quotes"),
        (EVERYTHING, "employer", f'"E{"é" * 20}"', "too_long", "Employer has to be at most 20 characters"),
        (EVERYTHING, "employer", '"müller"', "wrong_pattern", "Employer has to be text that matches ^[A-Z]"),
        (EVERYTHING, "employer", r'"A\u0000"', "invalid_text", "Employer has to be text without control characters"),
        (EVERYTHING, "employer", r'"A\nB"', "invalid_text", "Employer has to be text without control characters"),
        # Two bytes, one character.
        (EVERYTHING, "channel", '"é"', "too_short", "Channel has to be at least 2 characters"),
        (EVERYTHING, "channel", '" a "', "too_short", "Channel has to be at least 2 characters"),
        (EVERYTHING, "channel", '"  "', "missing", "Channel has to be a value; it may not be empty"),
        (ODD, "whole", "9223372036854775808", "wrong_type", "Whole has to be a whole number"),
        (ODD, "whole", "-9223372036854775809", "wrong_type", "Whole has to be a whole number"),
        (ODD, "whole", "9007199254740992.0", "wrong_type", "Whole has to be a whole number"),
        (ODD, "whole", "1e300", "wrong_type", "Whole has to be a whole number"),
        (ODD, "large", "1e17", "wrong_type", "Large has to be a whole number"),
        (
            ODD,
            "large",
            "4611686018427387905",
            "above_maximum",
            "Large has to be at most 4,611,686,018,427,387,904",
        ),
        (ODD, "harmless", "1.7976931348623159e308", "not_finite", "Harmless has to be a number that is not infinite"),
        (ODD, "code", '"10x"', "wrong_pattern", "Code has to be text that matches [0-9]{2}$"),
        (LENDINGCLUB, "sub_grade", "36", "above_maximum", "Sub-grade has to be at most 35"),
        (APPLICATION, "application_id", "7", "wrong_type", "Application id has to be text in quotes"),
        (
            APPLICATION,
            "application_id",
            f'"{"a" * 101}"',
            "too_long",
            "Application id has to be at most 100 characters",
        ),
        (
            APPLICATION,
            "application_id",
            r'"a\u007f"',
            "invalid_text",
            "Application id has to be text without control characters",
        ),
    ],
)
def test_what_breaks_the_contract_is_named_with_its_rule_and_what_to_do(
    contract: Contract, field: str, piece: str, rule: str, message: str
) -> None:
    with pytest.raises(BrokenRequest) as caught:
        read(contract, **{field: piece})
    assert [(item.field, item.rule, item.message) for item in caught.value.fields] == [(field, rule, message)]


def test_every_rule_that_every_field_breaks_is_named_at_once() -> None:
    pieces = {
        "application_id": r'"\u0000"',
        "income": "1e999",
        "price": "0",
        "dependants": '"2"',
        "age": "17.0",
        "has_account": "0",
        "due_on": '"soon"',
        "region": '"moon"',
        "employer": f'"{"x" * 30}\\u0001"',
        "channel": '"\\u0000"',
        "salary": "1",
    }
    assert broken(EVERYTHING, body_of(pieces)) == [
        ("salary", "unknown_field"),
        ("application_id", "invalid_text"),
        ("income", "not_finite"),
        ("price", "below_minimum"),
        ("dependants", "wrong_type"),
        ("age", "below_minimum"),
        ("has_account", "wrong_type"),
        ("customer_since", "missing"),
        ("due_on", "wrong_type"),
        ("region", "unknown_category"),
        ("employer", "too_long"),
        ("employer", "wrong_pattern"),
        ("employer", "invalid_text"),
        ("channel", "too_short"),
        ("channel", "invalid_text"),
    ]


@pytest.mark.parametrize("body", [b"[]", b"35", b'"age"', b"null", b"true", b"[{}]", b"1" * 5_000, b"1e400"])
def test_a_body_that_is_no_object_is_told_so(body: bytes) -> None:
    with pytest.raises(BrokenRequest, match="wrong_type") as caught:
        READERS[APPLICATION.name].read(body)
    (only,) = caught.value.fields
    assert only.field == ""
    assert only.message.startswith("the body has to be one JSON object with the fields application_id, age, income")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the body is empty"),
        (b" \t\r\n", "the body is empty"),
        (body_of(GOOD[APPLICATION.name])[:-1], "not JSON: Expecting ',' delimiter"),
        (body_of(GOOD[APPLICATION.name])[:30], "not JSON"),
        (b'{"age"', "not JSON"),
        (b'{"age": 35', "not JSON"),
        (b"\xef\xbb\xbf" + body_of(GOOD[APPLICATION.name]), "not JSON: Unexpected UTF-8 BOM"),
        (body_of(GOOD[APPLICATION.name]).decode().encode("utf-16"), "not UTF-8: byte 0"),
        (b'{"age": "\xff"}', "not UTF-8: byte 9"),
        # A surrogate and an overlong encoding, which UTF-8 forbids.
        (b'{"age": "\xed\xa0\x80"}', "not UTF-8"),
        (b'{"age": "\xc0\x80"}', "not UTF-8"),
        (b'{"age": NaN}', "NaN is not a number in JSON"),
        (b'{"age": Infinity}', "Infinity is not a number in JSON"),
        (b'{"age": -Infinity}', "-Infinity is not a number in JSON"),
        (b"NaN", "NaN is not a number in JSON"),
        (body_of(GOOD[APPLICATION.name]) + b"}", "not JSON: Extra data"),
        (body_of(GOOD[APPLICATION.name]) * 2, "not JSON: Extra data"),
        (body_of(GOOD[APPLICATION.name]) + b"\0", "not JSON: Extra data"),
        (b'{"age": 35,}', "not JSON"),
        (b"{'age': 35}", "not JSON"),
        (b"{age: 35}", "not JSON"),
        (b'{"age": 035}', "not JSON"),
        (b'{"age": +35}', "not JSON"),
        (b'{"age": .5}', "not JSON"),
        (b'{"age": 0x23}', "not JSON"),
        (b'{"age": "a\nb"}', "not JSON: Invalid control character"),
        (b'{"age": 35 // years\n}', "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"age":' * 100_000, "nested too deeply"),
        (b'{"age": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", "nested too deeply"),
        (b'{"age": "\\ud800"}', "half a surrogate pair"),
        (b'{"\\udc00": 1}', "half a surrogate pair"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_a_body_that_is_not_json_is_told_where(body: bytes, words: str) -> None:
    assert words in malformed(body)


@pytest.mark.parametrize("opening", [b"[", b'{"a": '], ids=ascii)
@pytest.mark.parametrize("name", [b"age", b"other"])
def test_no_depth_of_nesting_is_more_than_the_reader_bears(opening: bytes, name: bytes) -> None:
    closing = b"]" if opening == b"[" else b"}"
    found = set()
    # Some depth lies between what each of two parsers bears.
    for depth in range(1, 1_100):
        body = b'{"' + name + b'": ' + opening * depth + b"1" + closing * depth + b"}"
        try:
            READERS[APPLICATION.name].read(body)
        except (BrokenRequest, MalformedRequest) as error:
            found.add(type(error))
    assert found == {BrokenRequest, MalformedRequest}


@pytest.mark.parametrize("name", ["age", r"\u0061ge", r"\u0061\u0067\u0065"])
@pytest.mark.parametrize("piece", ["35", "36", "null", '"x"'])
def test_a_field_that_is_there_twice_is_refused_however_it_is_spelled(name: str, piece: str) -> None:
    good = [*GOOD[APPLICATION.name].items()]
    for members in ([*good, (name, piece)], [(name, piece), *good]):
        with pytest.raises(BrokenRequest) as caught:
            READERS[APPLICATION.name].read(body_of(members))
        first = caught.value.fields[0]
        assert (first.field, first.rule, first.message) == (
            "age",
            "repeated_field",
            "age is there 2 times; send it once",
        )


def test_a_repeated_field_hides_nothing_else_that_is_wrong() -> None:
    members = [*(GOOD[APPLICATION.name] | {"income": "-1"}).items(), ("age", "17"), ("age", "17"), ("old", "1")]
    assert broken(APPLICATION, body_of([*members, ("old", "2")])) == [
        ("age", "repeated_field"),
        ("old", "unknown_field"),
        ("age", "below_minimum"),
        ("income", "below_minimum"),
    ]


def test_an_escaped_name_is_the_name() -> None:
    members = GOOD[APPLICATION.name] | {"age": "", r"\u0061ge": "36"}
    del members["age"]
    assert READERS[APPLICATION.name].read(body_of(members)).inputs["age"] == 36


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Age", "did you mean age?"),
        ("loan_amout", "did you mean loan_amount?"),
        ("applicationId", "did you mean application_id?"),
        ("batch_date", "the fields are application_id, age, income, loan_amount, employment_length, credit_score"),
        ("", "the fields are application_id"),
        ("age ", "did you mean age?"),
        ("é" * 5_000, "the fields are application_id"),
        (r"a\u0000", "the fields are application_id"),
    ],
)
def test_an_unknown_field_is_refused_with_what_was_perhaps_meant(name: str, words: str) -> None:
    body = body_of([*GOOD[APPLICATION.name].items(), (name, "1")])
    with pytest.raises(BrokenRequest, match="unknown_field") as caught:
        READERS[APPLICATION.name].read(body)
    (only,) = caught.value.fields
    assert only.message.startswith("this is not a field; ")
    assert words in only.message
    assert only.field == json.loads(f'"{name}"')[:100]


def test_however_many_fields_are_unknown_each_is_named_and_the_first_ones_have_a_hint() -> None:
    members = [*GOOD[APPLICATION.name].items(), *((f"age{number}", "1") for number in range(2_000))]
    with pytest.raises(BrokenRequest) as caught:
        READERS[APPLICATION.name].read(body_of(members))
    assert [field.field for field in caught.value.fields] == [f"age{number}" for number in range(2_000)]
    messages = [field.message for field in caught.value.fields]
    assert messages[:10] == ["this is not a field; did you mean age?"] * 10
    assert messages[10:] == ["this is not a field"] * 1_990


@pytest.mark.parametrize("name", ["__class__", "__struct_fields__", "inputs", "burden", "score", "decision"])
def test_names_that_mean_something_elsewhere_are_unknown_fields(name: str) -> None:
    body = body_of([*GOOD[APPLICATION.name].items(), (name, "1")])
    assert broken(APPLICATION, body) == [(name, "unknown_field")]


def test_a_derived_feature_is_no_field() -> None:
    assert broken(EVERYTHING, body_of(GOOD["Everything"] | {"term": "5"})) == [("term", "unknown_field")]


def test_the_day_is_asked_for_anew_with_every_request() -> None:
    days = [date(2026, 6, 30)]
    reader = RequestReader(EVERYTHING, lambda: days[-1])
    body = body_of(GOOD["Everything"] | {"customer_since": '"2026-07-01"'})
    with pytest.raises(BrokenRequest, match="after_batch_date"):
        reader.read(body)
    days.append(date(2026, 7, 1))
    assert reader.read(body).inputs["customer_since"] == date(2026, 7, 1)


@each_contract
def test_what_is_right_is_read_natively(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = reader_of(contract)
    monkeypatch.setattr(reader, "_read_by_field", lambda _: pytest.fail("it was looked at field by field"))
    reader.read(body_of(GOOD[contract.name] | ({} if contract is ODD else {"application_id": '"A-1"'})))


MEMBERS = ("", "Age", "incomes", r"\u0061ge", r"r\u0065gion", "x" * 200)


@st.composite
def bodies(draw: st.DrawFn, contract: Contract) -> bytes:
    """Good bodies with some pieces replaced, left out, repeated, renamed, and some bytes disturbed."""
    pieces = dict(GOOD[contract.name])
    fields = {field.name: field for field in contract.fields}
    for name in draw(st.lists(st.sampled_from([*fields]), max_size=4)):
        pieces[name] = draw(values_of(fields[name]) | st.sampled_from(WRONG))
    for name in draw(st.lists(st.sampled_from([*fields]), max_size=2)):
        pieces.pop(name, None)
    if draw(st.booleans()):
        pieces["application_id"] = draw(st.text(max_size=110).map(json.dumps) | st.sampled_from(["null", "5", '""']))
    members = [*pieces.items()]
    for name in draw(st.lists(st.sampled_from([*fields, *MEMBERS]), max_size=2)):
        members.insert(0, (name, draw(st.sampled_from(["35", "null", pieces.get(name, '"north"')]))))
    body = body_of(members)
    if draw(st.integers(0, 9)) == 0:
        place = draw(st.integers(0, len(body)))
        body = body[:place] + draw(st.binary(max_size=3)) + body[place + draw(st.integers(0, 3)) :]
    return body


@each_contract
@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_the_quick_reading_and_the_close_one_agree(contract: Contract, data: st.DataObject) -> None:
    reader, body = READERS[contract.name], data.draw(bodies(contract))
    assert outcome(reader.read, body) == outcome(reader._read_by_field, body)


@each_contract
def test_the_two_readings_agree_on_every_value_there_is_a_reason_to_fear(contract: Contract) -> None:
    reader = READERS[contract.name]
    for field in contract.fields:
        for piece in [*pieces_of(field), *WRONG]:
            body = body_of(GOOD[contract.name] | {field.name: piece})
            assert outcome(reader.read, body) == outcome(reader._read_by_field, body), (field.name, piece[:80])


def cell_of(piece: str) -> str:
    """A piece of JSON as a file would hold it: text without its quotes, numbers and booleans as they stand."""
    if piece == "null":
        return ""
    return str(json.loads(piece)) if piece.startswith('"') else piece


def judged_twice(contract: Contract, rows: list[dict[str, str]]) -> list[tuple[set[Any], set[Any]]]:
    """Field and rule of everything wrong with each row of pieces: as a row of a batch, and as a request of its own."""
    names = [field.name for field in contract.fields]
    cells = [{name: cell_of(row.get(name, "null")) for name in names} for row in rows]
    found: list[tuple[set[Any], set[Any]]] = [(set(), set()) for _ in rows]
    records = judged(cells, contract).quarantined
    for number, field, rule in records.select("row_number", "field", "rule").iter_rows():
        found[number - 1][0].add((field, rule))
    for place, row in enumerate(rows):
        try:
            READERS[contract.name].read(body_of(row))
        except BrokenRequest as error:
            found[place][1].update((item.field, item.rule) for item in error.fields)
    return found


# With pieces of a field's own type only, and on the batch's own date; what else differs is in DIFFERENCES.
@each_contract
def test_each_value_is_judged_as_at_the_gate(contract: Contract) -> None:
    good = GOOD[contract.name]
    rows = [good | {field.name: piece} for field in contract.fields for piece in [*pieces_of(field), "null"]]
    rows += [{key: piece for key, piece in good.items() if key != field.name} for field in contract.fields]
    accepted = 0
    for row, (batch, request) in zip(rows, judged_twice(contract, rows), strict=True):
        assert batch == request, {name: piece[:80] for name, piece in row.items() if piece != good.get(name)}
        accepted += not batch
    # Neither accepts all, nor refuses all.
    assert len(rows) / 10 < accepted < len(rows) * 9 / 10


@each_contract
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_rows_are_judged_as_at_the_gate(contract: Contract, data: st.DataObject) -> None:
    row = st.fixed_dictionaries({}, optional={field.name: values_of(field) for field in contract.fields})
    rows = [GOOD[contract.name] | changes for changes in data.draw(st.lists(row, min_size=1, max_size=10))]
    for batch, request in judged_twice(contract, rows):
        assert batch == request


# Of an id that is missing or the name of its column, see the end of this file.
IDENTIFIERS = st.text(max_size=105).filter(lambda text: text.strip(SPACES) not in ("", "application_id"))


@settings(deadline=None, max_examples=50)
@given(identifiers=st.lists(IDENTIFIERS, min_size=1, max_size=10))
def test_ids_are_judged_as_at_the_gate(identifiers: list[str]) -> None:
    cells = {name: cell_of(piece) for name, piece in GOOD[APPLICATION.name].items()}
    records = judged([cells | {"application_id": identifier} for identifier in identifiers], APPLICATION).quarantined
    for number, identifier in enumerate(identifiers, 1):
        batch = set(records.filter(row_number=number).select("field", "rule").iter_rows())
        body = body_of(GOOD[APPLICATION.name] | {"application_id": json.dumps(identifier)})
        if batch:
            assert set(broken(APPLICATION, body)) == batch
        else:
            assert READERS[APPLICATION.name].read(body).application_id == identifier.strip(SPACES)


# Where the two differ on purpose: a file is text, and JSON has types and names.
DIFFERENCES = [
    ("a number in quotes", "age", "35", '"35"', "wrong_type"),
    ("a word for true", "has_account", "yes", '"yes"', "wrong_type"),
    ("a number for true", "has_account", "1", "1", "wrong_type"),
    ("a number for text", "channel", "10", "10", "wrong_type"),
    ("a date as its midnight", "customer_since", "2020-02-29 00:00:00", '"2020-02-29 00:00:00"', "wrong_type"),
    ("a date with space around", "customer_since", " 2020-02-29 ", '" 2020-02-29 "', "wrong_type"),
    ("nothing for a missing number", "savings", "", '""', "wrong_type"),
    ("nothing for a missing date", "due_on", "", '""', "wrong_type"),
    ("a number with a sign", "age", "+35", "+35", "malformed"),
    ("a number with zeros before it", "age", "035", "035", "malformed"),
    ("a column that is no field", "salary", "1", "1", "unknown_field"),
]


@pytest.mark.parametrize(
    ("field", "cell", "piece", "rule"), [row[1:] for row in DIFFERENCES], ids=[row[0] for row in DIFFERENCES]
)
def test_what_the_gate_accepts_and_json_has_another_way_to_say_is_refused(
    field: str, cell: str, piece: str, rule: str
) -> None:
    row = {name: cell_of(good) for name, good in GOOD["Everything"].items()}
    whole = {name.name: "" for name in EVERYTHING.fields} | row | {field: cell}
    assert judged([whole]).quarantined.is_empty()
    body = body_of(GOOD["Everything"] | {field: piece})
    if rule == "malformed":
        with pytest.raises(MalformedRequest):
            READERS["Everything"].read(body)
    else:
        assert broken(EVERYTHING, body) == [(field, rule)]


def test_an_id_and_the_day_of_reference_are_the_batchs_own() -> None:
    row = {name.name: "" for name in EVERYTHING.fields} | {
        name: cell_of(piece) for name, piece in GOOD["Everything"].items()
    }
    # A batch needs ids to tell its rows apart; one application does without, and has no header to repeat.
    assert set(judged([row | {"application_id": ""}]).quarantined["rule"]) == {"missing"}
    assert set(judged([row | {"application_id": "application_id"}]).quarantined["rule"]) == {"repeated_header"}
    assert read(EVERYTHING).application_id is None
    # A file is judged by its own date, a request by today's.
    tomorrow = BATCH_DATE + timedelta(days=1)
    assert set(judged([row | {"customer_since": str(tomorrow)}]).quarantined["rule"]) == {"after_batch_date"}
    body = body_of(GOOD["Everything"] | {"customer_since": f'"{tomorrow}"'})
    assert reader_of(EVERYTHING, tomorrow).read(body).inputs["customer_since"] == tomorrow
