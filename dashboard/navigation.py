"""From one page to another, with the filters that belong to what is followed up."""

from collections.abc import Iterable

import streamlit as st
from streamlit.navigation.page import StreamlitPage

_KEY = "_pages"
# The day the warehouse is looked at as of, wherever one goes.
PAST = "as-of"


def remember_pages(pages: Iterable[StreamlitPage]) -> None:
    """Keeps the pages of this visit, so that `link_to` finds them."""
    st.session_state[_KEY] = {page.url_path or "today": page for page in pages}


def link_to(path: str, label: str, **filters: str) -> None:
    """A link to a page by its address (`drift`), with its filters."""
    page = st.session_state.get(_KEY, {}).get(path)
    if past := st.query_params.get(PAST):
        filters[PAST] = past
    if page is not None:
        st.page_link(page, label=label, icon=":material/arrow_forward:", query_params=filters or None)
