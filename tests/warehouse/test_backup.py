"""A copy of the warehouse is the warehouse between two transactions, whatever others do to it."""

import shutil
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from schemas.errors import NoWarehouse, WarehouseError, WarehouseUnavailable
from tests.warehouse.staged import CONTRACT, DAY, NEXT_DAY, TORN, WAIT_SECONDS, ask, publish, stage
from tests.warehouse.test_connection import held_by_another_process
from warehouse import migration
from warehouse.backup import contents_of, copy_warehouse
from warehouse.connection import open_for_reading
from warehouse.file import CONFIG
from warehouse.restore import put_in_place, refuse_later_layout
from warehouse.writer import Writer

ROOT = Path(__file__).parents[2]
COMMIT_AND_DIE = """
import os, signal, sys
import duckdb
from warehouse.file import CONFIG
connection = duckdb.connect(sys.argv[1], config=CONFIG)
connection.execute("INSERT INTO outcomes (application_id, defaulted) VALUES ('only in the log', TRUE)")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "it's a home" / "warehouse.duckdb"
    publish(path, stage(tmp_path))
    return path


def everything(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY ALL").fetchall()
        return {name: connection.execute(f'FROM "{name}" ORDER BY ALL').fetchall() for (name,) in tables}


def leave_a_log(path: Path) -> None:
    died = subprocess.run([sys.executable, "-c", COMMIT_AND_DIE, str(path)], cwd=ROOT, check=False, timeout=60)
    assert died.returncode == -signal.SIGKILL
    assert Path(f"{path}.wal").stat().st_size


def test_the_copy_is_the_file_to_the_byte(path: Path, tmp_path: Path) -> None:
    copy_warehouse(path, tmp_path / "copy.duckdb", WAIT_SECONDS)
    assert (tmp_path / "copy.duckdb").read_bytes() == path.read_bytes()


def test_what_a_killed_process_committed_is_in_the_copy(path: Path, tmp_path: Path) -> None:
    leave_a_log(path)
    expected = everything(path)
    copy = tmp_path / "copy.duckdb"
    copy_warehouse(path, copy, WAIT_SECONDS)
    assert [entry.name for entry in tmp_path.glob("copy*")] == [copy.name]
    assert everything(copy) == expected
    assert ("only in the log", True) in [row[:2] for row in everything(copy)["outcomes"]]
    # It goes on as a warehouse: the view is there, it can be published to, and it keeps its layout on disk.
    assert ask(copy, "SELECT count(*) FROM current_scores") == ask(path, "SELECT count(*) FROM current_scores")
    publish(copy, stage(tmp_path, NEXT_DAY))
    version = CONFIG["storage_compatibility_version"]
    with duckdb.connect(str(copy), read_only=True) as connection:
        (tags,) = connection.execute("SELECT tags FROM duckdb_databases() WHERE database_name = 'copy'").fetchall()[0]
    assert tags["storage_version"] == f"{version}+"


def test_copies_made_while_days_are_published_are_whole(path: Path, tmp_path: Path) -> None:
    batches = [stage(tmp_path, DAY + timedelta(days=number), rows=5_000) for number in range(1, 8)]
    writer = threading.Thread(target=lambda: [publish(path, batch) for batch in batches])
    writer.start()
    counts, number = [], 0
    while writer.is_alive() or not number:
        copy = tmp_path / f"copy-{number}.duckdb"
        copy_warehouse(path, copy, WAIT_SECONDS)
        assert ask(copy, TORN) == []
        counts.append(contents_of(copy, WAIT_SECONDS).tables["batches"])
        copy.unlink()
        number += 1
    writer.join()
    assert counts == sorted(counts)
    assert ask(path, "SELECT count(*) FROM batches") == [(8,)]


def test_a_copy_waits_for_a_writer_and_says_who_holds_it_when_it_is_too_long(path: Path, tmp_path: Path) -> None:
    with (
        held_by_another_process(path, writing=True),
        pytest.raises(WarehouseUnavailable, match="held by another process"),
    ):
        copy_warehouse(path, tmp_path / "copy.duckdb", 0.1)
    with held_by_another_process(path, writing=False):
        copy_warehouse(path, tmp_path / "copy.duckdb", WAIT_SECONDS)


def test_without_a_warehouse_there_is_nothing_to_copy_and_nothing_is_left_behind(tmp_path: Path) -> None:
    with pytest.raises(NoWarehouse):
        copy_warehouse(tmp_path / "home" / "warehouse.duckdb", tmp_path / "copy.duckdb", WAIT_SECONDS)
    assert list(tmp_path.iterdir()) == []


def test_what_a_warehouse_holds_is_told_of_one_that_an_earlier_release_made(tmp_path: Path) -> None:
    path = tmp_path / "old.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute((migration.FOLDER / "0001_initial.sql").read_text())
    contents = contents_of(path, WAIT_SECONDS)
    assert (contents.layout, contents.latest, contents.segments) == (0, None, frozenset())
    assert contents.tables["scores"] == 0


def test_what_a_warehouse_holds_is_told(path: Path) -> None:
    contents = contents_of(path, WAIT_SECONDS)
    assert contents.layout == migration.latest_layout()
    assert contents.tables["batches"] == 1
    assert contents.tables["scores"] == ask(path, "SELECT count(*) FROM scores")[0][0]
    assert "current_scores" not in contents.tables
    assert contents.latest
    assert abs(datetime.now(UTC) - contents.latest) < timedelta(minutes=10)
    with pytest.raises(WarehouseError, match="later release"):
        refuse_later_layout(contents.layout + 1)
    refuse_later_layout(contents.layout)


def test_a_file_takes_the_place_of_the_warehouse_with_its_log_and_readers_never_miss_one(
    path: Path, tmp_path: Path
) -> None:
    restored = path.with_name(".restored")
    Writer(restored, CONTRACT, WAIT_SECONDS).prepare()
    leave_a_log(path)
    before = everything(path)
    former = path.with_name("former.duckdb")
    with open_for_reading(path, WAIT_SECONDS) as reading:
        put_in_place(restored, path, former, WAIT_SECONDS)
        # Whoever was reading goes on with what it has opened.
        assert reading.execute("SELECT count(*) FROM batches").fetchone() == (1,)
    assert not restored.exists()
    assert everything(path)["batches"] == []
    assert not Path(f"{path}.wal").exists()
    assert everything(former) == before


def test_a_file_takes_a_place_that_is_empty_or_damaged(path: Path) -> None:
    copy = path.with_name("copy.duckdb")
    shutil.copy(path, copy)
    path.write_bytes(b"no database")
    put_in_place(copy, path, path.with_name("former"), WAIT_SECONDS)
    assert path.with_name("former").read_bytes() == b"no database"
    path.rename(copy)
    put_in_place(copy, path, path.with_name("another"), WAIT_SECONDS)
    assert ask(path, "SELECT count(*) FROM batches") == [(1,)]
    assert not path.with_name("another").exists()


def test_while_a_batch_is_being_published_nothing_takes_its_place(path: Path) -> None:
    copy = path.with_name("copy.duckdb")
    shutil.copy(path, copy)
    with held_by_another_process(path, writing=True), pytest.raises(WarehouseUnavailable):
        put_in_place(copy, path, path.with_name("former"), 0.1)
    assert copy.exists()
    assert not path.with_name("former").exists()
