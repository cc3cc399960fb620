"""The figures of a day against those of the same weekday a week before, and over the last weeks."""

from collections.abc import Sequence
from datetime import date, timedelta

import polars
import streamlit as st

from dashboard.charts import Line, draw, lines_over_time, stacked_over_time
from dashboard.colours import BLUE, ORANGE, VERMILION
from dashboard.desk import Desk
from dashboard.formats import NONE
from dashboard.tables import Column, show_table
from dashboard.today.morning import Figures, figures_of, published_on

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


def show_last_week(desk: Desk, days: polars.DataFrame, day: date) -> None:
    """Shows what changed against last week."""
    now, before = published_on(days, day), published_on(days, day - WEEK)
    st.subheader("Against last week")
    if now is None or before is None:
        st.markdown(f"There is no published batch of {desk.formats.day(day - WEEK if now else day)} to compare.")
        return
    week = days.filter(
        polars.col("status") == "published", polars.col("batch_date") < day, polars.col("batch_date") >= day - WEEK
    )
    figures = [figures_of(now), figures_of(before)]
    rows = [_compared(desk, name, figures, week) for name in ROWS]
    columns = {
        "figure": Column("Figure"),
        "now": Column(desk.formats.day(day)),
        "before": Column(desk.formats.day(day - WEEK)),
        "change": Column("Change"),
        "range": Column("Range of the 7 days before"),
    }
    frame = polars.DataFrame(rows, schema=dict.fromkeys(columns, polars.String), orient="row")
    show_table(frame, columns, f"against_last_week_{day}", desk.formats)


def _compared(desk: Desk, name: str, figures: Sequence[Figures], week: polars.DataFrame) -> tuple[str, ...]:
    now, before = (getattr(item, name) for item in figures)
    known = [value for row in week.iter_rows(named=True) if (value := getattr(figures_of(row), name)) is not None]
    change = None if now is None or before is None else now - before
    span = f"{_written(desk, name, min(known))} to {_written(desk, name, max(known))}" if known else NONE
    return (ROWS[name], _written(desk, name, now), _written(desk, name, before), _changed(desk, name, change), span)


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


def show_over_time(days: polars.DataFrame) -> None:
    """Shows the figures of `days.sql` by batch date."""
    st.subheader("Over time")
    published = days.filter(polars.col("status") == "published").with_columns(
        approval_rate=polars.col("rows_approved") / polars.col("rows_scored"),
        quarantined_share=polars.col("rows_quarantined") / polars.col("rows_received"),
        features_drifted=polars.col("drifted_features").list.len(),
    )
    if published.is_empty():
        st.markdown("No batch is published in these weeks.")
        return
    left, right = st.columns(2)
    with left:
        rows = {"rows_scored": ("scored", BLUE), "rows_quarantined": ("quarantined", VERMILION)}
        draw(stacked_over_time(published, rows, "rows", ",d"), "rows", "Rows scored and quarantined by batch date")
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
            stacked_over_time(published, drifted, "features drifted", ",d"),
            "drift",
            "Number of features that drifted by batch date",
        )
