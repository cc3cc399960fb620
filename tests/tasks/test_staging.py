import signal
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import polars
import pytest

from schemas.errors import ScoringError, StoreUnavailable
from schemas.storage import path_at
from tasks import staging as module
from tasks.staging import Staging, read_part, remove_abandoned, rows_in, staging_for, write_part
from tests.store import ObjectStore

DAY, OTHER_DAY = date(2026, 6, 30), date(2026, 7, 1)
# A run that stages something and then goes on until it is killed.
RUN = """
import sys, time
from datetime import date
from pathlib import Path
from tasks.staging import staging_for
with staging_for(Path(sys.argv[1]), date(2026, 6, 30)) as staging:
    staging.part("ids", 0).write_text("x")
    print(staging.folder.name, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def running(tmp_path: Path) -> subprocess.Popen[str]:
    """Another process's run of the day; its folder is the one there is."""
    command = [sys.executable, "-c", RUN, str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert (tmp_path / process.stdout.readline().strip() / "ids-00000.parquet").is_file()
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_run_has_a_folder_of_its_own_that_is_removed_afterwards(tmp_path: Path) -> None:
    root = tmp_path / "home" / "staging"
    with staging_for(root, DAY) as staging:
        assert staging.folder.parent == root
        staging.part("accepted", 0).write_text("x")
    assert list(root.iterdir()) == []


def test_the_folder_of_a_run_that_fails_is_removed_too(tmp_path: Path) -> None:
    def fail() -> None:
        with staging_for(tmp_path, DAY) as staging:
            staging.part("accepted", 0).write_text("x")
            raise ValueError("the disk is full")

    with pytest.raises(ValueError, match="the disk is full"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_two_runs_of_a_date_at_once_have_folders_of_their_own(tmp_path: Path) -> None:
    with staging_for(tmp_path, DAY) as one, staging_for(tmp_path, DAY) as other:
        assert one.folder != other.folder
        assert one.folder.is_dir()
        assert other.folder.is_dir()


def test_what_a_killed_run_of_the_date_left_is_removed(tmp_path: Path, running: subprocess.Popen[str]) -> None:
    kill(running)
    assert list(tmp_path.iterdir())
    remove_abandoned(tmp_path, DAY)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_of_another_date_left_is_not_touched(tmp_path: Path, running: subprocess.Popen[str]) -> None:
    kill(running)
    left = sorted(tmp_path.rglob("*"))
    remove_abandoned(tmp_path, OTHER_DAY)
    assert sorted(tmp_path.rglob("*")) == left


def test_the_folder_of_a_run_that_goes_on_is_left_alone(tmp_path: Path, running: subprocess.Popen[str]) -> None:
    before = sorted(tmp_path.rglob("*"))
    remove_abandoned(tmp_path, DAY)
    after = sorted(tmp_path.rglob("*"))
    assert running.poll() is None
    kill(running)
    assert after == before


def test_parts_are_listed_by_kind_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    for number in (10, 2, 0, 1_000):
        staging.part("accepted", number).write_text("x")
    staging.part("ids", 1).write_text("x")
    assert staging.parts("accepted") == [staging.part("accepted", number) for number in (0, 2, 10, 1_000)]
    assert staging.parts("quarantine") == []


def test_a_part_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    staging, frame = Staging(tmp_path), polars.DataFrame({"a": [1, 2]})
    write_part(frame, staging.part("ids", 0))

    class Failing:
        """A frame whose writing breaks off."""

        def write_parquet(self, path: Path) -> None:
            path.write_bytes(b"half")
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        write_part(Failing(), staging.part("ids", 0))  # type: ignore[arg-type]
    assert read_part(staging.part("ids", 0)).equals(frame)
    assert rows_in(staging.part("ids", 0)) == 2
    assert staging.parts("ids") == [staging.part("ids", 0)]


def test_a_part_of_a_folder_that_is_not_there_says_who_has_to_see_it(tmp_path: Path) -> None:
    with pytest.raises(ScoringError, match=r"there is no folder .*none.* SCORING_STAGING has to be the same folder"):
        write_part(polars.DataFrame(), Staging(tmp_path / "none").part("ids", 0))


@pytest.fixture
def shared(store: ObjectStore) -> Path:
    """A staging folder in a store."""
    return path_at(store.address("staging"), "it")


def test_parts_in_a_store_are_read_and_written_as_objects_and_copied_for_what_reads_files(
    shared: Path, store: ObjectStore, tmp_path: Path
) -> None:
    frame = polars.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    with staging_for(shared, DAY, tmp_path) as staging:
        write_part(frame, staging.part("accepted", 3, 0))
        (part,) = staging.parts("accepted", 3)
        assert read_part(part, ["b"]).equals(frame.select("b"))
        assert rows_in(part) == 2
        assert staging.pieces("accepted") == [3]
        with staging.on_disk([part]) as (copy,):
            assert polars.read_parquet(copy).equals(frame)
        assert not copy.exists()
        staging.clear()
        assert staging.parts("accepted") == []
        write_part(frame, staging.part("accepted", 0))
        assert store.objects("staging")
    assert store.objects("staging") == {}
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_in_a_store_goes_with_the_next_run_on_its_host(
    shared: Path, store: ObjectStore, tmp_path: Path
) -> None:
    with staging_for(shared, DAY, tmp_path) as going_on:
        write_part(polars.DataFrame({"a": [1]}), going_on.part("ids", 0))
        left = shared / f"{DAY}-left"
        write_part(polars.DataFrame({"a": [1]}), left / "ids-00000.parquet")
        (tmp_path / f"{left.name}.lock").touch()
        remove_abandoned(shared, OTHER_DAY, tmp_path)
        assert len(store.objects("staging")) == 2
        remove_abandoned(shared, DAY, tmp_path)
        assert [key.split("/")[1] for key in store.objects("staging")] == [going_on.folder.name]


def test_what_another_host_left_in_a_store_goes_when_nothing_was_written_to_it_for_long(
    shared: Path, store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove_abandoned(shared, DAY, tmp_path)
    write_part(polars.DataFrame({"a": [1]}), shared / f"{DAY}-elsewhere" / "ids-00000.parquet")
    with staging_for(shared, DAY, tmp_path) as going_on:
        write_part(polars.DataFrame({"a": [1]}), going_on.part("ids", 0))
        remove_abandoned(shared, workbench=tmp_path)
        assert len(store.objects("staging")) == 2
        monkeypatch.setattr(module, "ABANDONED_AFTER", timedelta(0))
        remove_abandoned(shared, OTHER_DAY, tmp_path)
        assert len(store.objects("staging")) == 2
        remove_abandoned(shared, workbench=tmp_path)
        assert [key.split("/")[1] for key in store.objects("staging")] == [going_on.folder.name]


def test_a_store_that_refuses_at_the_end_does_not_hide_how_the_run_ended(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_folder: Path) -> None:
        raise StoreUnavailable("the store does not answer")

    monkeypatch.setattr(module, "remove_all", refuse)
    with pytest.raises(ValueError, match="the day"), staging_for(shared, DAY, tmp_path):
        raise ValueError("the day")
    assert "is left in the store" in caplog.text
