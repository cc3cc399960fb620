"""Puts the service together. Start here: `create_app` is what every worker process runs."""

import asyncio
import gc
import logging
import multiprocessing
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from litestar import Litestar, Request, Response
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, Receive, Scope, Send

from model.signature import trust_of
from schemas.calendar import calendar_of
from schemas.loading import load_contract
from schemas.pseudonyms import Pseudonyms, pseudonym_key
from schemas.request import RequestReader
from schemas.settings import Settings, load_settings
from schemas.storage import is_remote
from service.admission import Admission
from service.champion import Champion
from service.edge import PREDICT, REQUEST_ID, Edge
from service.ending import Ending
from service.keys import ApiKeys
from service.logs import log_as_json
from service.metrics import Metrics
from service.openapi import document
from service.predict import Predict
from service.prediction_log import PredictionLog
from service.problems import MEDIA_TYPE, Problem
from service.rate_limit import RateLimit
from service.routes import routes
from service.run import RUN_FOLDER
from service.shipping import Shipping

LOG = logging.getLogger("service")
TICK_SECONDS = 1.0
# As Litestar takes the other routes.
AT_PREDICT = (PREDICT, f"{PREDICT}/")


def create_app() -> ASGIApp:
    """The application with the settings of this process; raises ScoringError where they cannot be used."""
    log_as_json()
    return build(load_settings())


def build(settings: Settings) -> ASGIApp:
    """The application with these settings."""
    contract = load_contract(settings.contract)
    calendar = calendar_of(settings)
    reader = RequestReader(contract, lambda: calendar.business_date(datetime.now(UTC)))
    keys = ApiKeys(settings.api_keys)
    champion = Champion(settings.path("models"), contract, trust_of(settings))
    predictions, spool = settings.path("predictions"), settings.spool
    log = PredictionLog(spool, settings.segment_bytes, settings.segment_seconds)
    shipping = Shipping(spool, predictions) if is_remote(predictions) else None
    metrics = Metrics(champion, spool, reader.names, shipping)
    folder = _run_folder()
    rate_limit = RateLimit(settings.rate_limit, folder / "rate") if settings.rate_limit else None
    handler = Predict(
        reader=reader,
        champion=champion,
        log=log,
        metrics=metrics,
        pseudonym=Pseudonyms(pseudonym_key(settings)),
        admission=Admission(keys, rate_limit),
        max_body_bytes=settings.max_body_bytes,
    )

    @asynccontextmanager
    async def running(_app: Litestar) -> AsyncIterator[None]:
        champion.look()
        if champion.problem:
            LOG.error("no model serves: %s", champion.problem)
        # What is loaded by now stays: leaving it out keeps the pauses of garbage collection short.
        gc.collect()
        gc.freeze()
        if shipping:
            shipping.start()
        tasks = [asyncio.create_task(champion.follow()), asyncio.create_task(_tick(log))]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            log.close()
            if shipping:
                await asyncio.to_thread(shipping.close)
            LOG.info("ended")

    openapi = document(contract, reader.struct, _version(), needs_key=bool(keys), is_limited=rate_limit is not None)
    app = Litestar(
        routes(champion, metrics, openapi, Ending(folder), shipping),
        lifespan=[running],
        openapi_config=None,
        exception_handlers={Problem: _problem, HTTPException: _http_problem, Exception: _defect},
        logging_config=None,
    )

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        # Routing and the handling of exceptions by Litestar take half as long as all that a prediction needs.
        if scope["type"] == ScopeType.HTTP and scope["path"] in AT_PREDICT:
            await handler(scope, receive, send)
        else:
            await app(scope, receive, send)

    return Edge(application, metrics)


async def _tick(log: PredictionLog) -> None:
    parent = multiprocessing.parent_process()
    while True:
        await asyncio.sleep(TICK_SECONDS)
        try:
            log.tick()
        except OSError as error:
            LOG.error("the prediction log cannot be looked after: %s", error)  # noqa: TRY400 - no traceback in logs
        if parent and not parent.is_alive():
            # Killed: nobody else would end this worker, and the port would stay taken.
            signal.raise_signal(signal.SIGTERM)


def _problem(request: Request, problem: Problem) -> Response[bytes]:  # type: ignore[type-arg]
    body = problem.body(request.scope["state"][REQUEST_ID])
    return Response(body, status_code=problem.status, media_type=MEDIA_TYPE, headers=dict(problem.headers))


def _http_problem(request: Request, error: HTTPException) -> Response[bytes]:  # type: ignore[type-arg]
    status = HTTPStatus(error.status_code)
    detail = HINTS.get(status, status.description or status.phrase)
    return _problem(request, Problem(status, detail, headers=list((error.headers or {}).items())))


def _defect(_request: Request, error: Exception) -> Response[bytes]:  # type: ignore[type-arg]
    # Left to the edge, which logs it; Litestar would only answer.
    raise error


def _run_folder() -> Path:
    return Path(os.environ.get(RUN_FOLDER) or tempfile.mkdtemp(prefix="credit-express-"))


def _version() -> str:
    try:
        return version("credit-express")
    except PackageNotFoundError:
        # Run from its folder, it is not installed as a package.
        return "0.1.0"


HINTS = {
    HTTPStatus.NOT_FOUND: "there is nothing here; the routes are described at /docs",
    HTTPStatus.METHOD_NOT_ALLOWED: "this route is asked in another way; see /docs",
}
