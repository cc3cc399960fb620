import math
from datetime import date, timedelta
from typing import Any

import polars
import pytest

from schemas.contract import read_contract
from schemas.errors import ScoringError
from schemas.parsing import typed
from schemas.row_rules import RowRules
from tests.contracts.everything import ROW, Everything

EVERYTHING = read_contract(Everything)
BATCH_DATE = date(2026, 6, 30)
TODAY = {"application_id": "a1", "application_date": "2026-06-30"}


def valid(rows: int = 1) -> polars.DataFrame:
    numbered = [ROW | TODAY | {"row_number": str(number)} for number in range(rows)]
    return typed(EVERYTHING, polars.DataFrame(numbered), has_date=True)


def broken(parsed: polars.DataFrame) -> list[tuple[int, str, str]]:
    """Position, column and rule of everything that is wrong with typed rows."""
    rules = RowRules(EVERYTHING, BATCH_DATE, has_date="application_date" in parsed.columns)
    return sorted(
        (position, column, rule)
        for column, rule, _, positions in rules.violations(parsed)
        for position in positions.to_list()
    )


def replaced(parsed: polars.DataFrame, position: int, name: str, value: Any) -> polars.DataFrame:
    column = parsed[name].to_list()
    column[position] = value
    return parsed.with_columns(polars.Series(name, column, dtype=parsed[name].dtype))


def test_a_row_within_every_bound_breaks_nothing() -> None:
    assert broken(valid(3)) == []
    assert broken(valid(1).drop("application_date")) == []
    assert broken(valid(1).clear()) == []


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        # gt=0 and lt=1,000,000: the bounds themselves are out, their next neighbours are in.
        ("income", 0.0, "below_minimum"),
        ("income", -0.0, "below_minimum"),
        ("income", 5e-324, ""),
        ("income", 1_000_000.0, "above_maximum"),
        ("income", math.nextafter(1_000_000, 0), ""),
        # ge=1 and le=50,000: the bounds themselves are in, their next neighbours are out.
        ("price", 1.0, ""),
        ("price", math.nextafter(1, 0), "below_minimum"),
        ("price", 50_000.0, ""),
        ("price", math.nextafter(50_000, math.inf), "above_maximum"),
        ("dependants", 0, ""),
        ("dependants", -1, "below_minimum"),
        ("age", 17, "below_minimum"),
        ("age", 18, ""),
        ("age", 100, ""),
        ("age", 101, "above_maximum"),
        ("age", 2**63 - 1, "above_maximum"),
        # A date may be the batch date and not the day after, unless it is declared to lie in the future.
        ("customer_since", BATCH_DATE, ""),
        ("customer_since", BATCH_DATE + timedelta(days=1), "after_batch_date"),
        ("due_on", date(9999, 12, 31), ""),
        ("application_date", BATCH_DATE, ""),
        ("application_date", BATCH_DATE + timedelta(days=1), "after_batch_date"),
        ("region", "overseas", ""),
        ("region", "North", "unknown_category"),
        ("region", "nort", "unknown_category"),
        # At most 20 characters: twenty of them are 40 bytes.
        ("employer", "É" * 20, "wrong_pattern"),
        ("employer", "E" + "é" * 19, ""),
        ("employer", "E" + "é" * 20, "too_long"),
        ("employer", "E" * 10_000, "too_long"),
        ("employer", "müller", "wrong_pattern"),
        ("employer", "A\0", "invalid_text"),
        ("employer", "A\x1fB", "invalid_text"),
        ("employer", "A\nB", "invalid_text"),
        ("employer", "A\x7f", "invalid_text"),
        ("employer", "A\x85B", "invalid_text"),
        ("employer", "A\u00a0B", ""),  # the first character behind the control characters
        ("channel", "ab", ""),
        ("channel", "é", "too_short"),  # one character of two bytes
        ("application_id", "a" * 100, ""),
        ("application_id", "a" * 101, "too_long"),
        ("application_id", "a\0", "invalid_text"),
        # May be missing.
        ("savings", None, ""),
        ("owns_home", None, ""),
        ("due_on", None, ""),
        ("employer", None, ""),
        # May not.
        ("income", None, "missing"),
        ("dependants", None, "missing"),
        ("has_account", None, "missing"),
        ("customer_since", None, "missing"),
        ("region", None, "missing"),
        ("channel", None, "missing"),
        ("application_id", None, "missing"),
        ("application_date", None, "missing"),
    ],
)
def test_a_value_breaks_its_rule_alone(name: str, value: Any, rule: str) -> None:
    assert broken(replaced(valid(3), 1, name, value)) == ([(1, name, rule)] if rule else [])


def test_every_rule_a_row_breaks_is_found() -> None:
    parsed = valid(4)
    for name, value in (("age", 17), ("region", "west"), ("employer", "e" * 30 + "\0"), ("channel", None)):
        parsed = replaced(parsed, 2, name, value)
    parsed = replaced(parsed, 0, "age", 200)
    assert broken(parsed) == [
        (0, "age", "above_maximum"),
        (2, "age", "below_minimum"),
        (2, "channel", "missing"),
        (2, "employer", "invalid_text"),
        (2, "employer", "too_long"),
        (2, "employer", "wrong_pattern"),
        (2, "region", "unknown_category"),
    ]


def test_a_bad_row_hides_no_other_bad_row() -> None:
    parsed = valid(1_000).with_columns(age=polars.lit(17, polars.Int64))
    assert [position for position, _, _ in broken(parsed)] == list(range(1_000))


def test_what_a_value_has_to_be_is_said_in_words() -> None:
    parsed = replaced(replaced(valid(), 0, "income", 0.0), 0, "price", 50_000.5)
    parsed = replaced(replaced(parsed, 0, "region", "west"), 0, "customer_since", date(2026, 7, 1))
    rules = RowRules(EVERYTHING, BATCH_DATE, has_date=True)
    expected = {column: words for column, _, words, _ in rules.violations(parsed)}
    assert expected == {
        "income": "more than 0",
        "price": "at most 50,000",
        "region": "one of north, south, overseas",
        "customer_since": "a date not after the batch date 2026-06-30",
    }


def test_a_failure_that_belongs_to_no_row_is_an_error_and_lets_nothing_through() -> None:
    # A column of another type is checked as a whole: which rows are good is unknown.
    parsed = valid(3).with_columns(polars.col("age").cast(polars.String))
    rules = RowRules(EVERYTHING, BATCH_DATE, has_date=True)
    with pytest.raises(ScoringError, match="cannot tell which rows break"):
        list(rules.violations(parsed))


def test_a_lazy_frame_is_checked_for_its_values_too() -> None:
    schema = RowRules(EVERYTHING, BATCH_DATE, has_date=True).schema
    lazy = replaced(valid(), 0, "age", 17).lazy()
    with pytest.raises(Exception, match="greater_than_or_equal_to"):
        schema.validate(lazy, lazy=True).collect()
