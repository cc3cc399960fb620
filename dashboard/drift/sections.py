"""One feature on the page of drift: its verdict in words, and its statistics."""

from collections.abc import Mapping
from typing import Any

import polars
import streamlit as st

from dashboard.charts import draw
from dashboard.desk import Desk
from dashboard.drift.beside import Looked
from dashboard.drift.feature import State, legacy_words, said_of_day, said_of_period
from dashboard.drift.figures import over_time
from dashboard.drift.statistics import largest_of_period, statistics_of_day
from dashboard.tables import Column, show_table

BANNERS: Mapping[State, tuple[Any, str]] = {
    "drifted": (st.error, ":material/error:"),
    "beyond": (st.warning, ":material/visibility:"),
    "within": (st.success, ":material/check_circle:"),
    "few": (st.info, ":material/hourglass_empty:"),
}
OF_DAY = {
    "statistic": Column("Statistic"),
    "value": Column("Against training"),
    "limit": Column("Limit"),
    "p_value": Column("p-value"),
    "q_value": Column("q-value", help="The p-value after control of false discoveries over all tests of the batch."),
    "verdict": Column("Verdict", help="Beyond: at its limit or more, and certain by the q-value."),
    "legacy": Column("Plain p < 0.05", help="The old rule, for comparison. It decides nothing."),
    "window_value": Column("Against the batches before", help="The same statistic against the trailing window."),
    "window_p_value": Column("p-value (batches before)"),
}
OF_PERIOD = {
    "statistic": Column("Statistic"),
    "value": Column("Largest value"),
    "limit": Column("Limit"),
    "batch_date": Column("On", "date"),
    "days_beyond": Column("Days beyond", "count"),
    "days": Column("Days measured", "count"),
}


def verdict_section(desk: Desk, looked: Looked, verdicts: polars.DataFrame) -> None:
    """What was said of the feature, in words."""
    of_day = verdicts if looked.day is None else verdicts.filter(polars.col("batch_date") == looked.day)
    if of_day.is_empty():
        st.info("Nothing is on record of this feature for this choice: an earlier release published it.")
        return
    row = None if looked.day is None else of_day.row(0, named=True)
    least = desk.settings.drift_min_rows
    said = said_of_period(verdicts, desk.formats) if row is None else said_of_day(row, desk.formats, least)
    show, icon = BANNERS[said.state]
    show(said.sentence, icon=icon)
    if row and row["message"]:
        st.text(row["message"])
    st.caption(legacy_words(verdicts, row))


def statistics_section(desk: Desk, looked: Looked) -> None:
    """Every statistic over time, and as a table: of the day, or the largest ones of the period."""
    drift = desk.ask("drift_of_feature", **looked.asked)
    st.subheader("Statistics")
    if drift.is_empty():
        st.markdown("None was measured in this period: there were too few rows.")
        return
    title = desk.labels.title(looked.feature)
    st.markdown("**By day, as a multiple of the limit** (filled signs: beyond it and certain)")
    draw(over_time(drift, looked.day), "over-time", f"Statistics of drift of {title} by batch date")
    unit, name = desk.labels.unit(looked.feature), f"drift_{looked.feature}"
    if looked.day is None:
        largest = largest_of_period(drift, looked.feature, unit, desk.formats)
        show_table(largest, OF_PERIOD, f"{name}_{looked.period.start}_{looked.period.end}", desk.formats, lambda: drift)
        return
    of_day = drift.filter(polars.col("batch_date") == looked.day)
    if of_day.is_empty():
        st.markdown("None was measured that day: there were too few rows.")
        return
    read = statistics_of_day(of_day, looked.feature, unit, desk.formats)
    show_table(read, OF_DAY, f"{name}_{looked.day}", desk.formats, lambda: of_day)
