"""The picture of all features by day: a pure function from frames to a plotly figure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import polars
from plotly.graph_objects import Figure, Heatmap
from plotly.subplots import make_subplots

from dashboard.analysis.by_day import MANY_DAYS
from dashboard.colours import GREY, ORANGE, VERMILION
from dashboard.drift.days import LEVELS, every_day, marked
from dashboard.drift.figures import finished

# As a multiple of the limit: blue up to it, orange beyond; what is small lets the page show through.
MOST = 3
SCALE = [
    [0, "rgba(86,180,233,0.08)"],
    [0.333, "rgba(0,114,178,0.75)"],
    [0.334, "rgba(230,159,0,0.85)"],
    [1, "rgba(213,94,0,1)"],
]
SIGNS = {
    "none": ("circle-open", GREY),
    "warning": ("triangle-up", ORANGE),
    "critical": ("square", VERMILION),
    "few": ("line-ew-open", GREY),
}
# On cells of any colour: light with a dark rim, and dark with a light one.
ON_CELLS: tuple[tuple[str, str, str, str], ...] = (
    ("beyond a limit that day", "circle", "#FFFFFF", "#333333"),
    ("drifted", "diamond", "#222222", "#FFFFFF"),
)
ROW = 26


def heat_map(
    labels: Mapping[str, str],
    statistics: polars.DataFrame,
    verdicts: polars.DataFrame,
    levels: polars.DataFrame,
    name: str,
) -> Figure:
    """A statistic (`name`) of each feature (`labels` by name, from top down) by day as a multiple of its limit.

    Above it stands the level of each day. Frames are those of `statistic_by_day.sql`, `verdicts_by_day.sql` and
    `drift_days.levels_by_day`; the last has at least one day.
    """
    days = every_day(levels["batch_date"][0], levels["batch_date"][-1])
    strip, cells = 34, ROW * len(labels) + 10
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, vertical_spacing=8 / (strip + cells), row_heights=[strip, cells]
    )
    _add_levels(figure, levels, len(days))
    figure.add_trace(_cells(labels, statistics, days, name), row=2, col=1)
    _add_marks(figure, labels, verdicts, len(days))
    figure.update_xaxes(range=[_noon(days[0]) - timedelta(days=1), _noon(days[-1])], showgrid=False, zeroline=False)
    figure.update_xaxes(title="batch date", row=2, col=1)
    figure.update_yaxes(showgrid=False, zeroline=False, automargin=True)
    figure.update_yaxes(tickvals=["level"], ticktext=["Level of the day"], row=1, col=1)
    names = list(labels)[::-1]
    figure.update_yaxes(
        tickvals=names, ticktext=[labels[item] for item in names], range=[-0.5, len(names) - 0.5],
        type="category", categoryorder="array", categoryarray=names, row=2, col=1,
    )  # fmt: skip
    return finished(figure, strip + cells + 130)


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12))


def _cells(labels: Mapping[str, str], statistics: polars.DataFrame, days: Sequence[date], name: str) -> Heatmap:
    known = {(row["feature"], row["batch_date"]): row for row in statistics.iter_rows(named=True)}
    names = list(labels)[::-1]
    values = [[_value(known.get((item, day))) for day in days] for item in names]
    edges = [_noon(day) - timedelta(days=1) for day in days]
    return Heatmap(
        x=[*edges, _noon(days[-1])],
        y=names,
        z=[[times for times, _ in row] for row in values],
        text=[[_hover(labels[item], day, name, *cell) for day, cell in zip(days, row, strict=True)]
              for item, row in zip(names, values, strict=True)],
        hovertemplate="%{text}<extra></extra>",
        hoverongaps=False,
        colorscale=SCALE,
        zmin=0,
        zmax=MOST,
        xgap=1 if len(days) <= MANY_DAYS else 0,
        ygap=1,
        colorbar={
            "title": {"text": "times its limit", "side": "right"},
            "tickvals": [0, 1, 2, MOST],
            "ticktext": ["0", "1 (limit)", "2", f"≥ {MOST}"],
            "thickness": 14,
        },
    )  # fmt: skip


def _value(row: Mapping[str, Any] | None) -> tuple[float | None, float | None]:
    """A statistic as a multiple of its limit, and itself."""
    if row is None or row["value"] is None or not row["threshold"]:
        return None, None
    return round(row["value"] / row["threshold"], 3), row["value"]


def _hover(label: str, day: date, name: str, times: float | None, value: float | None) -> str:
    return "" if times is None else f"{label}<br>{day}<br>{name} {value:.4g}, {times:.2f} times its limit"


def _add_levels(figure: Figure, levels: polars.DataFrame, days: int) -> None:
    for key, (sign, colour) in SIGNS.items():
        found = levels.filter(polars.col("level") == key)
        # Quiet days are most of them, and are not to look like a chain.
        size = _size(days) // 2 if key == "none" else _size(days) + 1
        figure.add_scatter(
            x=found["batch_date"].to_list(), y=["level"] * found.height, customdata=found["features_drifted"].to_list(),
            name=LEVELS[key], mode="markers", visible=True if found.height else "legendonly",
            showlegend=bool(found.height),
            marker={"symbol": sign, "color": colour, "size": size, "line": {"width": 1.5, "color": colour}},
            hovertemplate=f"%{{x|%Y-%m-%d}}<br>{LEVELS[key]}<br>features drifted: %{{customdata}}<extra></extra>",
            row=1, col=1,
        )  # fmt: skip


def _add_marks(figure: Figure, labels: Mapping[str, str], verdicts: polars.DataFrame, days: int) -> None:
    found = [(day, feature, drifted) for day, feature, drifted in marked(verdicts) if feature in labels]
    for place, (name, sign, fill, rim) in enumerate(ON_CELLS):
        chosen = [(day, feature) for day, feature, drifted in found if drifted == bool(place)]
        figure.add_scatter(
            x=[day for day, _ in chosen], y=[feature for _, feature in chosen], name=name, mode="markers",
            marker={"symbol": sign, "color": fill, "size": _size(days) - 1, "line": {"width": 1, "color": rim}},
            hoverinfo="skip", showlegend=bool(chosen), row=2, col=1,
        )  # fmt: skip


def _size(days: int) -> int:
    return 9 if days <= 35 else 6 if days <= MANY_DAYS else 4
