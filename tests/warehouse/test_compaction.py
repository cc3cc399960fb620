import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import duckdb
import pytest

from schemas.errors import WarehouseError, WarehouseUnavailable
from tests.flows.homes import ROOT, environment
from tests.tasks.segments import holding_warehouse
from tests.warehouse.at_once import PATIENCE, in_processes
from tests.warehouse.staged import CONTRACT, DAY, TORN, WAIT_SECONDS, ask, everything, publish, stage
from warehouse import compaction
from warehouse.compaction import compact
from warehouse.connection import open_for_reading, open_for_writing
from warehouse.custodian import Custodian
from warehouse.file import CONFIG
from warehouse.writer import Writer

ID = "PLANTED-APPLICANT"
DATES = [DAY + timedelta(days=number) for number in range(12)]


def published(folder: Path) -> Path:
    """A warehouse with a batch, of which one application is planted and then deleted."""
    path = folder / "warehouse.duckdb"
    publish(path, stage(folder, ids=ID, rows=3))
    publish(path, stage(folder, DAY + timedelta(days=1)))
    return path


def custodian(path: Path) -> Custodian:
    return Custodian(path, CONTRACT, WAIT_SECONDS)


def deleted(folder: Path) -> Path:
    path = published(folder)
    for number in range(3):
        custodian(path).erase(f"{ID}-{number}", None, ())
    return path


def test_deleted_rows_stay_in_the_file_until_it_is_written_anew(tmp_path: Path) -> None:
    path = deleted(tmp_path)
    with duckdb.connect(str(path), config=CONFIG) as connection:
        connection.execute("CHECKPOINT")
    assert ask(path, "SELECT * FROM applications WHERE application_id LIKE ?", f"{ID}%") == []
    assert ID.encode() in path.read_bytes()
    before = everything(path)
    size = compact(path, WAIT_SECONDS)
    assert ID.encode() not in path.read_bytes()
    after = everything(path)
    assert {name: len(rows) for name, rows in after.items()} == {name: len(rows) for name, rows in before.items()}
    assert all(after[name] == before[name] for name in before if name != "removals")
    assert size.after == path.stat().st_size


def test_the_new_file_has_the_layout_the_view_and_the_mode_of_the_old_one(tmp_path: Path) -> None:
    path = deleted(tmp_path)
    path.chmod(0o640)
    layout = "SELECT tags FROM duckdb_databases() WHERE NOT internal"
    before = ask(path, layout), ask(path, "SELECT count(*) FROM current_scores")
    compact(path, WAIT_SECONDS)
    assert (ask(path, layout), ask(path, "SELECT count(*) FROM current_scores")) == before
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(item.name for item in tmp_path.iterdir()) == [".warehouse.duckdb.lock", "staging", "warehouse.duckdb"]


def test_it_is_done_once_for_each_removal(tmp_path: Path) -> None:
    path = deleted(tmp_path)
    assert custodian(path).purge() is not None
    assert custodian(path).purge() is None
    assert ask(path, "SELECT count(*) FROM removals WHERE purged_at IS NULL") == [(0,)]


def test_a_warehouse_behind_a_link_stays_behind_it(tmp_path: Path) -> None:
    path = deleted(tmp_path)
    link = tmp_path / "link.duckdb"
    link.symlink_to(path)
    compact(link, WAIT_SECONDS)
    assert link.is_symlink()
    assert ID.encode() not in path.read_bytes()


def test_what_a_killed_process_committed_is_kept_and_not_taken_twice(tmp_path: Path) -> None:
    path = deleted(tmp_path)
    script = (
        "import duckdb, os, sys; connection = duckdb.connect(sys.argv[1]);"
        "connection.execute(\"INSERT INTO models (model_version) VALUES ('left in the log')\"); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert Path(f"{path}.wal").exists()
    compact(path, WAIT_SECONDS)
    assert not Path(f"{path}.wal").exists()
    Writer(path, CONTRACT, WAIT_SECONDS).prepare()
    assert ask(path, "SELECT count(*) FROM models WHERE model_version = 'left in the log'") == [(1,)]


def test_without_room_for_both_files_nothing_is_done_and_the_message_says_how_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = deleted(tmp_path)
    usage = shutil.disk_usage(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000))
        with pytest.raises(WarehouseError, match=r"1,000 are free.*flows retention"):
            custodian(path).purge()
    assert ID.encode() in path.read_bytes()
    # It is still due.
    assert custodian(path).purge() is not None
    assert ID.encode() not in path.read_bytes()


def test_a_copy_with_other_counts_is_thrown_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = deleted(tmp_path)
    before = path.read_bytes()
    counts = iter([{"scores": 20}, {"scores": 19}])
    monkeypatch.setattr(compaction, "_counts", lambda *_: next(counts))
    with pytest.raises(WarehouseError, match="differs"):
        compact(path, WAIT_SECONDS)
    assert path.read_bytes() == before
    assert not list(tmp_path.glob("*compacting*"))


def test_a_warehouse_that_is_held_is_left_as_it_is(tmp_path: Path) -> None:
    path = deleted(tmp_path)
    before = path.read_bytes()
    with holding_warehouse(path), pytest.raises(WarehouseUnavailable):
        compact(path, 0.2)
    assert path.read_bytes() == before


