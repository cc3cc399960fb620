"""From text to typed values: what each kind of field accepts, and which rule a value breaks that cannot be read."""

from collections.abc import Iterator

import polars

from schemas.contract import Contract, Kind

ROW_NUMBER = "row_number"
APPLICATION_ID = "application_id"
APPLICATION_DATE = "application_date"

TYPES: dict[Kind, polars.DataType] = {
    "number": polars.Float64(),
    "integer": polars.Int64(),
    "boolean": polars.Boolean(),
    "date": polars.Date(),
    "category": polars.String(),
}
EXPECTED: dict[Kind, str] = {
    "number": "a number with a point for decimals and nothing between the thousands",
    "integer": "a whole number with nothing between the thousands",
    "boolean": "true or false (or yes or no, 1 or 0)",
    "date": "a date as YYYY-MM-DD",
    "category": "text",
}
TRUE, FALSE = ("true", "yes", "1"), ("false", "no", "0")
# From here on a float64 may stand for its neighbour too.
FIRST_INEXACT_INTEGER = 2**53


def typed(contract: Contract, rows: polars.DataFrame, *, has_date: bool) -> polars.DataFrame:
    """row_number, application_id, application_date (if the source has it) and the contract's fields, typed.

    A value that is missing or cannot be read is null; `unreadable` says which of the two it was.
    """
    kinds: dict[str, Kind] = {APPLICATION_DATE: "date"} if has_date else {}
    kinds |= {field.name: field.kind for field in contract.fields}
    values = [_plainly(name, kind).alias(name) for name, kind in kinds.items()]
    parsed = rows.select(ROW_NUMBER, _stripped(APPLICATION_ID).alias(APPLICATION_ID), *values)
    return parsed.with_columns(_repaired(kind, rows[name], parsed[name]) for name, kind in kinds.items())


def unreadable(kind: Kind, text: polars.Series, parsed: polars.Series) -> Iterator[tuple[str, polars.Series]]:
    """Pairs of a rule, `not_finite` or `wrong_type`, and the positions of the values that break it."""
    failed = _failed(text, parsed)
    if failed.is_empty():
        return
    number = text.gather(failed).str.strip_chars().cast(polars.Float64, strict=False)
    infinite = (number.is_nan() | number.is_infinite()).fill_null(value=False)
    if kind not in ("number", "integer"):
        infinite = infinite & False
    yield "not_finite", failed.filter(infinite)
    yield "wrong_type", failed.filter(~infinite)


def _failed(text: polars.Series, parsed: polars.Series) -> polars.Series:
    """Positions of values that are there and could not be read."""
    if parsed.null_count() == 0:
        return polars.Series(dtype=polars.UInt32)
    nulls = parsed.is_null().arg_true()
    return nulls.filter(text.gather(nulls).str.strip_chars() != "")


def _repaired(kind: Kind, text: polars.Series, parsed: polars.Series) -> polars.Series:
    """Reads the few values again that the plain cast refused: with spaces around them, or 35.0 for 35."""
    failed = _failed(text, parsed)
    if failed.is_empty() or kind == "category":
        return parsed
    again = text.gather(failed).str.strip_chars().to_frame().select(_leniently(text.name, kind)).to_series()
    return parsed.scatter(failed, again)


def _plainly(name: str, kind: Kind) -> polars.Expr:
    text = polars.col(name)
    if kind == "number":
        number = text.cast(polars.Float64, strict=False)
        return polars.when(number.is_finite()).then(number)
    if kind == "integer":
        return text.cast(polars.Int64, strict=False)
    if kind == "boolean":
        return _boolean(text)
    if kind == "date":
        return _day(text)
    return _stripped(name)


def _leniently(name: str, kind: Kind) -> polars.Expr:
    text = polars.col(name)
    if kind == "integer":
        number = text.cast(polars.Float64, strict=False)
        is_whole = (number == number.round()) & (number.abs() < FIRST_INEXACT_INTEGER)
        whole = polars.when(is_whole).then(number).cast(polars.Int64, strict=False)
        return polars.coalesce(text.cast(polars.Int64, strict=False), whole)
    if kind == "boolean":
        return _boolean(text.str.to_lowercase())
    if kind == "date":
        # Spreadsheets and Parquet timestamps write a day as its midnight.
        return _day(text.str.replace(r"[ T]00:00(:00(\.0+)?)?$", ""))
    return _plainly(name, kind)


def _day(text: polars.Expr) -> polars.Expr:
    # Polars alone would take 26-06-30 for a day of the year 26, and 0000-01-01, which no Python date can hold.
    return (
        polars.when(text.str.contains(r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}$"))
        .then(text)
        .str.to_date("%Y-%m-%d", strict=False)
    )


def _boolean(text: polars.Expr) -> polars.Expr:
    return polars.when(text.is_in(TRUE)).then(statement=True).when(text.is_in(FALSE)).then(statement=False)


def _stripped(name: str) -> polars.Expr:
    text = polars.col(name).str.strip_chars()
    return polars.when(text != "").then(text)
