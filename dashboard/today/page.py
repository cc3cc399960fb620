"""Today: is the day all right, how it compares, and what of it needs a person."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import polars
import streamlit as st

from dashboard.desk import Desk
from dashboard.filters import Period, choose_day
from dashboard.formats import NONE
from dashboard.navigation import link_to
from dashboard.states import nothing_yet
from dashboard.today.compared import WEEK, show_last_week, show_over_time
from dashboard.today.findings import show_findings
from dashboard.today.morning import (
    MONTH,
    Figures,
    Finding,
    blocked_on,
    figures_of,
    findings_of,
    missing_dates,
    published_on,
    state_of,
)
from model.verdict import level
from schemas.calendar import calendar_of

# Days of the pictures.
SHOWN_DAYS = 56
BANNERS = {
    "right": (st.success, ":material/check_circle:", "All right"),
    "look": (st.warning, ":material/visibility:", "Worth a look"),
    "wrong": (st.error, ":material/error:", "Not all right"),
}


def main(desk: Desk) -> None:
    """Draws the page."""
    dates = desk.ask("judged")["batch_date"].unique().sort(descending=True).to_list()
    if not dates:
        nothing_yet(
            "No batch has been judged yet. Put a file into the landing zone and score its date.",
            "python -m flows score --batch-date DATE",
        )
        return
    day = choose_day("Batch date", dates, desk.formats)
    if day not in dates:
        _no_batch(desk, day)
        return
    latest = day == dates[0]
    shown = Period(day - timedelta(days=SHOWN_DAYS - 1), day)
    days = desk.ask("days", start=shown.start, end=shown.end)
    alerts = desk.ask("open_alerts") if latest else desk.ask("alerts_on", batch_date=day)
    calendar = calendar_of(desk.settings)
    missing = missing_dates(calendar, day, desk.now) if latest else []
    findings = findings_of(days, day, alerts, missing, calendar.business_date(desk.now) if latest else day)
    _banner(desk, days, day, findings)
    _figures(desk, days, day, alerts)
    show_findings(desk, findings)
    show_last_week(desk, days, day)
    show_over_time(days, desk.ask("alerts_in_force", start=shown.start, end=shown.end), shown)


def _no_batch(desk: Desk, day: date) -> None:
    closed = calendar_of(desk.settings).closed(day)
    why = f"No file was expected ({closed})." if closed else "A file was expected, and none was judged."
    st.info(
        f"There is no batch of {desk.formats.weekday(day)}. {why} Choose another date.", icon=":material/event_busy:"
    )


def _banner(desk: Desk, days: polars.DataFrame, day: date, findings: Sequence[Finding]) -> None:
    state = state_of(findings)
    show, icon, words = BANNERS[state]
    published = published_on(days, day)
    said = (
        f"the batch of {desk.formats.weekday(day)} is published (revision {published['revision']}, scored by"
        f" {published['model_version']}, done {desk.formats.instant(published['finished_at'])})"
        if published
        else f"nothing is published of {desk.formats.weekday(day)}"
    )
    look = f" {len(findings)} {'thing needs' if len(findings) == 1 else 'things need'} a look." if findings else ""
    show(f"**{words}**: {said}.{look}", icon=icon)


def _figures(desk: Desk, days: polars.DataFrame, day: date, alerts: polars.DataFrame) -> None:
    published, earlier = published_on(days, day), published_on(days, day - WEEK)
    row = published or blocked_on(days, day)
    if row is None:
        return
    now, before = figures_of(row), figures_of(earlier) if earlier else None
    formats = desk.formats
    critical = alerts.filter(polars.col("severity") == "critical").height
    drift = level(now.features_drifted)
    with st.container(horizontal=True):
        _metric("Gate", _gate_words(published, row), None)
        _metric("Received", formats.count(now.rows_received), _change(desk, now, before, "rows_received"))
        _metric("Scored", formats.count(now.rows_scored), _change(desk, now, before, "rows_scored"))
        _metric("Quarantined", formats.count(now.rows_quarantined), _change(desk, now, before, "rows_quarantined"))
    with st.container(horizontal=True):
        _metric("Approval rate", formats.share(now.approval_rate), _change(desk, now, before, "approval_rate"))
        probability = formats.share(now.mean_probability_of_default, 2)
        _metric(
            "Mean probability of default", probability, _change(desk, now, before, "mean_probability_of_default", 2)
        )
        _metric("Drift level", drift if published else NONE, f"{now.features_drifted} features" if published else None)
        _metric("Open alerts", str(alerts.height), f"{critical} critical" if critical else None)
    _links(day, published=bool(published))


def _links(day: date, *, published: bool) -> None:
    """Where each figure of the day can be followed up."""
    with st.container(horizontal=True):
        link_to("data-quality", "Gate and quarantine of the day", day=str(day))
        if published:
            link_to("scores", "Decisions of the day", span="Dates", to=str(day), **{"from": str(day)})
            link_to("drift", "Drift of the day", day=str(day), span="Dates", to=str(day), **{"from": str(day - MONTH)})


def _metric(label: str, value: str, change: str | None) -> None:
    # Grey: whether more is better depends on the figure, and on the day.
    st.metric(label, value, change, delta_color="off", delta_arrow="off", border=True, height="stretch")


def _change(desk: Desk, now: Figures, before: Figures | None, name: str, digits: int = 1) -> str | None:
    """The change against the same weekday of last week, as it stands below a figure."""
    if before is None:
        return None
    value, earlier = getattr(now, name), getattr(before, name)
    if value is None or earlier is None:
        return None
    if name.startswith("rows"):
        return f"{desk.formats.change(value - earlier)} on last week"
    return f"{desk.formats.points_of_percent(value - earlier, digits)} on last week"


def _gate_words(published: dict[str, Any] | None, row: dict[str, Any]) -> str:
    if published is None:
        return "blocked"
    warnings = len(row["warnings"])
    return "passed" if not warnings else f"passed, {warnings} warning{'s' if warnings > 1 else ''}"
