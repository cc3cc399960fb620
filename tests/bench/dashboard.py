"""The dashboard on a year of 100,000 applications a day: what each page, and each question it asks, takes."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

import polars
import streamlit
from rich.console import Console
from rich.table import Table

from dashboard.app import SECTIONS
from tests.bench.figure import Figure, NotMeasured
from tests.bench.year import make_year
from tests.dashboard.browsing import resize, switch, visit
from tests.dashboard.pages import look
from tests.dashboard.running import running_dashboard
from tests.flows.homes import query
from tests.flows.test_pages import BROWSER
from tests.service.browser import page_at
from warehouse.reader import Reader

ROUNDS = 5
PAGE_SECONDS, QUERY_MS = 2.0, 300.0
YEAR = {"span": "1 year"}
# Every page as it opens, and those with a period once more with all of the year.
Pages = dict[str, tuple[str, dict[str, str]]]
TITLES = {path: title for views in SECTIONS.values() for path, title, *_ in views}
PAGES: tuple[tuple[str, dict[str, str]], ...] = (
    ("today", {}),
    ("data-quality", {}),
    ("data-quality", YEAR),
    ("drift", {}),
    ("drift", YEAR),
    ("scores", {}),
    ("scores", YEAR),
    ("application", {}),
    ("performance", {}),
    ("model", {}),
    ("real-time", {}),
    ("real-time", YEAR),
    ("score", {}),
)


def measure_dashboard(console: Console) -> list[Figure]:
    """Pages in Chromium and their questions to a generated year; whatever was asked before is forgotten each time."""
    if BROWSER is None:
        raise NotMeasured("there is no Chromium on this machine")
    with tempfile.TemporaryDirectory() as folder:
        # A year that was made before is taken as it is: making one takes longer than looking at it.
        made = os.environ.get("BENCH_YEAR")
        home = Path(made) if made else make_year(Path(folder) / "home").settings.home_path
        pages = _pages_of(home)
        with console.status("Asking the questions of every page"):
            questions = _questions(home, pages)
        with console.status("Drawing every page in Chromium"):
            opened, chosen = _seconds(home, pages)
    console.print(_table(opened, chosen, questions))
    slowest_query = max(ms for asked in questions.values() for ms in asked.values())
    return [
        Figure("the slowest page on 36.5 million rows, chosen in the menu", max(chosen.values()), PAGE_SECONDS, "s"),
        Figure("the slowest page, opened by its address", max(opened.values()), PAGE_SECONDS, "s"),
        Figure("the slowest question to the warehouse", slowest_query, QUERY_MS, "ms"),
    ]


def _pages_of(home: Path) -> Pages:
    """The pages by the name they have in the table; one application of those there are is looked up."""
    ((found,),) = query(home, "SELECT application_id FROM current_scores WHERE batch_date = DATE '2026-03-01' LIMIT 1")
    pages = [(path, {"id": found} if path == "application" else filters) for path, filters in PAGES]
    return {f"{path} {' '.join(filters.values())[:8]}".strip(): (path, filters) for path, filters in pages}


def _questions(home: Path, pages: Pages) -> dict[str, dict[str, float]]:
    """By page and question the milliseconds it takes, median of the rounds."""
    taken: dict[str, dict[str, list[float]]] = {}
    for _ in range(ROUNDS):
        for name, (path, filters) in pages.items():
            streamlit.cache_data.clear()
            with _timed(taken.setdefault(name, {})):
                look(home, path, **filters)
    return {name: {asked: median(times) for asked, times in found.items()} for name, found in taken.items()}


@contextmanager
def _timed(taken: dict[str, list[float]]) -> Iterator[None]:
    """Times every question to the warehouse, its opening and closing included, in milliseconds."""
    frame = Reader.frame

    def timed(self: Reader, question: str, **values: Any) -> polars.DataFrame:
        begun = time.perf_counter()
        found = frame(self, question, **values)
        taken.setdefault(question, []).append(1000 * (time.perf_counter() - begun))
        return found

    with patch.object(Reader, "frame", timed):
        yield


def _seconds(home: Path, pages: Pages) -> tuple[dict[str, float], dict[str, float]]:
    """By page the seconds until all of it is drawn: opened by its address, chosen in the menu; medians."""
    opened: dict[str, list[float]] = {name: [] for name in pages}
    chosen: dict[str, list[float]] = {name: [] for name, (_, filters) in pages.items() if not filters}
    with running_dashboard(home) as dashboard, page_at("about:blank") as page:
        resize(page, 1400, 1000)
        # The first visitor waits for libraries to be loaded.
        for path in TITLES:
            visit(page, f"{dashboard.address}/{path}")
        for _ in range(ROUNDS):
            for name, (path, filters) in pages.items():
                _change(home)
                address = f"{dashboard.address}/{path}"
                opened[name].append(visit(page, f"{address}?{urlencode(filters)}" if filters else address))
            for path, taken in chosen.items():
                _change(home)
                taken.append(switch(page, path, TITLES[path]))
    return _medians(opened), _medians(chosen)


def _medians(taken: dict[str, list[float]]) -> dict[str, float]:
    return {name: median(times) for name, times in taken.items()}


def _change(home: Path) -> None:
    """As after a publication: the warehouse has changed, and nothing that was asked counts any more."""
    os.utime(home / "warehouse.duckdb")


def _table(opened: dict[str, float], chosen: dict[str, float], questions: dict[str, dict[str, float]]) -> Table:
    headings = ("page", "opened, s", "chosen, s", "slowest question", "ms")
    table = Table(*headings, title="The dashboard on a year")
    for name, seconds in opened.items():
        asked = questions[name]
        slowest = max(asked, key=lambda question: asked[question], default="")
        switched = f"{chosen[name]:.2f}" if name in chosen else ""
        table.add_row(name, f"{seconds:.2f}", switched, slowest, f"{asked[slowest]:.0f}" if slowest else "")
    return table
