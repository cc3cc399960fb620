"""One batch in pieces, in its own process: `python -m tests.bench.spread threads|dask SOURCE`.

Prints JSON. The installation is the environment's, steps and workers are those of the daily flow, without Prefect's
server, which has no part in it.
"""

import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from tests.bench.memory import resident_mb

T = TypeVar("T")
R = TypeVar("R")
WORKERS = 2


class Watch(threading.Thread):
    """Looks how much memory processes hold; `peak_mb` is the most that one of them did."""

    def __init__(self, pids: Sequence[int]) -> None:
        super().__init__(daemon=True)
        self._pids, self.peak_mb = pids, 0.0

    def run(self) -> None:
        while True:
            self.peak_mb = max([self.peak_mb, *(resident_mb(pid) for pid in self._pids)])
            time.sleep(0.05)


def on_dask(client: Any, step: str, verb: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """As `flows.spread.Spread`, by Dask alone."""
    futures = [client.submit(partial(verb, item), pure=False) for item in items]
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


def main() -> None:
    """Times a batch from ingest to publication."""
    runner, source = sys.argv[1:]
    from tasks.project import load_project
    from tests.bench.once import BATCH_DATE
    from tests.body import run_day

    project = load_project()
    with workers(runner) as (over, pids):
        watch = Watch(pids)
        watch.start()
        started = time.perf_counter()
        published = run_day(project, BATCH_DATE, Path(source), over=over)
        seconds = time.perf_counter() - started
    if not published.new or published.rows.scored == 0:
        raise SystemExit("nothing was published, so nothing was measured")
    own_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "worker_mb": watch.peak_mb, "own_mb": own_mb}))


if __name__ == "__main__":
    main()
