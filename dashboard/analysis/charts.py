"""Pictures of drift: pure functions from figures to a plotly figure, in colours that colour-blind people tell apart."""

from collections.abc import Mapping, Sequence
from datetime import date

import polars
from plotly.graph_objects import Figure, Heatmap
from plotly.subplots import make_subplots

from dashboard.analysis.analysis import FeatureAnalysis
from dashboard.analysis.by_day import add_middle, add_over_time, add_shade
from dashboard.analysis.panels import add_bars, add_boxes, add_levels, add_steps
from dashboard.analysis.quantiles import QUARTILES, quantiles
from dashboard.analysis.sides import sides_of
from model.profile import Profile
from model.reference import LevelBins


def heat_map(labels: Mapping[str, str], drift: polars.DataFrame, verdicts: polars.DataFrame) -> Figure:
    """PSI of each feature (`labels` by name) on each day, days beyond a limit marked.

    `drift` has batch_date, feature, statistic, value and threshold, `verdicts` batch_date, feature and exceeded.
    """
    psi = drift.filter(polars.col("statistic") == "psi")
    days = sorted(set(psi["batch_date"]))
    values = {(feature, day): value for day, feature, value in psi.select("batch_date", "feature", "value").rows()}
    beyond = set(verdicts.filter("exceeded").select("feature", "batch_date").rows())
    names = list(labels)[::-1]
    limit = float(psi["threshold"].max() or 0.1)  # type: ignore[arg-type]  # a column of floats
    figure = Figure(
        Heatmap(
            x=[str(day) for day in days],
            y=[labels[name] for name in names],
            z=[[values.get((name, day)) for day in days] for name in names],
            text=[["●" if (name, day) in beyond else "" for day in days] for name in names],
            texttemplate="%{text}",
            colorscale="Blues",
            zmin=0,
            zmax=round(3 * limit, 3),
            colorbar={
                "title": "PSI",
                "tickvals": [0, limit, 2 * limit, 3 * limit],
                "ticktext": _ticks(limit),
                "len": 1,
            },
            hovertemplate="%{y}<br>%{x}<br>PSI %{z:.3f} %{text}<extra></extra>",
            xgap=1,
            ygap=1,
        )
    )
    figure.update_xaxes(type="category", title="batch date (● beyond a limit)", tickangle=-45, nticks=30)
    figure.update_yaxes(automargin=True)
    return _finish(figure, height=170 + 30 * len(names))


def _ticks(limit: float) -> list[str]:
    return ["0", f"{limit:g} (limit)", f"{2 * limit:g}", f"≥ {3 * limit:g}"]


def feature_figure(item: FeatureAnalysis, drift: polars.DataFrame, dates: Sequence[date]) -> Figure:
    """All pictures of one feature. `drift` as in `heat_map`, with `drifted`; `dates` are those of the period."""
    levels = isinstance(item.reference.bins, LevelBins)
    figure = _of_levels(item) if levels else _of_numbers(item)
    last = 2 if levels else 3
    add_over_time(figure, drift.filter(polars.col("feature") == item.feature), row=last)
    for row, column in [(2, 1)] if levels else [(2, 2), (3, 1)]:
        add_shade(figure, dates, row, column)
    return figure


def _of_numbers(item: FeatureAnalysis) -> Figure:
    before, now = (_missing(profile) for profile in (item.reference.profile, item.period))
    figure = make_subplots(
        rows=3,
        cols=2,
        specs=[[{}, {}], [{}, {}], [{"colspan": 2}, None]],
        vertical_spacing=0.12,
        horizontal_spacing=0.1,
        subplot_titles=(
            f"Share of all rows (missing: {before} in training, {now} in the period)",
            "Share of values up to x",
            "Box plots (whiskers: 5 % and 95 %)",
            "Median and middle half by batch",
            "Every statistic by batch, as a multiple of its limit (filled: beyond it and certain)",
        ),
    )
    if len(item.reference.sample) and len(item.period.values):
        sides = sides_of(item)
        add_bars(figure, sides, item.axis, 1, 1)
        add_steps(figure, sides, item.axis, 1, 2, named=False)
        add_boxes(figure, sides, item.axis, 2, 1)
        known = {day: profile for day, profile in item.by_day.items() if len(profile.values)}
        quartiles = {day: quantiles(profile, QUARTILES).tolist() for day, profile in known.items()}
        add_middle(figure, quartiles, item.reference.profile, {*item.exceeded_before, *item.exceeded}, item.axis, 2, 2)
    return _finish(figure, height=980)


def _of_levels(item: FeatureAnalysis) -> Figure:
    figure = make_subplots(
        rows=2,
        cols=1,
        vertical_spacing=0.24,
        subplot_titles=(
            "Share of all rows by level",
            "Every statistic by batch, as a multiple of its limit (filled: beyond it and certain)",
        ),
    )
    add_levels(figure, item.reference.bins.labels, sides_of(item))
    return _finish(figure, height=720)


def _missing(profile: Profile) -> str:
    return f"{profile.missing / max(1, profile.rows):.1%}"


def _finish(figure: Figure, height: int) -> Figure:
    figure.update_layout(
        template="plotly_white",
        height=height,
        margin={"l": 70, "r": 30, "t": 70, "b": 60},
        font={"size": 12},
        legend={"orientation": "h", "y": 1.04, "yanchor": "bottom", "x": 0},
        legend2={"orientation": "h", "y": -0.06, "yanchor": "top", "x": 0},
    )
    figure.update_annotations(font_size=13)
    return figure
