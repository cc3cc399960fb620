"""What the monitors of data quality saw over time, and what they flagged: a part of the page Data quality."""

import polars
import streamlit as st

from dashboard.charts import draw
from dashboard.desk import Desk
from dashboard.filters import Period, choose_one, warn_if_unknown
from dashboard.quality.charts import monitor_over_time
from dashboard.quality.tables import check_title, figure_in_words
from dashboard.tables import Column, show_table


def show_monitors(desk: Desk, period: Period) -> None:
    """Draws one monitor over a period, and the table of everything flagged in it."""
    seen = desk.ask("quality_of_period", start=period.start, end=period.end).with_columns(
        name=polars.concat_str("monitor", polars.col("subject").replace("", None), separator=":", ignore_nulls=True)
    )
    if seen.is_empty():
        st.markdown("The monitors have seen no published batch in this period.")
        return
    st.subheader("One monitor over time")
    flags = seen.group_by("name").agg(flags=polars.col("flagged").sum())
    # What was flagged most often is looked at first.
    names = flags.sort("flags", "name", descending=[True, False])["name"].to_list()
    warn_if_unknown("monitor", names, "monitor")
    name = choose_one("Monitor", names, "monitor", lambda item: check_title(item, desk.labels))
    title, monitor = check_title(name, desk.labels), name.partition(":")[0]
    draw(monitor_over_time(of_monitor(seen, name), monitor), "monitor", f"{title} by batch date")
    st.subheader("Flagged in this period")
    flagged = seen.filter("flagged").sort("batch_date", descending=True)
    if flagged.is_empty():
        st.markdown("Nothing.")
        return
    _flagged_table(desk, flagged, period)


def of_monitor(seen: polars.DataFrame, name: str) -> polars.DataFrame:
    """What one monitor saw on each date; the share of a rule that nothing broke is zero, which leaves no record."""
    own = seen.filter(polars.col("name") == name)
    if not name.startswith("quarantined_share"):
        return own
    dates = seen.select("batch_date").unique().sort("batch_date")
    filled = dates.join(own, on="batch_date", how="left", maintain_order="left")
    return filled.with_columns(polars.col("value").fill_null(0.0), polars.col("flagged").fill_null(value=False))


def _flagged_table(desk: Desk, flagged: polars.DataFrame, period: Period) -> None:
    columns = {
        "batch_date": Column("Batch date", "date"),
        "title": Column("Monitor"),
        "value_words": Column("Observed"),
        "expected_words": Column("Expected"),
        "threshold_words": Column("Limit"),
        "row_count": Column("Rows", "count"),
        "message": Column("Message"),
    }
    words = {
        f"{column}_words": polars.Series(
            [figure_in_words(name, value, desk.formats) for name, value in flagged.select("name", column).rows()],
            dtype=polars.String,
        )
        for column in ("value", "expected", "threshold")
    }
    titles = polars.Series([check_title(name, desk.labels) for name in flagged["name"]], dtype=polars.String)
    table = flagged.with_columns(polars.col("message").fill_null(""), title=titles, **words)
    show_table(table, columns, f"flagged_{period.start}_{period.end}", desk.formats, lambda: flagged)
