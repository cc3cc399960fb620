"""Pictures of drift for the page: pure functions from frames and profiles to a plotly figure."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

import polars
from plotly.graph_objects import Figure
from plotly.subplots import make_subplots

from dashboard.analysis.by_day import add_middle, add_over_time
from dashboard.analysis.panels import add_bars, add_boxes, add_levels, add_steps
from dashboard.analysis.sides import Side
from dashboard.colours import GREY
from model.profile import Profile


def histograms(sides: Sequence[Side], axis: str) -> Figure:
    """Training and current values on the same bars."""
    figure = make_subplots()
    add_bars(figure, sides, axis)
    return finished(figure, 320)


def distributions(sides: Sequence[Side], axis: str) -> Figure:
    """Both empirical distribution functions."""
    figure = make_subplots()
    add_steps(figure, sides, axis)
    return finished(figure, 320)


def boxes(sides: Sequence[Side], axis: str) -> Figure:
    """Both as boxes with whiskers at 5 and 95 %."""
    figure = make_subplots()
    add_boxes(figure, sides, axis)
    return finished(figure, 240, named=False)


def bars_by_bin(labels: Sequence[str], sides: Sequence[Side], axis: str) -> Figure:
    """The share of rows in each bin or level of both."""
    figure = make_subplots()
    add_levels(figure, labels, sides)
    figure.update_xaxes(title=axis, automargin=True)
    return finished(figure, 380)


def middle_by_day(
    quartiles: Mapping[date, Sequence[float]], training: Profile | None, beyond: Collection[date], axis: str
) -> Figure:
    """The median and the middle half of each day beside those of training."""
    figure = make_subplots()
    add_middle(figure, quartiles, training, beyond, axis)
    figure.update_xaxes(title="batch date")
    return finished(figure, 240, named=False)


def over_time(drift: polars.DataFrame, day: date | None) -> Figure:
    """Every statistic of a feature by day as a multiple of its limit; a `day` to be found again has a line."""
    figure = make_subplots()
    add_over_time(figure, drift)
    if day:
        figure.add_vline(x=day, line={"color": GREY, "dash": "dot", "width": 1.5})
    figure.update_xaxes(title="batch date")
    figure.update_layout(legend2={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}, showlegend=True)
    return finished(figure, 320)


def finished(figure: Figure, height: int, *, named: bool = True) -> Figure:
    """A figure in the form that those of drift have; `named` leaves room for the legend."""
    figure.update_layout(
        height=height,
        margin={"l": 60, "r": 10, "t": 50 if named else 10, "b": 40},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hovermode="closest",
    )
    return figure
