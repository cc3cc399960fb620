"""One application: what was decided on it, why, what would have changed it, and its record."""

from typing import Any

import polars
import streamlit as st

from dashboard.application.charts import points_by_feature, scale
from dashboard.application.dossier import Dossier, dossier_of
from dashboard.application.explanation import (
    better_in_words,
    change_in_words,
    inputs_table,
    left_out,
    missing_fields,
    points_of,
    range_of,
    reasons_of,
)
from dashboard.application.record import draw_history, draw_outcome, draw_quarantine
from dashboard.charts import draw
from dashboard.desk import Desk
from dashboard.states import nothing_yet
from dashboard.tables import Column, show_table
from model.counterfactual import counterfactual
from model.trained import Model


def main(desk: Desk) -> None:
    """Draws the page."""
    asked = st.text_input(
        "Application id",
        key="id",
        bind="query-params",
        placeholder="exactly as in the file",
        help="As it stands in the column `application_id` of the file; capital and small letters differ.",
        width=420,
    )
    application_id = (asked or "").strip()
    if desk.ask("judged").is_empty():
        nothing_yet(
            "No batch has been judged yet. Put a file into the landing zone and score its date.",
            "python -m flows score --batch-date DATE",
        )
        return
    if not application_id:
        nothing_yet("Enter the id of an application to see what was decided on it, and why.")
        return
    dossier = dossier_of(desk, application_id)
    if not dossier.known:
        _unknown(application_id)
        return
    if dossier.result:
        _scored(desk, dossier, dossier.result)
    else:
        st.warning(
            "It was quarantined and never scored: nothing was decided on it. What was wrong stands below.",
            icon=":material/visibility:",
        )
    draw_history(desk, dossier)
    draw_quarantine(desk, dossier)
    draw_outcome(desk, application_id)


def _unknown(application_id: str) -> None:
    st.warning("No batch has scored or quarantined an application with this id:", icon=":material/search_off:")
    st.code(application_id, language=None)
    st.markdown(
        "- The spelling has to be exact: capital and small letters, leading zeros and spaces within it count.\n"
        "- Its date may not be scored yet: the Today page says which batch was the last.\n"
        "- It may have been erased, or have gone for its age (SCORING_RETAIN_APPLICATIONS_DAYS and its like).\n"
        "- A row that came without a readable id is found on the Data quality page, by its file and row.\n"
        "- What the service scored is found on the Real time page, by prediction id."
    )


def _scored(desk: Desk, dossier: Dossier, result: dict[str, Any]) -> None:
    formats = desk.formats
    if result["status"] != "in force":
        st.warning(
            "The batch in force of its date does not have it: a later revision replaced the one shown here.",
            icon=":material/history:",
        )
    with st.container(horizontal=True):
        for label, value in (
            ("Decision", result["decision"]),
            ("Score (points)", str(result["score"])),
            ("Band", result["band"]),
            ("Probability of default", formats.share(result["probability_of_default"], 2)),
        ):
            st.metric(label, value, border=True)
    st.caption(
        f"Batch of {formats.weekday(result['batch_date'])}, revision {result['revision']}, {result['status']}; scored"
        f" {formats.instant(result['finished_at'])} by {result['model_version']}"
    )
    model = _model(desk, dossier, result)
    if model:
        lowest, highest = range_of(model)
        figure = scale(result["score"], model.policy, lowest, highest)
        draw(figure, "scale", f"Score {result['score']} on the scale from {lowest} to {highest}, by decision")
    _reasons(desk, result)
    if model:
        _points(desk, dossier, result, model)
    _inputs(desk, dossier)


def _model(desk: Desk, dossier: Dossier, result: dict[str, Any]) -> Model | None:
    """The model that scored it, if the stored inputs can be put to it again; else says why not."""
    loaded = desk.model(result["model_version"])
    if loaded is None:
        st.warning(
            f"{result['model_version']} is not in the models folder any more, or was trained for another contract than"
            " the one in force. What is stored is shown; cutoffs, points and what would have changed the decision are"
            " not. Restore the model's folder, or set SCORING_CONTRACT to its contract."
        )
        return None
    if missing := list(missing_fields(desk.contract, dossier.inputs)):
        st.warning(f"Of its inputs {len(missing)} are not stored, so that it cannot be explained.")
        return None
    return loaded.model


def _reasons(desk: Desk, result: dict[str, Any]) -> None:
    st.subheader("Reasons")
    codes = result["reason_codes"] or []
    if not codes:
        st.markdown("None: it has the most points of every feature that may be a reason.")
        return
    st.markdown(
        "What cost it the most points, the strongest first. No reason has to be given for an approval."
        if result["decision"] == "approve"
        else "As the applicant reads them, the strongest first."
    )
    sentences = zip(codes, reasons_of(codes, desk.contract.features), strict=True)
    _listed([f"{place}. {said} ({code})" for place, (code, said) in enumerate(sentences, 1)])


def _points(desk: Desk, dossier: Dossier, result: dict[str, Any], model: Model) -> None:
    values = dossier.fields(desk.contract)
    frame = points_of(model, desk.contract, values, desk.labels)
    total, stored = int(frame["points"].sum()), result["score"]
    if total == stored:
        _changes(desk, model, values)
    st.subheader("Points by feature")
    if total == stored:
        st.markdown(f"The points add up to **{total}**, the score that is stored.")
    else:
        st.error(
            f"The points add up to {total}, but {stored} is stored: the inputs, the score or the model was changed"
            " after scoring. Trust none of them before that is cleared up. What would have changed the decision is left"
            " out.",
            icon=":material/error:",
        )
    draw(points_by_feature(frame), "points", "Points by feature, in front of the most there are for it")
    columns = {
        "feature": Column("Feature"),
        "value": Column("Value"),
        "bin": Column("Bin"),
        "points": Column("Points", "count"),
        "most": Column("Most there are", "count"),
        "lost": Column("Lost", "count"),
    }
    whole = frame.select(polars.col("name").alias("feature"), "value", "bin", "points", "most", "lost")
    show_table(frame, columns, "application_points", desk.formats, lambda: whole)


def _changes(desk: Desk, model: Model, values: dict[str, Any]) -> None:
    st.subheader("What would have changed the decision")
    found = counterfactual(model, desk.contract, values)
    if not found.better:
        st.markdown("It is approved: there is no better decision.")
        return
    for better in found.better:
        st.markdown(better_in_words(better))
        _listed([f"• {change_in_words(change, desk.labels, desk.formats)}" for change in better.changes])
    st.caption(left_out(desk.contract))


def _inputs(desk: Desk, dossier: Dossier) -> None:
    st.subheader("Inputs")
    if not dossier.inputs:
        st.markdown("No inputs are stored for it.")
        return
    used = [feature.name for feature in desk.contract.features]
    columns = {
        "title": Column("Field"),
        "value": Column("Value"),
        "scored": Column("Scored", "flag", help="Whether the field is a feature of the scorecard by itself."),
        "description": Column("Description"),
        "name": Column("Column"),
    }
    frame = inputs_table(dossier.fields(desk.contract), desk.labels, used)
    show_table(frame, columns, "application_inputs", desk.formats, lambda: polars.DataFrame([dossier.inputs]))
    day = dossier.inputs.get("application_date")
    st.caption(f"Applied on {desk.formats.day(day)}, row {dossier.inputs.get('row_number')} of the file.")


def _listed(lines: list[str]) -> None:
    """Lines with data in them, which must not be read as Markdown."""
    with st.container(gap="xsmall"):
        for line in lines:
            st.text(line)
