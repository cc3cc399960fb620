"""Pictures of performance by vintage: pure functions from a frame to a plotly figure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from html import escape
from typing import Any

import polars
from plotly.graph_objects import Figure

from dashboard.charts import finished
from dashboard.colours import BLUE, GREY, ORANGE
from dashboard.performance.vintages import Metric

# What belongs to one place stands beside each other, so that intervals do not cover each other.
APART = 0.12
SYMBOLS = ("circle", "diamond-open", "square", "x", "triangle-up", "star", "triangle-down-open", "hexagon-open")
OF_VINTAGE = "vintage (month of the batch dates)"

# A value with the lower and the upper end of its interval.
Values = tuple[float | None, float | None, float | None]


@dataclass(frozen=True)
class Mark:
    """How points are told apart: name, colour, symbol, where they stand beside their place, and whether lines do."""

    name: str
    colour: str
    symbol: str
    shift: float = 0.0
    joined: bool = False


ESTIMATED, REALISED = Mark("estimated", ORANGE, "diamond-open", -APART), Mark("realised", BLUE, "circle", APART)


def performance_over_vintages(
    figures: polars.DataFrame, metric: Metric, trained: Sequence[float | None], written: str = "%b %Y"
) -> Figure:
    """One figure of each vintage and model (rows of `figures_of`), estimated beside realised with 95 % intervals.

    `trained` is what the model of each row did out of time at training.
    """
    figure = Figure()
    for mark in (ESTIMATED, REALISED):
        values = figures.select(mark.name, f"{mark.name}_low", f"{mark.name}_high").rows()
        add_points(figure, values, mark, metric.tickformat)
    _add_trained(figure, trained, metric.tickformat)
    finished(figure, metric.axis, metric.tickformat, named=True, height=340)
    # Points tell by where they stand, not by how far they are from zero.
    figure.update_yaxes(rangemode="normal")
    return with_places(figure, places_of(figures, written), OF_VINTAGE)


def calibration_by_band(calibration: polars.DataFrame) -> Figure:
    """Expected beside observed default rate of each band (rows of `calibration_of`), with 95 % intervals."""
    figure = Figure()
    expected = [(value, None, None) for value in calibration["expected"]]
    add_points(figure, expected, replace(ESTIMATED, name="expected"), ".1%")
    add_points(figure, calibration.select("observed", "low", "high").rows(), replace(REALISED, name="observed"), ".1%")
    finished(figure, "default rate (share of rows)", ".0%", named=True, height=340)
    return with_places(figure, calibration["band"].to_list(), "band, safest first")


def add_points(figure: Figure, values: Sequence[Values], mark: Mark, tickformat: str) -> None:
    """Points at the places 0, 1, … moved by the mark's shift; each is a value with its interval, if it has one."""
    name = escape(mark.name)
    figure.add_scatter(
        x=[place + mark.shift for place in range(len(values))],
        y=[value for value, _, _ in values],
        name=name,
        mode="lines+markers" if mark.joined else "markers",
        marker={"color": mark.colour, "symbol": mark.symbol, "size": 8, "line": {"width": 2, "color": mark.colour}},
        line={"color": mark.colour, "width": 1.5},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [_reach(value, high) for value, _, high in values],
            "arrayminus": [_reach(low, value) for value, low, _ in values],
            "thickness": 1.5,
            "width": 5,
        },
        customdata=[_span(low, high, tickformat) for _, low, high in values],
        hovertemplate=f"{name} %{{y:{tickformat}}} (%{{customdata}})<extra></extra>",
    )


def with_places(figure: Figure, names: Sequence[str], title: str) -> Figure:
    """The figure with names at the places 0, 1, … of its horizontal axis."""
    # With only one or two, they would stand at the far ends.
    margin = 0.5 if len(names) > 2 else 1.0
    figure.update_xaxes(
        title=title,
        tickvals=list(range(len(names))),
        ticktext=[escape(name) for name in names],
        range=[-margin, len(names) - 1 + margin],
        zeroline=False,
        automargin=True,
    )
    return figure


def places_of(figures: polars.DataFrame, written: str = "%b %Y") -> list[str]:
    """A name for each row's vintage, with the end of the model's name where a vintage has several of them."""
    return [
        f"{vintage:{written}}{f' · {version[-4:]}' if twice else ''}"
        for vintage, version, twice in figures.select(
            "vintage", "model_version", polars.col("vintage").is_duplicated().alias("twice")
        ).iter_rows()
    ]


def vintage_name(vintage: date) -> str:
    """A vintage as the address holds it: `2026-06`."""
    return f"{vintage:%Y-%m}"


def _add_trained(figure: Figure, trained: Sequence[float | None], tickformat: str) -> None:
    x: list[float | None] = []
    y: list[float | None] = []
    for place, value in enumerate(trained):
        x += [place - 0.4, place + 0.4, None]
        y += [value, value, None]
    line: Mapping[str, Any] = {"color": GREY, "dash": "dash", "width": 2}
    figure.add_scatter(
        x=x, y=y, name="out of time at training", mode="lines", line=line,
        hovertemplate=f"out of time at training %{{y:{tickformat}}}<extra></extra>",
    )  # fmt: skip


def _span(low: float | None, high: float | None, tickformat: str) -> str:
    return "no interval" if low is None or high is None else f"{low:{tickformat}} to {high:{tickformat}}"


def _reach(low: float | None, high: float | None) -> float | None:
    return None if low is None or high is None else high - low
