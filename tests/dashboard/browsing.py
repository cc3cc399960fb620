"""Looking at the pages in a browser: how long they take to be drawn, what they say, a picture of all of it."""

import base64
import json
import re
import time
from pathlib import Path
from typing import Any

from tests.service.browser import Page

APP = "[data-testid=stApp]"
DRAWN = (
    f"document.querySelector('{APP}')?.getAttribute('data-test-script-state') === 'notRunning'"
    " && !!document.querySelector('[data-testid=stHeading]')"
    " && !document.querySelector('[data-testid=stSpinner], [data-testid=stSkeleton], [data-stale=true]')"
)
# The server has sent all; a picture is there once plotly has drawn it.
PICTURES = (
    "[...document.querySelectorAll('[data-testid=stPlotlyChart]')].every(chart => chart.querySelector('.main-svg'))"
)
TALLEST = 12_000
SOUGHT = re.compile(r"/[a-z-]+/_stcore/(health|host-config)$")


def visit(page: Page, address: str) -> float:
    """Opens a page and waits until all of it is drawn; returns the seconds that took."""
    page.ask("Page.navigate", url="about:blank")
    begun = time.perf_counter()
    page.ask("Page.navigate", url=address)
    page.wait_for(f"{DRAWN} && {PICTURES}")
    return time.perf_counter() - begun


def switch(page: Page, path: str, title: str) -> float:
    """Goes to another page by the menu, and waits until all of it is drawn; returns the seconds that took."""
    link = "[...document.querySelectorAll('[data-testid=stSidebarNavLink]')]"
    begun = time.perf_counter()
    path = "" if path == "today" else path
    page.evaluate(f"{link}.find(link => new URL(link.href).pathname === '/{path}').click()")
    heading = f"document.querySelector('[data-testid=stHeading]')?.innerText.trim() === {json.dumps(title)}"
    page.wait_for(f"location.pathname === '/{path}' && {heading} && {DRAWN} && {PICTURES}")
    return time.perf_counter() - begun


def press(page: Page, label: str) -> float:
    """Presses one of a row of buttons, and waits until all of the page is drawn; returns the seconds that took."""
    button = f"[...document.querySelectorAll('{APP} button')].find(one => one.innerText.trim() === {json.dumps(label)})"
    _watch(page)
    begun = time.perf_counter()
    page.evaluate(f"{button}.click()")
    page.wait_for(f"window.begun && {DRAWN} && {PICTURES}")
    return time.perf_counter() - begun


def look_up(page: Page, text: str) -> float:
    """Enters a text in the first field for one, and waits until all of the page is drawn; the seconds that took."""
    page.evaluate("document.querySelector('[data-testid=stMain] [data-testid=stTextInput] input').focus()")
    page.ask("Input.insertText", text=text)
    _watch(page)
    begun = time.perf_counter()
    for kind in ("keyDown", "keyUp"):
        enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
        page.ask("Input.dispatchKeyEvent", type=kind, **enter)
    page.wait_for(f"window.begun && {DRAWN} && {PICTURES}")
    return time.perf_counter() - begun


def _watch(page: Page) -> None:
    """Takes note of when the page begins to be drawn anew: until then it looks as if all of it were drawn."""
    page.evaluate(
        "window.begun = false; new MutationObserver(() => { window.begun = true; }).observe("
        f"document.querySelector('{APP}'), {{attributes: true, attributeFilter: ['data-test-script-state']}})"
    )


def resize(page: Page, width: int, height: int) -> None:
    """Gives the page a window of another size, in pixels."""
    page.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)


def darken(page: Page, *, dark: bool) -> None:
    """Lets the browser prefer dark pages, or light ones."""
    value = "dark" if dark else "light"
    page.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": value}])


def keep_all(page: Page, path: Path, width: int) -> None:
    """A picture of the page from top to bottom: the window is made as high as what is in it."""
    resize(page, width, 1000)
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    resize(page, width, min(TALLEST, int(height) + 20))
    # Charts and tables take a moment to fill the new window.
    time.sleep(1.0)
    path.write_bytes(base64.b64decode(page.ask("Page.captureScreenshot")["data"]))


def complaints(page: Page) -> list[dict[str, Any]]:
    """What the browser complains of, but for what Streamlit looks for below the page's path and then finds above it."""
    return [event for event in page.complaints if not SOUGHT.search(event["params"].get("entry", {}).get("url", ""))]


def overflow(page: Page) -> int:
    """Pixels by which the page is wider than its window; 0 if nothing has to be moved aside to be read."""
    wide = "document.querySelector('[data-testid=stMain]')"
    return int(page.evaluate(f"{wide}.scrollWidth - {wide}.clientWidth"))
