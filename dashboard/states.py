"""What a page shows when there is nothing to draw, or when it cannot be drawn: what is the matter and what to do."""

import streamlit as st


def nothing_yet(message: str, command: str = "") -> None:
    """An empty state, with the command that fills it."""
    st.info(message, icon=":material/inbox:")
    if command:
        st.code(command, language="sh")


def command(text: str) -> None:
    """A command on a page that has other things to show. `st.code` would load a highlighter, a quarter of a second."""
    st.text(text)


def failed(message: str) -> None:
    """An error a person can act on, with a button to try again."""
    st.error(message, icon=":material/error:")
    st.button("Try again", icon=":material/refresh:", key="try-again")
