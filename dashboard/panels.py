"""The single pictures that the figure of a feature is put together from."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta

import numpy as np
import polars
from plotly.graph_objects import Figure

from dashboard.drift_analysis import FeatureAnalysis
from dashboard.quantiles import bar_edges, common_range, quantiles, shares
from model.profile import Profile

# Okabe and Ito, "Color universal design" (2008).
TRAINING, PERIOD, BEFORE, BEYOND = "#0072B2", "#D55E00", "#009E73", "#000000"
LINES: Mapping[str, tuple[str, str]] = {
    "psi": ("PSI", "#0072B2"),
    "ks": ("KS", "#E69F00"),
    "wasserstein": ("Wasserstein", "#009E73"),
    "chi_squared": ("chi-squared", "#56B4E9"),
    "missing_share": ("missing", "#CC79A7"),
    "unseen_share": ("never seen", "#D55E00"),
}
SHADE = "rgba(213,94,0,0.10)"
# A statistic below a hundredth of its limit is drawn there: a logarithmic axis has no zero.
FLOOR = 0.01
_HOVER = "%{x:,.6g}: %{y:.1%}<extra></extra>"
MOST_LEVELS = 20


def add_bars(figure: Figure, item: FeatureAnalysis) -> None:
    """Histograms of training and period on the same bars."""
    training, now = item.reference.profile, item.period
    edges = bar_edges([training, now])
    bars, steps = shares(training, edges), shares(now, edges)
    figure.add_bar(
        x=(edges[1:] + edges[:-1]) / 2, y=bars, width=float(edges[1] - edges[0]), name="training",
        legendgroup="training", marker={"color": TRAINING, "opacity": 0.45}, hovertemplate=f"training<br>{_HOVER}",
        row=1, col=1,
    )  # fmt: skip
    figure.add_scatter(
        x=edges, y=[*steps, 0.0], name="period", legendgroup="period", mode="lines",
        line={"color": PERIOD, "shape": "hv", "width": 2}, hovertemplate=f"period<br>{_HOVER}", row=1, col=1,
    )  # fmt: skip
    figure.update_xaxes(title=item.axis, row=1, col=1)
    figure.update_yaxes(title="share of rows", tickformat=".0%", row=1, col=1)


def add_steps(figure: Figure, item: FeatureAnalysis) -> None:
    """Empirical distribution functions of training, the batches before and the period."""
    levels = np.linspace(0, 1, 301)
    sides = [side for side in sides_of(item) if len(side[1].values)]
    for name, profile, colour in sides:
        figure.add_scatter(
            x=quantiles(profile, levels), y=levels, name=name, mode="lines", legendgroup=name,
            showlegend=name == "batches before",
            line={"color": colour, "shape": "hv", "dash": "dot" if name == "batches before" else "solid"},
            hovertemplate=f"{name}<br>%{{y:.0%}} up to %{{x:,.6g}}<extra></extra>", row=1, col=2,
        )  # fmt: skip
    low, high = common_range([profile for _, profile, _ in sides])
    room = 0.02 * (high - low) or 0.5
    figure.update_xaxes(title=item.axis, range=[low - room, high + room], row=1, col=2)
    figure.update_yaxes(title="share of values", tickformat=".0%", row=1, col=2)


def add_boxes(figure: Figure, item: FeatureAnalysis) -> None:
    """Box plots side by side."""
    for name, profile, colour in sides_of(item):
        if not len(profile.values):
            continue
        low, first, median, third, high = quantiles(profile, [0.05, 0.25, 0.5, 0.75, 0.95]).tolist()
        figure.add_box(
            y=[name], q1=[first], median=[median], q3=[third], lowerfence=[low], upperfence=[high], name=name,
            orientation="h", marker_color=colour, legendgroup=name, showlegend=False, row=2, col=1,
        )  # fmt: skip
    figure.update_xaxes(title=item.axis, row=2, col=1)
    figure.update_yaxes(autorange="reversed", row=2, col=1)


def add_middle(figure: Figure, item: FeatureAnalysis) -> None:
    """The quartiles of every day beside those of training."""
    days = [day for day, profile in item.by_day.items() if len(profile.values)]
    found = np.array([quantiles(item.by_day[day], [0.25, 0.5, 0.75]) for day in days]).reshape(-1, 3)
    hidden = {"mode": "lines", "line": {"width": 0}, "showlegend": False, "hoverinfo": "skip", "row": 2, "col": 2}
    figure.add_scatter(x=days, y=found[:, 0], **hidden)
    figure.add_scatter(x=days, y=found[:, 2], fill="tonexty", fillcolor="rgba(86,180,233,0.3)", **hidden)
    beyond = {*item.exceeded_before, *item.exceeded}
    figure.add_scatter(
        x=days, y=found[:, 1], mode="lines+markers", line={"color": "#555555", "width": 1}, showlegend=False,
        marker={"color": [PERIOD if day in beyond else "#555555" for day in days], "size": 6},
        hovertemplate="%{x|%Y-%m-%d}<br>median %{y:,.6g}<extra></extra>", row=2, col=2,
    )  # fmt: skip
    for level, dash in zip(quantiles(item.reference.profile, [0.25, 0.5, 0.75]), ("dot", "dash", "dot"), strict=True):
        figure.add_hline(y=float(level), line={"color": TRAINING, "dash": dash, "width": 1}, row=2, col=2)
    figure.update_yaxes(title=item.axis, row=2, col=2)


def add_over_time(figure: Figure, drift: polars.DataFrame, row: int) -> None:
    """Every statistic of a feature by day, divided by its limit."""
    for statistic, (name, colour) in LINES.items():
        days = drift.filter(polars.col("statistic") == statistic, polars.col("value").is_not_null())
        days = days.filter(polars.col("threshold") > 0)
        if not (days["value"] > 0).any():
            continue
        fill = [colour if drifted else "#FFFFFF" for drifted in days["drifted"]]
        figure.add_scatter(
            x=days["batch_date"].to_list(), y=[max(FLOOR, value) for value in days["value"] / days["threshold"]],
            customdata=days["value"].to_list(), name=name, mode="lines+markers", line={"color": colour, "width": 1.5},
            marker={"size": 7, "color": fill, "line": {"color": colour, "width": 1.5}}, legend="legend2",
            hovertemplate=f"%{{x|%Y-%m-%d}}<br>{name} %{{customdata:.4g}}, %{{y:.2f}} times its limit<extra></extra>",
            row=row, col=1,
        )  # fmt: skip
    figure.add_hline(y=1, line={"color": BEYOND, "dash": "dash", "width": 1}, row=row, col=1)
    figure.update_yaxes(type="log", title="times its limit", dtick="D2", row=row, col=1)


def add_levels(figure: Figure, item: FeatureAnalysis) -> None:
    """Bars by level, those of rare, unseen and missing ones too."""
    labels, frequent = list(item.reference.bins.labels), _shown(item)
    for name, profile, colour in sides_of(item):
        rows = max(1, profile.rows)
        rest = profile.rows - int(profile.counts[frequent].sum())
        bars = [(labels[place], int(profile.counts[place])) for place in frequent]
        bars += [(f"{len(labels) - len(frequent)} further levels", rest)] if len(frequent) < len(labels) else []
        figure.add_bar(
            x=[level for level, _ in bars], y=[count / rows for _, count in bars], name=name, marker_color=colour,
            legendgroup=name, hovertemplate=f"{name}<br>%{{x}}: %{{y:.1%}}<extra></extra>", row=1, col=1,
        )  # fmt: skip
    figure.update_layout(barmode="group")
    figure.update_xaxes(type="category", row=1, col=1)
    figure.update_yaxes(title="share of rows", tickformat=".0%", row=1, col=1)


def add_shade(figure: Figure, dates: Sequence[date], row: int, column: int) -> None:
    """Shades the period, so that the batches before it are told from it."""
    half = timedelta(hours=12)
    first, last = (datetime.combine(day, time(0)) for day in (dates[0], dates[-1]))
    figure.add_vrect(x0=first - half, x1=last + half, fillcolor=SHADE, line_width=0, layer="below", row=row, col=column)


def sides_of(item: FeatureAnalysis) -> list[tuple[str, Profile, str]]:
    """What is compared: name, profile and colour."""
    before = [("batches before", item.before, BEFORE)] if item.before else []
    return [("training", item.reference.profile, TRAINING), *before, ("period", item.period, PERIOD)]


def _shown(item: FeatureAnalysis) -> list[int]:
    """Places of the most frequent levels of either side in their order, then rare, unseen and missing ones."""
    most = np.maximum(
        item.reference.counts / max(1, item.reference.counts.sum()), item.period.counts / max(1, item.period.rows)
    )
    levels = len(most) - 3
    chosen = sorted(range(levels), key=lambda place: -most[place])[:MOST_LEVELS]
    return [*sorted(chosen), *range(levels, len(most))]
