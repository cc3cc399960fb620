"""The figures of a day against those of the same weekday a week before, and over the last weeks."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import polars
import streamlit as st

from dashboard.charts import COUNT, Line, draw, lines_over_time, stacked_over_time
from dashboard.colours import BLUE, GREEN, ORANGE, VERMILION
from dashboard.desk import Desk
from dashboard.filters import Period
from dashboard.formats import NONE
from dashboard.tables import Column, show_table
from dashboard.today.morning import figures_of, published_on

WEEK = timedelta(days=7)
ROWS = {
    "rows_received": "Received",
    "quarantined_share": "Quarantined, share of rows",
    "approval_rate": "Approval rate",
    "referral_rate": "Referred to a person, share of scored",
    "mean_probability_of_default": "Mean probability of default",
    "mean_score": "Mean score (points)",
    "features_drifted": "Features drifted",
}
COMPARED = {"figure": polars.String} | dict.fromkeys(("now", "before", "change", "lowest", "highest"), polars.Float64)
VERDICTS = {"passed": ("passed", GREEN), "warned": ("passed with warnings", ORANGE), "blocked": ("blocked", VERMILION)}
SEVERITIES = {"warning": ("warning", ORANGE), "critical": ("critical", VERMILION)}


def show_last_week(desk: Desk, days: polars.DataFrame, day: date) -> None:
    """Shows what changed against last week."""
    st.subheader("Against last week")
    compared = against_last_week(days, day)
    if compared is None:
        missing = day - WEEK if published_on(days, day) else day
        st.markdown(f"There is no published batch of {desk.formats.day(missing)} to compare.")
        return
    columns = {
        "title": Column("Figure"),
        "now": Column(desk.formats.day(day)),
        "before": Column(desk.formats.day(day - WEEK)),
        "change": Column("Change"),
        "range": Column("Range of the 7 days before"),
    }
    rows = [_in_words(desk, row) for row in compared.iter_rows(named=True)]
    frame = polars.DataFrame(rows, schema=dict.fromkeys(columns, polars.String), orient="row")
    show_table(frame, columns, f"against_last_week_{day}", desk.formats, lambda: compared)


def against_last_week(days: polars.DataFrame, day: date) -> polars.DataFrame | None:
    """Each figure (by name) of a day: now, a week before, the change, and least and most of the seven days between.

    From rows of `days.sql`; None unless both days are published. A figure that is not known is None.
    """
    now, before = published_on(days, day), published_on(days, day - WEEK)
    if now is None or before is None:
        return None
    week = days.filter(
        polars.col("status") == "published", polars.col("batch_date") < day, polars.col("batch_date") >= day - WEEK
    )
    figures = [figures_of(now), figures_of(before), *(figures_of(row) for row in week.iter_rows(named=True))]
    rows = [_compared(name, [getattr(item, name) for item in figures]) for name in ROWS]
    return polars.DataFrame(rows, schema=COMPARED, orient="row")


def _compared(name: str, values: Sequence[float | None]) -> tuple[str | float | None, ...]:
    now, before, *week = values
    known = [value for value in week if value is not None]
    change = None if now is None or before is None else now - before
    return (name, now, before, change, min(known, default=None), max(known, default=None))


def _in_words(desk: Desk, row: dict[str, Any]) -> tuple[str, ...]:
    name, low, high = row["figure"], row["lowest"], row["highest"]
    span = f"{_written(desk, name, low)} to {_written(desk, name, high)}" if low is not None else NONE
    now, before = (_written(desk, name, row[column]) for column in ("now", "before"))
    return (ROWS[name], now, before, _changed(desk, name, row["change"]), span)


def _is_share(name: str) -> bool:
    return name.endswith(("share", "rate", "default"))


def _written(desk: Desk, name: str, value: float | None) -> str:
    return desk.formats.share(value, 2) if _is_share(name) else desk.formats.number(value)


def _changed(desk: Desk, name: str, change: float | None) -> str:
    if change is None:
        return NONE
    if _is_share(name):
        return desk.formats.points_of_percent(change, 2)
    return desk.formats.change(change)


def show_over_time(days: polars.DataFrame, alerts: polars.DataFrame, period: Period) -> None:
    """Shows the figures of `days.sql` by batch date, and how many alerts of `alerts_in_force.sql` were open."""
    st.subheader("Over time")
    left, right = st.columns(2)
    with left:
        draw(stacked_over_time(verdicts_of(days), VERDICTS, "batches", COUNT), "gate", "Batches by verdict of the gate")
    with right:
        opened = alerts_by_day(alerts, period)
        draw(stacked_over_time(opened, SEVERITIES, "open alerts", COUNT), "alerts", "Alerts open after each date")
    published = figures_by_day(days)
    if published.is_empty():
        st.markdown("No batch is published in these weeks.")
        return
    left, right = st.columns(2)
    with left:
        rows = {"rows_scored": ("scored", BLUE), "rows_quarantined": ("quarantined", VERMILION)}
        draw(stacked_over_time(published, rows, "rows", COUNT), "rows", "Rows scored and quarantined by batch date")
        risk = [Line(column="mean_probability_of_default", name="mean probability of default", colour=BLUE)]
        draw(
            lines_over_time(published, risk, "mean probability of default", ".1%"),
            "risk",
            "Mean probability of default by batch date",
        )
    with right:
        approval = [Line(column="approval_rate", name="approval rate", colour=BLUE)]
        draw(lines_over_time(published, approval, "approval rate", ".0%"), "approval", "Approval rate by batch date")
        drifted = {"features_drifted": ("features drifted", ORANGE)}
        draw(
            stacked_over_time(published, drifted, "features drifted", COUNT),
            "drift",
            "Number of features that drifted by batch date",
        )


def figures_by_day(days: polars.DataFrame) -> polars.DataFrame:
    """The published rows of `days.sql` with approval_rate, quarantined_share and features_drifted."""
    return days.filter(polars.col("status") == "published").with_columns(
        approval_rate=polars.col("rows_approved") / polars.col("rows_scored"),
        quarantined_share=polars.col("rows_quarantined") / polars.col("rows_received"),
        features_drifted=polars.col("drifted_features").list.len(),
    )


def verdicts_of(days: polars.DataFrame) -> polars.DataFrame:
    """By batch_date the batches of `days.sql` that passed, passed with warnings (`warned`), or were blocked."""
    blocked, warned = polars.col("status") == "blocked", polars.col("warnings").list.len() > 0
    return (
        days.group_by("batch_date")
        .agg(passed=(~blocked & ~warned).sum(), warned=(~blocked & warned).sum(), blocked=blocked.sum())
        .sort("batch_date")
    )


def alerts_by_day(alerts: polars.DataFrame, period: Period) -> polars.DataFrame:
    """By batch_date of a period how many alerts were open after it, `warning` and `critical`: `alerts_in_force.sql`."""
    dates = polars.DataFrame({"batch_date": polars.date_range(period.start, period.end, eager=True)})
    day, ended = polars.col("batch_date"), polars.col("status") == "resolved"
    lasting = (polars.col("opened_on") <= day) & (~ended | (polars.col("resolved_on") > day))
    counts = [(lasting & (polars.col("severity") == name)).sum().alias(name) for name in SEVERITIES]
    found = dates.join(alerts, how="cross").group_by("batch_date").agg(counts)
    return dates.join(found, on="batch_date", how="left").with_columns(polars.col(*SEVERITIES).fill_null(0))
