"""Pictures of one application's score: where it lies between the cutoffs, and what it is made of."""

from collections.abc import Mapping
from html import escape

import polars
from plotly.graph_objects import Figure

from dashboard.charts import finished
from dashboard.colours import BLUE, DECISIONS, GREY
from model.policy import Policy

ROW = 38


def scale(score: int, policy: Policy, lowest: int, highest: int) -> Figure:
    """The scores there can be, from `lowest` to `highest`, coloured by decision, with a mark at the score."""
    ends = {"decline": (lowest, policy.refer_from), "refer": (policy.refer_from, policy.approve_from)}
    ends["approve"] = (policy.approve_from, highest)
    figure = Figure()
    for decision, (start, end) in ends.items():
        figure.add_bar(
            x=[max(0, end - start)], base=[start], y=[0], orientation="h", width=0.5, name=decision,
            marker={"color": DECISIONS[decision], "line": {"width": 0}}, text=[decision if end > start else ""],
            textposition="inside", insidetextanchor="middle", textangle=0, constraintext="none",
            hovertemplate=f"{decision}: {start} to {max(start, end - (decision != 'approve'))} points<extra></extra>",
        )  # fmt: skip
    figure.add_scatter(
        x=[score], y=[0.42], mode="markers+text", text=[f"score {score}"], textposition="top center", name="score",
        marker={"symbol": "triangle-down", "size": 16, "color": GREY}, textfont={"size": 14},
        hovertemplate=f"score {score}<extra></extra>", cliponaxis=False,
    )  # fmt: skip
    finished(figure, "", named=False, height=140)
    figure.update_layout(barmode="overlay", margin_t=20)
    figure.update_yaxes(visible=False, range=[-0.3, 0.95], rangemode="normal")
    figure.update_xaxes(
        title="score (points; higher is safer)", tickvals=_ticks(policy, lowest, highest), range=[lowest, highest],
        showgrid=False, zeroline=False, automargin=True,
    )  # fmt: skip
    return figure


def points_by_feature(frame: polars.DataFrame) -> Figure:
    """A bar for each feature, its points, in front of the most it could have had; of `explanation.points_of`."""
    figure = Figure()
    titles = frame["feature"].to_list()
    hover = "%{y}<br>%{customdata}<extra></extra>"
    texts = [f"{points} of {most}" for points, most in frame.select("points", "most").iter_rows()]
    said = [f"{escape(value)}, bin {escape(bin_)}: {text} points" for (value, bin_), text in zip(
        frame.select("value", "bin").iter_rows(), texts, strict=True)]  # fmt: skip
    parts: Mapping[str, tuple[str, str, float]] = {
        "most": ("the most there is", GREY, 0.75),
        "points": ("points", BLUE, 0.45),
    }
    for column, (name, colour, width) in parts.items():
        back = column == "most"
        figure.add_bar(
            y=titles, x=frame[column].to_list(), orientation="h", width=width, name=name, customdata=said,
            marker={"color": colour, "opacity": 0.35 if back else 1, "line": {"width": 0}}, hovertemplate=hover,
            text=texts if back else None, textposition="outside" if back else "none", cliponaxis=False,
        )  # fmt: skip
    finished(figure, "", named=True, height=110 + ROW * len(titles))
    figure.update_layout(barmode="overlay", margin_r=60)
    figure.update_yaxes(autorange="reversed", automargin=True, rangemode="normal", title="feature")
    figure.update_xaxes(title="points", automargin=True)
    return figure


def _ticks(policy: Policy, lowest: int, highest: int) -> list[int]:
    return sorted({lowest, policy.refer_from, policy.approve_from, highest})
