from datetime import date

import msgspec
import polars
import pytest

from schemas.characteristic import Characteristic
from schemas.contract import Contract, Field, Kind, read_contract
from schemas.parsing import EXPECTED, TYPES, typed, unreadable
from tests.contracts.everything import ROW, Everything

LONG = 10_000


def contract_of(kind: Kind) -> Contract:
    x = Field(name="x", kind=kind, nullable=True, title="X", description="", characteristic=Characteristic())
    return Contract(msgspec.Struct, (x,), ())


def parse(kind: Kind, texts: list[str]) -> tuple[polars.Series, dict[int, str]]:
    """The values the texts are read as, and the rule that each text at a position breaks."""
    data = {"row_number": list(range(len(texts))), "application_id": ["a"] * len(texts), "x": texts}
    schema = {"row_number": polars.Int64, "application_id": polars.String, "x": polars.String}
    rows = polars.DataFrame(data, schema=schema)
    parsed = typed(contract_of(kind), rows, has_date=False)
    broken: dict[int, str] = {}
    for rule, positions in unreadable(kind, rows["x"], parsed["x"]):
        assert not broken.keys() & set(positions)
        broken |= dict.fromkeys(positions, rule)
    return parsed["x"], broken


NUMBERS = {
    "35": 35.0,
    "35.5": 35.5,
    "+35": 35.0,
    "-35": -35.0,
    ".5": 0.5,
    "35.": 35.0,
    "0035": 35.0,
    "1e5": 100_000.0,
    "1E-5": 0.00001,
    " 35 ": 35.0,
    "\t35": 35.0,
    "35\u00a0": 35.0,  # a no-break space, as spreadsheets put behind numbers
    "0.1": 0.1,
    "1.7976931348623157e308": 1.7976931348623157e308,  # the largest float64
    "5e-324": 5e-324,  # the smallest above zero
    "1e-400": 0.0,
}
NO_NUMBERS = [
    *("x", "-", ".", "e5", "1e", "--5", "5-", "12 3", "1 000", "1,000", "1.000,50", "35,5", "1_000", "1'000"),
    *("0x10", "5 EUR", "€5", "5%", "true", "NULL", "NA", "None", "2024-01-01", "#REF!"),
    *("\uff13\uff15", "٣٥", "三", "½", "\u22125"),  # digits and a minus sign of other alphabets
    *("35\0", "\x0035", "3\x005", "x" * LONG, "1" * LONG + "x", "1.5\n2"),
]
NOT_FINITE = [
    "nan",
    "NaN",
    "NAN",
    " nan ",
    "inf",
    "-inf",
    "+inf",
    "Infinity",
    "-Infinity",
    "1e400",
    "-1e400",
    "9" * LONG,
]
EMPTY = ["", " ", "\t", "\u00a0", " " * LONG]

INTEGERS = {
    "35": 35,
    "-35": -35,
    "+35": 35,
    "0035": 35,
    "35.0": 35,
    "35.": 35,
    "35.000000": 35,
    " 35.0 ": 35,
    " 35": 35,
    "1e3": 1000,
    "-0": 0,
    "9007199254740992": 2**53,
    "9007199254740993": 2**53 + 1,  # the first whole number a float64 cannot hold; written plainly it is exact
    "9007199254740991.0": 2**53 - 1,  # the last of which a float64 knows that it is not its neighbour
    "9223372036854775807": 2**63 - 1,
    "-9223372036854775808": -(2**63),
}
NO_INTEGERS = [
    *("x", "35.5", "35,0", "1 000", "1,000", "1_000", "0x10", "true", "\uff13\uff15", "٣٥", "35\0", "1" * LONG + "x"),
    "9007199254740993.0",  # a float64 would take it for its neighbour, another number than the file says
    "9007199254740994.0",
    "9223372036854775808",  # 2**63: one more than an integer of the warehouse can be
    "-9223372036854775809",
    "1e300",
]

BOOLEANS = {
    **dict.fromkeys(["true", "True", "TRUE", " true ", "yes", "Yes", "1", " 1"], True),
    **dict.fromkeys(["false", "False", "FALSE", "no", "NO", "0", "0 "], False),
}
NO_BOOLEANS = [
    "x",
    "2",
    "-1",
    "10",
    "t",
    "y",
    "on",
    "oui",
    "vrai",
    "nan",
    "inf",
    "null",
    "\uff11",
    "true\0",
    "yes" * LONG,
]

DATES = {
    "2026-06-30": date(2026, 6, 30),
    " 2026-06-30 ": date(2026, 6, 30),
    "2024-02-29": date(2024, 2, 29),
    "2000-02-29": date(2000, 2, 29),  # a century that is a leap year
    "9999-12-31": date(9999, 12, 31),
    "2026-06-30 00:00:00": date(2026, 6, 30),
    "2026-06-30T00:00:00": date(2026, 6, 30),
    "2026-06-30T00:00": date(2026, 6, 30),
    "2026-06-30 00:00:00.000000": date(2026, 6, 30),
    "2026-06-30 00:00:00.000000000": date(2026, 6, 30),
}
NO_DATES = [
    "x",
    "2023-02-29",  # no leap year
    "1900-02-29",  # a century that is none
    *("2026-02-30", "2026-13-01", "2026-00-01", "2026-01-00", "2026-01-32"),
    *("30/06/2026", "06/30/2026", "30.06.2026", "2026/06/30", "20260630", "2026-06", "June 30, 2026"),
    "46203",  # the same day as a spreadsheet counts it
    *("2026-06-30 13:45:00", "2026-06-30T00:00:01", "2026-06-30 00:00:00.000001", "2026-06-30 24:00:00"),
    *("26-06-30", "202-06-30"),  # would be a day of the Roman empire
    *("0000-01-01", "-0001-01-01", "+2026-06-30", "10000-01-01"),  # years that a date does not have, or signs
    *(
        "\uff12\uff10\uff12\uff16-06-30",
        "2026-06-30x",
        "2026-06-30\0",
        "2026- 6-30",
        "2026\u201306\u201330",
        "nan",
        "9" * LONG,
    ),
]

