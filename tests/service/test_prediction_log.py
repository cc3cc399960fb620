import fcntl
import logging
import os
import re
import resource
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from schemas.prediction_log import FINISHED, OPEN
from service.prediction_log import LogUnavailable, PredictionLog
from tests.flows.homes import ROOT, environment
from tests.service.small_disk import small_disk
from tests.warehouse.at_once import in_processes

LINE = b"x" * 99 + b"\n"
NEVER = 3600.0
NAME = re.compile(r"predictions_\d{8}T\d{6}_[0-9a-f]{16}\.jsonl(\.open)?")
# Whether a file is locked can be told from another process only.
TRY_LOCK = """
import fcntl, sys
try:
    fcntl.flock(open(sys.argv[1], "rb"), fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("locked")
else:
    print("free")
"""
APPEND_AND_DIE = """
import os, sys
from pathlib import Path
from service.prediction_log import PredictionLog
PredictionLog(Path(sys.argv[1]), 10**6, 3600.0).append(b"answered\\n")
os.kill(os.getpid(), 9)
"""


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / "predictions"


def log_in(folder: Path, max_bytes: int = 10**6, clock: Clock | None = None) -> PredictionLog:
    return PredictionLog(folder, max_bytes, 60.0, clock or Clock())


def segments(folder: Path, ending: str = "") -> list[bytes]:
    """What is in the segments with this ending of their name; asserts that nothing else lies there."""
    paths = [path for path in folder.iterdir() if path.name != "ballast"]
    assert all(NAME.fullmatch(path.name) for path in paths), paths
    return sorted(path.read_bytes() for path in paths if path.name.endswith(ending))


def the_segment(folder: Path) -> Path:
    (path,) = folder.glob(f"*{OPEN}")
    return path


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def run_python(script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)


def test_nothing_is_made_before_the_first_line(folder: Path) -> None:
    log = log_in(folder)
    log.tick()
    log.close()
    assert not folder.parent.exists()


def test_a_line_is_in_its_file_when_it_is_appended(folder: Path) -> None:
    log = log_in(folder)
    for number in range(3):
        log.append(b"line %d\n" % number)
        assert the_segment(folder).read_bytes().endswith(b"line %d\n" % number)
    assert segments(folder, OPEN) == [b"line 0\nline 1\nline 2\n"]
    log.close()
    assert segments(folder, FINISHED) == segments(folder) == [b"line 0\nline 1\nline 2\n"]


def test_a_segment_is_locked_while_it_is_open(folder: Path) -> None:
    log = log_in(folder)
    log.append(LINE)
    assert run_python(TRY_LOCK, str(the_segment(folder))).stdout == "locked\n"
    log.close()
    (finished,) = folder.iterdir()
    assert run_python(TRY_LOCK, str(finished)).stdout == "free\n"


def test_a_process_that_is_killed_leaves_its_lines_in_an_open_segment_without_a_lock(folder: Path) -> None:
    assert run_python(APPEND_AND_DIE, str(folder)).returncode == -signal.SIGKILL
    path = the_segment(folder)
    assert path.read_bytes() == b"answered\n"
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_segment_ends_with_the_line_that_makes_it_large_enough(folder: Path) -> None:
    log = log_in(folder, max_bytes=250)
    for _ in range(7):
        log.append(LINE)
    log.close()
    assert segments(folder, FINISHED) == [LINE, LINE * 3, LINE * 3]


def test_a_line_larger_than_a_segment_is_a_segment(folder: Path) -> None:
    log = log_in(folder, max_bytes=1)
    log.append(LINE)
    log.append(LINE)
    log.close()
    assert segments(folder, FINISHED) == [LINE, LINE]


def test_a_segment_is_finished_when_it_is_old_enough(folder: Path) -> None:
    clock = Clock()
    log = log_in(folder, clock=clock)
    log.append(b"first\n")
    clock.seconds += 59.9
    log.tick()
    log.append(b"second\n")
    clock.seconds += 0.1
    log.tick()
    # Its age counts from its own first line.
    clock.seconds += 1000
    log.append(b"third\n")
    log.tick()
    log.append(b"fourth\n")
    log.close()
    assert segments(folder, FINISHED) == [b"first\nsecond\n", b"third\nfourth\n"]


def test_processes_that_write_at_once_have_segments_of_their_own(folder: Path) -> None:
    in_processes([partial(_write, folder, bytes([letter]) * 99 + b"\n") for letter in b"abc"])
    assert segments(folder, FINISHED) == [bytes([letter]) * 99 + b"\n" for letter in b"abc" for _ in range(20)]


