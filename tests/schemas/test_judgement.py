import json
from typing import Annotated

import polars
import pytest
from msgspec import Meta, Struct

from schemas.application import Application
from schemas.contract import read_contract
from schemas.judgement import QUARANTINE, judge, malformed_records
from schemas.row_rules import RowRules
from tests.contracts.everything import ROW
from tests.schemas.declaring import REASON
from tests.schemas.judging import BATCH_DATE, EVERYTHING, REPEATS, judged, rules_of


def bad(**cells: str) -> dict[str, str]:
    return ROW | cells


def test_good_rows_are_accepted_with_their_values() -> None:
    result = judged([ROW, ROW | {"age": " 36.0 "}])
    assert result.quarantined.is_empty()
    assert result.accepted["row_number"].to_list() == [1, 2]
    assert result.accepted["age"].to_list() == [35, 36]


def test_an_unreadable_value_does_not_hide_one_that_is_out_of_bounds() -> None:
    class Person(Struct):
        age: Annotated[int, Meta(ge=18), REASON]

    result = judged([{"age": "30"}, {"age": "x"}, {"age": "17"}], read_contract(Person))
    assert result.accepted["age"].to_list() == [30]
    assert rules_of(result) == [(2, "age", "wrong_type"), (3, "age", "below_minimum")]


@pytest.mark.parametrize("age", ["x", "nan", "1e400", "35,0"])
def test_an_unreadable_value_is_not_also_missing(age: str) -> None:
    assert [rule for _, _, rule in rules_of(judged([bad(age=age)]))] in (["wrong_type"], ["not_finite"])


def test_an_unreadable_value_of_a_field_that_may_be_missing_is_quarantined_all_the_same() -> None:
    result = judged([bad(savings="much"), bad(owns_home="perhaps"), bad(due_on="soon"), bad(savings="")])
    assert result.accepted["row_number"].to_list() == [4]
    assert [rule for _, _, rule in rules_of(result)] == ["wrong_type"] * 3


def test_a_row_is_quarantined_with_every_rule_it_breaks_each_once() -> None:
    row = bad(income="inf", price="0.5", age="", has_account="?", region="west", employer="e" * 21, due_on="31/12/2030")
    assert rules_of(judged([ROW, row, ROW])) == [
        (2, "age", "missing"),
        (2, "due_on", "wrong_type"),
        (2, "employer", "too_long"),
        (2, "employer", "wrong_pattern"),
        (2, "has_account", "wrong_type"),
        (2, "income", "not_finite"),
        (2, "price", "below_minimum"),
        (2, "region", "unknown_category"),
    ]


def test_a_repeated_header_is_only_that() -> None:
    header = {name: name for name in ROW} | {"application_id": "application_id"}
    result = judged([ROW, header, ROW], row_number=[2], rule=["duplicate_id"], message=["again"])
    assert rules_of(result) == [(2, "application_id", "repeated_header")]
    assert result.accepted["row_number"].to_list() == [1, 3]


def test_a_repeated_application_is_quarantined_beside_what_else_is_wrong_with_it() -> None:
    result = judged([ROW, bad(age="17"), ROW], row_number=[2, 3], rule=["duplicate_id"] * 2, message=["again"] * 2)
    assert rules_of(result) == [
        (2, "age", "below_minimum"),
        (2, "application_id", "duplicate_id"),
        (3, "application_id", "duplicate_id"),
    ]
    assert result.accepted["row_number"].to_list() == [1]


def test_repeats_of_rows_in_other_chunks_do_not_matter() -> None:
    result = judged([ROW], row_number=[2, 99], rule=["duplicate_id"] * 2, message=["again"] * 2)
    assert result.quarantined.is_empty()


@pytest.mark.parametrize("identifier", ["", "  "])
def test_a_row_without_an_id_is_quarantined(identifier: str) -> None:
    assert rules_of(judged([ROW | {"application_id": identifier}])) == [(1, "application_id", "missing")]


def test_application_dates_are_judged_when_the_source_has_them() -> None:
    dates = ["2026-06-30", "2026-07-01", "", "30.06.2026"]
    result = judged([ROW | {"application_date": day} for day in dates])
    assert result.accepted["application_date"].to_list() == [BATCH_DATE]
    assert [rule for _, _, rule in rules_of(result)] == ["after_batch_date", "missing", "wrong_type"]


def test_a_record_shows_the_row_as_it_stood_in_the_file() -> None:
    row = bad(age=" x ", employer='Ä"\0', extra="kept")
    record = judged([row | {"application_id": " a1 "}]).quarantined.row(0, named=True)
    assert list(record) == list(QUARANTINE)
    assert (record["row_number"], record["application_id"], record["field"], record["value"]) == (
        1,
        " a1 ",
        "age",
        " x ",
    )
    assert json.loads(record["row"]) == {"application_id": " a1 ", **row}
    assert record["message"] == "age is ' x '; expected a whole number with nothing between the thousands"


def test_a_message_shows_the_beginning_of_a_long_value_and_the_record_all_of_it() -> None:
    record = judged([bad(age="x" * 10_000)]).quarantined.row(0, named=True)
    assert len(record["message"]) < 200
    assert record["value"] == "x" * 10_000


def test_braces_in_a_value_do_not_disturb_the_message() -> None:
    assert "'{} {0}'" in judged([bad(age="{} {0}")]).quarantined["message"][0]


def test_every_row_bad_leaves_none_and_no_rows_stay_no_rows() -> None:
    assert judged([bad(age="x")] * 3).accepted.is_empty()
    frame = polars.DataFrame(schema=["row_number", "application_id", *ROW]).cast(polars.String)
    frame = frame.cast({"row_number": polars.Int64})
    rules = RowRules(EVERYTHING, BATCH_DATE, has_date=False)
    result = judge(EVERYTHING, rules, frame, polars.DataFrame(schema=REPEATS), has_date=False)
    assert result.accepted.is_empty()
    assert result.quarantined.schema == QUARANTINE


def test_all_records_have_the_same_columns() -> None:
    malformed = polars.DataFrame({"row_number": [4], "line": ['1,"2'], "problem": ["the quotes do not fit"]})
    lines = malformed_records(malformed)
    assert lines.schema == judged([bad(age="x")]).quarantined.schema == QUARANTINE
    record = lines.row(0, named=True)
    assert (record["row_number"], record["rule"], record["value"]) == (4, "malformed_row", '1,"2')
    assert (record["application_id"], record["field"]) == (None, None)
    assert json.loads(record["row"]) == {"line": '1,"2'}


def test_the_default_contract_is_judged_at_its_bounds() -> None:
    row = {"age": "18", "income": "0", "loan_amount": "100", "employment_length": "", "credit_score": "300"}
    top = {"age": "100", "income": "1e7", "loan_amount": "1e6", "employment_length": "60", "credit_score": "850.0"}
    # One unit beyond each bound.
    below = {"age": "17", "income": "-0.01", "loan_amount": "99.99", "employment_length": "-1", "credit_score": "299"}
    above = {
        "age": "101",
        "income": "10000000.01",
        "loan_amount": "1000000.01",
        "employment_length": "60.1",
        "credit_score": "851",
    }
    result = judged([row, top, below, above], read_contract(Application))
    assert result.accepted["row_number"].to_list() == [1, 2]
    assert rules_of(result) == [
        *((3, name, "below_minimum") for name in sorted(below)),
        *((4, name, "above_maximum") for name in sorted(above)),
    ]
