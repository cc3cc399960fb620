"""Scores: how the applications of a period are spread over bands, decisions and scores, and what has moved."""

from collections.abc import Mapping

import polars
import streamlit as st

from dashboard.charts import COUNT, draw
from dashboard.colours import DECISIONS, band_colours
from dashboard.desk import Desk
from dashboard.filters import choose_one, choose_period
from dashboard.scores.charts import histogram, paired_bars, stacked_by_day
from dashboard.scores.compared import Chosen, Compared, choose, compare, during, scored_by_others
from dashboard.scores.mix import Spread, bars, by_band_and_decision, by_day, decided, migration, stability, total
from dashboard.states import nothing_yet
from dashboard.tables import Column, show_table
from dashboard.words import chance, counted

AGAINST = {
    "before": "the period before",
    "year-earlier": "the same dates a year earlier",
    "training": "the model's training",
}
SHOWN = {"shares": "shares of applications", "counts": "numbers of applications"}
FIGURES = {
    "approve": "Approved",
    "refer": "Referred to a person",
    "decline": "Declined",
    "probability": "Mean probability of default",
}


def main(desk: Desk) -> None:
    """Draws the page."""
    published = desk.ask("published_days")
    if published.is_empty():
        nothing_yet(
            "No batch is published yet, so there are no scores. Put a file into the landing zone and score its date.",
            "python -m flows score --batch-date DATE",
        )
        return
    dates = published["batch_date"]
    period = choose_period(dates[0], dates[-1], desk.formats)
    inside = published.filter(polars.col("batch_date").is_between(period.start, period.end))
    if inside.is_empty():
        nothing_yet(f"No batch is published {during(desk.formats, period)}. Choose a longer period.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        version = _choose_model(inside)
        shown = _choose("Over time", SHOWN, "shown")
        against = _choose("Compare with", AGAINST, "against")
    chosen = choose(desk, period, version)
    if chosen.rows.is_empty():
        nothing_yet(f"Of the batches {during(desk.formats, period)} no bands are kept. Choose another period.")
        return
    compared = compare(chosen, against, published)
    now = chosen.spread(compared.bands)
    _remarks(chosen, published)
    _figures(chosen, compared)
    _over_time(chosen, shown)
    _scores(chosen, now, compared)
    _migration(chosen, now, compared)
    _bands_by_decision(chosen)


def _choose_model(inside: polars.DataFrame) -> str:
    """The model whose scores are shown, the one of the latest batch first: bands of two models do not add up."""
    latest = inside.sort("batch_date", descending=True)
    versions: list[str] = latest["model_version"].unique(maintain_order=True).to_list()
    asked = st.query_params.get("model")
    if asked and asked not in versions:
        st.warning("The model that the address asks for scored no batch of this period; the latest one is shown.")
    return versions[0] if len(versions) == 1 else choose_one("Model", versions, "model")


def _choose(label: str, names: Mapping[str, str], key: str) -> str:
    asked = st.query_params.get(key)
    if asked and asked not in names:
        st.warning(f"The address asks for what “{label}” does not offer: `{key}` may be {', '.join(names)}.")
    return choose_one(label, list(names), key, lambda name: names[name])


def _remarks(chosen: Chosen, published: polars.DataFrame) -> None:
    formats, period = chosen.desk.formats, chosen.period
    others = scored_by_others(published, period, chosen.version)
    left_out = f" {counted(others, 'batch')} of the period, scored by other models, left out." if others else ""
    st.caption(
        f"{formats.count(total(chosen.rows))} applications in {counted(chosen.rows['batch_date'].n_unique(), 'batch')}"
        f" {during(formats, period)}, scored by {chosen.version}.{left_out}"
    )
    if chosen.model is None:
        st.warning(
            f"{chosen.version} is not in the models folder any more, or does not fit the contract in force: its cutoffs"
            " are not known here. Restore its folder to see them."
        )


def _figures(chosen: Chosen, compared: Compared) -> None:
    formats, now = chosen.desk.formats, decided(chosen.rows)
    earlier = decided(compared.rows) if compared.rows is not None else {}
    with st.container(horizontal=True):
        for name, label in FIGURES.items():
            change = formats.points_of_percent(now[name] - earlier[name], 2) if earlier else None
            # Grey: whether more is better depends on the figure.
            st.metric(label, formats.share(now[name], 2), change, delta_color="off", delta_arrow="off", border=True)
    st.caption(compared.remark)


def _over_time(chosen: Chosen, shown: str) -> None:
    st.subheader("Over time")
    shares = shown == "shares"
    title, tickformat = ("share of applications", ".0%") if shares else ("applications", COUNT)
    left, right = st.columns(2)
    for column, what, colours in ((left, "band", band_colours(chosen.bands)), (right, "decision", DECISIONS)):
        with column:
            st.markdown(f"**By {what}**")
            frame = by_day(chosen.rows, what, list(colours), shares=shares)
            figure = stacked_by_day(frame, colours, title, tickformat)
            draw(figure, f"{what}s-over-time", f"{SHOWN[shown].capitalize()} by {what} and batch date, stacked")


def _scores(chosen: Chosen, now: Spread, compared: Compared) -> None:
    st.subheader("Distribution of the score")
    if now.scores.is_empty():
        st.markdown("Of these batches no rows by score are kept: an earlier release published them.")
        return
    spreads = [spread for spread in (now, compared.spread) if spread is not None and not spread.scores.is_empty()]
    width, frames = bars(spreads, list(chosen.cutoffs.values()))
    earlier = frames[1] if len(frames) > 1 else None
    figure = histogram(width, frames[0], earlier, chosen.cutoffs, [chosen.name, compared.name])
    draw(figure, "scores", f"Share of applications by score, {width} points a bar, with the cutoffs of the policy")
    beside = f"; the line is {compared.name}" if earlier is not None else ""
    st.caption(f"One bar is {width} point{'' if width == 1 else 's'} wide{beside}.")


def _migration(chosen: Chosen, now: Spread, compared: Compared) -> None:
    st.subheader("Migration between bands")
    if compared.spread is None:
        st.markdown(compared.remark)
        return
    _told_stability(chosen.desk, *stability(compared.spread, now))
    frame = migration(compared.bands, compared.spread, now)
    figure = paired_bars(frame, [chosen.name, compared.name])
    draw(figure, "migration", f"Share of applications by band: {compared.name}, and {chosen.name}")
    columns = {
        "band": Column("Band"),
        "earlier": Column("Earlier", "share", help=compared.name),
        "now": Column("Now", "share", help=chosen.name),
        "change": Column("Change (pp)", "number", help="In percentage points."),
        "psi": Column("Adds to PSI", "fine", help="(now - earlier) x ln(now / earlier), of the shares"),
    }
    show_table(frame, columns, "migration", chosen.desk.formats)
    st.caption(
        f"Earlier: {compared.name}. Now: {chosen.name}. The parts add up to the PSI. The Drift page compares the score"
        " with training in bins of its own, so its PSI is another figure."
    )


def _told_stability(desk: Desk, psi: float, p_value: float) -> None:
    limit, formats = desk.settings.drift_psi, desk.formats
    show, icon, where = (
        (st.success, ":material/check_circle:", "below")
        if psi < limit
        else (st.warning, ":material/visibility:", "not below")
    )
    show(
        f"PSI of the bands: **{formats.number(round(psi, 4))}**, {where} this installation's limit of"
        f" {formats.number(limit)} (p-value {chance(p_value)}: how likely so much is without any change).",
        icon=icon,
    )


def _bands_by_decision(chosen: Chosen) -> None:
    st.subheader("Bands by decision")
    columns = {
        "band": Column("Band"),
        "decision": Column("Decision"),
        "row_count": Column("Applications", "count"),
        "share": Column("Share of all", "share"),
        "share_of_band": Column("Share of the band", "share"),
        "mean_probability_of_default": Column("Mean probability of default", "share"),
    }
    frame = by_band_and_decision(chosen.rows, chosen.bands)
    show_table(frame, columns, f"bands_by_decision_{chosen.period.start}_{chosen.period.end}", chosen.desk.formats)
