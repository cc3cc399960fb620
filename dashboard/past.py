"""The warehouse as it stood on an earlier day, where it is one that keeps its past."""

from dataclasses import replace
from datetime import date

import streamlit as st

from dashboard.desk import Desk
from dashboard.navigation import PAST


def choose_past(desk: Desk) -> Desk:
    """The desk as of the day chosen beside the pages; the present if none is, or if the warehouse keeps no past."""
    if not desk.keeps_its_past:
        return desk
    chosen: date | None = st.sidebar.date_input(
        "As it stood on",
        value=None,
        max_value="today",
        format=desk.formats.date_input,
        key=PAST,
        bind="query-params",
        help="Shows what was known at the end of that day: batches published, corrected or removed later are as they"
        " were. None: the present.",
    )
    if chosen is None:
        return desk
    st.info(f"What was known at the end of {desk.formats.day(chosen)}, not the present.", icon=":material/history:")
    return replace(desk, as_of=chosen)
