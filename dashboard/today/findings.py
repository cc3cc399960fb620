"""What needs a person: each finding with its message, how to quiet it, and where more of it is shown."""

from collections.abc import Sequence

import polars
import streamlit as st

from dashboard.desk import Desk
from dashboard.navigation import link_to
from dashboard.tables import Column, show_table
from dashboard.today.morning import Finding, State
from dashboard.words import as_text

# Findings shown one by one; if there are more, all of them are in a table too.
MOST_FINDINGS = 12
FOUND = {
    "state": polars.String,
    "title": polars.String,
    "subject": polars.String,
    "since": polars.Date,
    "alert_id": polars.String,
    "message": polars.String,
}
BADGES: dict[State, tuple[str, str, str]] = {
    "wrong": ("needs a person", "red", ":material/error:"),
    "look": ("worth a look", "orange", ":material/visibility:"),
    "right": ("fine", "green", ":material/check:"),
}


def show_findings(desk: Desk, findings: Sequence[Finding]) -> None:
    """Shows the findings, the worst first."""
    st.subheader("What needs a person")
    if not findings:
        st.markdown("Nothing.")
        return
    for place, finding in enumerate(findings[:MOST_FINDINGS]):
        _finding(desk, finding, place)
    if len(findings) > MOST_FINDINGS:
        rest = polars.DataFrame(
            {
                "since": [item.since for item in findings],
                "what": [_titled(desk, item) for item in findings],
                "message": [item.message for item in findings],
            }
        )
        columns = {"since": Column("Since", "date"), "what": Column("What"), "message": Column("Message")}
        show_table(rest, columns, "findings", desk.formats, lambda: as_found(findings))


def as_found(findings: Sequence[Finding]) -> polars.DataFrame:
    """The findings as they are exported: the subject by the name it has on the record."""
    return polars.DataFrame([[getattr(item, name) for name in FOUND] for item in findings], schema=FOUND, orient="row")


def _finding(desk: Desk, finding: Finding, place: int) -> None:
    label, colour, icon = BADGES[finding.state]
    with st.container(border=True, key=f"finding-{place}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(label, color=colour, icon=icon)  # type: ignore[arg-type]  # one of its colours
            about = f": {as_text(desk.labels.title(finding.subject))}" if finding.subject else ""
            st.markdown(f"**{finding.title}{about}**")
            st.caption(f"since {desk.formats.day(finding.since)}" if finding.since else "")
            if finding.page:
                link_to(finding.page, "Follow it up", **dict(finding.filters))
        st.text(finding.message)
        if finding.alert_id:
            st.caption(f"Quiet it with `python -m flows acknowledge {finding.alert_id} --by NAME --until DATE`")


def _titled(desk: Desk, finding: Finding) -> str:
    return f"{finding.title}: {desk.labels.title(finding.subject)}" if finding.subject else finding.title
