"""Pictures of the gate and of the monitors: pure functions from a frame to a plotly figure."""

from itertools import cycle

import polars
from plotly.graph_objects import Figure

from dashboard.charts import DAY, finished
from dashboard.colours import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION
from dashboard.quality.tables import is_at_most, is_share, unit_of

_RULES = (BLUE, ORANGE, GREEN, SKY, PURPLE, GREY)
# From the seventh rule on, colours come again with another pattern.
_PATTERNS = ("", "/", ".", "x")
_LINE = {"color": BLUE, "width": 2}
_LIMIT = {"color": GREY, "width": 1.5, "dash": "dash"}
_FAILED = {"color": VERMILION, "size": 11, "symbol": "x"}


def rules_over_time(counts: polars.DataFrame) -> Figure:
    """Records of quarantine by batch date, stacked by rule, the most frequent rule at the bottom."""
    figure = Figure()
    days = counts.group_by("rule", "batch_date").agg(polars.col("rows").sum()).sort("batch_date")
    rules = days.group_by("rule").agg(polars.col("rows").sum()).sort("rows", "rule", descending=[True, False])["rule"]
    styles = cycle((colour, pattern) for pattern in _PATTERNS for colour in _RULES)
    for rule, (colour, pattern) in zip(rules, styles, strict=False):
        part = days.filter(polars.col("rule") == rule)
        figure.add_bar(
            x=part["batch_date"].to_list(), y=part["rows"].to_list(), name=rule,
            marker={"color": colour, "line": {"width": 0}, "pattern": {"shape": pattern}},
            hovertemplate=f"{DAY}<br>{rule} %{{y:,d}}<extra></extra>",
        )  # fmt: skip
    figure.update_layout(barmode="stack", bargap=0.1)
    figure.update_xaxes(title="batch date")
    return finished(figure, "broken rules (count)", ",d", named=True, height=320)


def share_over_time(shares: polars.DataFrame) -> Figure:
    """The share of the rows received that is quarantined, with the share the gate allows; blocked batches marked."""
    figure = Figure()
    passed = shares.filter(polars.col("status") == "published")
    figure.add_scatter(
        x=passed["batch_date"].to_list(), y=passed["observed"].to_list(), name="quarantined", mode="lines+markers",
        line=_LINE, marker={"size": 4 if passed.height > 60 else 6}, customdata=_rows(passed), hovertemplate=_SHARE,
    )  # fmt: skip
    blocked = shares.filter(polars.col("status") == "blocked")
    if blocked.height:
        figure.add_scatter(
            x=blocked["batch_date"].to_list(), y=blocked["observed"].to_list(), name="batch blocked", mode="markers",
            marker=_FAILED, customdata=_rows(blocked), hovertemplate=_SHARE,
        )  # fmt: skip
    _add_limit(figure, shares, "allowed", ".1%")
    figure.update_xaxes(title="batch date")
    return finished(figure, "share of rows received", ".1%", named=True)


def check_over_time(checks: polars.DataFrame, name: str) -> Figure:
    """What a check observed by batch against its threshold; where it was not passed is marked."""
    figure, form = Figure(), ".1%" if is_share(name) else ",d"
    observed = checks.filter(polars.col("check_name") == name).sort("batch_date")
    failed = observed.filter(~polars.col("passed"))
    _add_points(figure, observed, "observed", "observed", form)
    if failed.height:
        _add_marks(figure, failed, "observed", "not passed", form)
    _add_limit(figure, observed, f"at {'most' if is_at_most(name) else 'least'}", form)
    figure.update_xaxes(title="batch date")
    return finished(figure, unit_of(name), form, named=True)


def monitor_over_time(seen: polars.DataFrame, monitor: str) -> Figure:
    """What a monitor saw by batch (value, expected, threshold, flagged)."""
    figure, form = Figure(), ".1%" if is_share(monitor) else ",.4~g"
    _add_points(figure, seen, "value", "observed", form)
    if seen["expected"].is_not_null().any():
        figure.add_scatter(
            x=seen["batch_date"].to_list(), y=seen["expected"].to_list(), name="expected", mode="lines",
            line={"color": ORANGE, "width": 1.5, "dash": "dot"},
            hovertemplate=f"{DAY}<br>expected %{{y:{form}}}<extra></extra>",
        )  # fmt: skip
    _add_limit(figure, seen, "limit", form)
    flagged = seen.filter("flagged")
    if flagged.height:
        _add_marks(figure, flagged, "value", "flagged", form)
    figure.update_xaxes(title="batch date")
    return finished(figure, unit_of(monitor), form, named=True)


_SHARE = f"{DAY}<br>%{{y:.2%}} of the rows received (%{{customdata:,d}} rows)<extra></extra>"


def _rows(shares: polars.DataFrame) -> list[int]:
    return shares["rows_quarantined"].to_list()


def _add_points(figure: Figure, frame: polars.DataFrame, column: str, name: str, form: str) -> None:
    figure.add_scatter(
        x=frame["batch_date"].to_list(), y=frame[column].to_list(), name=name, mode="lines+markers",
        line=_LINE, marker={"size": 4 if frame.height > 60 else 6},
        hovertemplate=f"{DAY}<br>{name} %{{y:{form}}}<extra></extra>",
    )  # fmt: skip


def _add_marks(figure: Figure, frame: polars.DataFrame, column: str, name: str, form: str) -> None:
    figure.add_scatter(
        x=frame["batch_date"].to_list(), y=frame[column].to_list(), name=name, mode="markers", marker=_FAILED,
        hovertemplate=f"{DAY}<br>{name}: %{{y:{form}}}<extra></extra>",
    )  # fmt: skip


def _add_limit(figure: Figure, frame: polars.DataFrame, name: str, form: str) -> None:
    known = frame.filter(polars.col("threshold").is_not_null())
    if known.height:
        figure.add_scatter(
            x=known["batch_date"].to_list(), y=known["threshold"].to_list(), name=name, line=_LIMIT,
            # A single day is a point.
            mode="lines" if known.height > 1 else "markers", marker={"color": GREY, "symbol": "line-ew-open"},
            hovertemplate=f"{DAY}<br>{name} %{{y:{form}}}<extra></extra>",
        )  # fmt: skip
