"""The pictures of distributions beside each other that the figure of a feature is put together from."""

from collections.abc import Sequence
from html import escape

import numpy as np
from plotly.graph_objects import Figure

from dashboard.analysis.quantiles import QUANTILES, bar_edges, common_range, quantiles, shares
from dashboard.analysis.sides import Side
from model.profile import Profile

_HOVER = "%{x:,.6g}: %{y:.1%}<extra></extra>"
MOST_LEVELS = 20


def add_bars(figure: Figure, sides: Sequence[Side], axis: str, row: int = 1, column: int = 1) -> None:
    """Histograms of the first side and of the last one on the same bars."""
    base, now = sides[0], sides[-1]
    edges = bar_edges([base.profile, now.profile])
    bars, steps = shares(base.profile, edges), shares(now.profile, edges)
    figure.add_bar(
        x=(edges[1:] + edges[:-1]) / 2, y=bars, width=float(edges[1] - edges[0]), name=base.name,
        legendgroup=base.name, marker={"color": base.colour, "opacity": 0.45},
        hovertemplate=f"{base.name}<br>{_HOVER}", row=row, col=column,
    )  # fmt: skip
    figure.add_scatter(
        x=edges, y=[*steps, 0.0], name=now.name, legendgroup=now.name, mode="lines",
        line={"color": now.colour, "shape": "hv", "width": 2}, hovertemplate=f"{now.name}<br>{_HOVER}",
        row=row, col=column,
    )  # fmt: skip
    figure.update_xaxes(title=axis, row=row, col=column)
    figure.update_yaxes(title="share of rows", tickformat=".0%", row=row, col=column)


def add_steps(
    figure: Figure, sides: Sequence[Side], axis: str, row: int = 1, column: int = 1, *, named: bool = True
) -> None:
    """Empirical distribution functions; without `named` only what lies between the first and the last has its name."""
    levels = np.linspace(0, 1, 301)
    sides = [side for side in sides if len(side.profile.values)]
    for place, side in enumerate(sides):
        between = 0 < place < len(sides) - 1
        figure.add_scatter(
            x=quantiles(side.profile, levels), y=levels, name=side.name, mode="lines", legendgroup=side.name,
            showlegend=named or between,
            line={"color": side.colour, "shape": "hv", "dash": "dot" if between else "solid"},
            hovertemplate=f"{side.name}<br>%{{y:.0%}} up to %{{x:,.6g}}<extra></extra>", row=row, col=column,
        )  # fmt: skip
    low, high = common_range([side.profile for side in sides])
    room = 0.02 * (high - low) or 0.5
    figure.update_xaxes(title=axis, range=[low - room, high + room], row=row, col=column)
    figure.update_yaxes(title="share of values", tickformat=".0%", row=row, col=column)


def add_boxes(figure: Figure, sides: Sequence[Side], axis: str, row: int = 1, column: int = 1) -> None:
    """Box plots side by side."""
    for side in sides:
        if not len(side.profile.values):
            continue
        low, first, median, third, high = quantiles(side.profile, QUANTILES).tolist()
        figure.add_box(
            y=[side.name], q1=[first], median=[median], q3=[third], lowerfence=[low], upperfence=[high],
            name=side.name, orientation="h", marker_color=side.colour, legendgroup=side.name, showlegend=False,
            row=row, col=column,
        )  # fmt: skip
    figure.update_xaxes(title=axis, row=row, col=column)
    figure.update_yaxes(autorange="reversed", row=row, col=column)


def add_levels(figure: Figure, labels: Sequence[str], sides: Sequence[Side], row: int = 1, column: int = 1) -> None:
    """Bars by bin, those of rare, unseen and missing ones too; of many levels the most frequent ones."""
    frequent = _shown([sides[0].profile, sides[-1].profile])
    for side in sides:
        rows = max(1, side.profile.rows)
        rest = side.profile.rows - int(side.profile.counts[frequent].sum())
        # Plotly takes what looks like a tag in a name for one.
        bars = [(escape(labels[place], quote=False), int(side.profile.counts[place])) for place in frequent]
        bars += [(f"{len(labels) - len(frequent)} further levels", rest)] if len(frequent) < len(labels) else []
        figure.add_bar(
            x=[level for level, _ in bars], y=[count / rows for _, count in bars], name=side.name,
            marker_color=side.colour, legendgroup=side.name,
            hovertemplate=f"{side.name}<br>%{{x}}: %{{y:.1%}}<extra></extra>", row=row, col=column,
        )  # fmt: skip
    figure.update_layout(barmode="group")
    figure.update_xaxes(type="category", row=row, col=column)
    figure.update_yaxes(title="share of rows", tickformat=".0%", row=row, col=column)


def _shown(profiles: Sequence[Profile]) -> list[int]:
    """Places of the most frequent levels of any profile in their order, then rare, unseen and missing ones."""
    most = np.max([profile.counts / max(1, profile.rows) for profile in profiles], axis=0)
    levels = max(0, len(most) - 3)
    chosen = sorted(range(levels), key=lambda place: -most[place])[:MOST_LEVELS]
    return [*sorted(chosen), *range(levels, len(most))]
