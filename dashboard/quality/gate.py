"""How the gate judged: the checks of one day, and those of a period: a part of the page Data quality."""

from datetime import date
from typing import Any

import polars
import streamlit as st

from dashboard.charts import draw
from dashboard.desk import Desk
from dashboard.filters import Period, choose_any, choose_one, warn_if_unknown
from dashboard.quality.charts import check_over_time
from dashboard.quality.tables import broken_rows_file, check_title, with_verdicts
from dashboard.tables import Column, show_table

# Blocked batches whose broken rows are offered one by one.
MOST_BLOCKED = 10
SEVERITIES = ("critical", "warning", "info")
_CHECKS = {
    "verdict": Column("Result"),
    "check": Column("Check"),
    "found": Column("Observed"),
    "limit": Column("Allowed"),
    "severity": Column("Severity", help="critical blocks the batch, warning does not, info counts the broken rows"),
    "message": Column("Message"),
}


def show_day(desk: Desk, day: date, checks: polars.DataFrame) -> None:
    """Draws the checks of each batch that was judged on a date, those not passed first."""
    st.subheader(f"The gate on {desk.formats.weekday(day)}")
    if checks.is_empty():
        st.info(f"No batch of {desk.formats.day(day)} has been judged: no file has arrived, or the date is closed.")
        return
    for group in checks.partition_by("batch_id", maintain_order=True):
        _show_batch(desk, group)


def show_gate(desk: Desk, period: Period, checks: polars.DataFrame) -> None:
    """Draws one check over a period, the blocked batches with their broken rows, and every check of every batch."""
    if checks.is_empty():
        st.markdown("No batch was judged in this period.")
        return
    st.subheader("One check over time")
    # Counts by rule have a picture of their own.
    names = checks.filter(polars.col("severity") != "info")["check_name"].unique().sort().to_list()
    names.sort(key=lambda name: name != "quarantined_share")
    warn_if_unknown("check", names, "check")
    name = choose_one("Check", names, "check", lambda item: check_title(item, desk.labels))
    title = check_title(name, desk.labels)
    draw(check_over_time(checks, name), "check", f"{title} by batch date against what is allowed")
    _show_blocked(desk, checks)
    _show_history(desk, period, checks)


def _show_batch(desk: Desk, checks: polars.DataFrame) -> None:
    batch = checks.row(0, named=True)
    blocked = batch["status"] == "blocked"
    failed = checks.filter(~polars.col("passed"), polars.col("severity") != "info")
    judged = f"revision {batch['revision']}, judged {desk.formats.instant(batch['finished_at'])}"
    if blocked:
        st.error(f"**Blocked**: nothing of this file is published ({judged}).", icon=":material/block:")
    elif failed.height:
        st.warning(f"**Published, with warnings**: {judged}.", icon=":material/visibility:")
    else:
        st.success(f"**Published**: {judged}.", icon=":material/check_circle:")
    st.text(f"{batch['source']}, {desk.formats.count(batch['rows_received'])} rows received")
    for check in failed.iter_rows(named=True):
        st.text(f"{'✗' if check['severity'] == 'critical' else '!'} {check['message']}")
    table = with_verdicts(checks, desk.labels, desk.formats).sort("rank", "check_name", maintain_order=True)
    show_table(table, _CHECKS, f"checks_{batch['batch_id']}", desk.formats, lambda: checks)
    if blocked:
        _offer_broken_rows(desk, batch, "day")


def _show_blocked(desk: Desk, checks: polars.DataFrame) -> None:
    blocked = checks.filter(polars.col("status") == "blocked").unique("batch_id").sort("batch_date", descending=True)
    if blocked.is_empty():
        return
    st.subheader("Blocked batches")
    for batch in blocked.head(MOST_BLOCKED).iter_rows(named=True):
        judged = desk.formats.instant(batch["finished_at"])
        with st.container(border=True, key=f"blocked-{batch['batch_id']}"):
            st.text(f"{desk.formats.day(batch['batch_date'])}: {batch['source']}, judged {judged}")
            _offer_broken_rows(desk, batch, "gate")
    if blocked.height > MOST_BLOCKED:
        st.caption(f"The latest {MOST_BLOCKED} of {blocked.height}; choose one day to see an earlier one.")


def _offer_broken_rows(desk: Desk, batch: dict[str, Any], place: str) -> None:
    """The broken rows of a blocked batch to download, else where they would be."""
    path = broken_rows_file(desk.reports, batch)
    if path.is_file():
        st.download_button(
            "Broken rows with their rules (CSV)",
            data=path.read_bytes,
            file_name=path.name,
            mime="text/csv",
            key=f"broken-{place}-{batch['batch_id']}",
            on_click="ignore",
            icon=":material/download:",
        )
        return
    st.text(
        f"No file of its broken rows is there. It would be {path}; there is none for a file that could not be read, or"
        " if it was moved away."
    )


def _show_history(desk: Desk, period: Period, checks: polars.DataFrame) -> None:
    st.subheader("Every check of every batch")
    warn_if_unknown("severity", SEVERITIES, "severity")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        severities = choose_any("Severity", SEVERITIES, "severity")
        failed = st.toggle("Only what was not passed", key="failed", bind="query-params")
    of_severity = polars.col("severity").is_in(severities) if severities else polars.lit(value=True)
    shown = checks.filter(of_severity, ~(polars.col("passed") & failed))
    if shown.is_empty():
        st.markdown("Every check was passed." if failed else "There is no check of this severity.")
        return
    columns = {"batch_date": Column("Batch date", "date"), "status": Column("Batch"), **_CHECKS}
    newest = ["batch_date", "revision", "rank", "check_name"]
    table = with_verdicts(shown, desk.labels, desk.formats).sort(newest, descending=[True, True, False, False])
    name = f"gate_{period.start}_{period.end}"
    show_table(table, columns, name, desk.formats, lambda: shown)
    st.caption("The export has the names as they are stored, and the figures unrounded.")
