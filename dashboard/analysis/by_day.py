"""The pictures of a feature by day that its figure is put together from."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time, timedelta

import numpy as np
import polars
from plotly.graph_objects import Figure

from dashboard.analysis.quantiles import QUARTILES, quantiles
from dashboard.analysis.sides import PERIOD, TRAINING
from model.profile import Profile

LINES: Mapping[str, tuple[str, str]] = {
    "psi": ("PSI", "#0072B2"),
    "ks": ("KS", "#E69F00"),
    "wasserstein": ("Wasserstein", "#009E73"),
    "chi_squared": ("chi-squared", "#56B4E9"),
    "missing_share": ("missing", "#CC79A7"),
    "unseen_share": ("never seen", "#D55E00"),
}
# Greys that are seen on white and on black.
BEYOND, BESIDE = "#7F7F7F", "#8C8C8C"
# From so many days on signs are smaller.
MANY_DAYS = 100
SHADE = "rgba(213,94,0,0.10)"
# A statistic below a hundredth of its limit is drawn there: a logarithmic axis has no zero.
FLOOR = 0.01


def add_middle(
    figure: Figure,
    quartiles: Mapping[date, Sequence[float]],
    training: Profile | None,
    beyond: Collection[date],
    axis: str,
    row: int = 1,
    column: int = 1,
) -> None:
    """The quartiles of every day beside those of training; days `beyond` a limit are marked."""
    days = list(quartiles)
    found = np.array([quartiles[day] for day in days]).reshape(-1, 3)
    at = {"row": row, "col": column}
    hidden = {"mode": "lines", "line": {"width": 0}, "showlegend": False, "hoverinfo": "skip", **at}
    figure.add_scatter(x=days, y=found[:, 0], **hidden)
    figure.add_scatter(x=days, y=found[:, 2], fill="tonexty", fillcolor="rgba(86,180,233,0.3)", **hidden)
    marked = [day in beyond for day in days]
    figure.add_scatter(
        x=days, y=found[:, 1], mode="lines+markers", line={"color": BESIDE, "width": 1}, showlegend=False,
        marker={
            "color": [PERIOD if mark else BESIDE for mark in marked],
            "symbol": ["diamond" if mark else "circle" for mark in marked],
            "size": 6 if len(days) <= MANY_DAYS else 4,
        },
        hovertemplate="%{x|%Y-%m-%d}<br>median %{y:,.6g}<extra></extra>", **at,
    )  # fmt: skip
    levels = quantiles(training, QUARTILES).tolist() if training and len(training.values) else []
    for level, dash in zip(levels, ("dot", "dash", "dot"), strict=False):
        figure.add_hline(y=level, line={"color": TRAINING, "dash": dash, "width": 1}, **at)
    figure.update_yaxes(title=axis, **at)


def add_over_time(figure: Figure, drift: polars.DataFrame, row: int = 1, column: int = 1) -> None:
    """Every statistic of a feature by day, divided by its limit."""
    for statistic, (name, colour) in LINES.items():
        days = drift.filter(polars.col("statistic") == statistic, polars.col("value").is_not_null())
        days = days.filter(polars.col("threshold") > 0)
        if not (days["value"] > 0).any():
            continue
        signs = ["circle" if drifted else "circle-open" for drifted in days["drifted"]]
        figure.add_scatter(
            x=days["batch_date"].to_list(), y=[max(FLOOR, value) for value in days["value"] / days["threshold"]],
            customdata=days["value"].to_list(), name=name, mode="lines+markers", line={"color": colour, "width": 1.5},
            marker={"size": 7 if days.height <= MANY_DAYS else 4, "color": colour, "symbol": signs}, legend="legend2",
            hovertemplate=f"%{{x|%Y-%m-%d}}<br>{name} %{{customdata:.4g}}, %{{y:.2f}} times its limit<extra></extra>",
            row=row, col=column,
        )  # fmt: skip
    figure.add_hline(y=1, line={"color": BEYOND, "dash": "dash", "width": 1}, row=row, col=column)
    figure.update_yaxes(type="log", title="times its limit", dtick="D2", row=row, col=column)


def add_shade(figure: Figure, dates: Sequence[date], row: int, column: int) -> None:
    """Shades the period, so that the batches before it are told from it."""
    half = timedelta(hours=12)
    first, last = (datetime.combine(day, time(0)) for day in (dates[0], dates[-1]))
    figure.add_vrect(x0=first - half, x1=last + half, fillcolor=SHADE, line_width=0, layer="below", row=row, col=column)
