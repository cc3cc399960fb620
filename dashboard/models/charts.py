"""Pictures of scorecards: pure functions from a frame to a plotly figure."""

from html import escape

import polars
from plotly.graph_objects import Figure

from dashboard.charts import finished
from dashboard.colours import BLUE, ORANGE
from dashboard.performance.vintage_charts import APART, Mark, add_points, with_places


def points_by_bin(points: polars.DataFrame, title: str) -> Figure:
    """The points of each bin of one feature (rows of `points_of`), in the order of the scorecard."""
    figure = Figure()
    figure.add_bar(
        x=[escape(name) for name in points["bin"]],
        y=points["points"].to_list(),
        text=[str(value) for value in points["points"]],
        textposition="auto",
        marker={"color": BLUE, "line": {"width": 0}},
        customdata=points.select("rows", polars.col("default_rate").fill_null(float("nan"))).rows(),
        hovertemplate="%{x}<br>%{y} points<br>%{customdata[0]:,d} rows in training, default rate %{customdata[1]:.1%}"
        "<extra></extra>",
    )
    finished(figure, "points, higher is safer", ",d", named=False, height=300)
    # As a category: a level that reads like a number or a date is none.
    figure.update_xaxes(title=title, type="category", automargin=True)
    return figure


def points_beside(bins: polars.DataFrame, names: tuple[str, str], title: str) -> Figure:
    """Points of one feature in two models (rows of `bins_compared`), by bin."""
    figure = Figure()
    for column, mark in (
        ("points", Mark(names[0], BLUE, "circle", -APART)),
        ("points_other", Mark(names[1], ORANGE, "diamond-open", APART)),
    ):
        add_points(figure, [(value, None, None) for value in bins[column]], mark, ",d")
    finished(figure, "points, higher is safer", ",d", named=True, height=320)
    # Points tell by how far they are from each other; a feature's zero means nothing.
    figure.update_yaxes(rangemode="normal")
    figure.update_traces(hovertemplate="%{fullData.name}: %{y} points<extra></extra>")
    return with_places(figure, bins["bin"].to_list(), title)
