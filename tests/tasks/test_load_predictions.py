import fcntl
import random
import shutil
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import WarehouseUnavailable
from schemas.prediction_log import OPEN
from tasks.load_predictions import LoadedPredictions, in_words, load_predictions, load_segment
from tests.flows.homes import project_at, query
from tests.tasks.segments import (
    INPUTS,
    OUTPUTS,
    POINTS,
    Holder,
    files,
    held,
    holding_warehouse,
    line,
    lines,
    load,
    load_until_done,
    put,
    serve,
    start_loading,
)
from tests.warehouse.at_once import in_processes

KILLS = 6
SEGMENTS, PREDICTIONS = 40, 500
# Kills fall between the beginning of a run and this many times as long as an undisturbed one takes, one after another.
LONGEST_DELAY = 0.4
COMMITTED = "committed"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def listen(home: Path) -> tuple[LoadedPredictions, list[str]]:
    """A run, and what it warned of."""
    heard: list[str] = []
    return load_predictions(project_at(home), heard.append), heard


def test_without_a_folder_there_is_nothing_to_load_and_nothing_is_made(home: Path) -> None:
    assert in_words(load(home)) == "no finished segment is waiting"
    assert list(home.iterdir()) == []


def test_an_empty_folder_has_nothing_to_load_and_no_warehouse_is_made(home: Path) -> None:
    (home / "predictions").mkdir()
    assert in_words(load(home)) == "no finished segment is waiting"
    assert [path.name for path in home.rglob("*")] == ["predictions"]


def test_a_finished_segment_is_loaded_as_it_stands_and_moved(home: Path) -> None:
    keyed = line("b", application_key='"5ca1ab1e"', latency_ms="2", predicted_at='"2026-01-01T00:30:00+01:00"')
    put(home, "first", f"{line('a')}\n{keyed}\n")
    assert in_words(load(home)) == "1 segment, 2 predictions loaded"
    columns = (
        "prediction_id, predicted_at, request_id, application_key, inputs, outputs, latency_ms, model_version, segment"
    )
    early, late = (
        datetime(2025, 12, 31, 23, 30),  # noqa: DTZ001 -- instants are UTC, without a zone
        datetime(2026, 3, 2, 8, 0, 0, 123456),  # noqa: DTZ001
    )
    assert query(home, f"SELECT {columns} FROM predictions ORDER BY prediction_id") == [
        ("a", late, "request-a", None, INPUTS, OUTPUTS, 1.5, "scorecard-1", "first"),
        ("b", early, "request-b", "5ca1ab1e", INPUTS, OUTPUTS, 2.0, "scorecard-1", "first"),
    ]
    assert held(home) == {"first": 2}
    assert files(home) == ["loaded/first.jsonl"]


def test_many_segments_are_loaded_and_counted(home: Path) -> None:
    for name, count in (("a", 1000), ("b", 0), ("c", 234)):
        put(home, name, lines(name, count))
    assert in_words(load(home)) == "3 segments, 1,234 predictions loaded"
    assert held(home) == {"a": 1000, "b": 0, "c": 234}


def test_other_files_and_folders_are_left_alone(home: Path) -> None:
    put(home, "notes", "not a prediction", ending=".txt")
    put(home, "first.jsonl", "as an editor leaves it", ending="~")
    (home / "predictions" / "folder.jsonl").mkdir()
    (home / "predictions" / f"folder{OPEN}").mkdir()
    assert in_words(load(home)) == "no finished segment is waiting"
    assert files(home) == ["first.jsonl~", "notes.txt"]


def test_what_was_loaded_is_not_loaded_again(home: Path) -> None:
    put(home, "first", lines("first", 3))
    load(home)
    assert in_words(load(home)) == "no finished segment is waiting"
    # As a run leaves it that was killed before it could move the file.
    shutil.move(home / "predictions" / "loaded" / "first.jsonl", home / "predictions")
    assert in_words(load(home)) == "1 segment already on record"
    assert held(home) == {"first": 3}
    assert files(home) == ["loaded/first.jsonl"]


