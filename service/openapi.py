"""The OpenAPI document: its schemas are those that msgspec makes of the very classes that are read and written."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from model.reasons import catalogue
from schemas.contract import Contract
from schemas.request import BrokenField
from service.admission import JSON, KEY_HEADER
from service.champion import Reason
from service.predict import Prediction
from service.problems import MEDIA_TYPE, Problem, ProblemDetails
from service.request_schema import request_schema
from service.routes import Health, Ready

VERSION = "3.1.0"
REF = "#/components/schemas/{name}"
SCORING, OPERATION = "Scoring", "Operation"
MODEL, REQUEST = "scorecard-0123456789ab", "0b8f6c1e9a3d4f5c8e7b6a5d4c3b2a19"
REFUSALS = {
    HTTPStatus.BAD_REQUEST: "The body is not JSON.",
    HTTPStatus.REQUEST_TIMEOUT: "The body did not arrive in time.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not JSON by its header Content-Type.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The application breaks the contract; every broken field is named.",
    HTTPStatus.SERVICE_UNAVAILABLE: "No model is loaded, or the prediction cannot be put on record.",
}
UNAUTHORIZED = {HTTPStatus.UNAUTHORIZED: "No API key, or one that is not known."}
TOO_MANY = {HTTPStatus.TOO_MANY_REQUESTS: "More requests than the rate limit allows."}


def document(
    contract: Contract, request: type[msgspec.Struct], version: str, *, needs_key: bool, is_limited: bool
) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the service as it is configured."""
    _, schemas = msgspec.json.schema_components([request, Prediction, ProblemDetails, Health, Ready], ref_template=REF)
    schemas[request.__name__] = request_schema(contract, schemas[request.__name__])
    refusals = REFUSALS | (UNAUTHORIZED if needs_key else {}) | (TOO_MANY if is_limited else {})
    predict: dict[str, Any] = {
        "operationId": "predict",
        "tags": [SCORING],
        "summary": "Score one application",
        "description": "Probability of default, score, band, decision and reasons; the prediction is put on record.",
        "requestBody": {"required": True, "content": {JSON: {"schema": _reference(request)}}},
        "responses": {
            "200": _answer("The decision.", _prediction(contract)),
            **_refusals(contract, refusals),
        },
        **({"security": [{"key": []}]} if needs_key else {}),
    }
    key = {"type": "apiKey", "in": "header", "name": KEY_HEADER}
    return {
        "openapi": VERSION,
        "info": {
            "title": "Credit scoring",
            "version": version,
            "description": f"Real-time scores for the contract {contract.name}, one application at a time.",
        },
        "tags": [{"name": SCORING}, {"name": OPERATION}],
        "paths": {"/predict": {"post": predict}, **_probes()},
        "components": {"schemas": schemas, **({"securitySchemes": {"key": key}} if needs_key else {})},
    }


def _refusals(contract: Contract, refusals: Mapping[HTTPStatus, str]) -> dict[str, Any]:
    first = BrokenField(
        field=contract.fields[0].name,
        rule="missing",
        message=f"{contract.fields[0].title} has to be a value; it may not be empty",
    )
    return {
        str(status.value): _problem(status, words, [first] if status == HTTPStatus.UNPROCESSABLE_ENTITY else [])
        for status, words in sorted(refusals.items())
    }


def _prediction(contract: Contract) -> Prediction:
    return Prediction(
        prediction_id="7f1f3a525a3e4a8e9a3c1c1f0f3f7d11",
        probability_of_default=0.0694,
        score=562,
        band="C",
        decision="approve",
        reasons=[Reason(code, sentence) for code, sentence in catalogue(contract.features).items()][:2],
        model_version=MODEL,
    )


def _probes() -> dict[str, Any]:
    health = {"200": _answer("The process lives.", Health(status="ok", model_version=MODEL, problem=None))}
    ready = {
        "200": _answer("A verified model is loaded.", Ready(model_version=MODEL)),
        "503": _problem(HTTPStatus.SERVICE_UNAVAILABLE, "No model is loaded yet."),
    }
    text = {"text/plain": {"schema": {"type": "string"}, "example": "# TYPE scoring_requests_total counter\n…"}}
    metrics = {"200": {"description": "Prometheus' text format.", "content": text}}
    return {
        "/health": _get("health", "Whether the process lives, and with which model", health),
        "/ready": _get("ready", "Whether it can score", ready),
        "/metrics": _get("metrics", "Metrics for Prometheus", metrics),
    }


def _get(operation: str, summary: str, responses: Mapping[str, Any]) -> dict[str, Any]:
    return {"get": {"operationId": operation, "tags": [OPERATION], "summary": summary, "responses": responses}}


def _answer(words: str, example: msgspec.Struct) -> dict[str, Any]:
    return {"description": words, "content": {JSON: _content(type(example), msgspec.to_builtins(example))}}


def _problem(status: HTTPStatus, words: str, errors: Sequence[BrokenField] = ()) -> dict[str, Any]:
    example = msgspec.json.decode(Problem(status, words, errors).body(REQUEST))
    return {"description": words, "content": {MEDIA_TYPE: _content(ProblemDetails, example)}}


def _content(struct: type[msgspec.Struct], example: Any) -> dict[str, Any]:
    return {"schema": _reference(struct), "example": example}


def _reference(struct: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": REF.format(name=struct.__name__)}
