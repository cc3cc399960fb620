"""Performance: how good the models turned out to be by vintage, how well calibrated, and how fair."""

from datetime import date

import polars
import streamlit as st

from dashboard.charts import draw
from dashboard.desk import Desk
from dashboard.filters import choose_one, warn_if_unknown
from dashboard.performance.calibration import calibration_section
from dashboard.performance.fairness import fairness_section
from dashboard.performance.vintage_charts import performance_over_vintages, vintage_name
from dashboard.performance.vintages import METRICS, at_training, figures_of, states_of
from dashboard.states import nothing_yet
from dashboard.tables import Column, show_table

EVERY = "all"
KINDS = ("performance", "fairness")
# Alerts shown one by one.
MOST_ALERTS = 8
VINTAGE = Column("Vintage", "date", "First day of the month of the batch dates.")
OUTCOMES = "python -m flows outcomes FILE"


def main(desk: Desk) -> None:
    """Draws the page."""
    performance = desk.ask("performance_by_vintage")
    if performance.is_empty():
        nothing_yet(
            "Nothing is known of performance yet: it is estimated when a batch is published, and realised once outcomes"
            " that are old enough are loaded.",
            OUTCOMES,
        )
        return
    version, metric = _choices(performance)
    vintages, fairness = desk.ask("vintages"), desk.ask("fairness_by_vintage")
    if version != EVERY:
        of_model = polars.col("model_version") == version
        performance, vintages, fairness = (item.filter(of_model) for item in (performance, vintages, fairness))
    figures = figures_of(performance)
    _alerts(desk)
    _over_vintages(desk, figures, metric)
    states = states_of(
        vintages, figures, desk.settings.outcome_days, desk.settings.performance_min_rows, desk.formats.day
    )
    _what_is_known(desk, states, figures)
    vintage = _choose_vintage(figures)
    calibration_section(desk, performance, states, vintage)
    fairness_section(desk, fairness, vintage)


def _choices(performance: polars.DataFrame) -> tuple[str, str]:
    """The model, or all of them, and the figure to look at."""
    versions = performance.sort("vintage", descending=True)["model_version"].unique(maintain_order=True).to_list()
    models = [EVERY, *versions]
    warn_if_unknown("version", models, "model")
    warn_if_unknown("metric", list(METRICS), "figure")
    with st.container(horizontal=True):
        version = choose_one("Model", models, "version", lambda name: "all models" if name == EVERY else name)
        metric = choose_one("Figure", list(METRICS), "metric", lambda name: METRICS[name].title)
    return version, metric


def _choose_vintage(figures: polars.DataFrame) -> date:
    found: list[date] = figures["vintage"].unique().sort(descending=True).to_list()
    vintages = {vintage_name(vintage): vintage for vintage in found}
    st.subheader("One vintage")
    warn_if_unknown("vintage", list(vintages), "vintage")
    chosen = choose_one("Vintage", list(vintages), "vintage", lambda name: f"{vintages[name]:%B %Y}")
    return vintages[chosen]


def _alerts(desk: Desk) -> None:
    alerts = desk.ask("open_alerts").filter(polars.col("kind").is_in(KINDS))
    if alerts.is_empty():
        st.success("No alert on performance or fairness is open.", icon=":material/check_circle:")
        return
    for place, row in enumerate(alerts.head(MOST_ALERTS).iter_rows(named=True)):
        with st.container(border=True, key=f"alert-{place}"):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.badge(f"{row['kind']}, {row['status']}", color="orange", icon=":material/warning:")
                st.caption(f"raised {desk.formats.instant(row['raised_at'])}")
            st.text(row["message"])
    if alerts.height > MOST_ALERTS:
        columns = {
            "kind": Column("Kind"),
            "status": Column("Status"),
            "raised_at": Column("Raised", "instant"),
            "message": Column("Message"),
        }
        show_table(alerts, columns, "performance_alerts", desk.formats)


def _over_vintages(desk: Desk, figures: polars.DataFrame, name: str) -> None:
    metric = METRICS[name]
    st.subheader(f"{metric.title} by vintage")
    tested = at_training(desk.ask("registered_models"))
    rows = figures.filter(polars.col("metric") == name)
    trained = [tested.get(version, {}).get(name) for version in rows["model_version"]]
    draw(
        performance_over_vintages(rows, metric, trained),
        "performance",
        f"{metric.title} by vintage: estimated and realised, with 95 % intervals and the value out of time at training",
    )
    st.caption(
        f"{metric.title}: {metric.meaning}. Marks have 95 % intervals. Estimated is what the calibrated probabilities"
        " promise before outcomes are known: its interval says where the realised figure would lie if the"
        " probabilities are right, and not whether they are."
        + ("" if any(value is not None for value in trained) else " What the models did at training is not on record.")
    )


def _what_is_known(desk: Desk, states: polars.DataFrame, figures: polars.DataFrame) -> None:
    st.subheader("What is known")
    columns = {
        "vintage": VINTAGE,
        "state": Column(
            "Realised performance", help=f"Loans take {desk.settings.outcome_days} days to show their end."
        ),
        "model_version": Column("Model"),
        "last_batch_date": Column("Last batch date", "date"),
        "rows_scored": Column("Rows scored", "count"),
        "realised_rows": Column("With outcome", "count", "Rows with an outcome."),
    }
    show_table(states, columns, "vintages", desk.formats)
    if figures["realised"].is_null().all():
        nothing_yet("No vintage is realised yet. Outcomes that have arrived are loaded by this command.", OUTCOMES)
    st.markdown("**All figures**")
    show_table(figures_table(figures), FIGURE_COLUMNS, "performance", desk.formats, lambda: figures)


FIGURE_COLUMNS = {
    "vintage": VINTAGE,
    "model_version": Column("Model"),
    "figure": Column("Figure"),
    "estimated": Column("Estimated", "fine"),
    "estimated_low": Column("from", "fine", "Lower end of the 95 % interval."),
    "estimated_high": Column("to", "fine", "Upper end of the 95 % interval."),
    "estimated_rows": Column("Rows", "count"),
    "realised": Column("Realised", "fine"),
    "realised_low": Column("from", "fine", "Lower end of the 95 % interval."),
    "realised_high": Column("to", "fine", "Upper end of the 95 % interval."),
    "realised_rows": Column("Rows", "count", "Rows with an outcome."),
}


def figures_table(figures: polars.DataFrame) -> polars.DataFrame:
    """All figures as the table shows them, the latest vintage first; default rates are shares."""
    titles = {name: metric.title for name, metric in METRICS.items()}
    named = figures.with_columns(figure=polars.col("metric").replace_strict(titles, return_dtype=polars.String))
    return named.sort("vintage", descending=True, maintain_order=True).select(list(FIGURE_COLUMNS))
