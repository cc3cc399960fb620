"""Pictures of approvals by group: pure functions from a frame to a plotly figure."""

from collections.abc import Sequence

import polars
from plotly.graph_objects import Figure

from dashboard.charts import add_limit, finished
from dashboard.colours import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION
from dashboard.performance.groups import compared
from dashboard.performance.vintage_charts import (
    APART,
    OF_VINTAGE,
    SYMBOLS,
    Mark,
    Values,
    add_points,
    places_of,
    with_places,
)
from model.fairness import FOUR_FIFTHS

COLOURS = (BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE, GREY)
RATE = ("approval_rate", "approval_low", "approval_high")
RATIO = ("impact_ratio", "impact_low", "impact_high")
APPROVAL_AXIS, RATIO_AXIS = "approval rate (share of rows)", "impact ratio (1 is equal)"
LIMIT = "four fifths"
NO_POINT = (None, None, None)


def approval_by_group(groups: polars.DataFrame, title: str) -> Figure:
    """Approval rate of each group with its 95 % interval; groups that are not compared have a mark of their own."""
    figure = Figure()
    values = groups.select(*RATE).rows()
    known = [compared(row) for row in groups.iter_rows(named=True)]
    _add_two(figure, values, known, (Mark("not compared", GREY, "x-thin"), Mark("compared", BLUE, "circle")), ".1%")
    finished(figure, APPROVAL_AXIS, ".0%", named=not all(known), height=340)
    return with_places(figure, groups["group_name"].to_list(), title)


def impact_by_group(groups: polars.DataFrame, title: str) -> Figure:
    """Impact ratio of each group with its 95 % interval, and the four fifths; None of groups that are not compared."""
    figure = Figure()
    below = groups["below_four_fifths"].to_list()
    marks = (Mark("not surely below", BLUE, "circle"), Mark("surely below four fifths", VERMILION, "diamond"))
    _add_two(figure, groups.select(*RATIO).rows(), below, marks, ".2f")
    finished(figure, RATIO_AXIS, ".1f", named=any(below), height=340)
    add_limit(figure, FOUR_FIFTHS, LIMIT)
    return with_places(figure, groups["group_name"].to_list(), title)


def groups_over_vintages(fairness: polars.DataFrame, columns: Sequence[str], title: str, tickformat: str) -> Figure:
    """A line for each group over vintages and models; `columns` are the value with the limits of its interval."""
    figure = Figure()
    places = fairness.select("vintage", "model_version").unique(maintain_order=True)
    names = fairness.sort("group_place")["group_name"].unique(maintain_order=True).to_list()
    for number, name in enumerate(names):
        rows = places.join(
            fairness.filter(polars.col("group_name") == name), on=places.columns, how="left", maintain_order="left"
        )
        shift = APART * (number - (len(names) - 1) / 2) / 2
        mark = Mark(name, COLOURS[number % len(COLOURS)], SYMBOLS[number % len(SYMBOLS)], shift, joined=True)
        add_points(figure, rows.select(*columns).rows(), mark, tickformat)
    finished(figure, title, tickformat, named=True, height=380)
    return with_places(figure, places_of(places), OF_VINTAGE)


def _add_two(
    figure: Figure, values: Sequence[Values], is_second: Sequence[bool], marks: tuple[Mark, Mark], tickformat: str
) -> None:
    """Points that have the second mark where it is said so, and the first one elsewhere; marks without any are left."""
    for mark, wanted in zip(marks, (False, True), strict=True):
        if wanted in is_second:
            shown = [value if second == wanted else NO_POINT for value, second in zip(values, is_second, strict=True)]
            add_points(figure, shown, mark, tickformat)
