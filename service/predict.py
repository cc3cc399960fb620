"""`POST /predict`: read strictly, scored, put on the record, and only then answered."""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from litestar.types import HTTPScope, Receive, Send
from msgspec import Meta

from model.policy import DECISIONS
from model.reasons import MAX_REASONS
from schemas.prediction_log import LoggedPrediction
from schemas.request import BrokenRequest, MalformedRequest, RequestReader
from service.admission import JSON, Admission
from service.champion import Champion, Reason
from service.edge import REQUEST_ID, STARTED, send_body, send_problem
from service.ids import new_id
from service.metrics import Metrics
from service.prediction_log import LogUnavailable, PredictionLog
from service.problems import Problem

LOG = logging.getLogger("service.predict")
# A body is a few hundred bytes; who needs longer than this to send it is not let wait for.
BODY_SECONDS = 10.0


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered."""

    prediction_id: Annotated[str, Meta(description="What the prediction is on record under.")]
    probability_of_default: Annotated[float, Meta(ge=0, le=1)]
    score: Annotated[int, Meta(description="Points; higher is safer.")]
    band: Annotated[str, Meta(description="Band of risk; A is the safest.")]
    decision: Annotated[str, Meta(extra_json_schema={"enum": list(DECISIONS)})]
    reasons: Annotated[list[Reason], Meta(max_length=MAX_REASONS, description="What cost most points, the most first.")]
    model_version: Annotated[str, Meta(description="The model that scored.")]


class Outputs(msgspec.Struct, frozen=True, kw_only=True):
    """What is logged of an answer."""

    probability_of_default: float
    score: int
    band: str
    decision: str
    reason_codes: tuple[str, ...]


class Predict:
    """The ASGI handler of `/predict`; one of Litestar's would take more than as long again."""

    def __init__(
        self,
        *,
        reader: RequestReader,
        champion: Champion,
        log: PredictionLog,
        metrics: Metrics,
        pseudonym: Callable[[str | None], str | None],
        admission: Admission,
        max_body_bytes: int,
    ) -> None:
        self._reader, self._champion, self._log, self._metrics = reader, champion, log, metrics
        self._pseudonym, self._admission, self._max_body = pseudonym, admission, max_body_bytes
        self._encoder = msgspec.json.Encoder()

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        state: Any = scope["state"]
        try:
            headers = dict(scope["headers"])
            self._admission.check(scope, headers)
            body = await self._body(headers, receive)
            answer = self._predict(body, state[REQUEST_ID], state[STARTED])
        except Problem as problem:
            await send_problem(send, problem, state[REQUEST_ID])
        except _Gone:
            LOG.info("a caller went away before its request was complete")
        else:
            await send_body(send, HTTPStatus.OK, JSON, answer)

    async def _body(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self._max_body:
            raise self._too_large()
        message = await receive()
        if message["type"] != "http.request":
            raise _Gone
        body: bytes = message.get("body", b"")
        if not message.get("more_body"):
            if len(body) > self._max_body:
                raise self._too_large()
            return body
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await self._rest(body, receive)
        except TimeoutError:
            detail = f"the body did not arrive within {BODY_SECONDS:g} seconds"
            raise Problem(HTTPStatus.REQUEST_TIMEOUT, detail, headers=CLOSE) from None

    async def _rest(self, body: bytes, receive: Receive) -> bytes:
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                raise _Gone
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self._max_body:
                raise self._too_large()
        return body

    def _too_large(self) -> Problem:
        detail = f"the body has more than {self._max_body:,} bytes; an application has a few hundred"
        return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, headers=CLOSE)

    def _predict(self, body: bytes, request_id: str, started: float) -> bytes:
        """The answer to a body, on the record; raises Problem."""
        serving = self._champion.serving
        if serving is None:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "no model is loaded yet", headers=RETRY)
        try:
            request = self._reader.read(body)
        except MalformedRequest as error:
            raise Problem(HTTPStatus.BAD_REQUEST, str(error)) from error
        except BrokenRequest as error:
            self._metrics.broken_fields(error.fields)
            names = ", ".join(dict.fromkeys(broken.field or "the body" for broken in error.fields))
            detail = f"the application breaks the contract: {names}"
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=error.fields) from error
        score = serving.scorer.score_one(request.inputs)
        prediction_id = new_id()
        reasons = [serving.reasons[code] for code in score.reason_codes]
        logged = LoggedPrediction(
            prediction_id=prediction_id,
            predicted_at=datetime.now(UTC),
            request_id=request_id,
            application_key=self._pseudonym(request.application_id),
            inputs=request.inputs,
            outputs=Outputs(
                probability_of_default=score.probability_of_default,
                score=score.score,
                band=score.band,
                decision=score.decision,
                reason_codes=score.reason_codes,
            ),
            latency_ms=round((time.perf_counter() - started) * 1000, 4),
            model_version=serving.version,
        )
        try:
            self._log.append(self._encoder.encode(logged) + b"\n")
        except LogUnavailable as error:
            LOG.error("a prediction could not be logged and is not answered: %s", error)  # noqa: TRY400
            detail = "the prediction cannot be put on record, so it is not given; see the service's log"
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=RETRY) from error
        self._metrics.prediction(score.decision, serving.version)
        return self._encoder.encode(
            Prediction(
                prediction_id=prediction_id,
                probability_of_default=score.probability_of_default,
                score=score.score,
                band=score.band,
                decision=score.decision,
                reasons=reasons,
                model_version=serving.version,
            )
        )


class _Gone(Exception):
    """The caller closed the connection."""


CLOSE = [("connection", "close")]
RETRY = [("retry-after", "5")]
