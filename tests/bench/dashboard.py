"""The dashboard on a year of 100,000 applications a day: what each page, and each question it asks, takes."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
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
from dashboard.desk import load_desk
from dashboard.quality.explorer import rows_to_export
from dashboard.tables import as_csv
from tests.bench.figure import Figure, NotMeasured
from tests.bench.year import make_year
from tests.dashboard.browsing import look_up, press, resize, switch, visit
from tests.dashboard.pages import installed, look
from tests.dashboard.running import running_dashboard
from tests.flows.homes import query
from tests.flows.test_pages import BROWSER
from tests.service.browser import Page, page_at
from warehouse.reader import Reader

ROUNDS = 5
PAGE_SECONDS, QUERY_MS, EXPORT_SECONDS = 2.0, 300.0, 10.0
YEAR = {"span": "1 year"}
# The batch date that rows are looked up on, in the year that `make_year` makes, and one that is not the last.
LOOKED_UP, EARLIER = date(2026, 3, 1), date(2026, 6, 1)
# By page its question and the values it is asked with.
Asked = tuple[str, str]
Pages = dict[str, tuple[str, dict[str, str]]]
TITLES = {path: title for views in SECTIONS.values() for path, title, *_ in views}
# Every page as it opens, those with a period once more with all of the year, and what else a page can be asked for.
PAGES: tuple[tuple[str, dict[str, str]], ...] = (
    ("today", {}),
    ("today", {"day": str(EARLIER)}),
    ("data-quality", {}),
    ("data-quality", YEAR),
    ("data-quality", {"view": "Quarantined rows"}),
    ("data-quality", {"view": "Quarantined rows", **YEAR}),
    ("data-quality", {"view": "Gate", **YEAR}),
    ("data-quality", {"view": "Monitors", **YEAR}),
    ("data-quality", {"day": str(EARLIER), "view": "Quarantined rows"}),
    ("drift", {}),
    ("drift", YEAR),
    ("drift", {"beside": "Whole period", **YEAR}),
    ("scores", {}),
    ("scores", YEAR),
    ("scores", {"against": "training", **YEAR}),
    ("scores", {"against": "year-earlier"}),
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
        with console.status("Exporting the quarantined rows of the year"):
            export = _export_seconds(home)
    console.print(_table(opened, chosen, questions))
    slowest_query = max(ms for asked in questions.values() for ms in asked.values())
    return [
        Figure("the slowest page on 36.5 million rows, chosen in the menu", max(chosen.values()), PAGE_SECONDS, "s"),
        Figure("the slowest page, opened by its address", max(opened.values()), PAGE_SECONDS, "s"),
        Figure("the slowest question to the warehouse", slowest_query, QUERY_MS, "ms"),
        Figure("the year's quarantined rows as a file", export, EXPORT_SECONDS, "s"),
    ]


def _pages_of(home: Path) -> Pages:
    """The pages by the name they have in the table, with one application, quarantined row and prediction there is."""
    batch = f"SELECT batch_id FROM batches WHERE status = 'published' AND batch_date = DATE '{LOOKED_UP}'"
    (((application, *_),), ((row, *_),), ((prediction, *_),)) = (
        query(home, question)
        for question in (
            f"SELECT application_id FROM scores WHERE batch_id = ({batch}) LIMIT 1",
            f"SELECT batch_id || ':' || row_number FROM quarantine WHERE batch_id = ({batch}) LIMIT 1",
            "SELECT prediction_id FROM predictions LIMIT 1",
        )
    )
    pages = [
        *PAGES,
        ("data-quality", {"view": "Quarantined rows", "row": row}),
        ("application", {"id": application}),
        ("real-time", {"prediction": prediction}),
    ]
    return {_named(path, filters): (path, filters) for path, filters in pages}


def _named(path: str, filters: dict[str, str]) -> str:
    words = (value if name in ("span", "view", "day", "against", "beside") else name for name, value in filters.items())
    return f"{path} {', '.join(words)}".strip()


def _questions(home: Path, pages: Pages) -> dict[str, dict[str, float]]:
    """By page and question the milliseconds it takes: the slowest of the values it is asked with."""
    taken: dict[str, dict[Asked, list[float]]] = {}
    for _ in range(ROUNDS):
        for name, (path, filters) in pages.items():
            streamlit.cache_data.clear()
            with _timed(taken.setdefault(name, {})):
                look(home, path, **filters)
    return {name: worst_medians(found) for name, found in taken.items()}


def worst_medians(taken: dict[Asked, list[float]]) -> dict[str, float]:
    """By question the largest of the medians by values: a question asked twice is as slow as its slower answer."""
    worst: dict[str, float] = {}
    for (question, _), times in taken.items():
        worst[question] = max(worst.get(question, 0.0), median(times))
    return worst


def _export_seconds(home: Path) -> float:
    """Seconds for every quarantined row of the year as CSV, as its button gives it, median of the rounds."""
    taken = []
    with installed(home):
        desk = load_desk()
        dates = desk.ask("published_days")["batch_date"]
        for _ in range(ROUNDS):
            streamlit.cache_data.clear()
            begun = time.perf_counter()
            counts = desk.ask("quarantine_counts", start=dates[0], end=dates[-1])
            as_csv(rows_to_export(desk, counts, [], []))
            taken.append(time.perf_counter() - begun)
    return median(taken)


@contextmanager
def _timed(taken: dict[Asked, list[float]]) -> Iterator[None]:
    """Times every question to the warehouse, its opening and closing included, in milliseconds."""
    frame = Reader.frame

    def timed(self: Reader, question: str, **values: Any) -> polars.DataFrame:
        begun = time.perf_counter()
        found = frame(self, question, **values)
        asked = (question, repr(sorted(values.items())))
        taken.setdefault(asked, []).append(1000 * (time.perf_counter() - begun))
        return found

    with patch.object(Reader, "frame", timed):
        yield


def _seconds(home: Path, pages: Pages) -> tuple[dict[str, float], dict[str, float]]:
    """By page the seconds until all of it is drawn: opened by its address, chosen on the pages; medians."""
    opened: dict[str, list[float]] = {name: [] for name in pages}
    chosen: dict[str, list[float]] = {name: [] for name, (_, filters) in pages.items() if _can_be_chosen(filters)}
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
            # Pages of the menu first: what is chosen on one of them is kept on the next.
            for name in sorted(chosen, key=lambda name: bool(pages[name][1])):
                chosen[name].append(_choose(home, page, dashboard.address, *pages[name]))
    return _medians(opened), _medians(chosen)


def _can_be_chosen(filters: dict[str, str]) -> bool:
    """Whether a page is a page of the menu, or one press or one id away from it."""
    return filters in ({}, YEAR) or filters.keys() in ({"id"}, {"prediction"})


def _choose(home: Path, page: Page, address: str, path: str, filters: dict[str, str]) -> float:
    """The seconds a page of the menu takes, or what is chosen on it: all of the year, or an id looked up."""
    if not filters:
        _change(home)
        return switch(page, path, TITLES[path])
    visit(page, f"{address}/{path}")
    _change(home)
    (value,) = filters.values()
    return press(page, value) if filters == YEAR else look_up(page, value)


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
