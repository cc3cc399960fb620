"""The analyst's guide is about the pages that there are."""

import re

from dashboard.app import SECTIONS
from tests.documents.reading import headings_of, text_of
from tests.flows.homes import ROOT

GUIDE = text_of("dashboard/README.md")
PAGES = [(path, title) for views in SECTIONS.values() for path, title, *_ in views]


def test_every_page_has_its_section_in_the_order_of_the_menu() -> None:
    assert headings_of(GUIDE, 3, "Page by page") == [title for _, title in PAGES]


def test_every_address_in_it_is_that_of_a_page() -> None:
    named = re.findall(r"http://127\.0\.0\.1:8501/([\w-]+)", GUIDE)
    assert named
    assert set(named) <= {path for path, _ in PAGES}


def test_what_it_calls_by_name_stands_on_a_page() -> None:
    said = " ".join(path.read_text(encoding="utf-8") for path in (ROOT / "dashboard").rglob("*.py"))
    named = set(re.findall(r"^- \*([A-Z][^*]+)\*", GUIDE, flags=re.MULTILINE))
    assert {name for name in named if name not in said} == set()
