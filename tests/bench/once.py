"""One measurement in a process of its own: `python -m tests.bench.once floor|body HOME SOURCE`; prints JSON."""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

BATCH_DATE = date(2026, 7, 1)


def floor(warehouse: Path, source: Path) -> None:
    """What DuckDB alone takes to load the CSV into a table of a file."""
    import duckdb

    connection = duckdb.connect(str(warehouse))
    connection.execute("CREATE TABLE landed AS SELECT * FROM read_csv(?)", [str(source)])
    connection.close()


def body(warehouse: Path, source: Path) -> None:
    """The body of the daily run: read, gate, score with reason codes, drift, publish."""
    from tests.body import run_day

    os.environ["SCORING_WAREHOUSE"] = str(warehouse)
    from tasks.project import load_project

    published = run_day(load_project(), BATCH_DATE, source)
    if not published.new or published.rows.scored == 0:
        raise SystemExit("nothing was published, so nothing was measured")


def main() -> None:
    """Times one of the two, with a small run before it so that imports and caches are not what is measured."""
    what, home, source = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    os.environ["SCORING_HOME"] = str(home)
    measured: Callable[[Path, Path], None] = {"floor": floor, "body": body}[what]
    warehouse = home / f"{os.getpid()}.duckdb"
    measured(home / f"{os.getpid()}-warm.duckdb", home / "small.csv")
    started = time.perf_counter()
    measured(warehouse, source)
    seconds = time.perf_counter() - started
    for file in home.glob(f"{os.getpid()}*.duckdb*"):
        file.unlink()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb}))


if __name__ == "__main__":
    main()
