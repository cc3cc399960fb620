"""The outermost layer: request ids, security headers, the count and the log line of every request."""

import logging
import re
import time
from collections.abc import Sequence
from http import HTTPStatus

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from service.ids import new_id
from service.metrics import Metrics
from service.problems import MEDIA_TYPE, Problem

LOG = logging.getLogger("service.requests")
GIVEN_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
REQUEST_ID = "request_id"
STARTED = "started"
PREDICT, DOCS = "/predict", "/docs"
ROUTES = frozenset({PREDICT, DOCS, "/health", "/ready", "/metrics", "/openapi.json"})
# Asked every few seconds by machines; a line for each would bury the others.
PROBES = frozenset({"/health", "/ready", "/metrics"})
# Data is not kept, and a browser that opens it loads nothing and shows it in no frame; pages load their own files.
OF_DATA = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
OWN_FILES = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
OF_PAGES = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", f"{OWN_FILES}connect-src 'self'; frame-ancestors 'none'".encode()),
)


class Edge:
    """Wraps an ASGI application."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, and puts on record what came of it."""
        if scope["type"] == ScopeType.HTTP:
            await self._pass_on(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _pass_on(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        request_id = _request_id(scope)
        # As Litestar finds its way.
        path = scope["path"].rstrip("/")
        is_docs = path.startswith(DOCS)
        route = path if path in ROUTES else DOCS if is_docs else "(other)"
        scope["state"] = {**scope.get("state", {}), REQUEST_ID: request_id, STARTED: started}
        headers = OF_PAGES if is_docs else OF_DATA
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode()), *headers]
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            LOG.exception("a request failed", extra={"facts": {REQUEST_ID: request_id, "route": route}})
            if not status:
                await send_problem(send_with_headers, _DEFECT, request_id)
        finally:
            seconds = time.perf_counter() - started
            self._metrics.request(route, status, seconds)
            # What was predicted is on record in the prediction log.
            if status != HTTPStatus.OK or (route != PREDICT and route not in PROBES):
                facts = {
                    REQUEST_ID: request_id,
                    "method": scope["method"],
                    "route": route,
                    "status": status,
                    "milliseconds": round(seconds * 1000, 3),
                }
                LOG.info("request", extra={"facts": facts})


async def send_problem(send: Send, problem: Problem, request_id: str) -> None:
    """Answers with a problem."""
    await send_body(send, problem.status, MEDIA_TYPE, problem.body(request_id), problem.headers)


async def send_body(
    send: Send, status: int, media_type: str, body: bytes, headers: Sequence[tuple[str, str]] = ()
) -> None:
    """Answers with a body."""
    described = [(b"content-type", media_type.encode()), (b"content-length", str(len(body)).encode())]
    described += [(name.encode(), value.encode()) for name, value in headers]
    await send({"type": "http.response.start", "status": int(status), "headers": described})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _request_id(scope: HTTPScope) -> str:
    """The caller's own id if it sent a plain one, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and GIVEN_ID.fullmatch(value):
            return str(value.decode())
    return new_id()


_DEFECT = Problem(
    HTTPStatus.INTERNAL_SERVER_ERROR, "the service has a defect; its log names the place under this request id"
)
