"""The routes beside `/predict`: health, readiness, metrics, and the documentation with its files."""

import importlib.util
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
from litestar import MediaType, Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from service.champion import Champion
from service.ending import Ending
from service.metrics import Metrics
from service.problems import Problem
from service.shipping import Shipping

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Credit scoring API</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="/docs/swagger_style.css">
  <style>.response-col_links { display: none }</style>
</head>
<body>
  <div id="page">The documentation needs JavaScript; the document itself is at /openapi.json.</div>
  <script src="/docs/swagger_bundle.js"></script>
  <script src="/docs/start.js"></script>
</body>
</html>
"""
START = """SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#page", deepLinking: true, tryItOutEnabled: true, validatorUrl: null,
});
"""
# Swagger UI as the package offapi carries it; importing the package would read all of its files into memory.
ASSETS = {"swagger_bundle.js": "text/javascript", "swagger_style.css": "text/css"}
# Litestar adds the character set.
PROMETHEUS = "text/plain; version=0.0.4"


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """`problem` says why the champion is not the model that serves, or segments of the log wait, if it is so."""

    status: str
    model_version: str | None
    problem: str | None


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """The model that serves."""

    model_version: str


def routes(
    champion: Champion, metrics: Metrics, openapi: dict[str, Any], ending: Ending, shipping: Shipping | None = None
) -> list[HTTPRouteHandler]:
    """The handlers, for one process."""
    document = msgspec.json.encode(openapi)
    files = {name: (_asset(name), media_type) for name, media_type in ASSETS.items()}
    files["start.js"] = (START.encode(), "text/javascript")

    @get("/health", sync_to_thread=False)
    def health() -> Health:
        version = champion.serving.version if champion.serving else None
        problems = [problem for problem in (champion.problem, shipping and shipping.problem) if problem]
        return Health(status="ok", model_version=version, problem="; ".join(problems) or None)

    @get("/ready", sync_to_thread=False)
    def ready() -> Ready:
        if ending.has_begun:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "this process is about to end; ask another replica")
        if champion.serving is None:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, champion.problem or "no model is loaded yet")
        return Ready(model_version=champion.serving.version)

    # Reading the counts of many processes takes a while.
    @get("/metrics", sync_to_thread=True)
    def exposition() -> Response[bytes]:
        return Response(metrics.exposition(), media_type=PROMETHEUS)

    @get("/openapi.json", sync_to_thread=False)
    def openapi_document() -> Response[bytes]:
        return Response(document, media_type=MediaType.JSON)

    @get("/docs", sync_to_thread=False)
    def docs() -> Response[str]:
        return Response(PAGE, media_type=MediaType.HTML)

    @get("/docs/{name:str}", sync_to_thread=False)
    def docs_file(name: FromPath[str]) -> Response[bytes]:
        if name not in files:
            raise NotFoundException
        content, media_type = files[name]
        return Response(content, media_type=media_type, headers={"cache-control": "max-age=86400"})

    return [health, ready, exposition, openapi_document, docs, docs_file]


def _asset(name: str) -> bytes:
    spec = importlib.util.find_spec("offapi")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("the package offapi, which has the files of /docs, is not installed")
    return (Path(spec.submodule_search_locations[0]) / name).read_bytes()