def test_moved_back_after_an_older_warehouse_was_restored_only_what_is_missing_is_loaded(home: Path) -> None:
    warehouse, kept = home / "warehouse.duckdb", home / "predictions" / "loaded"
    put(home, "first", lines("first", 3))
    load(home)
    shutil.copy(warehouse, home / "backup")
    put(home, "second", lines("second", 2))
    load(home)
    shutil.copy(home / "backup", warehouse)
    # Copied rather than moved, they are in both places.
    shutil.copy(kept / "first.jsonl", home / "predictions")
    shutil.move(kept / "second.jsonl", home / "predictions")
    assert in_words(load(home)) == "1 segment, 2 predictions loaded; 1 segment already on record"
    assert held(home) == {"first": 3, "second": 2}
    assert files(home) == ["loaded/first.jsonl", "loaded/second.jsonl"]


def test_an_open_segment_is_left_alone_while_its_process_lives_and_loaded_when_it_was_killed(home: Path) -> None:
    path = put(home, "open", lines("open", 2), ending=OPEN)
    with Holder(path) as holder:
        assert in_words(load(home)) == "no finished segment is waiting"
        assert files(home) == ["open.jsonl.open"]
        put(home, "other", lines("other", 1))
        assert in_words(load(home)) == "1 segment, 1 prediction loaded"
        holder.kill()
        assert in_words(load(home)) == "1 segment, 2 predictions loaded"
    assert held(home) == {"open": 2, "other": 1}
    assert files(home) == ["loaded/open.jsonl", "loaded/other.jsonl"]


@pytest.mark.parametrize(("by_then", "left", "loaded"), [("first.jsonl", [], {"first": 2}), ("away", ["away"], {})])
def test_a_segment_that_is_finished_or_gone_before_it_is_locked_is_not_taken_for_abandoned(
    home: Path, monkeypatch: pytest.MonkeyPatch, by_then: str, left: list[str], loaded: dict[str, int]
) -> None:
    # Making a warehouse takes a lock, too.
    project_at(home).writer.prepare()
    path = put(home, "first", lines("first", 2), ending=OPEN)
    real = fcntl.flock

    def lock_after_the_process_has_ended(file: Any, operation: int) -> None:
        # Writers of the warehouse lock a file as well.
        if path.exists():
            path.rename(path.with_name(by_then))
        real(file, operation)

    monkeypatch.setattr(fcntl, "flock", lock_after_the_process_has_ended)
    assert load(home).refused == ()
    assert held(home) == loaded
    assert files(home) == [*left, *(f"loaded/{name}.jsonl" for name in loaded)]


def test_another_file_that_took_the_name_before_the_lock_is_left_alone(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(home, "first", lines("first", 2), ending=OPEN)
    real = fcntl.flock

    def lock_the_former_one(file: Any, operation: int) -> None:
        path.rename(path.with_name("away"))
        path.write_text(lines("living", 1))
        real(file, operation)

    monkeypatch.setattr(fcntl, "flock", lock_the_former_one)
    assert in_words(load(home)) == "no finished segment is waiting"
    assert files(home) == ["away", "first.jsonl.open"]


def test_a_segment_that_another_run_has_moved_is_nothing_to_load(home: Path) -> None:
    (home / "predictions").mkdir()
    assert load_segment(project_at(home), home / "predictions" / "gone.jsonl", pytest.fail) is None


@pytest.mark.parametrize("ending", [".jsonl", OPEN])
@pytest.mark.parametrize("rest", ['{"prediction_id":"torn', line("whole but for its end"), "\0\0\0"])
def test_a_line_that_a_crash_cut_off_is_reported_and_stays_in_the_file(home: Path, ending: str, rest: str) -> None:
    put(home, "first", lines("first", 2) + rest, ending)
    loaded, heard = listen(home)
    assert in_words(loaded) == "1 segment, 2 predictions loaded; 1 line cut off by a crash not loaded"
    (warning,) = heard
    assert f"first.jsonl: a crash cut off the last line ({len(rest.encode())} bytes without an end)" in warning
    assert held(home) == {"first": 2}
    assert (home / "predictions" / "loaded" / "first.jsonl").read_text().endswith(rest)


def test_a_segment_of_nothing_but_a_line_cut_off_is_on_record_without_predictions(home: Path) -> None:
    put(home, "first", "{", OPEN)
    assert in_words(load(home)) == "1 segment, 0 predictions loaded; 1 line cut off by a crash not loaded"
    assert held(home) == {"first": 0}


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (b"", "Input data was truncated"),
        (b"{", "Input data was truncated"),
        (b"\0\0", "malformed"),
        (b"[]", "Expected `object`, got `array`"),
        (line("b").encode() * 2, "trailing characters"),
        (line("b", prediction_id='""').encode(), "prediction_id"),
        (line("b", predicted_at='"2026-03-02T10:00:00"').encode(), "timezone"),
        (line("b", predicted_at='"0001-01-01T00:00:00+14:00"').encode(), "out of range"),
        (line("b", latency_ms="-1").encode(), "latency_ms"),
        (line("b", inputs='{"age":}').encode(), "malformed"),
        (line("b", inputs='"\udcff"').encode(errors="surrogateescape"), "invalid start byte"),
        (line("b", inputs="[" * 100_000 + "]" * 100_000).encode(), "recursion"),
        (line("b", score="1").encode(), "unknown field `score`"),
        (line("b").replace('"inputs"', '"input"').encode(), "input"),
    ],
)
def test_nothing_is_loaded_of_a_segment_with_a_bad_line_and_everything_of_the_others(
    home: Path, bad: bytes, why: str
) -> None:
    content = line("a").encode() + b"\n" + bad + b"\n" + line("c").encode() + b"\n"
    path = put(home, "bad", content)
    for name in ("a", "z"):
        put(home, name, lines(name, 2))
    loaded = load(home)
    assert in_words(loaded) == "2 segments, 4 predictions loaded; 1 segment refused"
    (message,) = loaded.refused
    assert message.startswith(f"{path}, line 2 is no prediction: ")
    assert why in message
    assert message.endswith("Nothing of the file was loaded: mend the line or move the file out of the folder")
    assert held(home) == {"a": 2, "z": 2}
    assert path.read_bytes() == content
    # It is said again until a person has seen to it.
    assert load(home).refused == loaded.refused
    path.write_text(lines("bad", 2))
    assert in_words(load(home)) == "1 segment, 2 predictions loaded"
    assert held(home) == {"a": 2, "bad": 2, "z": 2}


