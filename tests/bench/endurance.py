"""A long load on one process: the slowest answers, the memory, and whether every answer is in the prediction log."""

from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx

from schemas.prediction_log import FINISHED
from tests.bench.figure import Figure, NotMeasured
from tests.bench.memory import resident_mb
from tests.bench.serving import OURS, serving
from tests.bench.wrk import CONNECTIONS, Load, ask
from tests.service.running import Service

LOAD_SECONDS = 120
REQUESTS = 1_000_000
WINDOW = REQUESTS // 10
FEWEST_SEGMENTS = 3
P99_LIMIT_MS = 10.0
SLOWEST_LIMIT_MS = 250.0
MEMORY_LIMIT = 1.05


@dataclass(frozen=True)
class Endured:
    """What came of it: each run of wrk, looks at the memory, and what the prediction log has.

    `looks` are pairs of requests answered so far and resident memory in MB.
    """

    loads: list[Load]
    looks: list[tuple[int, float]]
    logged: int
    segments: int

    @property
    def answered(self) -> int:
        """How many requests wrk saw answered with 200."""
        return sum(load.answered for load in self.loads)

    @property
    def began(self) -> float:
        """Resident memory (MB) after the first tenth of the requests; see `_memory`."""
        # Until then libraries are still being loaded and the allocator finds its size.
        return self._memory(WINDOW, 2 * WINDOW)

    @property
    def ended(self) -> float:
        """Resident memory (MB) at the end of all requests; see `_memory`."""
        last = self.looks[-1][0]
        return self._memory(last - WINDOW, last)

    def _memory(self, first: int, last: int) -> float:
        """The median of the looks between two numbers of requests, since a scrape of the metrics takes some as well."""
        found = [mb for requests, mb in self.looks if first <= requests <= last]
        if not found:
            raise NotMeasured(f"nobody looked at the memory between {first:,} and {last:,} requests")
        return median(found)


def endure(home: Path, script: Path) -> Endured:
    """Load for two minutes on a fresh process, and for as long after them as a million requests take.

    At every look the metrics are scraped; the process is ended as by its operator before its log is counted.
    """
    looks: list[tuple[int, float]] = []
    predictions = home / "endured"
    with serving(OURS, home, SCORING_HOME=str(home), SCORING_PREDICTIONS=str(predictions)) as service:

        def look() -> None:
            try:
                answered = int(service.metric("scoring_requests_total", route="/predict", status="200"))
            except httpx.TransportError as error:
                raise NotMeasured(f"the service does not answer ({error}): {_end_of(service)}") from error
            looks.append((answered, resident_mb(service.process.pid)))

        url = f"{service.address}/predict"
        loads = [ask(url, script, LOAD_SECONDS, look)]
        while (missing := REQUESTS - sum(load.answered for load in loads)) > 0:
            if not loads[-1].answered:
                raise NotMeasured(f"the service answers nothing: {_end_of(service)}")
            loads.append(ask(url, script, missing / loads[-1].rate + 1, look))
        look()
        service.end()
    segments = list(predictions.glob(f"*{FINISHED}"))
    if len(segments) < FEWEST_SEGMENTS:
        raise NotMeasured(
            f"the prediction log has {len(segments)} finished segments; it should have rotated on the way"
        )
    return Endured(loads, looks, sum(segment.read_bytes().count(b"\n") for segment in segments), len(segments))


def _end_of(service: Service) -> str:
    return service.output.read_text().strip()[-2000:]


def told(endured: Endured) -> list[str]:
    """Absolute figures, a line each."""
    first = endured.loads[0]
    waits = f"p50 {first.p50_ms:.2f} ms, p99 {first.p99_ms:.2f} ms, slowest {first.max_ms:.1f} ms"
    began, ended, most = endured.began, endured.ended, max(mb for _, mb in endured.looks)
    return [
        f"the service for {first.seconds:.0f} s: {first.rate:,.0f} requests/s, {waits}",
        f"in all: {endured.answered:,} answers, {endured.logged:,} predictions in {endured.segments} segments",
        f"resident memory: {began:,.1f} MB after {WINDOW:,} requests, {ended:,.1f} MB at the end, peak {most:,.1f} MB",
    ]


def figures(endured: Endured) -> list[Figure]:
    """Waiting times of the first two minutes; errors, memory and the log of everything."""
    first = endured.loads[0]
    errors = sum(load.errors for load in endured.loads)
    surplus = endured.logged - endured.answered
    # What wrk has asked last when it ends is answered and logged, but no longer counted by it.
    in_flight = CONNECTIONS * len(endured.loads)
    growth = endured.ended / endured.began
    return [
        Figure(f"99th percentile with {CONNECTIONS} connections", first.p99_ms, P99_LIMIT_MS, "ms"),
        Figure(f"slowest answer in {LOAD_SECONDS} s of load", first.max_ms, SLOWEST_LIMIT_MS, "ms"),
        Figure("requests that were not answered with 200", errors, 0, "requests"),
        Figure("answers that are not in the prediction log", max(-surplus, 0), 0, "answers"),
        Figure("predictions in the log beyond those in flight", max(surplus - in_flight, 0), 0, "predictions"),
        Figure(f"resident memory after {REQUESTS:,} requests against {WINDOW:,}", growth, MEMORY_LIMIT, "times"),
    ]
