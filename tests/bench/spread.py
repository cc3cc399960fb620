"""One batch in pieces, in its own process: `python -m tests.bench.spread threads|dask DATE=SOURCE …`. Prints JSON.

The last of them is measured, those before it are only published. The installation is the environment's, steps and
workers are those of the daily flow, without Prefect's server, which has no part in it.
"""

import json
import os
import resource
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from tasks.parallel import Over
from tests.bench.memory import resident_mb

T = TypeVar("T")
R = TypeVar("R")
WORKERS = 2


class Watch(threading.Thread):
    """Looks how much memory processes hold and how much is staged: `peak_mb` is the most that one of them did."""

    def __init__(self, pids: Sequence[int], staging: Path) -> None:
        super().__init__(daemon=True)
        self._pids, self._staging, self.peak_mb, self.staged_bytes = pids, staging, 0.0, 0

    def run(self) -> None:
        while True:
            self.staged_bytes = max(self.staged_bytes, bytes_below(self._staging))
            for _ in range(20):
                self.peak_mb = max([self.peak_mb, *(resident_mb(pid) for pid in self._pids)])
                time.sleep(0.05)


def bytes_below(folder: Path) -> int:
    """The bytes of all files in a folder and its folders; those that go while they are looked at do not count."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            total += path.stat().st_size
    return total


class Clock:
    """Goes over items and adds up by step how long that took; what is left is done by the run's own process."""

    def __init__(self, over: Over) -> None:
        self._over, self.seconds = over, defaultdict[str, float](float)

    def __call__(self, step: str, verb: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """As `tasks.parallel.Over`."""
        started = time.perf_counter()
        try:
            return self._over(step, verb, items)
        finally:
            self.seconds[step] += time.perf_counter() - started


def on_dask(client: Any, step: str, verb: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """As `flows.spread.Spread`, by Dask alone."""
    from tasks.parallel import sharing, threads_each

    threads = threads_each(min(WORKERS, len(items)))
    futures = [client.submit(partial(sharing, threads, verb, item), pure=False) for item in items]
    done: list[R] = client.gather(futures)
    return done


@contextmanager
def workers(runner: str) -> Iterator[tuple[Any, list[int]]]:
    """How to go over pieces, and the processes that do."""
    if runner == "threads":
        from tasks.parallel import side_by_side

        yield side_by_side, [os.getpid()]
        return
    import distributed

    options = {"n_workers": WORKERS, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:  # type: ignore[no-untyped-call]
        client.run(warm)
        yield partial(on_dask, client), list(client.run(os.getpid).values())


def warm() -> None:
    """Imports what a worker needs: a second, which is not what is measured."""
    from tasks import gate, monitor, score  # noqa: F401


def _parts(given: str) -> tuple[str, str, str]:
    return given.partition("=")


def main() -> None:
    """Times a batch from ingest to publication."""
    runner, *given = sys.argv[1:]
    *before, (day, source) = [(date.fromisoformat(name), Path(path)) for name, _, path in map(_parts, given)]
    from tasks.project import load_project
    from tests.body import run_day

    project = load_project()
    for earlier, path in before:
        run_day(project, earlier, path)
    with workers(runner) as (over, pids):
        clock, watch = Clock(over), Watch(pids, project.settings.path("staging"))
        # What others have written and the disk has not is not this batch's.
        os.sync()
        watch.start()
        started = time.perf_counter()
        published = run_day(project, day, source, over=clock)
        seconds = time.perf_counter() - started
    if not published.new or published.rows.scored == 0:
        raise SystemExit("nothing was published, so nothing was measured")
    own_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {"seconds": seconds, "worker_mb": watch.peak_mb, "own_mb": own_mb, "steps": dict(clock.seconds)}
    print(json.dumps(found | {"staged_bytes": watch.staged_bytes, "rows": published.rows.scored}))


if __name__ == "__main__":
    main()
