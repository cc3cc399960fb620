"""Asks the real-time service for a prediction, and puts whatever comes of it into words that say what to do."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx
import msgspec

from schemas.addresses import without_credentials
from schemas.request import BrokenField

# The service answers in milliseconds; who waits longer than this waits for nothing.
TIMEOUT_SECONDS = 5.0
KEY_HEADER = b"X-API-Key"
# How the sentence on an error of the service begins; the service itself says the rest.
SAID: Mapping[int, str] = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The application is too large, shorten its texts: ",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The application breaks the contract. Correct what follows and ask again. ",
    HTTPStatus.TOO_MANY_REQUESTS: "The service is asked too often: ",
    HTTPStatus.INTERNAL_SERVER_ERROR: "The service failed: ",
    HTTPStatus.SERVICE_UNAVAILABLE: "The service runs and cannot score, its log says more: ",
}


class Reason(msgspec.Struct, frozen=True):
    """What cost points: its code and the sentence a declined applicant would read."""

    code: str
    sentence: str


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """What the service answers to an application."""

    prediction_id: str
    probability_of_default: float
    score: int
    band: str
    decision: str
    reasons: list[Reason]
    model_version: str


@dataclass(frozen=True)
class Predicted:
    """A prediction, and how long it took to come, in milliseconds."""

    prediction: Prediction
    milliseconds: float


@dataclass(frozen=True, kw_only=True)
class Refused:
    """Why there is no prediction, and what to do; `broken` has what is wrong with the application, field by field."""

    message: str
    command: str = ""
    broken: tuple[BrokenField, ...] = ()
    request_id: str = ""


class _Problem(msgspec.Struct, frozen=True, kw_only=True):
    """The body of an error (RFC 9457)."""

    detail: str = ""
    request_id: str = ""
    errors: list[BrokenField] = []


def predict(
    url: str, key: str, application: Mapping[str, Any], seconds: float = TIMEOUT_SECONDS
) -> Predicted | Refused:
    """The service's answer to an application (its fields by name, None for one not given), within so many seconds.

    `url` is the service's address without a path, `key` the API key, empty for none. Raises nothing.
    """
    started = time.perf_counter()
    try:
        response = asyncio.run(_post(f"{url.rstrip('/')}/predict", key, application, seconds))
    except (TimeoutError, httpx.TimeoutException):
        return _slow(url, seconds)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return _unreachable(url, str(error))
    taken = (time.perf_counter() - started) * 1000
    return _predicted(url, response, taken) if response.status_code == HTTPStatus.OK else refused(url, key, response)


def refused(url: str, key: str, response: httpx.Response) -> Refused:
    """What an answer that is no prediction means."""
    status, problem = response.status_code, _problem_of(response)
    if problem is None:
        return _stranger(url, f"status {status}")
    message, command = _words(status, key, problem, response.headers.get("retry-after", ""))
    return Refused(message=message, command=command, broken=tuple(problem.errors), request_id=problem.request_id)


def _words(status: int, key: str, problem: _Problem, retry_after: str) -> tuple[str, str]:
    """What to say of a problem of the service's, and the command that helps."""
    if status == HTTPStatus.UNAUTHORIZED:
        wrong = "The service does not know the key of this dashboard." if key else "The service wants a key."
        todo = "Set SCORING_SERVICE_KEY where the dashboard is started; the service knows keys by their hashes in"
        return (
            f"{wrong} {todo} SCORING_API_KEYS. The command below makes a key and its hash.",
            "python -m service new-key",
        )
    later = f" Try again in {_seconds(retry_after)}." if retry_after.isdigit() else ""
    return f"{SAID.get(status, f'The service did not take the request (status {status}): ')}{_end(problem, later)}", ""


def _end(problem: _Problem, later: str) -> str:
    # What is wrong is said field by field.
    return "" if problem.errors else f"{problem.detail or 'it does not say why'}.{later}"


def _predicted(url: str, response: httpx.Response, milliseconds: float) -> Predicted | Refused:
    try:
        return Predicted(msgspec.json.decode(response.content, type=Prediction), milliseconds)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _stranger(url, "an answer that is no prediction")


async def _post(address: str, key: str, application: Mapping[str, Any], seconds: float) -> httpx.Response:
    headers = {b"content-type": b"application/json"} | ({KEY_HEADER: key.encode()} if key else {})
    # httpx has limits for each step only; an answer that trickles in would keep the page waiting.
    async with asyncio.timeout(seconds), httpx.AsyncClient(timeout=seconds) as client:
        return await client.post(address, content=msgspec.json.encode(application), headers=headers)


def _problem_of(response: httpx.Response) -> _Problem | None:
    if "json" not in response.headers.get("content-type", ""):
        return None
    try:
        return msgspec.json.decode(response.content, type=_Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _slow(url: str, seconds: float) -> Refused:
    return Refused(
        message=f"The service at {without_credentials(url)} did not answer within {seconds:g} seconds. Ask whoever runs"
        " it, and try again; whether the prediction was made is in its prediction log."
    )


def _unreachable(url: str, why: str) -> Refused:
    shown = without_credentials(url)
    # What is wrong with an address is told in its own words, its password among them.
    reason = f" ({why})" if why and shown == url else ""
    return Refused(
        message=f"The service cannot be reached at {shown}{reason}. Start it, or set SCORING_SERVICE_URL to its"
        " address.",
        command="make service",
    )


def _stranger(url: str, what: str) -> Refused:
    return Refused(
        message=f"What answers at {without_credentials(url)} does not speak as the scoring service does ({what})."
        " Set SCORING_SERVICE_URL to the service's address."
    )


def _seconds(number: str) -> str:
    return f"{number} second{'' if number == '1' else 's'}"
