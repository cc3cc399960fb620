"""The backfill: whether a day costs the same at the end of a year as at its beginning, in time and in memory."""

import itertools
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import mean, median

import duckdb
from rich.console import Console

from tests.bench.figure import Figure, NotMeasured
from tests.bench.memory import resident_mb
from tests.bench.portfolio import prepare, write_batch
from tests.flows.homes import ROOT, environment

DAYS = 365
ROWS = 5_000
MONTH = 30
FIRST = date(2025, 7, 1)
TIME_LIMIT = 1.3
MEMORY_LIMIT = 1.1
LOOK_SECONDS = 1.0


def measure_backfill(console: Console) -> list[Figure]:
    """The command `backfill` on a year of generated days, through Prefect, in one process."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with console.status(f"Preparing: a champion, and {DAYS} generated days of {ROWS:,} rows"):
            prepare(home)
            for file in (home / "landing").glob("applications_*"):
                file.unlink()
            for day in (FIRST + timedelta(days=number) for number in range(DAYS)):
                write_batch(home / "landing" / f"applications_{day}.csv", ROWS, day)
        with console.status(f"Backfilling {DAYS} days"):
            looks = _backfill(home)
        ends = _ends_of_days(home)
    seconds = [(after - before).total_seconds() for before, after in itertools.pairwise(ends)]
    first, last = mean(seconds[:MONTH]), mean(seconds[-MONTH:])
    # In the first month libraries are still being loaded and the allocator finds its size.
    warming, began, ended = (
        median(mb for at, mb in looks if since <= at <= until)
        for since, until in ((ends[0], ends[MONTH]), (ends[MONTH], ends[2 * MONTH]), (ends[-MONTH], ends[-1]))
    )
    console.print(
        f"backfill: {first:.2f} s a day in the first month, {last:.2f} s in the last; resident memory {warming:,.0f} MB"
        f" in the first month, {began:,.0f} MB in the second, {ended:,.0f} MB in the last,"
        f" at most {max(mb for _, mb in looks):,.0f} MB",
        soft_wrap=True,
    )
    return [
        Figure(f"a day in the last month of {DAYS} against one in the first", last / first, TIME_LIMIT, "times"),
        Figure("resident memory in the last month against the second", ended / began, MEMORY_LIMIT, "times"),
    ]


def _backfill(home: Path) -> list[tuple[datetime, float]]:
    """Runs it; returns its resident memory in MB, looked at every second, with the instant (UTC) of each look."""
    env = environment(SCORING_HOME=str(home), PREFECT_HOME=str(home / "prefect"))
    command = [sys.executable, "-m", "flows", "backfill"]
    looks: list[tuple[datetime, float]] = []
    with (home / "printed").open("w+") as printed:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=printed, stderr=subprocess.STDOUT)
        while process.poll() is None:
            time.sleep(LOOK_SECONDS)
            if memory := resident_mb(process.pid):
                looks.append((datetime.now(UTC).replace(tzinfo=None), memory))
        printed.seek(0)
        if process.returncode or f"{DAYS} published" not in printed.read():
            raise NotMeasured(f"the backfill did not publish {DAYS} days, so nothing was measured")
    return looks


def _ends_of_days(home: Path) -> list[datetime]:
    """When each day was done (UTC), in the order of the days."""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        rows = connection.execute("SELECT finished_at FROM batches ORDER BY batch_date").fetchall()
    return [row[0] for row in rows]
