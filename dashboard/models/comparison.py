"""The part of the model page that puts two models beside each other."""

from functools import partial

import polars
import streamlit as st

from dashboard.charts import draw
from dashboard.desk import Desk
from dashboard.filters import choose_one, warn_if_unknown
from dashboard.formats import Formats
from dashboard.models.charts import points_beside
from dashboard.models.registry import TRAIN, Registry
from dashboard.models.scorecards import (
    bins_compared,
    features_compared,
    figures_compared,
    figures_of,
    points_of,
    same_test,
)
from dashboard.states import command
from dashboard.tables import Column, show_table
from model.artifact import LoadedModel
from model.scorecard import Scorecard


def comparison_section(desk: Desk, registry: Registry, version: str, versions: list[str]) -> None:
    """Draws figures and points of a version beside those of another one; by default that is the champion."""
    st.subheader("Beside another model")
    others = others_than(version, versions)
    if not others:
        st.markdown(
            "There is no other model yet. Training again, on later applications and outcomes, makes a challenger:"
        )
        command(TRAIN)
        return
    warn_if_unknown("against", others, "model to compare with")
    against = choose_one("Compared with", others, "against", lambda name: f"{name} ({registry.role(name)})")
    _figures(desk, registry, version, against)
    _points(desk, version, against)
    _promotion(desk, registry, [version, against])


def others_than(version: str, versions: list[str]) -> list[str]:
    """The versions to compare with, in their order, the champion being the first of all."""
    return [name for name in versions if name != version]


def _figures(desk: Desk, registry: Registry, version: str, against: str) -> None:
    one, other = registry.metadata(version), registry.metadata(against)
    if one is None or other is None:
        gone = version if one is None else against
        st.warning(f"The folder of {gone} is not there any more, so there is nothing to compare.")
        return
    columns = {
        "figure": Column("Figure"),
        "this": Column(version),
        "other": Column(against),
        "difference": Column("Difference", help="This model less the other one."),
    }
    frame = figures_compared(one, other, partial(_written, desk.formats))
    whole = partial(figures_of, {version: one, against: other})
    show_table(frame, columns, f"compared_{version}_{against}", desk.formats, whole)
    rows = (
        "Both were tested on applications of the same dates and number."
        if same_test(one, other)
        else "They were tested on different applications: part of the difference lies in these."
    )
    st.caption(f"{rows} Figures out of time have 95 % intervals, the difference has none.")


def _points(desk: Desk, version: str, against: str) -> None:
    one, other = desk.model(version), desk.model(against)
    if one is None or other is None:
        gone = version if one is None else against
        st.info(f"The scorecard of {gone} cannot be loaded, so points are not compared.", icon=":material/info:")
        return
    points, points_other = points_of(one.model.scorecard), points_of(other.model.scorecard)
    compared = features_compared(points, points_other)
    features = compared.with_columns(
        title=polars.col("feature").map_elements(desk.labels.axis, return_dtype=polars.String)
    )
    columns = {
        "title": Column("Feature"),
        "used_by": Column("Counts in", help="A feature with the same points in every bin counts in no model."),
        "spread": Column("Range, this model (points)", "count", "Points of the best bin less those of the worst."),
        "spread_other": Column("Range, the other (points)", "count"),
        "difference": Column("Difference (points)", "count"),
    }
    st.markdown("**What each feature decides**")
    show_table(features, columns, f"features_{version}_{against}", desk.formats, lambda: compared)
    _bins(desk, one, other)


def _bins(desk: Desk, one: LoadedModel, other: LoadedModel) -> None:
    feature = chosen_feature(one.model.scorecard)
    bins = bins_compared(one.model.scorecard, other.model.scorecard, feature)
    names, title = (one.version, other.version), desk.labels.axis(feature)
    st.markdown(f"**Points of {title}**, the feature chosen above, by the bins that the limits of both make together")
    draw(points_beside(bins, names, title), "points-beside", f"Points by bin of {title} in both models")
    columns = {
        "bin": Column("Bin"),
        "points": Column("This model (points)", "count"),
        "points_other": Column("The other (points)", "count"),
        "difference": Column("Difference (points)", "count"),
    }
    with st.expander("These points as a table"):
        show_table(bins, columns, f"bins_{feature}_{'_'.join(names)}", desk.formats)


def chosen_feature(scorecard: Scorecard) -> str:
    """The feature that the address holds, else the first one of the scorecard."""
    asked, names = st.query_params.get("feature", ""), [feature.name for feature in scorecard.features]
    return asked if asked in names else names[0]


def _promotion(desk: Desk, registry: Registry, versions: list[str]) -> None:
    candidate = next((name for name in versions if name != registry.champion and desk.model(name)), None)
    if candidate is None:
        return
    st.markdown(
        f"To make **{candidate}** champion, run this in the project's folder, with the settings of this dashboard. It"
        " scores from the next batch on, and requests within about a second; whatever was scored before stays as it is."
        " The command `rollback` takes it back."
    )
    command(f".venv/bin/python -m flows promote {candidate}")


def _written(formats: Formats, value: float | None, is_change: bool) -> str:
    if value is None:
        return "not known"
    if not is_change:
        return formats.count(value)
    return f"{value:+,}" if isinstance(value, int) else f"{value:+.4f}"
