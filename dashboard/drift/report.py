"""The Evidently report of a day: looked at in the page, kept as a file, or how to have it drawn."""

from datetime import date
from pathlib import Path

import streamlit as st

from dashboard.desk import Desk
from dashboard.formats import Formats
from dashboard.states import command
from schemas.storage import is_remote

HEIGHT = 800


def report_section(desk: Desk, day: date) -> None:
    """Offers the report of a day; its file is read when that is asked for."""
    st.subheader(f"Evidently report of {desk.formats.day(day)}")
    path = desk.reports / f"drift_{day}.html"
    if not path.is_file():
        st.markdown("No report was drawn of this day, or it was removed. Draw it again from the record:")
        command(f"python -m flows report --batch-date {day}")
        return
    st.caption("Tests and pictures of every column, on a sample. It decides nothing: the verdict above does.")
    with st.container(horizontal=True):
        if st.button("Open the report", icon=":material/open_in_full:", key="open-report"):
            st.dialog(f"Evidently report of {desk.formats.day(day)}", width="large")(_show)(path, day, desk.formats)
        st.download_button(
            "Download", data=path.read_bytes, file_name=path.name, mime="text/html", key="download-report",
            on_click="ignore", icon=":material/download:",
        )  # fmt: skip
        if address := served_at(desk.settings.reports_url, path):
            st.link_button("Open in a tab of its own", address, icon=":material/open_in_new:")


def served_at(reports_url: str, path: Path) -> str:
    """Where a browser finds a report, empty if reports are not served."""
    return f"{reports_url.rstrip('/')}/{path.name}" if reports_url else ""


def _show(path: Path, day: date, formats: Formats) -> None:
    # A report is a page of the project's own, wherever it lies.
    page = path.read_text(encoding="utf-8") if is_remote(path) else path
    st.iframe(page, height=HEIGHT, alt=f"Evidently report of {formats.day(day)}")
