"""The flow load-predictions on a real server, and the command as a process of its own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows import steps
from flows.load_predictions import load_predictions
from tasks import load_predictions as prediction_log
from tasks.project import Project
from tests.flows.homes import project_at, run_cli
from tests.flows.prefect_runs import Run
from tests.tasks.segments import files, held, holding_warehouse, line, lines, load, put

DAMAGED = f"{line('a')}\n{{\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCORING_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def run(home: Path, prefect_api: str, prefect_here: None) -> Callable[[], Run]:
    """Runs the flow load-predictions."""
    return lambda: Run(prefect_api, load_predictions(return_state=True))


def told_by(home: Path, *arguments: str, **settings: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of the command."""
    found = run_cli(home, "load-predictions", *arguments, env=settings)
    assert "Traceback" not in found.stdout + found.stderr
    return found.returncode, found.stdout, found.stderr


def test_a_run_loads_what_is_finished_and_says_how_much(home: Path, run: Callable[[], Run]) -> None:
    for name, count in (("a", 1000), ("b", 234)):
        put(home, name, lines(name, count))
    loaded = run()
    assert loaded.end == ("COMPLETED", "Completed", "2 segments, 1,234 predictions loaded")
    assert loaded.task_runs() == [("load predictions", "COMPLETED", 1)]
    assert held(home) == {"a": 1000, "b": 234}
    assert run().end == ("COMPLETED", "Completed", "no finished segment is waiting")


def test_a_run_with_a_damaged_segment_is_incomplete_and_names_file_and_line(home: Path, run: Callable[[], Run]) -> None:
    put(home, "good", lines("good", 2) + "{")
    path = put(home, "bad", DAMAGED)
    loaded = run()
    kind, name, message = loaded.end
    assert (kind, name) == ("FAILED", "Incomplete")
    words = "1 segment, 2 predictions loaded; 1 line cut off by a crash not loaded; 1 segment refused\n"
    assert message.startswith(f"{words}{path}, line 2 is no prediction: ")
    assert loaded.task_runs() == [("load predictions", "COMPLETED", 1)]
    logged = loaded.logged()
    assert any(f"{path}, line 2 is no prediction" in line for line in logged)
    assert any("good.jsonl: a crash cut off the last line (1 byte without an end)" in line for line in logged)
    assert held(home) == {"good": 2}
    assert files(home) == ["bad.jsonl", "loaded/good.jsonl"]


def test_a_warehouse_that_is_held_for_a_while_is_tried_again(
    home: Path, run: Callable[[], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCORING_LOCK_WAIT_SECONDS", "0.2")
    project_at(home).writer.prepare()
    put(home, "first", lines("first", 3))
    with holding_warehouse(home / "warehouse.duckdb") as holder:

        def load_and_free(project: Project, warn: Callable[[str], None]) -> Any:
            try:
                return prediction_log.load_predictions(project, warn)
            finally:
                holder.kill()

        step = steps._step("load predictions", load_and_free, retries=3).with_options(retry_delay_seconds=0)
        monkeypatch.setattr(steps, "load_predictions", step)
        loaded = run()
    assert loaded.end == ("COMPLETED", "Completed", "1 segment, 3 predictions loaded")
    assert loaded.task_runs() == [("load predictions", "COMPLETED", 2)]
    assert held(home) == {"first": 3}


def test_the_command_loads_once_and_then_finds_nothing(home: Path) -> None:
    assert told_by(home) == (0, "no finished segment is waiting\n", "")
    assert list(home.iterdir()) == []
    put(home, "first", lines("first", 3))
    assert told_by(home) == (0, "1 segment, 3 predictions loaded\n", "")
    assert told_by(home) == (0, "no finished segment is waiting\n", "")
    assert held(home) == {"first": 3}


def test_the_command_tells_of_lines_cut_off_and_of_damaged_segments_until_they_are_mended(home: Path) -> None:
    put(home, "good", lines("good", 2) + "{", ending=".jsonl.open")
    path = put(home, "bad", DAMAGED)
    code, printed, errors = told_by(home)
    words = "1 segment, 2 predictions loaded; 1 line cut off by a crash not loaded; 1 segment refused\n"
    assert (code, printed) == (1, words)
    warning, error = errors.splitlines()
    assert warning.startswith(f"warning: {home / 'predictions' / 'good.jsonl'}: a crash cut off the last line")
    assert error.startswith(f"error: {path}, line 2 is no prediction: ")
    assert error.endswith("mend the line or move the file out of the folder")

    code, printed, errors = told_by(home)
    assert (code, printed, errors) == (1, "1 segment refused\n", f"{error}\n")
    path.rename(home / "bad.jsonl")
    assert told_by(home) == (0, "no finished segment is waiting\n", "")


def test_the_command_takes_its_folder_from_the_settings(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("service")
    put(elsewhere, "first", lines("first", 2))
    folder = str(elsewhere / "predictions")
    assert told_by(home, SCORING_PREDICTIONS=folder) == (0, "1 segment, 2 predictions loaded\n", "")
    assert files(elsewhere) == ["loaded/first.jsonl"]
    assert held(home) == {"first": 2}
    assert load(home).segments == 0


def test_a_warehouse_that_stays_held_is_an_error_of_the_command(home: Path) -> None:
    project_at(home).writer.prepare()
    put(home, "first", lines("first", 2))
    with holding_warehouse(home / "warehouse.duckdb"):
        code, printed, errors = told_by(home, SCORING_LOCK_WAIT_SECONDS="0.2")
    assert (code, printed) == (1, "")
    assert "was held by another process for more than 0.2 seconds" in errors
    assert files(home) == ["first.jsonl"]