def test_a_message_on_a_bad_line_shows_nothing_of_the_applicant(home: Path) -> None:
    put(home, "bad", line("b", inputs='{"name":"Jane Doe"}', latency_ms='"Jane Doe"') + "\n")
    (message,) = load(home).refused
    assert "Expected `float`, got `str` - at `$.latency_ms`" in message
    assert "Jane" not in message


def test_another_segment_under_a_name_that_is_on_record_is_refused(home: Path) -> None:
    put(home, "first", lines("first", 2))
    load(home)
    path = put(home, "first", lines("other", 1))
    (message,) = load(home).refused
    assert message.startswith(f"{path} was not loaded: {path.parent / 'loaded' / path.name} has the same name")
    # Also when the one that was loaded is long gone.
    shutil.rmtree(home / "predictions" / "loaded")
    (message,) = load(home).refused
    assert "the segment first is on record with other content" in message
    assert held(home) == {"first": 2}
    assert path.exists()


def test_an_abandoned_segment_does_not_take_the_place_of_a_finished_one(home: Path) -> None:
    put(home, "first", lines("first", 2), OPEN)
    put(home, "first", "damaged\n")
    loaded = load(home)
    assert len(loaded.refused) == 2
    assert "first.jsonl.open was left open and cannot be finished: there is a first.jsonl too" in loaded.refused[0]
    assert files(home) == ["first.jsonl", "first.jsonl.open"]


def test_a_file_that_the_disk_cannot_read_keeps_no_other_from_being_loaded(home: Path) -> None:
    put(home, "z", lines("z", 1))
    # Every read of it is an input/output error.
    (home / "predictions" / "a.jsonl").symlink_to("/proc/self/mem")
    loaded = load(home)
    assert in_words(loaded) == "1 segment, 1 prediction loaded; 1 segment refused"
    assert f"{home / 'predictions' / 'a.jsonl'} cannot be read: [Errno " in loaded.refused[0]


def test_a_warehouse_that_is_held_leaves_everything_for_the_next_run(home: Path) -> None:
    put(home, "first", lines("first", 2), OPEN)
    project_at(home).writer.prepare()
    with holding_warehouse(home / "warehouse.duckdb"), pytest.raises(WarehouseUnavailable, match="held by another"):
        load(home, lock_wait_seconds=0.1)
    assert files(home) == ["first.jsonl"]
    assert held(home) == {}
    assert in_words(load(home)) == "1 segment, 2 predictions loaded"


