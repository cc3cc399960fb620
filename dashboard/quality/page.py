"""Data quality: which rules were broken, the rows that broke them, how the gate judged, what the monitors saw."""

from collections.abc import Callable

import polars
import streamlit as st

from dashboard.charts import draw
from dashboard.desk import Desk
from dashboard.filters import Period, choose_period, choose_some_day
from dashboard.quality.charts import rules_over_time, share_over_time
from dashboard.quality.explorer import show_quarantine
from dashboard.quality.gate import show_day, show_gate
from dashboard.quality.monitors import show_monitors
from dashboard.quality.tables import LINE, quarantined_shares, rows_received, rule_counts, rules_by_field
from dashboard.states import nothing_yet
from dashboard.tables import Column, show_table


def main(desk: Desk) -> None:
    """Draws the page."""
    dates = desk.ask("judged")["batch_date"].unique().sort().to_list()
    if not dates:
        nothing_yet(
            "No batch has been judged yet. Put a file into the landing zone and score its date.",
            "python -m flows score --batch-date DATE",
        )
        return
    period = choose_period(dates[0], dates[-1], desk.formats)
    # Once somebody has used the widget, an empty one is a choice.
    asked = "day" not in st.session_state and st.query_params.get("day")
    day = choose_some_day("One day", dates, desk.formats, "Its checks first, and only its quarantined rows.")
    if asked and day is None:
        first, last = desk.formats.day(dates[0]), desk.formats.day(dates[-1])
        st.warning(f"The address asks for a day that is none from {first} to {last}: the whole period is shown.")
    if day:
        show_day(desk, day, desk.ask("gate_of_period", start=day, end=day))
    checks = desk.ask("gate_of_period", start=period.start, end=period.end)
    rows = Period(day, day) if day else period
    parts: dict[str, Callable[[], None]] = {
        "Broken rules": lambda: _show_rules(desk, checks),
        "Quarantined rows": lambda: show_quarantine(desk, rows),
        "Gate": lambda: show_gate(desk, period, checks),
        "Monitors": lambda: show_monitors(desk, period),
    }
    for tab, show in zip(st.tabs(list(parts), key="view", bind="query-params"), parts.values(), strict=True):
        # What nobody looks at is not asked for.
        if tab.open:
            with tab:
                show()


def _show_rules(desk: Desk, checks: polars.DataFrame) -> None:
    if checks.is_empty():
        st.markdown("No batch was judged in this period.")
        return
    counts, received = rule_counts(checks), rows_received(checks)
    _figures(desk, checks, counts, received)
    st.subheader("Rules broken by batch date")
    if counts.is_empty():
        st.markdown("No row of a published batch broke a rule.")
    else:
        st.caption("One row may break several rules. Batches that are published; those blocked are under Gate.")
        draw(rules_over_time(counts), "rules", "Broken rules by batch date, stacked by rule")
    st.subheader("Share of rows quarantined")
    draw(share_over_time(quarantined_shares(checks)), "share", "Share of rows quarantined against the share allowed")
    if not counts.is_empty():
        st.subheader("Rule by field")
        _rules_table(desk, counts, received)


def _figures(desk: Desk, checks: polars.DataFrame, counts: polars.DataFrame, received: int) -> None:
    shares = quarantined_shares(checks)
    published = shares.filter(polars.col("status") == "published")
    rows = int(published["rows_quarantined"].sum())
    allowed = desk.formats.share(desk.settings.gate_max_quarantined_share)
    figures = {
        "Batches published": desk.formats.count(published.height),
        "Batches blocked": desk.formats.count(checks.filter(polars.col("status") == "blocked")["batch_id"].n_unique()),
        "Rules broken": desk.formats.count(int(counts["rows"].sum())),
        "Rows quarantined": desk.formats.count(rows),
        "Share of the rows received": desk.formats.share(rows / received if received else None, 2),
        "Allowed in a batch": allowed,
    }
    labels = list(figures)
    for row in (labels[:3], labels[3:]):
        with st.container(horizontal=True):
            for label in row:
                st.metric(label, figures[label], border=True)


def _rules_table(desk: Desk, counts: polars.DataFrame, received: int) -> None:
    table = rules_by_field(counts, received)
    titles = [desk.labels.title(field) if field else LINE for field in table["field"]]
    columns = {
        "rule": Column("Rule"),
        "title": Column("Field"),
        "rows": Column("Rows", "count"),
        "share": Column("Share of rows received", "share"),
        "days": Column("Days", "count"),
        "first_day": Column("First day", "date"),
        "last_day": Column("Last day", "date"),
    }
    titled = table.with_columns(title=polars.Series(titles, dtype=polars.String))
    show_table(titled, columns, "rules", desk.formats, lambda: table)
