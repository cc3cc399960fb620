"""Quarantined rows: which of them are on a page, what the source gets back, and one row beside the rules it broke."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import polars

from dashboard.quality.tables import LINE

PAGE_ROWS = 200
# Records that are asked for at once for an export: what DuckDB may use of memory is bounded.
MOST_AT_ONCE = 100_000
BROKEN_RULES, ROW_NUMBER = "broken_rules", "row_number"
# What the gate names the text of a line that is no row.
MALFORMED = "line"


@dataclass(frozen=True)
class Span:
    """Batch dates from `start` to `end`, and the records among them, newest first, to leave out before a page."""

    start: date
    end: date
    skipped: int = 0


def chosen_counts(counts: polars.DataFrame, rules: Sequence[str], fields: Sequence[str]) -> polars.DataFrame:
    """The counts (`quality_tables.rule_counts`) of some rules and fields; none named means all."""
    for name, wanted in (("rule", rules), ("field", fields)):
        if wanted:
            counts = counts.filter(polars.col(name).is_in(list(wanted)))
    return counts


def span_of_page(counts: polars.DataFrame, page: int) -> Span:
    """The few days that a page (from 1) is made of, so that no more of the quarantine has to be read than these."""
    first, end = (page - 1) * PAGE_ROWS, page * PAGE_ROWS
    days = (
        counts.group_by("batch_date")
        .agg(polars.col("rows").sum())
        .sort("batch_date", descending=True)
        .with_columns(until=polars.col("rows").cum_sum())
    )
    shown = days.filter(polars.col("until") > first, polars.col("until") - polars.col("rows") < end)
    newest = shown.row(0, named=True)
    return Span(shown["batch_date"].min(), newest["batch_date"], first - (newest["until"] - newest["rows"]))  # type: ignore[arg-type]


def spans_of_export(counts: polars.DataFrame) -> Iterator[Span]:
    """The days to export, newest first, in spans that are not too large to be read at once."""
    days = counts.group_by("batch_date").agg(polars.col("rows").sum()).sort("batch_date", descending=True).rows()
    while days:
        taken, total = 1, days[0][1]
        while taken < len(days) and total + days[taken][1] <= MOST_AT_ONCE:
            total += days[taken][1]
            taken += 1
        yield Span(days[taken - 1][0], days[0][0])
        days = days[taken:]


def rows_for_source(rows: polars.DataFrame) -> polars.DataFrame:
    """Rows of `quarantined_rows.sql` as they came: the source's columns in its order, row_number, broken_rules.

    Values are the source's text, unaltered; a line that is no row has its text in the column `line`.
    """
    # Days may differ in their columns; a column keeps the place it has in the newest.
    names = list(rows["columns"].unique(maintain_order=True).explode().drop_nulls().unique(maintain_order=True))
    # A corrected file may come back with a column that an earlier export gave it.
    number, rules = (_unused(name, names) for name in (ROW_NUMBER, BROKEN_RULES))
    kind = polars.Struct(dict.fromkeys(names, polars.String))
    raw = rows.select(polars.col("row").str.json_decode(kind)).unnest("row") if names else polars.DataFrame()
    return raw.with_columns(rows[ROW_NUMBER].alias(number), rows[BROKEN_RULES].alias(rules))


def row_by_field(broken: polars.DataFrame) -> polars.DataFrame:
    """One row of the source (`broken_rules_of_row.sql`) field by field: field, value as it came, broken_rules."""
    raw: dict[str, str | None] = json.loads(broken["row"][0])
    whole = MALFORMED if set(raw) == {MALFORMED} else LINE
    said: dict[str, list[str]] = {}
    for rule, field, message in broken.select("rule", "field", "message").rows():
        said.setdefault(field or whole, []).append(f"{rule}: {message}")
    names = [*raw, *(name for name in said if name not in raw)]
    return polars.DataFrame(
        {
            "field": names,
            "value": [raw.get(name) for name in names],
            BROKEN_RULES: ["; ".join(said.get(name, [])) for name in names],
        },
        schema=dict.fromkeys(("field", "value", BROKEN_RULES), polars.String),
    )


def row_address(batch_id: str, row_number: int) -> str:
    """How the page's address names a row."""
    return f"{batch_id}:{row_number}"


def read_row_address(address: str) -> tuple[str, int] | None:
    """Batch and row number of an address, or None if it is none."""
    batch_id, _, number = address.rpartition(":")
    return (batch_id, int(number)) if batch_id and number.isascii() and number.isdigit() and len(number) < 19 else None


def _unused(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name = f"{name}_"
    return name
