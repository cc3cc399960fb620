"""Pages of the dashboard without a browser, as Streamlit's own AppTest draws them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from tests.flows.homes import ROOT

APP = ROOT / "dashboard" / "app.py"
SECONDS = 60
SAID = ("title", "header", "subheader", "success", "info", "warning", "error", "markdown", "text", "caption", "metric")


def look(home: Path, page: str, contract: str = "", locale: str = "en-GB", **filters: str) -> AppTest:
    """A page of a home by its address, drawn once, with the filters of its address. Nothing unforeseen happened."""
    app = AppTest.from_file(APP, default_timeout=SECONDS)
    app.context["locale"] = locale
    if page != "today":
        # AppTest knows pages by their files only; these are functions.
        app._page_hash = calc_hash(page)
    for name, value in filters.items():
        app.query_params[name] = value
    with installed(home, contract):
        return drawn(app)


def again(app: AppTest, home: Path, contract: str = "") -> AppTest:
    """The page drawn again, after a widget of it was changed."""
    with installed(home, contract):
        return drawn(app)


def drawn(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception, [(item.message, item.stack_trace) for item in app.exception]
    return app


def said(app: AppTest) -> str:
    """All the words of a page."""
    words = []
    for kind in SAID:
        for element in getattr(app, kind):
            words += [str(getattr(element, "label", "")), str(element.value), str(getattr(element, "delta", ""))]
    return "\n".join(words)


@contextmanager
def installed(home: Path, contract: str = "") -> Iterator[None]:
    """The environment describes the installation of a home."""
    settings = {"SCORING_HOME": str(home)} | ({"SCORING_CONTRACT": contract} if contract else {})
    rest = {name: value for name, value in os.environ.items() if not name.startswith("SCORING_")}
    with patch.dict(os.environ, rest | settings, clear=True):
        yield
