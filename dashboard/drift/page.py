"""Drift: which features moved when, how far one of them did, and what came of it."""

from collections.abc import Sequence
from datetime import date

import polars
import streamlit as st

from dashboard.charts import draw
from dashboard.desk import Desk
from dashboard.drift.alerts import alerts_section
from dashboard.drift.beside import Looked, distributions_section
from dashboard.drift.days import levels_by_day, levels_in_words
from dashboard.drift.heat_map import heat_map
from dashboard.drift.report import report_section
from dashboard.drift.sections import statistics_section, verdict_section
from dashboard.drift.statistics import STATISTICS
from dashboard.filters import Period, choose_day, choose_one, choose_period
from dashboard.states import nothing_yet

ONE_DAY, PERIOD = "One day", "Whole period"
LEVEL_WORDS = (
    "Level of a day: warning from one feature drifted on, critical from three on; the score is not counted. Signs on"
    " the cells are the verdicts, over all statistics of the feature."
)
NEVER_JUDGED = (
    "Nothing is on record of drift in this period: an earlier release published its batches. Choose later days, or"
    " score them again."
)


def main(desk: Desk) -> None:
    """Draws the page."""
    published = desk.ask("published_days")
    if published.is_empty():
        nothing_yet("No batch is published yet. Score the first day.", "python -m flows score --batch-date DATE")
        return
    period = choose_period(published["batch_date"][0], published["batch_date"][-1], desk.formats)
    days = published.filter(polars.col("batch_date").is_between(period.start, period.end))
    if days.is_empty():
        st.info(f"No batch is published from {desk.formats.day(period.start)} to {desk.formats.day(period.end)}.")
        return
    version = _model(days)
    dates = days.filter(polars.col("model_version") == version)["batch_date"].to_list()
    features = desk.ask("features_by_drift", model_version=version, start=period.start, end=period.end)
    if features.is_empty():
        st.info(NEVER_JUDGED)
    else:
        _all_features(desk, version, period, features)
        _one_feature(desk, version, period, features, dates)
    st.caption("The full analysis of a period, with further tests and recommendations: `make notebook`.")


def _model(days: polars.DataFrame) -> str:
    """The model whose training is the reference: the latest of the period, or another one if there are several."""
    versions = days["model_version"].reverse().unique(maintain_order=True).to_list()
    if len(versions) == 1:
        st.caption(f"Against the training of `{versions[0]}`, which scored all batches of the period.")
        return str(versions[0])
    _say_unknown("model", versions, "model that scored a batch of this period")
    return choose_one(
        "Against the training of", versions, "model", help_text="Only batches that this model scored are shown."
    )


def _say_unknown(key: str, options: Sequence[str], what: str) -> None:
    """Says that the address asks for something that is not there."""
    asked = st.query_params.get(key)
    if asked and asked not in options:
        st.warning(f"The address asks for what is no {what}; `{options[0]}` is shown instead.")


def _say_outside(desk: Desk, dates: Sequence[date]) -> None:
    """Says that the day of the address lies outside the period, whose last day is then shown."""
    asked = st.query_params.get("day")
    if asked and not str(dates[0]) <= asked <= str(dates[-1]):
        first, last = desk.formats.day(dates[0]), desk.formats.day(dates[-1])
        st.warning(f"The day in the address is not from {first} to {last}; the last day is shown. Is the period right?")


def _all_features(desk: Desk, version: str, period: Period, features: polars.DataFrame) -> None:
    asked = {"model_version": version, "start": period.start, "end": period.end}
    names = _statistics(desk)
    _say_unknown("statistic", names, "statistic of these features")
    st.subheader("All features")
    statistic = choose_one("Statistic", names, "statistic", STATISTICS.__getitem__)
    verdicts = desk.ask("verdicts_by_day", **asked)
    measured = desk.ask("statistic_by_day", **asked, statistic=statistic)
    levels = levels_by_day(verdicts)
    st.markdown(levels_in_words(levels, desk.formats))
    shown = set(measured["feature"])
    labels = {name: desk.labels.title(name) for name in features["feature"] if name in shown}
    if not labels:
        st.info("No feature has this statistic in this period: there were too few rows, or it is for other features.")
        return
    figure = heat_map(labels, measured, verdicts, levels, STATISTICS[statistic])
    st.caption(LEVEL_WORDS)
    draw(figure, "heat-map", f"{STATISTICS[statistic]} of each feature by batch date as a multiple of its limit")


def _statistics(desk: Desk) -> list[str]:
    """Those that the features have; categories have some of their own."""
    levels = any(feature.categorical for feature in desk.contract.features)
    return [name for name in STATISTICS if levels or name not in ("chi_squared", "unseen_share")]


def _one_feature(desk: Desk, version: str, period: Period, features: polars.DataFrame, dates: Sequence[date]) -> None:
    st.subheader("One feature")
    names = features["feature"].to_list()
    _say_unknown("feature", names, "feature of this model")
    _say_outside(desk, dates)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        feature = choose_one(
            "Feature", names, "feature", desk.labels.title, "Ordered by drift in the period, the worst first."
        )
        side = st.segmented_control(
            "Beside training", [ONE_DAY, PERIOD], default=ONE_DAY, required=True, key="beside", bind="query-params"
        )
        day = choose_day("Batch date", dates, desk.formats) if side == ONE_DAY else None
    if day and day not in dates:
        st.warning(f"This model scored no published batch of {desk.formats.day(day)}: choose another day.")
        return
    looked = Looked(feature, version, period, day)
    verdicts = desk.ask("verdicts_on_feature", **looked.asked)
    st.markdown(f"#### {desk.labels.title(feature)}")
    verdict_section(desk, looked, verdicts)
    distributions_section(desk, looked, verdicts)
    statistics_section(desk, looked)
    alerts_section(desk, feature, period)
    report_section(desk, day or dates[-1])
