"""Real time: how many the service answers, how it decides, how fast it is, and each of its latest predictions."""

from dataclasses import dataclass
from datetime import date

import polars
import streamlit as st

from dashboard.charts import draw
from dashboard.desk import Desk
from dashboard.filters import Period, choose_any, choose_period, warn_if_unknown
from dashboard.real_time.charts import latency_over_time, rate_over_time, requests_over_time
from dashboard.real_time.prediction import look_up
from dashboard.real_time.traffic import (
    MOST_DAYS_BY_HOUR,
    at_clock,
    beginning_of,
    day_of,
    instants_of,
    prediction_columns,
    start_of_latest,
    traffic,
    with_inputs,
)
from dashboard.states import nothing_yet
from dashboard.tables import show_table

LATEST = 500


@dataclass(frozen=True)
class Shown:
    """What the visitor looks at: the days, the models (none named: all), and the hours (UTC) they have."""

    period: Period
    models: list[str]
    hours: polars.DataFrame


def main(desk: Desk) -> None:
    """Draws the page."""
    versions = desk.ask("prediction_versions")
    if versions.is_empty():
        nothing_yet(
            "No prediction of the service is on record. Start the service, ask it for predictions, and load its log.",
            "make service\npython -m flows load-predictions",
        )
        return
    shown = _choose(desk, versions)
    look_up(desk)
    if shown.hours.is_empty():
        st.info("The service has predicted nothing in this period with the chosen models.")
        return
    _latest_day(desk, shown)
    _over_time(desk, shown)
    _latest_predictions(desk, shown)


def _choose(desk: Desk, versions: polars.DataFrame) -> Shown:
    zone, names = desk.formats.timezone, versions["model_version"].to_list()
    first, last = day_of(versions["first_hour"].min(), zone), day_of(versions["last_hour"].max(), zone)  # type: ignore[arg-type]
    period = choose_period(first, last, desk.formats)
    models = _choose_models(names) if len(names) > 1 else []
    start, end = instants_of(period.start, period.end, zone)
    hours = desk.ask("prediction_hours_of_period", start=start, end=end)
    return Shown(period, models, hours.filter(polars.col("model_version").is_in(models)) if models else hours)


def _choose_models(names: list[str]) -> list[str]:
    warn_if_unknown("model", names, "model version")
    return choose_any("Model versions", names, "model")


def _latest_day(desk: Desk, shown: Shown) -> None:
    formats = desk.formats
    day = day_of(shown.hours["hour"].max(), formats.timezone)  # type: ignore[arg-type]
    start, end = instants_of(day, day, formats.timezone)
    figures = desk.ask("prediction_figures", start=start, end=end, models=shown.models).row(0, named=True)
    requests = figures["request_count"]
    st.subheader(f"{formats.weekday(day)}, the latest day")
    begins = beginning_of(day, formats.timezone)
    if begins.minute:
        st.caption(f"Requests are counted by whole hours of UTC: at your clock, days begin at {begins:%H:%M} here.")
    with st.container(horizontal=True):
        st.metric("Requests", formats.count(requests), border=True)
        approved = figures["approved_count"] / requests if requests else None
        st.metric("Approval rate", formats.share(approved), border=True)
    with st.container(horizontal=True):
        for name, label in (("p50", "median"), ("p95", "95th percentile"), ("p99", "99th percentile")):
            latency = formats.number(figures[f"latency_{name}_ms"], "ms")
            st.metric(f"Latency, {name}", latency, help=f"The {label}, exact.", border=True)


def _over_time(desk: Desk, shown: Shown) -> None:
    by_day = _days(shown.period.start, shown.period.end) > MOST_DAYS_BY_HOUR
    zone, clock = desk.formats.timezone, str(desk.formats.timezone)
    hours = at_clock(shown.hours, zone)
    frame = traffic(hours, by_day=by_day)
    step = "day" if by_day else "hour"
    st.subheader("Requests by decision")
    draw(requests_over_time(frame, clock, by_day=by_day), "requests", f"Requests by {step}, stacked by decision")
    left, right = st.columns(2)
    with left:
        st.subheader("Approval rate")
        figure = rate_over_time(frame, "approval_rate", "approval rate", ".0%", clock, by_day=by_day)
        draw(figure, "approval", f"Approval rate by {step}")
    with right:
        st.subheader("Probability of default")
        name = "mean probability of default"
        figure = rate_over_time(frame, "mean_probability_of_default", name, ".1%", clock, by_day=by_day)
        draw(figure, "risk", f"Mean probability of default by {step}")
    st.subheader("Latency by hour")
    st.caption("From the request's arrival to its line in the log; percentiles are exact for each hour and model.")
    draw(
        latency_over_time(hours, clock, lines=not by_day),
        "latency",
        "Latency by hour: median, 95th and 99th percentile",
    )


def _days(start: date, end: date) -> int:
    return (end - start).days + 1


def _latest_predictions(desk: Desk, shown: Shown) -> None:
    st.subheader("Latest predictions")
    _, end = instants_of(shown.period.start, shown.period.end, desk.formats.timezone)
    # Since when there are enough is known by the hour, so that no more is read than these.
    start = start_of_latest(shown.hours, LATEST)
    found = desk.ask("latest_predictions", start=start, end=end, models=shown.models, rows=LATEST)
    st.caption(f"The latest {desk.formats.count(found.height)} of the period, times at your clock.")
    table = with_inputs(found, desk.contract)
    show_table(table, prediction_columns(desk.contract, desk.labels), "latest_predictions", desk.formats)
