"""Segments of the prediction log as the service leaves them, and what the warehouse holds of them.

`python -m tests.tasks.segments HOME [POINT]` loads the segments of a home in a process to be killed: it prints `began`
when all is imported and `ended` when it is done, and with a point of `POINTS` it kills itself right behind that.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from schemas.prediction_log import FINISHED, OPEN
from tasks import load_predictions as module
from tasks.load_predictions import LoadedPredictions, load_predictions
from tests.flows.homes import environment, project_at, query
from tests.flows.killing import Victim
from warehouse import inserts
from warehouse.writer import Writer

# As a line has it, down to the last space.
INPUTS, OUTPUTS = '{"age": 35,"income":5e4, "name":"Zoë \\u00e9"}', '{"score":600,  "decision":"approve"}'
POINTS: dict[str, tuple[Any, str]] = {
    "abandoned segments finished": (module, "finish_abandoned"),
    "segment read": (module, "_rows"),
    "looked for on record": (inserts, "is_on_record"),
    "predictions inserted": (inserts, "utc_now"),
    "record inserted": (inserts, "insert_predictions"),
    "committed": (Writer, "load_predictions"),
}
# Waits to be told to end, or for its parent's end.
_HOLD_FILE = """
import fcntl, sys
file = open(sys.argv[1], "rb")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""
_HOLD_WAREHOUSE = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


class Holder:
    """A process that holds a file's lock, or a warehouse, until it is killed."""

    def __init__(self, path: Path, script: str = _HOLD_FILE) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "held\n"

    def __enter__(self) -> "Holder":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


def holding_warehouse(path: Path) -> Holder:
    return Holder(path, _HOLD_WAREHOUSE)


def line(name: str, **changed: str) -> str:
    """A line of the log without its end; values are JSON."""
    values = {
        "prediction_id": f'"{name}"',
        "predicted_at": '"2026-03-02T10:00:00.123456+02:00"',
        "request_id": f'"request-{name}"',
        "application_key": "null",
        "inputs": INPUTS,
        "outputs": OUTPUTS,
        "latency_ms": "1.5",
        "model_version": '"scorecard-1"',
    }
    return "{" + ",".join(f'"{key}":{value}' for key, value in (values | changed).items()) + "}"


def lines(name: str, count: int) -> str:
    """Whole lines of predictions named after their segment."""
    return "".join(f"{line(f'{name}-{number}')}\n" for number in range(count))


def put(home: Path, name: str, content: str | bytes, ending: str = FINISHED) -> Path:
    """A segment with this content in the folder of a home, made if need be."""
    path = home / "predictions" / f"{name}{ending}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def load(home: Path, **settings: Any) -> LoadedPredictions:
    """One run that nobody listens to."""
    return load_predictions(project_at(home, **settings), lambda _: None)


def files(home: Path) -> list[str]:
    """What is in the folder, what is loaded by its path in there."""
    folder = home / "predictions"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def held(home: Path) -> dict[str, int]:
    """Predictions by segment; asserts that they agree with the record and that none is there twice."""
    twice = "SELECT prediction_id FROM predictions GROUP BY prediction_id HAVING count(*) > 1"
    assert query(home, twice) == []
    counted = dict(query(home, "SELECT segment, count(*) FROM predictions GROUP BY segment"))
    recorded = query(home, "SELECT segment, row_count FROM prediction_segments ORDER BY segment")
    assert len(recorded) == len(dict(recorded))
    assert counted == {segment: count for segment, count in recorded if count}
    return dict(recorded)


def serve(home: Path, segments: int, predictions: int) -> int:
    """Writes segments as the service does, one after the other; returns how many predictions it has answered."""
    folder = home / "predictions"
    for number in range(segments):
        name = f"service-{number:03d}"
        aside, path = folder / f".{name}.new", folder / f"{name}{OPEN}"
        with aside.open("wb") as file:
            # Locked before it has its name, so that nobody takes it for abandoned.
            fcntl.flock(file, fcntl.LOCK_EX)
            aside.rename(path)
            file.write(lines(name, predictions).encode())
            file.flush()
            path.rename(folder / f"{name}{FINISHED}")
    (home / "done").touch()
    return segments * predictions


def load_until_done(home: Path) -> int:
    """Loads again and again until the service has ended, and once more; returns how many predictions it loaded."""
    loaded, done = 0, False
    while not done:
        done = (home / "done").exists()
        loaded += load(home).predictions
        time.sleep(0.01)
    return loaded


def start_loading(home: Path, *point: str) -> Victim:
    """A process that loads the segments of a home, begun."""
    return Victim(["tests.tasks.segments", str(home), *point], environment(), began="began")


def _kill_behind(owner: Any, name: str) -> None:
    real = getattr(owner, name)

    def and_die(*given: Any) -> None:
        real(*given)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, and_die)


def main() -> None:
    home, *points = sys.argv[1:]
    for point in points:
        _kill_behind(*POINTS[point])
    print("began", flush=True)
    print(f"ended: {load(Path(home))}", flush=True)
    # What Python tears down takes longer than a small run, and is no part of it.
    os._exit(0)


if __name__ == "__main__":
    main()
