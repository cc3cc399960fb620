"""The record of one application: which batches scored it, what was quarantined of it, how it ended."""

import shlex

import polars
import streamlit as st

from dashboard.application.dossier import Dossier, outcome_of
from dashboard.desk import Desk
from dashboard.navigation import link_to
from dashboard.states import command
from dashboard.tables import Column, show_table


def draw_history(desk: Desk, dossier: Dossier) -> None:
    """Every batch that scored the application, superseded ones too, and how to score it again."""
    st.subheader("History")
    if dossier.results.is_empty():
        st.markdown("No batch has scored it.")
        return
    columns = {
        "batch_date": Column("Batch date", "date"),
        "revision": Column("Revision", "count"),
        "status": Column("Status"),
        "score": Column("Score (points)", "count"),
        "band": Column("Band"),
        "decision": Column("Decision"),
        "probability_of_default": Column("Probability of default", "share"),
        "model_version": Column("Model"),
        "finished_at": Column("Scored", "instant"),
        "source": Column("File"),
    }
    show_table(dossier.results, columns, "application_history", desk.formats)
    if "in force" in dossier.results["status"]:
        st.markdown("The stored inputs scored again, and compared to the bit with what is stored:")
        command(f"python -m flows replay {shlex.quote(dossier.application_id)}")


def draw_quarantine(desk: Desk, dossier: Dossier) -> None:
    """What was quarantined of the application: one record for each broken rule, and the rows as they came."""
    rows = dossier.quarantined
    if rows.is_empty():
        return
    st.subheader("Quarantine")
    columns = {
        "batch_date": Column("Batch date", "date"),
        "status": Column("Batch"),
        "rule": Column("Rule"),
        "title": Column("Field"),
        "value": Column("Value"),
        "message": Column("What is wrong"),
        "source": Column("File"),
        "row_number": Column("Row", "count"),
    }
    titles = [desk.labels.title(name) if name else "" for name in rows["field"].to_list()]
    titled = rows.with_columns(title=polars.Series(titles, dtype=polars.String))
    show_table(titled, columns, "application_quarantine", desk.formats, lambda: rows)
    with st.expander("The rows as they came"):
        for row in rows.unique(["source", "row_number", "row"], maintain_order=True)["row"]:
            st.code(row or "", language=None, wrap_lines=True)
    link_to("data-quality", "The batch's data quality", day=str(rows["batch_date"][0]))


def draw_outcome(desk: Desk, application_id: str) -> None:
    """How the application ended, and where predictions of the service are found."""
    st.subheader("Outcome")
    outcome = outcome_of(desk, application_id)
    if outcome is None:
        st.markdown("None is loaded for it. Outcomes are loaded with `python -m flows outcomes FILE`.")
    else:
        ended = "Defaulted" if outcome["defaulted"] else "Did not default"
        loaded = desk.formats.instant(outcome["loaded_at"])
        st.markdown(f"**{ended}**, observed on {desk.formats.day(outcome['observed_on'])}, loaded {loaded}.")
    st.caption(
        "Only batches are searched here. The service keeps a hash with a key in place of the application id: its"
        " predictions are found on the Real time page, by prediction id only."
    )
    link_to("real-time", "Real time")
