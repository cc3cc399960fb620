"""What does not fit into memory is written to a folder of each process' own, and nothing of it stays."""

import os
import signal
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import pytest

from schemas.lake import Lake
from tests.flows.homes import ROOT
from tests.warehouse.at_once import in_processes
from tests.warehouse.staged import WAIT_SECONDS, change, prepared
from warehouse import spill
from warehouse.connection import Address, open_for_reading

ROWS = 4_000_000
LOOKS = 3


def summed(at: Address, number: int) -> list[tuple[int, ...]]:
    """Sums of rows that do not fit into memory, other ones for each process."""
    with open_for_reading(at, WAIT_SECONDS) as connection:
        connection.execute("SET memory_limit = '40MB'")
        connection.execute("SET threads = 2")
        rows = f"SELECT range + {number * ROWS} AS value, hash(range) AS filling FROM range({ROWS})"
        connection.execute(f"CREATE TEMP TABLE spilled AS {rows}")
        return [
            connection.execute("SELECT sum(value), min(value), max(value) FROM spilled").fetchall()[0]
            for _ in range(LOOKS)
        ]


def test_processes_that_spill_at_once_do_not_get_each_others_rows(at: Address) -> None:
    prepared(at)
    found = in_processes([partial(summed, at, number) for number in range(3)])
    first = ROWS * (ROWS - 1) // 2
    for number, sums in enumerate(found):
        low = number * ROWS
        assert sums == [(first + low * ROWS, low, low + ROWS - 1)] * LOOKS


def test_nothing_is_left_beside_a_file_that_was_read(file: Path) -> None:
    prepared(file)
    before = sorted(path.name for path in file.parent.iterdir())
    summed(file, 1)
    assert sorted(path.name for path in file.parent.iterdir()) == before


SPILL_AND_DIE = """
import os, signal, sys
from pathlib import Path
from schemas.lake import Lake
from warehouse.connection import open_for_reading
with open_for_reading(Lake(*sys.argv[1:]) if sys.argv[2:] else Path(sys.argv[1]), 60) as connection:
    connection.execute("SET memory_limit = '40MB'")
    connection.execute("CREATE TEMP TABLE spilled AS SELECT range AS value, hash(range) AS h FROM range(3000000)")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def die_spilling(*arguments: str, temporary: Path) -> None:
    command = [sys.executable, "-c", SPILL_AND_DIE, *arguments]
    died = subprocess.run(command, cwd=ROOT, env=os.environ | {"TMPDIR": str(temporary)}, check=False)
    assert died.returncode == -signal.SIGKILL


def test_what_a_killed_reader_left_beside_a_file_is_cleared_by_the_next_writer(file: Path, tmp_path: Path) -> None:
    prepared(file)
    die_spilling(str(file), temporary=tmp_path)
    left = [path for path in tmp_path.iterdir() if "spill" in path.name]
    assert [len(list(path.iterdir())) > 0 for path in left] == [True]
    change(file, "DELETE FROM scores")
    assert not left[0].exists()


def test_what_a_killed_process_left_of_a_lake_is_cleared_by_the_next_one(lake: Lake, tmp_path: Path) -> None:
    prepared(lake)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    die_spilling(lake.catalog, lake.data, temporary=temporary)
    (left,) = temporary.iterdir()
    assert list(left.rglob("duckdb_temp*"))
    # One of another host that shares the folder, and one of a process that runs.
    others = [temporary / f"{spill.PREFIX}-another-host-1-abc", temporary / left.name.replace(pid_of(left), "1")]
    for other in others:
        other.mkdir()
    made = made_by_another_process(temporary)
    assert not left.exists()
    assert all(other.exists() for other in others)
    # It has ended, too.
    assert not made.exists()


def pid_of(folder: Path) -> str:
    return folder.name.split("-")[-2]


def made_by_another_process(temporary: Path) -> Path:
    code = "from warehouse import spill; from pathlib import Path; print(Path(spill.temporary()).parent)"
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(temporary)},
        check=True,
        capture_output=True,
        text=True,
    )
    return Path(run.stdout.strip())


def test_where_nothing_can_be_made_beside_the_file_the_temporary_files_are_the_place(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As of a folder that is mounted read-only.
    monkeypatch.setattr(os, "access", lambda *_: False)
    place, other = Path(spill.beside(file)), Path(spill.beside(file.with_name("another")))
    assert place.parent.parent == Path(tempfile.gettempdir())
    assert place.parent.stat().st_mode & 0o777 == 0o700
    # A process opens a file with one configuration.
    assert (place, other) == (Path(spill.beside(file)), Path(spill.beside(file.with_name("another"))))
    assert place != other


def test_a_forked_process_has_folders_of_its_own_and_leaves_its_parents_alone(file: Path, tmp_path: Path) -> None:
    code = """
import os, sys
from pathlib import Path
from warehouse import spill
file = Path(sys.argv[1])
places = spill.beside(file), str(Path(spill.temporary()).parent)
child = os.fork()
if not child:
    print(*{spill.beside(file), str(Path(spill.temporary()).parent)} & set(places), "shared", flush=True)
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
print(Path(places[1]).exists())
"""
    command = [sys.executable, "-c", code, str(file)]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    run = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    assert run.stdout.split() == ["shared", "True"]
    assert list(tmp_path.iterdir()) == []
