"""What Prometheus scrapes: counts that all worker processes add to, and what is true at the moment of asking."""

import contextlib
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar, cast

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from schemas.prediction_log import FINISHED, OPEN
from schemas.request import BrokenField
from service.champion import Champion
from service.run import SHARED
from service.shipping import Shipping

Series = TypeVar("Series", bound=Counter | Histogram)
SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """The metrics of one process; `exposition` gives those of all processes together."""

    def __init__(
        self, champion: Champion, predictions: Path, fields: Iterable[str], shipping: Shipping | None = None
    ) -> None:
        self._registry = CollectorRegistry()
        self._now = CollectorRegistry()
        self._now.register(_Now(champion, predictions, shipping))
        self._fields = frozenset(fields)
        registry = self._registry
        requests = Counter("scoring_requests", "Requests by route and status.", ["route", "status"], registry=registry)
        seconds = Histogram(
            "scoring_request_seconds",
            "From a request's arrival to its answer, in seconds.",
            ["route"],
            buckets=SECONDS,
            registry=registry,
        )
        decisions = Counter(
            "scoring_decisions", "Predictions by decision.", ["decision", "model_version"], registry=registry
        )
        broken = Counter(
            "scoring_broken_fields", "Fields of refused requests by rule.", ["field", "rule"], registry=registry
        )
        self._requests = _Children(requests)
        self._seconds = _Children(seconds)
        self._decisions = _Children(decisions)
        self._broken = _Children(broken)

    def request(self, route: str, status: int, seconds: float) -> None:
        """Counts an answered request."""
        self._requests[route, str(status)].inc()
        self._seconds[(route,)].observe(seconds)

    def prediction(self, decision: str, model_version: str) -> None:
        """Counts a prediction that is on the record."""
        self._decisions[decision, model_version].inc()

    def broken_fields(self, fields: Iterable[BrokenField]) -> None:
        """Counts the broken fields of a request; names that are no fields count together, as anybody may send any."""
        for broken in fields:
            self._broken[broken.field if broken.field in self._fields else "(other)", broken.rule].inc()

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        counts = self._registry
        if os.environ.get(SHARED):
            counts = CollectorRegistry()
            MultiProcessCollector(counts)  # type: ignore[no-untyped-call]
        return generate_latest(counts) + generate_latest(self._now)


class _Children(dict[tuple[str, ...], Series]):
    """The series of a metric by their labels; looking one up in the metric itself takes a lock."""

    def __init__(self, metric: Series) -> None:
        self._metric = metric
        super().__init__()

    def __missing__(self, labels: tuple[str, ...]) -> Series:
        # A series is of its metric's class.
        child = cast("Series", self._metric.labels(*labels))
        self[labels] = child
        return child


class _Now(Collector):
    """Gauges that are read when they are asked for."""

    def __init__(self, champion: Champion, predictions: Path, shipping: Shipping | None) -> None:
        self._champion, self._predictions, self._shipping = champion, predictions, shipping

    def collect(self) -> Iterable[Metric]:
        serving = self._champion.serving
        info = GaugeMetricFamily("scoring_model", "1 for the model that serves.", labels=["model_version"])
        if serving:
            info.add_metric([serving.version], 1)
        yield info
        refused = 1 if self._champion.problem else 0
        yield GaugeMetricFamily("scoring_champion_refused", "1 while the champion cannot be taken up.", value=refused)
        if self._shipping:
            failing = 1 if self._shipping.problem else 0
            yield GaugeMetricFamily(
                "scoring_prediction_log_shipping_failing", "1 while segments cannot be shipped.", value=failing
            )
        waiting = _stats(self._predictions, FINISHED)
        yield GaugeMetricFamily(
            "scoring_prediction_log_waiting_segments", "Finished segments to be loaded, or shipped.", value=len(waiting)
        )
        yield GaugeMetricFamily(
            "scoring_prediction_log_waiting_bytes",
            "Bytes of finished segments to be loaded, or shipped.",
            value=sum(stat.st_size for stat in waiting),
        )
        oldest = time.time() - min(stat.st_mtime for stat in waiting) if waiting else 0
        yield GaugeMetricFamily(
            "scoring_prediction_log_waiting_seconds",
            "Age of the oldest segment to be loaded, or shipped.",
            value=oldest,
        )
        yield GaugeMetricFamily(
            "scoring_prediction_log_open_segments",
            "Segments that are being written.",
            value=len(_stats(self._predictions, OPEN)),
        )


def _stats(folder: Path, suffix: str) -> list[os.stat_result]:
    found = []
    for path in folder.glob(f"*{suffix}"):
        # It may be finished or loaded meanwhile.
        with contextlib.suppress(FileNotFoundError):
            found.append(path.stat())
    return found
