"""Every page on a year, without a browser and in a real one that can reach nobody but the dashboard.

`make screens` runs this with others and keeps the pictures in build/screens.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.app import SECTIONS
from tasks.project import Project
from tests.dashboard.browsing import complaints, darken, keep_all, overflow, resize, visit
from tests.dashboard.homes import LENDINGCLUB
from tests.dashboard.pages import look, said
from tests.dashboard.running import Dashboard, running_dashboard
from tests.flows.homes import ROOT, project_at
from tests.flows.test_pages import BROWSER, KEPT
from tests.service.browser import Page, page_at

# Making the year takes minutes on a busy machine.
pytestmark = pytest.mark.timeout(900)
in_browser = pytest.mark.skipif(BROWSER is None and KEPT not in os.environ, reason="no Chromium on this machine")
PAGES = {path: title for views in SECTIONS.values() for path, title, *_ in views}
WIDE, LAPTOP = 1400, 1280


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if KEPT not in os.environ:
        return tmp_path_factory.mktemp("screens")
    folder = ROOT / os.environ[KEPT]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def shown(year: Project) -> Iterator[Dashboard]:
    with running_dashboard(year.settings.home_path) as dashboard:
        yield dashboard


@pytest.fixture(scope="module")
def page(shown: Dashboard) -> Iterator[Page]:
    """A browser, wide and light. After each test nothing else but the dashboard was asked, nothing complained."""
    with page_at("about:blank") as page:
        yield page


@pytest.fixture(autouse=True)
def clean(request: pytest.FixtureRequest) -> Iterator[None]:
    """Nobody but the dashboard was asked for anything, and the browser has nothing to complain of."""
    yield
    if "page" in request.fixturenames:
        page = request.getfixturevalue("page")
        assert page.hosts <= {"127.0.0.1", None}
        assert complaints(page) == []
        page.events.clear()


def address(dashboard: Dashboard, path: str, filters: str = "") -> str:
    return f"{dashboard.address}/{'' if path == 'today' else path}{filters}"


@pytest.mark.parametrize("span", [{}, {"span": "1 year"}], ids=["as it opens", "the whole year"])
@pytest.mark.parametrize("path", PAGES)
def test_every_page_of_a_year_has_something_to_say(year: Project, path: str, span: dict[str, str]) -> None:
    app = look(year.settings.home_path, path, **span)
    assert app.title[0].value == PAGES[path]
    assert "try-again" not in [button.key for button in app.button]
    assert len(said(app)) > 200 or path in ("application", "score")


@in_browser
@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_page_is_drawn_from_a_year(shown: Dashboard, page: Page, pictures: Path, path: str, dark: bool) -> None:
    resize(page, WIDE, 1000)
    darken(page, dark=dark)
    visit(page, address(shown, path))
    assert PAGES[path] in page.text
    assert "Traceback" not in page.text
    assert not page.evaluate("!!document.querySelector('[data-testid=stException]')")
    picture = pictures / f"dashboard_{path}{'_dark' if dark else ''}.png"
    keep_all(page, picture, WIDE)
    assert picture.stat().st_size > 20_000, "the picture is empty"


@in_browser
@pytest.mark.parametrize("path", PAGES)
def test_every_page_fits_a_laptop(shown: Dashboard, page: Page, path: str) -> None:
    resize(page, LAPTOP, 800)
    darken(page, dark=False)
    visit(page, address(shown, path))
    assert overflow(page) == 0


@in_browser
def test_every_page_of_an_empty_warehouse_says_what_to_do(tmp_path: Path, pictures: Path) -> None:
    project_at(tmp_path).writer.prepare()
    with running_dashboard(tmp_path) as dashboard, page_at("about:blank") as page:
        resize(page, WIDE, 700)
        for path in PAGES:
            visit(page, address(dashboard, path))
            assert not page.evaluate("!!document.querySelector('[data-testid=stException]')")
            assert page.evaluate("!!document.querySelector('[data-testid=stAlert], [data-testid=stForm]')"), path
            page.keep_picture(pictures / f"dashboard_{path}_empty.png")
        assert page.hosts <= {"127.0.0.1", None}
        assert complaints(page) == []


@in_browser
def test_every_page_is_drawn_for_another_contract(lender: Project, pictures: Path) -> None:
    home = lender.settings.home_path
    with running_dashboard(home, SCORING_CONTRACT=LENDINGCLUB) as dashboard, page_at("about:blank") as page:
        for path in PAGES:
            visit(page, address(dashboard, path))
            assert not page.evaluate("!!document.querySelector('[data-testid=stException]')")
            keep_all(page, pictures / f"dashboard_{path}_lendingclub.png", WIDE)
        assert page.hosts <= {"127.0.0.1", None}
        assert complaints(page) == []


@in_browser
def test_the_address_holds_what_was_chosen(shown: Dashboard, page: Page) -> None:
    visit(page, address(shown, "data-quality"))
    page.evaluate(
        "[...document.querySelectorAll('[data-testid=stButtonGroup] button')]"
        ".find(button => button.innerText.includes('90 days')).click()"
    )
    page.wait_for("location.search.includes('span=90')")


@in_browser
def test_a_finding_is_followed_up_by_its_link(shown: Dashboard, page: Page) -> None:
    visit(page, address(shown, "today"))
    page.wait_for("[...document.querySelectorAll('a')].some(link => link.href.includes('/drift?feature='))")
    page.evaluate("[...document.querySelectorAll('a')].find(link => link.href.includes('/drift?feature=')).click()")
    page.wait_for("location.pathname === '/drift' && location.search.includes('feature=')")
