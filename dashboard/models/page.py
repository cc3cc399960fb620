"""Model: which one decides, how it comes to its points, and how the challengers compare."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import polars
import streamlit as st

from dashboard.charts import draw
from dashboard.desk import Desk
from dashboard.filters import choose_one, warn_if_unknown
from dashboard.models.charts import points_by_bin
from dashboard.models.comparison import comparison_section
from dashboard.models.registry import TRAIN, Registry, read_registry
from dashboard.models.scorecards import points_of
from dashboard.states import nothing_yet
from dashboard.tables import Column, show_table
from model.artifact import LoadedModel
from model.policy import Policy
from model.scorecard import Scorecard

NO_PAST = (
    "The models folder keeps no past: champion, challengers and scorecards are those of now. Only since when each is"
    " on record is as it was known at the end of the day chosen."
)


def main(desk: Desk) -> None:
    """Draws the page."""
    if desk.as_of:
        st.warning(NO_PAST, icon=":material/history:")
    registry = read_registry(desk.settings.path("models"))
    registered = desk.ask("registered_models")
    versions = registry.versions(registered["model_version"].to_list())
    if not registry.champion:
        nothing_yet(f"There is no champion in {registry.models}, so nothing can be scored. Train one.", TRAIN)
    if not versions:
        return
    _champion(desk, registry)
    warn_if_unknown("version", versions, "model")
    version = choose_one("Model", versions, "version", lambda name: f"{name} ({registry.role(name)})")
    metadata, loaded = registry.metadata(version), desk.model(version)
    _facts(desk, registered, version, metadata)
    if loaded is None:
        _not_loaded(registry, version, metadata)
    else:
        _scorecard(desk, loaded)
    comparison_section(desk, registry, version, versions)
    _card(registry, version)


def _champion(desk: Desk, registry: Registry) -> None:
    if not registry.champion:
        return
    reign = registry.reigns[-1]
    since = f"since {_instant(desk, reign.promoted_at)}" if reign.promoted_at else "since when is not recorded"
    st.success(f"**{reign.version}** is champion, {since}: it scores batches and requests.", icon=":material/trophy:")
    if len(registry.reigns) > 1:
        columns = {
            "version": Column("Champion"),
            "since": Column("Since", "instant"),
            "until": Column("Until", "instant", "Empty for the champion in force."),
        }
        show_table(champions_of(registry), columns, "champions", desk.formats)


def champions_of(registry: Registry) -> polars.DataFrame:
    """version, since and until (UTC) of every champion, the last one first."""
    since = [None if item.promoted_at is None else _utc(item.promoted_at) for item in registry.reigns]
    rows = {"version": [item.version for item in registry.reigns], "since": since, "until": [*since[1:], None]}
    kinds = {"version": polars.String, "since": polars.Datetime, "until": polars.Datetime}
    return polars.DataFrame(rows, schema=kinds).reverse()


def _facts(desk: Desk, registered: polars.DataFrame, version: str, metadata: Mapping[str, Any] | None) -> None:
    """Where the model comes from, in figures."""
    row = next(registered.filter(polars.col("model_version") == version).iter_rows(named=True), None)
    said = f"registered {_instant(desk, row['registered_at'])}" if row else "not on record in the warehouse"
    if metadata is None:
        st.caption(f"{version}: {said}.")
        return
    training, test = metadata["training"], metadata["metrics"]["test"]
    formats = desk.formats
    with st.container(horizontal=True):
        for name in ("auc", "ks"):
            measure = test[name]
            value = "not known" if measure["value"] is None else f"{measure['value']:.3f}"
            st.metric(f"{name.upper()} out of time", value, border=True)
        st.metric("Rows, training", formats.count(training["train_rows"]), border=True)
        st.metric("Default rate, training", formats.share(training["train_default_rate"]), border=True)
    st.caption(
        f"{version}: {said}; trained on applications of {training['train_first_date']} to"
        f" {training['train_last_date']}, tested on those of {training['test_first_date']} to"
        f" {training['test_last_date']} ({formats.count(training['test_rows'])} rows)."
    )


def _not_loaded(registry: Registry, version: str, metadata: Mapping[str, Any] | None) -> None:
    if metadata is None:
        st.warning(f"The folder of {version} is not in {registry.models} any more: its scorecard cannot be shown.")
    else:
        st.warning(
            f"{version} cannot be loaded: its file is missing or was altered, or it was trained for another contract"
            f" (its own is {metadata['contract']['name']}). Its scorecard is not shown."
        )


def _scorecard(desk: Desk, loaded: LoadedModel) -> None:
    scorecard, labels = loaded.model.scorecard, desk.labels
    st.subheader("Scorecard")
    st.markdown(scale_in_words(scorecard))
    points = points_of(scorecard)
    features = points["feature"].unique(maintain_order=True).to_list()
    warn_if_unknown("feature", features, "feature")
    feature = choose_one("Feature", features, "feature", labels.title)
    left, right = st.columns([3, 2])
    of_feature = points.filter(polars.col("feature") == feature)
    with left:
        draw(points_by_bin(of_feature, labels.axis(feature)), "points", f"Points by bin of {labels.title(feature)}")
    with right:
        st.markdown(f"**{labels.axis(feature)}**: {spread_in_words(of_feature)}")
        st.text(labels.description(feature))
    titled = points.with_columns(title=polars.col("feature").map_elements(labels.axis, return_dtype=polars.String))
    columns = {
        "title": Column("Feature"),
        "bin": Column("Bin"),
        "rows": Column("Rows in training", "count"),
        "default_rate": Column("Default rate", "share", "Empty for a bin without rows in training."),
        "weight_of_evidence": Column("Weight of evidence", "fine", "ln of the bin's share of goods over that of bads."),
        "points": Column("Points", "count"),
    }
    show_table(titled, columns, f"scorecard_{loaded.version}", desk.formats, lambda: points)
    _policy(desk, loaded.model.policy)


def _policy(desk: Desk, policy: Policy) -> None:
    st.subheader("Cutoffs and bands")
    st.markdown(
        f"**Approve** from {policy.approve_from} points, **refer** to a person from {policy.refer_from}, **decline**"
        " below. The last band takes all lower scores as well."
    )
    bands = polars.DataFrame(list(policy.bands), schema={"band": polars.String, "from": polars.Int64}, orient="row")
    show_table(bands, {"band": Column("Band"), "from": Column("From score (points)", "count")}, "bands", desk.formats)


def scale_in_words(scorecard: Scorecard) -> str:
    """What the points of a scorecard stand for."""
    return (
        f"A score is the sum of one bin's points for each feature; higher is safer. {scorecard.base_score} points stand"
        f" for {scorecard.base_odds:g} repaid to one default, and {scorecard.pdo} points more double that."
    )


def spread_in_words(points: polars.DataFrame) -> str:
    """How much one feature decides, from its rows of `points_of`."""
    values: list[int] = points["points"].to_list()
    low, high = min(values), max(values)
    if low == high:
        return f"{low} points in every bin: it adds nothing beside the other features."
    return f"from {low} to {high} points."


def _card(registry: Registry, version: str) -> None:
    card = registry.card(version)
    if card is None:
        return
    with st.expander("Model card", icon=":material/description:"):
        # Streamlit shows HTML in it as text.
        st.markdown(card)
    st.download_button(
        "Model card as a file",
        card,
        f"model_card_{version}.md",
        "text/markdown",
        on_click="ignore",
        icon=":material/download:",
    )


def _instant(desk: Desk, instant: datetime) -> str:
    return desk.formats.instant(_utc(instant))


def _utc(instant: datetime) -> datetime:
    """The instant as the warehouse keeps it: UTC without a zone."""
    return instant if instant.tzinfo is None else instant.astimezone(UTC).replace(tzinfo=None)
