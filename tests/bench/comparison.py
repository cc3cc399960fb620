"""The service beside its peers: the same requests to each in turn, on the same core."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from service.predict import Prediction
from tests.bench.figure import Figure, NotMeasured
from tests.bench.peers.usual import MODEL, Answer
from tests.bench.serving import OURS, peer, serving
from tests.bench.wrk import Load, ask
from tests.service.running import Service

WARM_SECONDS = 2
ROUNDS = 5
ROUND_SECONDS = 8
USUAL_LIMIT = 12.0
EMPTY_LIMIT = 0.5
SERVICE, EMPTY, USUAL = "the service", "empty Litestar handler", ("usual, def", "usual, async def")


def compare(home: Path, classifier: Path, script: Path, applications: list[dict[str, Any]]) -> Mapping[str, list[Load]]:
    """The load of every round by what was asked; raises NotMeasured if anything was not answered as it should be."""
    # More threads of OpenMP than the one core has would only wait for each other.
    settings = {MODEL: str(classifier), "OMP_NUM_THREADS": "1"}
    with ExitStack() as stack:
        ours = stack.enter_context(serving(OURS, home, SCORING_HOME=str(home)))
        empty = stack.enter_context(serving(peer("empty"), home))
        usual = stack.enter_context(serving(peer("usual"), home, **settings))
        asked = {
            SERVICE: (ours, "/predict", _is_prediction),
            EMPTY: (empty, "/predict", _is_prediction),
            USUAL[0]: (usual, "/def/predict", _is_answer),
            USUAL[1]: (usual, "/async/predict", _is_answer),
        }
        for server, path, is_sensible in asked.values():
            _check(server, path, applications, is_sensible)
            ask(server.address + path, script, WARM_SECONDS)
        rounds: dict[str, list[Load]] = {name: [] for name in asked}
        for _ in range(ROUNDS):
            # In turn, so that a machine that slows down slows all.
            for name, (server, path, _) in asked.items():
                rounds[name].append(ask(server.address + path, script, ROUND_SECONDS))
    for name, loads in rounds.items():
        if errors := sum(load.errors for load in loads):
            raise NotMeasured(f"{name}: {errors:,} requests were not answered with 200, so its speed says nothing")
    return rounds


def told(rounds: Mapping[str, list[Load]]) -> list[str]:
    """Absolute figures, a line each."""
    return [_told(name, loads) for name, loads in rounds.items()]


def figures(rounds: Mapping[str, list[Load]]) -> list[Figure]:
    """The service's throughput against that of each peer; of the usual one's two handlers the faster one counts."""
    ours, empty = _rate(rounds[SERVICE]), _rate(rounds[EMPTY])
    usual = max(_rate(rounds[name]) for name in USUAL)
    return [
        Figure("requests/s against FastAPI, pandas and scikit-learn", ours / usual, USUAL_LIMIT, "times", "at least"),
        Figure("requests/s against an empty Litestar handler", ours / empty, EMPTY_LIMIT, "times", "at least"),
    ]


def _told(name: str, loads: list[Load]) -> str:
    p50, p99 = median(load.p50_ms for load in loads), median(load.p99_ms for load in loads)
    slowest = max(load.max_ms for load in loads)
    return (
        f"{name}: {_rate(loads):,.0f} requests/s, p50 {p50:.2f} ms, p99 {p99:.2f} ms (medians of {len(loads)} rounds),"
        f" slowest {slowest:.1f} ms"
    )


def _rate(loads: list[Load]) -> float:
    return median(load.rate for load in loads)


def _check(
    server: Service, path: str, applications: list[dict[str, Any]], is_sensible: Callable[[bytes], bool]
) -> None:
    """Raises NotMeasured unless every application is answered, and sensibly."""
    for application in applications:
        response = server.client.post(path, json=application)
        if response.status_code != 200 or not is_sensible(response.content):
            raise NotMeasured(f"{response.url} answered {application} with {response.status_code}: {response.text}")


def _is_prediction(body: bytes) -> bool:
    prediction = msgspec.json.decode(body, type=Prediction)
    return 0 < prediction.probability_of_default < 1 and prediction.decision in ("approve", "refer", "decline")


def _is_answer(body: bytes) -> bool:
    return 0 < Answer.model_validate_json(body).probability_of_default < 1
