"""What cannot be brought about from outside: a defect of the service itself, and time that passes faster."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar.types import Message, Receive, Scope, Send

from schemas.loading import load_contract
from schemas.settings import Settings
from service import predict
from service.admission import Admission
from service.app import build
from service.champion import Champion
from service.edge import Edge
from service.logs import JsonFormatter
from service.metrics import Metrics

JSON = {"content-type": "application/json"}


@pytest.fixture
def ask(tmp_path: Path) -> Callable[..., httpx.Response]:
    """Asks the application within this process."""
    app = build(Settings(home=str(tmp_path)))

    async def answer(method: str, path: str, **more: Any) -> httpx.Response:
        # Both packages have a name of their own for what an ASGI application is.
        transport: Any = httpx.ASGITransport(app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            return await client.request(method, path, **more)

    return lambda *given, **more: asyncio.run(answer(*given, **more))


async def stalled() -> AsyncIterator[bytes]:
    yield b"{"
    await asyncio.Event().wait()


async def trickling() -> AsyncIterator[bytes]:
    yield b"{"
    while True:
        await asyncio.sleep(0.001)
        yield b" "


@pytest.mark.parametrize("body", [stalled, trickling])
def test_a_body_that_does_not_end_is_not_waited_for(
    body: Callable[[], AsyncIterator[bytes]],
    ask: Callable[..., httpx.Response],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(predict, "BODY_SECONDS", 0.2)
    answer = ask("POST", "/predict", content=body(), headers=JSON)
    assert answer.status_code == 408
    assert answer.headers["connection"] == "close"
    assert answer.json()["detail"] == "the body did not arrive within 0.2 seconds"


@pytest.mark.parametrize(
    ("owner", "name", "method", "path"),
    [(Admission, "check", "POST", "/predict"), (Metrics, "exposition", "GET", "/metrics")],
)
def test_a_defect_is_answered_without_its_values_and_logged_with_its_place(
    owner: Any,
    name: str,
    method: str,
    path: str,
    ask: Callable[..., httpx.Response],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("income 51837.25")

    monkeypatch.setattr(owner, name, fail)
    answer = ask(method, path)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert "51837" not in answer.text
    (failed,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    line = JsonFormatter().format(failed)
    assert '"error":"ValueError"' in line
    assert "test_app.py" in line
    assert answer.headers["x-request-id"] in line
    assert "51837" not in line


def test_a_defect_behind_the_beginning_of_an_answer_does_not_begin_another(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sent: list[Message] = []

    async def half(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError

    async def keep(message: Message) -> None:
        sent.append(message)

    async def nothing() -> Any:
        raise AssertionError

    champion = Champion(tmp_path, load_contract(Settings().contract))
    scope: Any = {"type": "http", "path": "/health", "method": "GET", "headers": []}
    asyncio.run(Edge(half, Metrics(champion, tmp_path, []))(scope, nothing, keep))
    assert [message["type"] for message in sent] == ["http.response.start"]
    assert "a request failed" in caplog.text
