"""The day: speed and memory of the daily run's body, against DuckDB loading the same file."""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console

from tests.bench.figure import Figure
from tests.bench.portfolio import prepare, write_batch

MILLION = 1_000_000
REPEATS = 5
SPEED_LIMIT = 4.0
GROWTH_LIMIT = 11.0
MEMORY_LIMIT_MB = 2048


@dataclass(frozen=True)
class Measured:
    """Seconds of wall time and peak resident memory (MB) of one process doing one thing once."""

    seconds: float
    peak_mb: float


def measure(what: str, home: Path, source: Path) -> Measured:
    """Runs one measurement in a process of its own, so that no run warms or fattens another."""
    command = [sys.executable, "-m", "tests.bench.once", what, str(home), str(source)]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    return Measured(**json.loads(run.stdout.splitlines()[-1]))


def measure_day(console: Console) -> list[Figure]:
    """One and ten million rows; every figure is a ratio against a floor measured in the same run, on the same file."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with console.status("Preparing: a champion, and generated files of one and ten million rows"):
            prepare(home)
            million = write_batch(home / "million.csv", MILLION)
            ten_million = write_batch(home / "ten_million.csv", 10 * MILLION)
        with console.status("Measuring one million rows, floor and body in turn"):
            # In turn, so that a machine that slows down slows both.
            pairs = [(measure("floor", home, million), measure("body", home, million)) for _ in range(REPEATS)]
        with console.status("Measuring ten million rows"):
            large = measure("body", home, ten_million)
    floor = median(pair[0].seconds for pair in pairs)
    body = median(pair[1].seconds for pair in pairs)
    console.print(
        f"floor {floor:.2f} s, body {body:.2f} s (medians of {REPEATS}), ten million {large.seconds:.1f} s;"
        f" peak memory at one million {max(pair[1].peak_mb for pair in pairs):,.0f} MB"
    )
    return [
        Figure("daily run of 1,000,000 rows against DuckDB loading the CSV", body / floor, SPEED_LIMIT, "times"),
        Figure("10,000,000 rows against 1,000,000", large.seconds / body, GROWTH_LIMIT, "times"),
        Figure("peak resident memory at 10,000,000 rows", large.peak_mb, MEMORY_LIMIT_MB, "MB"),
    ]
