import asyncio
import http.client
import json
import math
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from schemas.settings import Settings
from service.app import build
from tests.service.mutations import LIMIT, Mutations, Sent
from tests.service.running import Service

IN_PROCESS, OVER_HTTP = 100_000, 4_000
RANGES = {
    "age": (18, 100),
    "income": (0, 10_000_000),
    "loan_amount": (100, 1_000_000),
    "employment_length": (0, 60),
    "credit_score": (300, 850),
}
WHOLE = {"age", "credit_score"}
PROBLEM = {"type", "title", "status", "detail", "request_id", "errors"}
PREDICTION = {"prediction_id", "probability_of_default", "score", "band", "decision", "reasons", "model_version"}


class Number(str):
    """A number as it stands in a body."""


class Members(list[tuple[str, Any]]):
    """An object as it stands in a body."""


@dataclass(frozen=True)
class Expected:
    """What has to be answered: a status, and with 422 which fields are named."""

    status: int
    fields: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def expected_of(sent: Sent) -> Expected:
    """What the service has to answer, found out without any of its code."""
    if sent.media_type is None or sent.media_type.split(";")[0].strip().lower() != "application/json":
        return Expected(415)
    if len(sent.body) > LIMIT:
        return Expected(413)
    try:
        body = json.loads(
            sent.body.decode("utf-8"),
            object_pairs_hook=Members,
            parse_int=Number,
            parse_float=Number,
            parse_constant=lambda name: int(f"no {name}"),
        )
        # Half a surrogate pair is no text.
        json.dumps(body, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        return Expected(400)
    broken = frozenset(broken_fields(body))
    return Expected(422, broken) if broken else Expected(200)


def broken_fields(body: Any) -> Iterator[str]:
    if not isinstance(body, Members):
        yield ""
        return
    names = Counter(name for name, _ in body)
    values = dict(body)
    for name, count in names.items():
        if name not in RANGES and name != "application_id":
            yield name[:100]
        elif count > 1:
            yield name
    for name, (low, high) in RANGES.items():
        value = values.get(name)
        if value is None and name == "employment_length":
            continue
        number = float(value) if isinstance(value, Number) else math.nan
        if not low <= number <= high or (name in WHOLE and not number.is_integer()):
            yield name
    identifier = values.get("application_id")
    if identifier is not None and not is_id(identifier):
        yield "application_id"


def is_id(value: Any) -> bool:
    if isinstance(value, Number) or not isinstance(value, str):
        return False
    while value and is_space(value[0]):
        value = value[1:]
    while value and is_space(value[-1]):
        value = value[:-1]
    return len(value) <= 100 and not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in value)


def is_space(letter: str) -> bool:
    # Unicode's White_Space, which the separators of files, groups, records and units are no part of.
    return letter.isspace() and letter not in "\x1c\x1d\x1e\x1f"


def faults(sent: Sent, answer: Answer) -> list[str]:
    """What is wrong with an answer, each fault with the beginning of what was sent."""
    asked = f"{sent.media_type} {sent.body[:300]!r} of {len(sent.body)} bytes in {sent.parts}"
    return [f"{fault}, asked with {asked}" for fault in faults_of(answer, expected_of(sent))]


def faults_of(answer: Answer, expected: Expected) -> Iterator[str]:
    if answer.status != expected.status:
        yield f"{answer.status} instead of {expected.status}: {answer.body[:200]!r}"
        return
    if answer.headers["content-length"] != str(len(answer.body)):
        yield "its length is another than it says"
    if b"Traceback" in answer.body or b'.py"' in answer.body:
        yield "it shows the inside of the service"
    found = json.loads(answer.body)
    yield from (
        faults_of_prediction(found, answer) if answer.status == 200 else faults_of_problem(found, answer, expected)
    )


def faults_of_prediction(found: dict[str, Any], answer: Answer) -> Iterator[str]:
    if answer.headers["content-type"] != "application/json" or set(found) != PREDICTION:
        yield f"this is no prediction: {found}"
    elif not 0 < found["probability_of_default"] < 1 or len(found["reasons"]) > 4:
        yield f"this is an odd prediction: {found}"