GOOD: list[tuple[Kind, dict[str, object]]] = [
    ("number", dict(NUMBERS)),
    ("integer", dict(INTEGERS)),
    ("boolean", dict(BOOLEANS)),
    ("date", dict(DATES)),
]
BAD: list[tuple[Kind, list[str]]] = [
    ("number", NO_NUMBERS),
    ("integer", NO_INTEGERS),
    ("boolean", NO_BOOLEANS),
    ("date", NO_DATES),
]


def named(text: str) -> str:
    return ascii(text)[:30]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [pytest.param(kind, text, good[text], id=f"{kind}-{named(text)}") for kind, good in GOOD for text in good],
)
def test_a_text_is_read_as_its_value(kind: Kind, text: str, value: object) -> None:
    values, broken = parse(kind, [text])
    assert (values.to_list(), broken) == ([value], {})


@pytest.mark.parametrize(
    ("kind", "text"),
    [pytest.param(kind, text, id=f"{kind}-{named(text)}") for kind, bad in BAD for text in bad],
)
def test_a_text_of_another_type_is_not_guessed_at(kind: Kind, text: str) -> None:
    values, broken = parse(kind, [text])
    # Not to_list(): a year that Python does not have would raise.
    assert (values.null_count(), broken) == (1, {0: "wrong_type"})


@pytest.mark.parametrize("kind", ["number", "integer"])
@pytest.mark.parametrize("text", NOT_FINITE, ids=named)
def test_a_number_that_is_not_finite_is_not_read(kind: Kind, text: str) -> None:
    values, broken = parse(kind, [text])
    assert (values.to_list(), broken) == ([None], {0: "not_finite"})


@pytest.mark.parametrize("kind", list(TYPES))
@pytest.mark.parametrize("text", EMPTY, ids=named)
def test_an_empty_text_is_missing_and_breaks_no_rule_of_its_type(kind: Kind, text: str) -> None:
    values, broken = parse(kind, [text])
    assert (values.to_list(), broken) == ([None], {})


@pytest.mark.parametrize(("kind", "good", "bad"), [(*good, bad[1]) for good, bad in zip(GOOD, BAD, strict=True)])
def test_a_text_is_read_alike_whatever_stands_above_and_below_it(
    kind: Kind, good: dict[str, object], bad: list[str]
) -> None:
    wrong = [text for text in bad if parse(kind, [text])[1]]
    mixed = [text for pair in zip(good, wrong, strict=False) for text in (*pair, "")]
    values, broken = parse(kind, mixed)
    assert values.to_list() == [good.get(text) for text in mixed]
    assert broken == {place: "wrong_type" for place, text in enumerate(mixed) if text in wrong}


@pytest.mark.parametrize("kind", list(TYPES))
def test_the_type_of_a_column_does_not_depend_on_its_texts(kind: Kind) -> None:
    for texts in (["x", "", "1"], ["", ""], ["true"], []):
        assert parse(kind, texts)[0].dtype == TYPES[kind]


@pytest.mark.parametrize("text", ["north", "NaN", "null", "1e400", "true", "\uff2e", "a b", 'a"b', "a\0b", "é" * LONG])
def test_any_text_is_a_category_as_it_stands(text: str) -> None:
    values, broken = parse("category", [text])
    assert (values.to_list(), broken) == ([text], {})


def test_spaces_around_a_category_do_not_count() -> None:
    assert parse("category", [" north\t"])[0].to_list() == ["north"]


def test_rows_are_typed_as_the_contract_says_and_other_columns_are_kept_out() -> None:
    contract = read_contract(Everything)
    row = {"unknown": "?", **ROW, "application_date": "2026-06-30", "application_id": " a1 ", "row_number": 7}
    parsed = typed(contract, polars.DataFrame([row]), has_date=True)
    names = [field.name for field in contract.fields]
    assert parsed.columns == ["row_number", "application_id", "application_date", *names]
    assert parsed["application_id"].to_list() == ["a1"]
    assert parsed["application_date"].to_list() == [date(2026, 6, 30)]
    assert [parsed[field.name].dtype for field in contract.fields] == [TYPES[field.kind] for field in contract.fields]


def test_an_application_date_is_left_alone_when_the_source_has_none() -> None:
    row = ROW | {"application_id": "a1", "row_number": "7"}
    assert "application_date" not in typed(read_contract(Everything), polars.DataFrame([row]), has_date=False).columns


def test_every_kind_says_what_it_expects() -> None:
    assert EXPECTED.keys() == TYPES.keys()