def _write(folder: Path, line: bytes) -> None:
    log = PredictionLog(folder, 1, NEVER)
    for _ in range(20):
        log.append(line)
    log.close()


@pytest.mark.parametrize(
    ("limit", "message"),
    [(350, "only 50 of 100 bytes could be written to {path}"), (300, "[Errno 27] File too large")],
    ids=["in the middle of a line", "between lines"],
)
def test_a_file_that_may_not_grow_ends_with_a_whole_line_and_grows_again_later(
    folder: Path, limit: int, message: str
) -> None:
    (said,) = in_processes([partial(_write_up_to, folder, limit)])
    name, *said = said
    # A second line that fails stands behind no part of the first.
    assert said == [message.format(path=name)] * 2
    assert segments(folder, FINISHED) == [LINE * 4]


def _write_up_to(folder: Path, limit: int) -> list[str]:
    """Writes lines while files may not be larger than the limit, and one more after; returns name and messages."""
    log, said = PredictionLog(folder, 10**6, NEVER), []
    _, highest = resource.getrlimit(resource.RLIMIT_FSIZE)
    log.append(LINE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, highest))
    for _ in range(4):
        try:
            log.append(LINE)
        except LogUnavailable as error:
            said.append(str(error))
    name = str(the_segment(folder))
    assert Path(name).read_bytes() == LINE * 3
    resource.setrlimit(resource.RLIMIT_FSIZE, (highest, highest))
    log.append(LINE)
    log.close()
    return [name, *said]


def test_a_part_of_a_line_that_cannot_be_taken_back_ends_its_segment(folder: Path) -> None:
    in_processes([partial(_write_without_taking_back, folder)])
    assert segments(folder, FINISHED) == [LINE, LINE * 3 + LINE[:50]]


def _write_without_taking_back(folder: Path) -> None:
    def refuse(_file: int, _size: int) -> None:
        raise OSError("no file system refuses this at will")

    os.ftruncate = refuse
    log = PredictionLog(folder, 10**6, NEVER)
    _, highest = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (350, highest))
    for _ in range(3):
        log.append(LINE)
    with pytest.raises(LogUnavailable, match="only 50 of 100 bytes"):
        log.append(LINE)
    log.append(LINE)
    log.close()


def test_on_a_full_disk_every_line_that_was_taken_is_there_whole(folder: Path) -> None:
    line = b"y" * 700 + b"\n"
    with small_disk(folder, free=20_000) as ballast:
        log, taken = PredictionLog(folder, 6_000, NEVER), 0
        with pytest.raises(LogUnavailable):  # noqa: PT012 - how many fit is for the disk to say
            while True:
                log.append(line)
                taken += 1
        with pytest.raises(LogUnavailable):
            log.append(line)
        assert 10 < taken < 30
        assert b"".join(segments(folder)) == line * taken
        ballast.unlink()
        for _ in range(100):
            log.append(line)
        log.close()
        assert b"".join(segments(folder, FINISHED)) == line * (taken + 100)


def test_a_folder_that_cannot_be_made_is_told_and_made_when_it_can(folder: Path) -> None:
    folder.parent.write_text("in its place")
    log = log_in(folder)
    with pytest.raises(LogUnavailable, match="Not a directory"):
        log.append(LINE)
    folder.parent.unlink()
    log.append(LINE)
    log.close()
    assert segments(folder, FINISHED) == [LINE]


def test_a_folder_that_is_no_folder_is_told_and_nothing_is_left_open(folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_text("in its place")
    log, before = log_in(folder), open_files()
    for _ in range(3):
        with pytest.raises(LogUnavailable, match="File exists"):
            log.append(LINE)
    log.close()
    assert open_files() == before


def test_a_segment_that_is_removed_is_missed_and_another_one_begun(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = log_in(folder)
    log.append(b"lost\n")
    lost = the_segment(folder)
    lost.unlink()
    log.tick()
    log.append(b"kept\n")
    log.close()
    assert segments(folder, FINISHED) == [b"kept\n"]
    assert {record.levelno for record in caplog.records} == {logging.ERROR}
    assert all(lost.name in record.getMessage() for record in caplog.records)
    assert "was taken away while it was written to; its predictions are lost" in caplog.text


def test_a_segment_that_cannot_get_its_name_stays_open_for_load_predictions(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = log_in(folder)
    log.append(LINE)
    path = the_segment(folder)
    # A file does not take the place of a folder.
    path.with_suffix("").mkdir()
    log.close()
    assert run_python(TRY_LOCK, str(path)).stdout == "free\n"
    assert path.read_bytes() == LINE
    assert f"the segment {path.name} could not be finished" in caplog.text