@pytest.mark.parametrize("place", ["predictions", "predictions/loaded"])
def test_a_file_in_the_place_of_a_folder_is_an_error(home: Path, place: str) -> None:
    if place != "predictions":
        put(home, "first", lines("first", 1))
    (home / place).write_text("")
    try:
        problem = "".join(load(home).refused)
    except OSError as error:
        problem = str(error)
    assert "Not a directory" in problem
    assert str(home / place) in problem


@pytest.mark.parametrize("point", POINTS)
def test_a_run_killed_at_any_point_and_started_again_has_loaded_each_prediction_once(home: Path, point: str) -> None:
    project_at(home).writer.prepare()
    put(home, "first", lines("first", 5), OPEN)
    put(home, "second", lines("second", 3) + "{")
    ended = start_loading(home, point).end()
    assert ended.status == -9, ended.said
    # In the order of their names, the first one was being loaded.
    assert held(home) == ({"first": 5} if point == COMMITTED else {})
    assert files(home) == ["first.jsonl", "second.jsonl"]

    again = load(home)
    assert (again.segments, again.on_record, again.cut_off) == ((1, 1, 1) if point == COMMITTED else (2, 0, 1))
    assert held(home) == {"first": 5, "second": 3}
    assert files(home) == ["loaded/first.jsonl", "loaded/second.jsonl"]


def test_a_line_cut_off_is_told_again_if_the_run_that_loaded_it_was_killed(home: Path) -> None:
    put(home, "first", lines("first", 1) + "{")
    assert start_loading(home, COMMITTED).end().status == -9
    loaded, heard = listen(home)
    assert in_words(loaded) == "1 segment already on record; 1 line cut off by a crash not loaded"
    assert len(heard) == 1


def test_runs_killed_at_random_moments_leave_each_prediction_once(tmp_path: Path) -> None:
    undisturbed, home = tmp_path / "undisturbed", tmp_path / "home"
    names = [f"segment-{number:02d}" for number in range(SEGMENTS)]
    for at in (undisturbed, home):
        project_at(at).writer.prepare()
        for number, name in enumerate(names):
            put(at, name, lines(name, PREDICTIONS), OPEN if number % 2 else ".jsonl")
    usual = start_loading(undisturbed).end().seconds
    moments, statuses, progress = random.Random(20260302), [], []
    for _ in range(KILLS):
        statuses.append(start_loading(home).kill_after(usual * moments.uniform(0, LONGEST_DELAY)).status)
        progress.append(len(held(home)))
        # What is moved is on record, and nothing is lost.
        found = files(home)
        moved = {Path(name).stem for name in found if name.startswith("loaded/")}
        assert moved <= set(held(home))
        assert sorted(Path(name).name.split(".")[0] for name in found) == names
    last = load(home)
    print(f"kills ended with {statuses}, {progress} of {SEGMENTS} segments were loaded, {last.on_record} not moved")
    assert held(home) == held(undisturbed) == dict.fromkeys(names, PREDICTIONS)
    assert files(home) == files(undisturbed) == [f"loaded/{name}.jsonl" for name in names]
    assert statuses[0] == -9
    assert any(0 < count < SEGMENTS for count in progress)


def test_four_processes_that_load_the_same_folder_at_once_load_each_prediction_once(home: Path) -> None:
    names = [f"segment-{number:02d}" for number in range(12)]
    for number, name in enumerate(names):
        put(home, name, lines(name, 200), OPEN if number % 2 else ".jsonl")
    # There is no warehouse yet: they make it at the same moment, too.
    results = in_processes([partial(load, home)] * 4)
    print([in_words(loaded) for loaded in results])
    assert [loaded.refused for loaded in results] == [()] * 4
    # One that was passed over by all, as another held its lock for a moment, waits for the next run.
    results.append(load(home))
    assert sum(loaded.segments for loaded in results) == 12
    assert sum(loaded.predictions for loaded in results) == 2400
    assert held(home) == dict.fromkeys(names, 200)
    assert files(home) == [f"loaded/{name}.jsonl" for name in names]


def test_whatever_a_living_service_answers_is_loaded_once(home: Path) -> None:
    (home / "predictions").mkdir()
    serving: partial[int] = partial(serve, home, segments=150, predictions=20)
    answered, *loaded = in_processes([serving, partial(load_until_done, home), partial(load_until_done, home)])
    print(f"{answered} predictions answered, {loaded} loaded by two runs")
    assert answered == sum(loaded) == sum(held(home).values())
    assert len(held(home)) == 150
    assert all(name.startswith("loaded/") for name in files(home))