def test_readers_go_on_while_it_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = deleted(tmp_path)
    seen = []
    real = compaction._compare

    def look(connection: duckdb.DuckDBPyConnection, at: Path) -> None:
        real(connection, at)
        script = "import duckdb, sys; print(duckdb.connect(sys.argv[1], read_only=True).sql('FROM scores').shape)"
        seen.append(
            subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False)
        )

    monkeypatch.setattr(compaction, "_compare", look)
    compact(path, WAIT_SECONDS)
    assert [run.stdout for run in seen] == ["(20, 8)\n"]


def publish_dates(folder: Path, path: Path, dates: Sequence[date]) -> int:
    return sum(publish(path, stage(folder, day, rows=500)).new for day in dates)


def compact_again_and_again(path: Path, last: date) -> int:
    """Until the last date is there; returns how often."""
    count = 0
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        compact(path, WAIT_SECONDS)
        count += 1
        with open_for_reading(path, WAIT_SECONDS) as connection:
            if connection.execute("SELECT count(*) FROM batches").fetchone() == (len(DATES),):
                return count
    return count


def watch(path: Path) -> int:
    """Looks until every date is there; returns how often it saw a torn batch or fewer batches than before."""
    faults = seen = 0
    until = time.monotonic() + PATIENCE
    while seen < len(DATES) and time.monotonic() < until:
        with open_for_reading(path, WAIT_SECONDS) as connection:
            faults += len(connection.execute(TORN).fetchall())
            row = connection.execute("SELECT count(*) FROM batches").fetchone()
        count = int(row[0]) if row else 0
        faults += count < seen
        seen = max(seen, count)
    return faults


def act(role: str, folder: Path, path: Path, dates: Sequence[date]) -> int:
    if role == "writer":
        return publish_dates(folder, path, dates)
    return compact_again_and_again(path, DATES[-1]) if role == "compactor" else watch(path)


def test_no_commit_is_lost_and_no_reader_sees_less_while_it_is_written_anew_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    Writer(path, CONTRACT, WAIT_SECONDS).prepare()
    roles = [
        partial(act, "writer", tmp_path, path, DATES[::2]),
        partial(act, "writer", tmp_path, path, DATES[1::2]),
        partial(act, "compactor", tmp_path, path, ()),
        partial(act, "reader", tmp_path, path, ()),
    ]
    first, second, compactions, faults = in_processes(roles)
    assert (first, second, faults) == (6, 6, 0)
    assert compactions > 1
    assert ask(path, TORN) == []
    assert ask(path, "SELECT batch_date FROM batches ORDER BY batch_date") == [(day,) for day in DATES]


def test_a_writer_of_this_project_waits_while_it_is_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = deleted(tmp_path)
    script = (
        "import sys; from pathlib import Path; from warehouse.connection import open_for_writing\n"
        "with open_for_writing(Path(sys.argv[1]), 0.3): pass"
    )
    ends = []
    real = compaction._compare

    def write(connection: duckdb.DuckDBPyConnection, at: Path) -> None:
        real(connection, at)
        # Even of the file that is about to be replaced nobody gets hold, whatever DuckDB's own lock does.
        run = [sys.executable, "-c", script, str(path)]
        ends.append(subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False).stderr)

    monkeypatch.setattr(compaction, "_compare", write)
    compact(path, WAIT_SECONDS)
    assert "was held by another process for more than 0.3 seconds" in ends[0]


POINTS = ("_clear", "_compare", "_flush")


@pytest.mark.parametrize("point", POINTS)
def test_killed_anywhere_it_leaves_a_whole_file_and_the_next_run_clears_up(tmp_path: Path, point: str) -> None:
    path = deleted(tmp_path)
    before = everything(path)
    script = f"""
import os, signal, sys
from pathlib import Path
from warehouse import compaction
real = compaction.{point}
def die(*given):
    real(*given)
    os.kill(os.getpid(), signal.SIGKILL)
compaction.{point} = die
compaction.compact(Path(sys.argv[1]), 30.0)
"""
    run = subprocess.run([sys.executable, "-c", script, str(path)], cwd=ROOT, env=environment(), check=False)
    assert run.returncode == -signal.SIGKILL
    assert {name: rows for name, rows in everything(path).items() if name != "removals"} == {
        name: rows for name, rows in before.items() if name != "removals"
    }
    assert custodian(path).purge() is not None
    assert ID.encode() not in path.read_bytes()
    assert not list(tmp_path.glob("*compacting*"))


def test_a_writer_opens_the_file_that_has_the_name_after_the_replacement(tmp_path: Path) -> None:
    path = deleted(tmp_path)
    inode = path.stat().st_ino
    compact(path, WAIT_SECONDS)
    assert path.stat().st_ino != inode
    with open_for_writing(path, WAIT_SECONDS) as connection:
        connection.execute("INSERT INTO models (model_version) VALUES ('later')")
    assert ask(path, "SELECT model_version FROM models") == [("later",)]
    assert not list(tmp_path.glob("*.wal"))
