"""The quarantined rows, rule by rule, and each row beside everything it broke: a part of the page Data quality."""

from collections.abc import Sequence
from functools import partial
from hashlib import sha256

import polars
import streamlit as st

from dashboard.desk import Desk
from dashboard.filters import Period, choose_any, warn_if_unknown
from dashboard.navigation import link_to
from dashboard.quality.quarantine import (
    BROKEN_RULES,
    PAGE_ROWS,
    chosen_counts,
    read_row_address,
    row_address,
    row_by_field,
    rows_for_source,
    span_of_page,
    spans_of_export,
)
from dashboard.quality.tables import LINE, rule_counts
from dashboard.tables import Column, show_table

ROW = "row"
COLUMNS = {
    "batch_date": Column("Batch date", "date"),
    "row_number": Column("Row number", "count", "Behind the header, from 1; over the parts of a folder."),
    "application_id": Column("Application"),
    "rule": Column("Rule"),
    "field": Column("Field", help="As the source names it; empty for the line as a whole."),
    "value": Column("Value as it came"),
    "message": Column("Message"),
    "row": Column("Raw row (JSON)"),
}


def show_quarantine(desk: Desk, period: Period) -> None:
    """Draws the broken rules of a period, a page at a time, and the row that is chosen."""
    found = rule_counts(desk.ask("gate_of_period", start=period.start, end=period.end))
    if found.is_empty():
        st.markdown(f"No row of a published batch is quarantined {_between(desk, period)}.")
        st.caption("The broken rows of a batch that the gate blocked are in a file, offered with the gate's checks.")
        return
    # What is not kept any more can neither be shown nor exported.
    counts = desk.ask("quarantine_counts", start=period.start, end=period.end)
    _say_removed(desk, int(found["rows"].sum()), int(counts["rows"].sum()))
    if counts.is_empty():
        return
    rules, fields = _choose(desk, counts)
    chosen = chosen_counts(counts, rules, fields)
    if chosen.is_empty():
        st.info(f"None of the chosen rules was broken on one of the chosen fields {_between(desk, period)}.")
        return
    total = int(chosen["rows"].sum())
    pages = -(-total // PAGE_ROWS)
    page = st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1
    first, last = (page - 1) * PAGE_ROWS + 1, min(page * PAGE_ROWS, total)
    shown = [desk.formats.count(number) for number in (first, last, total)]
    st.caption(
        f"Broken rules {shown[0]} to {shown[1]} of {shown[2]}, newest batch first. Choose a row to see all of it."
    )
    _table(desk, chosen, rules, fields, page)
    _chosen_row(desk)


def _say_removed(desk: Desk, found: int, kept: int) -> None:
    """Says how much of what the gate found was removed since; its counts stay, under Broken rules."""
    if kept < found:
        removed, of = desk.formats.count(found - kept), desk.formats.count(found)
        st.info(
            f"{removed} of the {of} broken rules that the gate found are not kept any more: they went for their age, or"
            " were erased. The rest is what can be shown and exported.",
            icon=":material/auto_delete:",
        )


def rows_to_export(
    desk: Desk, chosen: polars.DataFrame, rules: Sequence[str], fields: Sequence[str]
) -> polars.DataFrame:
    """Every row that broke one of the rules on one of the fields, as the source gets it back."""
    found = [
        desk.ask("quarantined_rows", start=span.start, end=span.end, rules=list(rules), fields=list(fields))
        for span in spans_of_export(chosen)
    ]
    return rows_for_source(polars.concat(found))


def _between(desk: Desk, period: Period) -> str:
    start, end = desk.formats.day(period.start), desk.formats.day(period.end)
    return f"on {start}" if period.start == period.end else f"from {start} to {end}"


def _choose(desk: Desk, counts: polars.DataFrame) -> tuple[list[str], list[str]]:
    known = counts["rule"].unique().sort().to_list()
    # The line as a whole has no name in the address.
    names = {field or LINE: field for field in counts["field"].unique().sort()}
    warn_if_unknown("rule", known, "rule")
    warn_if_unknown("field", list(names), "field")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        rules = choose_any("Rules", known, "rule")
        written = {name: desk.labels.title(name) for name in names}
        fields = choose_any("Fields", list(names), "field", lambda name: written.get(name, name))
    return rules, [names[name] for name in fields]


def _table(desk: Desk, chosen: polars.DataFrame, rules: list[str], fields: list[str], page: int) -> None:
    span = span_of_page(chosen, page)
    values = {"rules": rules, "fields": fields, "rows": PAGE_ROWS, "skipped": span.skipped}
    rows = desk.ask("quarantine_page", start=span.start, end=span.end, **values)
    addresses = [row_address(*key) for key in rows.select("batch_id", "row_number").rows()]
    asked = st.query_params.get(ROW, "")
    place = addresses.index(asked) if asked in addresses else None
    dates = chosen["batch_date"].sort()
    days = f"{dates[0]}_{dates[-1]}"
    whole = partial(rows_to_export, desk, chosen, rules, fields)
    # A choice belongs to the rows it was made among: of other rows, the same place is another applicant.
    among = sha256("\n".join(addresses).encode()).hexdigest()
    picked = show_table(rows, COLUMNS, f"quarantined_{days}", desk.formats, whole, f"-of-{among}", place)
    st.caption(
        "The export has every row that matches, not only this page: the source's own columns as they came, the row's"
        " number, and all the rules it broke."
    )
    if picked is not None:
        st.query_params[ROW] = addresses[picked]
    elif place is not None:
        st.query_params.pop(ROW, None)


def _chosen_row(desk: Desk) -> None:
    asked = st.query_params.get(ROW, "")
    if not asked:
        return
    key = read_row_address(asked)
    broken = desk.ask("broken_rules_of_row", batch_id=key[0], row_number=key[1]) if key else polars.DataFrame()
    if broken.is_empty():
        st.warning("There is no quarantined row of this name in a published batch:")
        st.text(asked)
        return
    row = broken.row(0, named=True)
    st.subheader(f"Row {desk.formats.count(row['row_number'])} of {desk.formats.day(row['batch_date'])}")
    st.text(f"{row['source']}, application {row['application_id'] or 'without a readable id'}")
    for rule, message in broken.select("rule", "message").rows():
        st.text(f"✗ {rule}: {message}")
    fields = row_by_field(broken)
    titles = polars.Series([desk.labels.title(name) for name in fields["field"]], dtype=polars.String)
    columns = {
        "title": Column("Field"),
        "field": Column("Column of the file"),
        "value": Column("Value as it came"),
        BROKEN_RULES: Column("Rules it breaks"),
    }
    name = f"row_{row['batch_date']}_{row['row_number']}"
    show_table(fields.with_columns(title=titles), columns, name, desk.formats, lambda: fields)
    if row["application_id"]:
        link_to("application", "All that is known of this application", id=row["application_id"])
