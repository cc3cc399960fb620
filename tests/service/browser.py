"""Chromium without a window, driven over the Chrome DevTools Protocol; nobody but this machine can be reached."""

import base64
import json
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from websockets.sync.client import connect
from websockets.sync.connection import Connection

from tests.flows.prefect_server import wait_for
from tests.flows.test_pages import BROWSER

OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--remote-debugging-port=0",
    "--window-size=1400,1200",
]
START_SECONDS, WAIT_SECONDS = 60, 60


class Page:
    """A page of the browser, and all that it has reported since it was opened."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._number = 0
        self.events: list[dict[str, Any]] = []
        for domain in ("Page", "Network", "Runtime", "Log", "Audits"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> Any:
        """The result of a command; what the page reports meanwhile is kept."""
        self._number += 1
        self._connection.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._connection.recv(timeout=WAIT_SECONDS))
            if message.get("id") == self._number:
                assert "error" not in message, message
                return message["result"]
            self.events.append(message)

    def evaluate(self, script: str) -> Any:
        """The value of an expression in the page."""
        result = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait_for(self, script: str) -> Any:
        """The value of an expression as soon as it is true."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not (found := self.evaluate(script)):
            assert time.monotonic() < deadline, f"{script} is not true; the page says: {self.text}"
            time.sleep(0.1)
        return found

    def click(self, selector: str) -> None:
        """Clicks an element as soon as it is there."""
        self.wait_for(f"!!document.querySelector({json.dumps(selector)})")
        self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    @property
    def text(self) -> str:
        """What a reader sees."""
        return str(self.evaluate("document.body.innerText"))

    @property
    def asked(self) -> list[str]:
        """The address of everything the page has asked for, or been about to."""
        return [
            event["params"]["request"]["url"] for event in self.events if event["method"] == "Network.requestWillBeSent"
        ]

    @property
    def hosts(self) -> set[str | None]:
        """The hosts the page has asked; what is in the page itself has none."""
        return {urlsplit(url).hostname for url in self.asked if not url.startswith(("data:", "blob:"))}

    @property
    def complaints(self) -> list[dict[str, Any]]:
        """Errors, warnings, refused or failed requests, and violations of the page's policy."""
        return [event for event in self.events if _is_complaint(event)]

    def keep_picture(self, path: Path) -> None:
        """A picture of the whole page."""
        picture = self.ask("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(picture))


def _is_complaint(event: dict[str, Any]) -> bool:
    parameters = event.get("params", {})
    match event["method"]:
        case "Runtime.exceptionThrown" | "Network.loadingFailed":
            return True
        case "Audits.issueAdded":
            # Of the browser's other advice, on labels for one, nothing breaks.
            return bool(parameters["issue"]["code"] == "ContentSecurityPolicyIssue")
        case "Runtime.consoleAPICalled":
            return parameters["type"] in ("error", "warning", "assert")
        case "Log.entryAdded":
            return parameters["entry"]["level"] in ("error", "warning")
    return False


@contextmanager
def page_at(address: str) -> Iterator[Page]:
    """A page of a browser of its own that has been sent to an address."""
    assert BROWSER, "install Chromium to look at the pages"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [BROWSER, *OPTIONS, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            port = wait_for(lambda: _port(Path(profile) / "DevToolsActivePort"), START_SECONDS)
            with connect(_debugger(port), proxy=None, max_size=None) as connection:
                page = Page(connection)
                page.ask("Page.navigate", url=address)
                yield page
        finally:
            process.kill()
            process.wait()


def _port(file: Path) -> int | None:
    lines = file.read_text().splitlines() if file.exists() else []
    return int(lines[0]) if lines else None


def _debugger(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=30) as answer:
        return next(str(target["webSocketDebuggerUrl"]) for target in json.load(answer) if target["type"] == "page")
