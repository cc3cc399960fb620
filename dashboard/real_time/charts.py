"""Pictures of the service's predictions: pure functions from a frame to a plotly figure."""

import polars
from plotly.graph_objects import Figure

from dashboard.charts import Line, finished, lines_over_time
from dashboard.colours import BLUE, DECISIONS, ORANGE, VERMILION
from dashboard.real_time.traffic import DECISION_COUNTS

HOUR, DATE = "%{x|%Y-%m-%d %H:%M}", "%{x|%Y-%m-%d}"
_PERCENTILES = {
    "latency_p50_ms": ("p50", BLUE, "solid"),
    "latency_p95_ms": ("p95", ORANGE, "dot"),
    "latency_p99_ms": ("p99", VERMILION, "dash"),
}
_SYMBOLS = {"p50": "circle", "p95": "diamond", "p99": "triangle-up"}
# More points than this are drawn by the graphics card.
MANY_POINTS = 5_000


def requests_over_time(traffic: polars.DataFrame, clock: str, *, by_day: bool) -> Figure:
    """Requests by hour or day, stacked by decision; `clock` names the timezone of the times."""
    figure = Figure()
    times, form = traffic["time"].to_list(), DATE if by_day else HOUR
    for decision, column in DECISION_COUNTS.items():
        figure.add_bar(
            x=times, y=traffic[column].to_list(), name=decision,
            marker={"color": DECISIONS[decision], "line": {"width": 0}},
            hovertemplate=f"{form}<br>{decision} %{{y:,d}}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(barmode="stack", bargap=0.1)
    return _timed(
        finished(figure, f"requests by {'day' if by_day else 'hour'}", ",d", named=True), clock, by_day=by_day
    )


def rate_over_time(traffic: polars.DataFrame, column: str, name: str, form: str, clock: str, *, by_day: bool) -> Figure:
    """A share of the requests (`approval_rate`, `mean_probability_of_default`) by hour or day."""
    figure = lines_over_time(traffic, [Line(column=column, name=name, colour=BLUE)], name, form, x="time")
    figure.update_traces(hovertemplate=f"{DATE if by_day else HOUR}<br>{name} %{{y:{form}}}<extra></extra>")
    return _timed(figure, clock, by_day=by_day)


def latency_over_time(hours: polars.DataFrame, clock: str, *, lines: bool) -> Figure:
    """Percentiles of the latency by hour, and by model if there are several; a short period has lines between them."""
    figure = Figure()
    versions = hours["model_version"].unique().sort().to_list()
    many = hours.height * len(_PERCENTILES) > MANY_POINTS
    add = figure.add_scattergl if many else figure.add_scatter
    for place, version in enumerate(versions):
        own = hours.filter(polars.col("model_version") == version)
        for column, (name, colour, dash) in _PERCENTILES.items():
            label = f"{name}, {version}" if len(versions) > 1 else name
            add(
                x=own["hour"].to_list(), y=own[column].to_list(), name=label,
                mode="lines+markers" if lines else "markers", line={"color": colour, "width": 1.5, "dash": dash},
                marker={"color": colour, "size": 5, "symbol": _symbol(place, name)},
                hovertemplate=f"{HOUR}<br>{label} %{{y:,.3~g}} ms<extra></extra>",
            )  # fmt: skip
    return _timed(finished(figure, "latency (ms)", ",.4~g", named=True, height=320), clock, by_day=False)


def _symbol(place: int, percentile: str) -> str:
    """The mark of a percentile of a model, so that neither has to be told by its colour alone."""
    return _SYMBOLS[percentile] + ("-open" if place % 2 else "")


def _timed(figure: Figure, clock: str, *, by_day: bool) -> Figure:
    figure.update_xaxes(title=f"{'day' if by_day else 'time'} ({clock})")
    return figure
