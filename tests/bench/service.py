"""The service: its speed against the usual way and against the least possible, and how it bears a long load.

The prediction log and the reason codes are on throughout, as they are by default, and one worker process serves.
"""

import tempfile
from pathlib import Path
from typing import Any

import polars
from rich.console import Console

from schemas.application import Application
from tests.bench import comparison, endurance
from tests.bench.figure import Figure
from tests.bench.peers.training import train_usual
from tests.bench.portfolio import prepare
from tests.bench.wrk import find_wrk, write_script

APPLICATIONS = 400


def measure_service(console: Console) -> list[Figure]:
    """Throughput beside both peers in turn, then a million requests to a fresh process."""
    find_wrk()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with console.status("Preparing: a champion, and the usual classifier trained on the same portfolio"):
            prepare(home)
            classifier = train_usual(home)
            applications = _applications(home)
            script = write_script(home / "ask.lua", applications)
        with console.status("Measuring the service and its peers in turn"):
            rounds = comparison.compare(home, classifier, script, applications)
        _print(console, comparison.told(rounds))
        with console.status(f"Measuring {endurance.REQUESTS:,} requests"):
            endured = endurance.endure(home, script)
        _print(console, endurance.told(endured))
    return [*comparison.figures(rounds), *endurance.figures(endured)]


def _applications(home: Path) -> list[dict[str, Any]]:
    rows = polars.read_csv(home / "small.csv").head(APPLICATIONS)
    return rows.select("application_id", *Application.__struct_fields__).to_dicts()


def _print(console: Console, lines: list[str]) -> None:
    for line in lines:
        console.print(line, soft_wrap=True)