def faults_of_problem(found: dict[str, Any], answer: Answer, expected: Expected) -> Iterator[str]:
    """What is no problem as RFC 9457 has it, or does not say what is wrong."""
    if answer.headers["content-type"] != "application/problem+json":
        yield f"its type is {answer.headers['content-type']}"
    if not set(found) <= PROBLEM or not {"title", "status", "detail", "request_id"} <= set(found):
        yield f"these are no problem's members: {sorted(found)}"
    if found["status"] != answer.status or not found["title"] or not found["detail"]:
        yield f"it does not say what is wrong: {found}"
    if found["request_id"] != answer.headers["x-request-id"]:
        yield "its request id is another than in the header"
    named = {item["field"] for item in found.get("errors", [])}
    if named != expected.fields:
        yield f"named {sorted(named)} instead of {sorted(expected.fields)}"
    if not all(item["rule"] and item["message"] for item in found.get("errors", [])):
        yield f"a field is named without its rule: {found['errors']}"


def test_no_body_whatever_breaks_the_service(portfolio: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(home=str(tmp_path), models=str(portfolio / "models"))
    assert settings.max_body_bytes == LIMIT
    requests = [*islice(Mutations(seed=1), IN_PROCESS)]
    answers = asyncio.run(answered_in_process(settings, requests))
    wrong = [fault for sent, answer in zip(requests, answers, strict=True) for fault in faults(sent, answer)]
    assert wrong[:5] == []
    statuses = Counter(answer.status for answer in answers)
    assert set(statuses) == {200, 400, 413, 415, 422}
    # Not so broken that hardly anything gets through, nor so whole that nothing is tried.
    assert min(statuses.values()) > IN_PROCESS / 100, statuses
    assert [record.getMessage() for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


def test_no_request_whatever_breaks_it_over_http(shared_service: Service) -> None:
    requests = [*islice(Mutations(seed=2), OVER_HTTP)]
    connection = http.client.HTTPConnection(shared_service.address.removeprefix("http://"), timeout=30)
    wrong: list[str] = []
    for sent in requests:
        # A body that is far too large may be refused while it is still being sent.
        with suppress(ConnectionError):
            connection.request("POST", "/predict", sent.body, headers_of(sent))
        response = connection.getresponse()
        answer = Answer(
            response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        )
        wrong += faults(sent, answer)
    connection.close()
    assert wrong[:5] == []
    assert {line["level"] for line in shared_service.log()} == {"info"}
    assert shared_service.process.poll() is None
    complaints = shared_service.output.with_suffix(".err").read_text()
    assert "Traceback" not in complaints
    assert shared_service.predict().status_code == 200


def headers_of(sent: Sent) -> dict[str, str]:
    return {} if sent.media_type is None else {"Content-Type": sent.media_type}


@asynccontextmanager
async def started(app: Any) -> AsyncIterator[None]:
    """The application between its start and its end, as a server runs it."""
    asked: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    told: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    running = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}}, asked.get, told.put))
    for kind in ("startup", "shutdown"):
        await asked.put({"type": f"lifespan.{kind}"})
        assert await told.get() == {"type": f"lifespan.{kind}.complete"}
        if kind == "startup":
            yield
    await running


async def answered_in_process(settings: Settings, requests: list[Sent]) -> list[Answer]:
    app: Any = build(settings)
    async with started(app):
        return [await answer_of(app, sent) for sent in requests]


async def answer_of(app: Any, sent: Sent) -> Answer:
    size = -(-len(sent.body) // sent.parts) or 1
    parts = [sent.body[start : start + size] for start in range(0, len(sent.body), size)] or [b""]
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages[-1]["more_body"] = False
    waiting = iter(messages)
    said: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return next(waiting)

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers_of(sent).items()]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/predict",
        "raw_path": b"/predict",
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }
    await app(scope, receive, send)
    start, *rest = said
    answered = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], answered, b"".join(message["body"] for message in rest))
