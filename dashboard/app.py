"""The dashboard's script, which Streamlit runs for every look at a page: `python -m dashboard` starts it."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from dashboard.application.page import main as application
from dashboard.desk import Desk, load_desk
from dashboard.drift.page import main as drift
from dashboard.form.page import main as score
from dashboard.models.page import main as model
from dashboard.navigation import PAST, remember_pages
from dashboard.past import choose_past
from dashboard.performance.page import main as performance
from dashboard.quality.page import main as data_quality
from dashboard.real_time.page import main as real_time
from dashboard.scores.page import main as scores
from dashboard.states import failed, nothing_yet
from dashboard.today.page import main as today
from schemas.errors import NoWarehouse, ScoringError, WarehouseUnavailable

View = Callable[[Desk], None]
TITLE = "Crédit Express"
ICON = Path(__file__).with_name("icon.svg")
# By section: address, title, icon and view of each page; the first one is where the dashboard opens.
SECTIONS: dict[str, list[tuple[str, str, str, View]]] = {
    "Daily batch": [
        ("today", "Today", "today", today),
        ("data-quality", "Data quality", "rule", data_quality),
        ("drift", "Drift", "stacked_line_chart", drift),
        ("scores", "Scores", "bar_chart", scores),
        ("application", "One application", "person_search", application),
    ],
    "Model": [
        ("performance", "Performance", "monitoring", performance),
        ("model", "Model", "table_rows", model),
    ],
    "Service": [
        ("real-time", "Real time", "bolt", real_time),
        ("score", "Score an application", "edit_note", score),
    ],
}
LOG = logging.getLogger("dashboard")


def main() -> None:
    """Shows the page that the address names."""
    st.set_page_config(page_title=TITLE, page_icon=str(ICON), layout="wide", initial_sidebar_state="expanded")
    pages = {
        section: [
            st.Page(partial(show, view), title=title, icon=f":material/{icon}:", url_path=path, default=path == "today")
            for path, title, icon, view in views
        ]
        for section, views in SECTIONS.items()
    }
    remember_pages(page for group in pages.values() for page in group)
    chosen = st.navigation(pages)
    st.title(chosen.title)
    chosen.run()


def show(view: View) -> None:
    """Draws a page, or says why it cannot be drawn and what to do."""
    try:
        view(choose_past(load_desk()))
    except NoWarehouse as error:
        if st.session_state.get(PAST):
            st.info(f"{sentence(error)} Choose a later day, or none to see the present.")
            return
        nothing_yet(
            "There is no warehouse yet: no batch has been scored. Score the first day, or generate a portfolio to look"
            " around in.",
            "python -m flows score --batch-date DATE\nmake demo",
        )
    except WarehouseUnavailable as error:
        failed(f"The warehouse is being written to, and took longer than this page waits. {sentence(error)}")
    except (ScoringError, OSError) as error:
        # An object store that does not answer, or refuses, is for a person to look at as well.
        LOG.warning("%s", error)
        failed(sentence(error))


def sentence(error: Exception) -> str:
    """A message as a sentence of its own."""
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '?', ')')) else '.'}"


if __name__ == "__main__":
    main()
