"""The gate's judgement of rows: which are accepted, and every rule that each of the others breaks."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars

from schemas.contract import Contract, Kind
from schemas.parsing import APPLICATION_DATE, APPLICATION_ID, EXPECTED, ROW_NUMBER, typed, unreadable
from schemas.row_rules import RowRules

QUARANTINE = {
    ROW_NUMBER: polars.Int64,
    APPLICATION_ID: polars.String,
    "rule": polars.String,
    "field": polars.String,
    "value": polars.String,
    "message": polars.String,
    "row": polars.String,
}
POSITION = "position"
LONGEST_SHOWN = 60


@dataclass(frozen=True)
class Judged:
    """`accepted`: typed rows. `quarantined`: one record per row and broken rule, with the raw row as JSON."""

    accepted: polars.DataFrame
    quarantined: polars.DataFrame


def judge(
    contract: Contract, rules: RowRules, rows: polars.DataFrame, repeats: polars.DataFrame, *, has_date: bool
) -> Judged:
    """Sorts a chunk of text rows. `repeats`: row_number, rule and message of rows with a known application."""
    parsed = typed(contract, rows, has_date=has_date)
    kinds: dict[str, Kind] = {APPLICATION_DATE: "date"} if has_date else {}
    kinds |= {field.name: field.kind for field in contract.fields}
    broken = polars.concat(
        [
            *_of_headers(rows),
            *_of_values(kinds, rows, parsed),
            *_of_rules(rules, rows, parsed),
            _of_repeats(rows, repeats),
        ]
    )
    if broken.is_empty():
        return Judged(parsed, polars.DataFrame(schema=QUARANTINE))
    broken = _each_fault_once(broken)
    good = ~polars.int_range(parsed.height, eager=True).is_in(broken[POSITION].implode())
    return Judged(parsed.filter(good), _with_rows(broken, rows))


def malformed_records(malformed: polars.DataFrame) -> polars.DataFrame:
    """The quarantine records of lines that are not rows: the line itself stands for the raw row."""
    return malformed.select(
        polars.col(ROW_NUMBER),
        polars.lit(None, polars.String).alias(APPLICATION_ID),
        polars.lit("malformed_row").alias("rule"),
        polars.lit(None, polars.String).alias("field"),
        polars.col("line").alias("value"),
        polars.col("problem").alias("message"),
        polars.struct("line").struct.json_encode().alias("row"),
    )


def _of_headers(rows: polars.DataFrame) -> Iterator[polars.DataFrame]:
    """A header line in the middle of the data: files were joined."""
    positions = (rows[APPLICATION_ID].str.strip_chars() == APPLICATION_ID).arg_true()
    yield _records(rows, positions, APPLICATION_ID, "repeated_header", "the header line is repeated here")


def _of_values(kinds: dict[str, Kind], rows: polars.DataFrame, parsed: polars.DataFrame) -> Iterator[polars.DataFrame]:
    for name, kind in kinds.items():
        for rule, positions in unreadable(kind, rows[name], parsed[name]):
            expected = "a finite number" if rule == "not_finite" else EXPECTED[kind]
            yield _records(rows, positions, name, rule, f"expected {expected}")


def _of_rules(rules: RowRules, rows: polars.DataFrame, parsed: polars.DataFrame) -> Iterator[polars.DataFrame]:
    for name, rule, expected, positions in rules.violations(parsed):
        yield _records(rows, positions, name, rule, f"expected {expected}")


def _of_repeats(rows: polars.DataFrame, repeats: polars.DataFrame) -> polars.DataFrame:
    here = rows.select(ROW_NUMBER, APPLICATION_ID).with_row_index(POSITION).join(repeats, on=ROW_NUMBER)
    return here.select(
        POSITION,
        polars.lit(APPLICATION_ID).alias("field"),
        "rule",
        polars.col(APPLICATION_ID).alias("value"),
        "message",
    )


def _records(
    rows: polars.DataFrame, positions: polars.Series, field: str, rule: str, expected: str
) -> polars.DataFrame:
    """One record per position; the message shows the value as it stands in the file."""
    values = rows[field].gather(positions)
    shown = polars.col("value").str.slice(0, LONGEST_SHOWN)
    return polars.DataFrame({POSITION: positions.cast(polars.UInt32), "value": values}).select(
        POSITION,
        polars.lit(field).alias("field"),
        polars.lit(rule).alias("rule"),
        "value",
        polars.format("{} is '{}'; {}", polars.lit(field), shown, polars.lit(expected)).alias("message"),
    )


def _each_fault_once(broken: polars.DataFrame) -> polars.DataFrame:
    """Takes out what only follows from another fault: a value nobody can read is not missing too."""
    headers = broken.filter(polars.col("rule") == "repeated_header")[POSITION].implode()
    unread = broken.filter(polars.col("rule").is_in(["not_finite", "wrong_type"])).select(POSITION, "field")
    follows = polars.col("rule") == "missing"
    return polars.concat(
        [
            broken.filter(~follows),
            broken.filter(follows).join(unread, on=[POSITION, "field"], how="anti"),
        ]
    ).filter((polars.col("rule") == "repeated_header") | ~polars.col(POSITION).is_in(headers))


def _with_rows(broken: polars.DataFrame, rows: polars.DataFrame) -> polars.DataFrame:
    columns = [name for name in rows.columns if name != ROW_NUMBER]
    raw = rows[broken[POSITION]].select(
        ROW_NUMBER, APPLICATION_ID, polars.struct(columns).struct.json_encode().alias("row")
    )
    return polars.concat([broken.drop(POSITION), raw], how="horizontal").select(list(QUARANTINE)).sort(ROW_NUMBER)
