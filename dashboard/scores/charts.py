"""Pictures of how scores and bands are spread, and of what moved: pure functions from frames to plotly figures."""

from collections.abc import Mapping, Sequence

import polars
from plotly.graph_objects import Figure

from dashboard.charts import finished, stacked_over_time
from dashboard.colours import BLUE, GREY, ORANGE

ONE_DAY = 86_400_000


def stacked_by_day(frame: polars.DataFrame, colours: Mapping[str, str], title: str, tickformat: str) -> Figure:
    """The columns named by `colours` stacked by batch date."""
    parts = {name: (name, colour) for name, colour in colours.items()}
    figure = stacked_over_time(frame, parts, title, tickformat)
    figure.update_layout(legend_traceorder="normal")
    figure.update_xaxes(title="batch date", automargin=True)
    if tickformat.endswith("%"):
        figure.update_yaxes(range=[0, 1])
    if frame.height < 8:
        figure.update_xaxes(dtick=ONE_DAY, tickformat="%Y-%m-%d")
    if frame.height == 1:
        # The width of a bar alone on an axis of dates would be a thousandth of a second.
        figure.update_traces(width=ONE_DAY / 2)
    return figure


def histogram(
    width: int,
    now: polars.DataFrame,
    earlier: polars.DataFrame | None,
    cutoffs: Mapping[str, int],
    names: Sequence[str],
) -> Figure:
    """Shares of applications by score, `width` points a bar: bars for now, a stepped line for what it is compared with.

    `cutoffs` are drawn at the lowest score of each decision; `names` are those of now and of earlier.
    """
    figure = Figure()
    middle = (width - 1) / 2
    figure.add_bar(
        x=(now["lowest"] + middle).to_list(), y=now["share"].to_list(), width=width, name=names[0],
        marker={"color": BLUE, "line": {"width": 0}}, customdata=_spans(now, width),
        hovertemplate=f"score %{{customdata}}<br>{names[0]} %{{y:.2%}}<extra></extra>",
    )  # fmt: skip
    if earlier is not None:
        whole = _without_gaps(earlier, width)
        figure.add_scatter(
            x=(whole["lowest"] + middle).to_list(), y=whole["share"].to_list(), name=names[1], mode="lines",
            line={"color": ORANGE, "width": 2.5, "shape": "hvh"}, customdata=_spans(whole, width),
            hovertemplate=f"score %{{customdata}}<br>{names[1]} %{{y:.2%}}<extra></extra>",
        )  # fmt: skip
    for place, (name, cutoff) in enumerate(cutoffs.items()):
        _add_cutoff(figure, name, cutoff, left=place > 0)
    finished(figure, "share of applications", ".1%", named=True, height=340)
    figure.update_layout(bargap=0, margin_t=60, legend_y=1.1)
    figure.update_xaxes(title="score (points; higher is safer)", automargin=True)
    return figure


def paired_bars(frame: polars.DataFrame, names: Sequence[str]) -> Figure:
    """The share of each band earlier and now, side by side; `names` are those of now and of earlier."""
    figure = Figure()
    bands = frame["band"].to_list()
    for column, name, colour, pattern in (("earlier", names[1], GREY, "/"), ("now", names[0], BLUE, "")):
        figure.add_bar(
            x=bands, y=frame[column].to_list(), name=name, texttemplate="%{y:.0%}", textposition="outside",
            marker={"color": colour, "pattern": {"shape": pattern, "size": 6}, "line": {"width": 0}},
            hovertemplate=f"band %{{x}}<br>{name} %{{y:.2%}}<extra></extra>", cliponaxis=False,
        )  # fmt: skip
    figure.update_layout(barmode="group", bargap=0.25)
    finished(figure, "share of applications", ".0%", named=True)
    figure.update_xaxes(title="band, safest first", type="category", automargin=True)
    return figure


def _add_cutoff(figure: Figure, name: str, cutoff: int, *, left: bool) -> None:
    # The labels of two cutoffs, which may lie close together, stand away from each other.
    figure.add_vline(
        x=cutoff - 0.5,
        line={"color": GREY, "dash": "dash", "width": 1.5},
        annotation_text=f"{name} from {cutoff}",
        annotation_position="top left" if left else "top right",
        annotation_yanchor="bottom",
        annotation_font_size=12,
    )


def _spans(frame: polars.DataFrame, width: int) -> list[str]:
    return [str(low) if width == 1 else f"{low} to {low + width - 1}" for low in frame["lowest"].to_list()]


def _without_gaps(frame: polars.DataFrame, width: int) -> polars.DataFrame:
    """With the bars that nothing fell into, and an empty one at either end."""
    low, high = int(frame["lowest"].min()), int(frame["lowest"].max())  # type: ignore[arg-type]  # integers
    every = polars.DataFrame({"lowest": range(low - width, high + 2 * width, width)}, schema={"lowest": polars.Int64})
    return every.join(frame, on="lowest", how="left").with_columns(polars.col("share").fill_null(0)).sort("lowest")
