"""Pictures of figures by day: pure functions from a frame to a plotly figure, and how any figure is put on a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars
import streamlit as st
from plotly.graph_objects import Figure

from dashboard.colours import GREY

# Without plotly's buttons, which lie over the picture: dragging enlarges a part, a double click shows all again.
CONFIG: dict[str, Any] = {"displayModeBar": False}
DAY = "%{x|%Y-%m-%d}"
# The format of counts, and up to how many of them an axis has a mark for each.
COUNT, FEW = ",d", 5


@dataclass(frozen=True, kw_only=True)
class Line:
    """A column drawn as a line; `band` names the columns of its lower and upper limit."""

    column: str
    name: str
    colour: str
    dash: str = "solid"
    band: tuple[str, str] | None = None


def draw(figure: Figure, name: str, description: str) -> None:
    """Puts a figure on the page; `description` is what a screen reader says of it."""
    st.plotly_chart(figure, key=f"chart-{name}", config=CONFIG, alt=description)


def lines_over_time(
    frame: polars.DataFrame, lines: Sequence[Line], title: str, tickformat: str = "", x: str = "batch_date"
) -> Figure:
    """Columns of a frame by `x`, one line each; `title` stands beside the vertical axis, with the unit."""
    figure = Figure()
    days = frame[x].to_list()
    for line in lines:
        if line.band:
            _add_band(figure, frame, line, days)
        figure.add_scatter(
            x=days, y=frame[line.column].to_list(), name=line.name, mode="lines+markers",
            line={"color": line.colour, "width": 2, "dash": line.dash}, marker={"size": 4 if len(days) > 60 else 6},
            hovertemplate=f"{DAY}<br>{line.name} %{{y:{tickformat}}}<extra></extra>",
        )  # fmt: skip
    return finished(figure, title, tickformat, named=len(lines) > 1)


def stacked_over_time(
    frame: polars.DataFrame,
    parts: Mapping[str, tuple[str, str]],
    title: str,
    tickformat: str = "",
    x: str = "batch_date",
) -> Figure:
    """Columns of a frame stacked by `x`; `parts` has the name and the colour of each column."""
    figure = Figure()
    days = frame[x].to_list()
    for column, (name, colour) in parts.items():
        figure.add_bar(
            x=days, y=frame[column].to_list(), name=name, marker={"color": colour, "line": {"width": 0}},
            hovertemplate=f"{DAY}<br>{name} %{{y:{tickformat}}}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(barmode="stack", bargap=0.1)
    finished(figure, title, tickformat, named=len(parts) > 1)
    if tickformat == COUNT and (frame.select(polars.sum_horizontal(*parts).max()).item() or 0) <= FEW:
        # Left to itself, an axis that ends at 1 has marks at 0.2, 0.4 and so on, all of them written as 0 or 1.
        figure.update_yaxes(dtick=1)
    return figure


def add_limit(figure: Figure, value: float, name: str) -> Figure:
    """A dashed horizontal line at a limit, with its name."""
    figure.add_hline(
        y=value, line={"color": GREY, "dash": "dash", "width": 1.5}, annotation_text=name, annotation_font_size=11
    )
    return figure


def finished(figure: Figure, title: str, tickformat: str = "", *, named: bool, height: int = 280) -> Figure:
    """A figure in the form that all of them have; `named` shows the legend."""
    figure.update_layout(
        height=height,
        margin={"l": 60, "r": 10, "t": 30 if named else 10, "b": 30},
        showlegend=named,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hovermode="closest",
    )
    figure.update_yaxes(title=title, tickformat=tickformat, rangemode="tozero", automargin=True)
    return figure


def _add_band(figure: Figure, frame: polars.DataFrame, line: Line, days: list[Any]) -> None:
    low, high = line.band or ("", "")
    hidden = {"mode": "lines", "line": {"width": 0}, "showlegend": False, "hoverinfo": "skip"}
    red, green, blue = (int(line.colour[place : place + 2], 16) for place in (1, 3, 5))
    figure.add_scatter(x=days, y=frame[low].to_list(), **hidden)
    figure.add_scatter(
        x=days, y=frame[high].to_list(), fill="tonexty", fillcolor=f"rgba({red},{green},{blue},0.2)", **hidden
    )
