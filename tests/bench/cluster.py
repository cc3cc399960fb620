"""One batch in parts on two Dask workers, into a file and into a lake: same rows, bounded memory, time by the rows.

`python -m tests.bench cluster` takes 5 and 50 million rows, and some 20 GB of disk; BENCH_MILLIONS="2 10" takes others.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product
from pathlib import Path

import duckdb
from rich.console import Console

from schemas.lake import Lake
from tests.bench.figure import Figure, NotMeasured
from tests.bench.once import BATCH_DATE
from tests.bench.portfolio import prepare, write_batch
from tests.bench.spread import bytes_below
from tests.flows.compared import differences
from tests.flows.disturbed import landing_csv
from tests.postgres import NO_POSTGRES, programs, running_postgres
from warehouse.backup import copy_warehouse

MILLION = 1_000_000
MILLIONS = "5 50"
PART_ROWS = MILLION
# Half of a part file: some pieces for each worker in the small batch too, so that none of them waits for the other.
PART_BYTES = 28_000_000
MEMORY_LIMIT_MB = 2048
GROWTH_LIMIT = 1.1


@dataclass(frozen=True)
class Measured:
    """Seconds of wall time from ingest to publication, and peak resident memory (MB) of the largest worker.

    `steps`: the seconds of what the workers did; the rest is the run's own, publishing most of all. `staged_bytes` is
    the most that was staged, `stored_bytes` what the warehouse takes, and `rows` are those scored.
    """

    seconds: float
    worker_mb: float
    own_mb: float
    steps: Mapping[str, float]
    staged_bytes: int
    stored_bytes: int
    rows: int

    def __str__(self) -> str:
        parts = [f"{name} {seconds:.1f} s" for name, seconds in self.steps.items()]
        own = self.seconds - sum(self.steps.values())
        return (
            f"{self.seconds:.1f} s ({', '.join(parts)}, the run's own {own:.1f} s); {self.worker_mb:,.0f} MB a worker,"
            f" {self.own_mb:,.0f} MB in the run's own process; {self.staged_bytes / self.rows:.0f} bytes a row staged,"
            f" {self.stored_bytes / self.rows:.0f} in the warehouse"
        )


def measure_cluster(console: Console) -> list[Figure]:
    """A small and a large batch by two workers, and one million rows on threads and on Dask compared row by row."""
    small, large = map(int, os.environ.get("BENCH_MILLIONS", MILLIONS).split())
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with console.status("Preparing: a champion, and a generated file of one million rows"):
            prepare(home)
            source, before = home / "million.csv", home / "before.csv"
            # With dirt, rows that are there twice, and applications of the day before.
            ids = f"GEN-{BATCH_DATE:%Y%m%d}-"
            source.write_bytes(landing_csv(BATCH_DATE, MILLION, ids=ids))
            before.write_bytes(landing_csv(BATCH_DATE - timedelta(days=1), MILLION // 100, ids=ids))
        with console.status("One million rows on threads and on Dask, into a file and into a lake"):
            figures = list(compare(console, home, source, before))
        with console.status(f"{small} million rows in parts by two workers"):
            few = measure_rows(console, home, small)
        with console.status(f"{large} million rows in parts by two workers"):
            many = measure_rows(console, home, large)
    growth = many.seconds / few.seconds / (large / small)
    return [
        *figures,
        Figure(f"peak resident memory of a worker at {large},000,000 rows", many.worker_mb, MEMORY_LIMIT_MB, "MB"),
        Figure(f"{large},000,000 rows against {small},000,000, over linear", growth, GROWTH_LIMIT, "times"),
    ]


def compare(console: Console, home: Path, source: Path, before: Path) -> Iterator[Figure]:
    """The same rows on threads into a file, which is what is compared with, and in all other ways."""
    if programs() is None:
        raise NotMeasured(NO_POSTGRES)
    files = {}
    with running_postgres() as server:
        for runner, kind in product(("threads", "dask"), ("file", "lake")):
            files[runner, kind] = home / f"{runner}-{kind}.duckdb"
            lake = Lake(server.create(f"{runner}_{kind}"), f"{home}/{runner}-{kind}/")
            warehouse = files[runner, kind] if kind == "file" else lake
            batches = {BATCH_DATE - timedelta(days=1): before, BATCH_DATE: source}
            measured = measure(home, batches, runner, warehouse, MILLION * 10)
            console.print(f"one million rows, {runner}, {kind}: {measured}")
            if kind == "lake":
                copy_warehouse(lake, files[runner, kind], 60)
    whole = files.pop(("threads", "file"))
    console.print(f"quarantined, by rule: {quarantined(whole)}")
    for (runner, kind), file in files.items():
        differing = differences(whole, file)
        console.print(f"{runner}, {kind}: rows that differ by table: {differing or 'none'}")
        name = f"rows of 1,000,000 that differ, {runner} into a {kind}"
        yield Figure(name, sum(differing.values()), 0, "rows")


def measure_rows(console: Console, home: Path, millions: int) -> Measured:
    """A batch of so many million rows in a folder of parts, and what a million of the next day takes after it.

    The parts and the warehouse are removed afterwards as they are large.
    """
    source, warehouse = home / f"{millions}_million", home / f"{millions}.duckdb"
    source.mkdir()
    for number, start in enumerate(range(0, millions * MILLION, PART_ROWS)):
        rows = min(PART_ROWS, millions * MILLION - start)
        write_batch(source / f"part-{number:03d}.csv", rows, first=start)
    try:
        measured = measure(home, {BATCH_DATE: source}, "dask", warehouse, PART_BYTES)
        console.print(f"{millions} million: {measured}")
        day = BATCH_DATE + timedelta(days=1)
        after = measure(home, {day: write_batch(home / "next.csv", MILLION, day)}, "dask", warehouse, PART_BYTES)
        console.print(f"one million of the next day, with {millions} million on record: {after}")
        return measured
    finally:
        for path in [*source.iterdir(), *home.glob(f"{millions}.duckdb*")]:
            path.unlink()


def quarantined(warehouse: Path) -> Mapping[str, int]:
    """Broken rules with their rows; raises NotMeasured if there is nothing of a kind that is to be compared."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = dict(connection.execute("SELECT rule, count(*) FROM quarantine GROUP BY rule ORDER BY rule").fetchall())
    if not {"duplicate_id", "already_scored"} < found.keys():
        raise NotMeasured(f"the million rows have too little in them to be compared: {found}")
    return found


def measure(home: Path, batches: Mapping[date, Path], runner: str, warehouse: Path | Lake, part_bytes: int) -> Measured:
    """Runs the last of some batches in a process of its own, so that no run warms or fattens another.

    Those before it are published first.
    """
    there = {"SCORING_HOME": str(home), "SCORING_PART_BYTES": str(part_bytes), "SCORING_WAREHOUSE": str(warehouse)}
    if isinstance(warehouse, Lake):
        there["SCORING_WAREHOUSE_DATA"] = warehouse.data
    command = [sys.executable, "-m", "tests.bench.spread", runner, *(f"{day}={path}" for day, path in batches.items())]
    run = subprocess.run(command, check=False, capture_output=True, text=True, env=os.environ | there)
    if run.returncode:
        raise NotMeasured(f"a batch of {[path.name for path in batches.values()]} failed:\n{run.stderr[-2000:]}")
    stored = bytes_below(Path(warehouse.data)) if isinstance(warehouse, Lake) else warehouse.stat().st_size
    return Measured(**json.loads(run.stdout.splitlines()[-1]), stored_bytes=stored)
