"""The upkeep of a lake: nothing of what is needed goes, nothing of what was erased stays."""

import os
import re
import shutil
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars
import pytest

from schemas.errors import NoWarehouse, WarehouseUnavailable
from schemas.lake import Lake
from tests.postgres import Postgres
from tests.warehouse.staged import CONTRACT, DAY, NEXT_DAY, TORN, WAIT_SECONDS, ask, everything, publish, stage
from tests.warehouse.test_lake import end_turns, everything_goes
from warehouse import upkeep
from warehouse.custodian import Custodian
from warehouse.instants import utc_now
from warehouse.reader import Reader

if TYPE_CHECKING:
    from tests.store import ObjectStore

PLANTED = "ZZ-PLANTED"


def rows_on_disk(lake: Lake) -> list[Path]:
    return [path for path in Path(lake.data).rglob("*") if path.is_file()]


def test_upkeep_merges_files_and_forgets_the_past_by_its_age(lake: Lake, tmp_path: Path) -> None:
    for number in range(4):
        publish(lake, stage(tmp_path, DAY + timedelta(days=number), rows=100))
    rows, files = everything(lake), len(rows_on_disk(lake))
    kept = upkeep.maintain(lake, WAIT_SECONDS, datetime.now(UTC) - timedelta(days=1))
    assert (kept.snapshots, everything(lake)) == (0, rows)
    assert kept.merged > kept.merged_into > 0
    between = datetime.now(UTC)
    forgotten = upkeep.maintain(lake, WAIT_SECONDS, between)
    assert forgotten.snapshots > 4
    assert everything(lake) == rows
    with pytest.raises(NoWarehouse, match="does not reach back to"):
        Reader(lake, WAIT_SECONDS, between - timedelta(seconds=30)).published(DAY)
    # They are kept for as long as a question that began before may read them.
    assert len(rows_on_disk(lake)) > files
    upkeep.purge(lake, WAIT_SECONDS)
    assert len(rows_on_disk(lake)) < files
    assert everything(lake) == rows


def planted(lake: Lake) -> list[Path]:
    """Files that one of the planted ids stands in."""
    return [path for path in rows_on_disk(lake) if PLANTED.encode() in read_back(path)]


def test_what_retention_removes_from_a_lake_is_gone_when_its_past_is(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(lake, stage(tmp_path, ids=PLANTED, rows=100))
    custodian = Custodian(lake, CONTRACT, WAIT_SECONDS)
    custodian.remove_over_age(everything_goes(), dry_run=False)
    assert custodian.purge() is None
    pending = "SELECT count(*) FROM removals WHERE purged_at IS NULL"
    upkeep.maintain(lake, WAIT_SECONDS, datetime.now(UTC) - timedelta(days=1))
    assert ask(lake, pending) != [(0,)]
    upkeep.maintain(lake, WAIT_SECONDS, datetime.now(UTC))
    # The past is forgotten, but questions that began before may still read its files.
    assert planted(lake)
    assert ask(lake, pending) != [(0,)]
    monkeypatch.setattr(upkeep, "READERS", timedelta(0))
    upkeep.maintain(lake, WAIT_SECONDS, datetime.now(UTC))
    assert planted(lake) == []
    assert ask(lake, pending) == [(0,)]


def test_what_was_removed_is_not_on_record_as_gone_while_a_later_snapshot_needs_its_files(
    lake: Lake, tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "READERS", timedelta(0))
    publish(lake, stage(tmp_path, ids=PLANTED, rows=100))
    # As retention removes it, which takes some rows of a file.
    Custodian(lake, CONTRACT, WAIT_SECONDS).erase(f"{PLANTED}-7", None, ())
    publish(lake, stage(tmp_path, NEXT_DAY))
    between = datetime.now(UTC)
    publish(lake, stage(tmp_path, NEXT_DAY + timedelta(days=1)))
    # No upkeep ran since the removal: as the lake stood on the second day, it still reads the files from before.
    upkeep.maintain(lake, WAIT_SECONDS, between)
    assert traces(lake, postgres, ["7"])
    gone = "SELECT count(*) > 0 FROM removals WHERE purged_at IS NOT NULL"
    assert ask(lake, gone) == [(False,)]
    upkeep.maintain(lake, WAIT_SECONDS, datetime.now(UTC))
    assert traces(lake, postgres, ["7"]) == []
    assert ask(lake, gone) == [(True,)]


@pytest.mark.parametrize(
    ("act", "lost_before"),
    [
        ("purge", "expire_snapshots"),
        ("purge", "cleanup_old_files"),
        ("purge", "delete_orphaned_files"),
        ("maintain", "delete_orphaned_files"),
    ],
)
def test_upkeep_that_lost_its_turn_removes_nothing_more(
    lake: Lake, tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch, act: str, lost_before: str
) -> None:
    publish(lake, stage(tmp_path, rows=100))
    # As another writer leaves it that has not committed yet.
    written = Path(lake.data) / "main" / "scores" / "ducklake-not-committed.parquet"
    shutil.copy(next(path for path in rows_on_disk(lake) if path.parent == written.parent), written)
    os.utime(written, (0, 0))
    real = upkeep._Step.call

    def call(step: upkeep._Step, function: str, *given: str, **options: Any) -> list[dict[str, Any]]:
        if function.endswith(lost_before):
            end_turns(postgres)
        return real(step, function, *given, **options)

    monkeypatch.setattr(upkeep._Step, "call", call)
    maintain = partial(upkeep.maintain, keep_since=datetime.now(UTC))
    with pytest.raises(WarehouseUnavailable, match="PostgreSQL let go of its lock meanwhile"):
        (upkeep.purge if act == "purge" else maintain)(lake, WAIT_SECONDS)
    assert written.exists()


def test_upkeep_removes_what_belongs_to_nothing_and_keeps_everything_else(lake: Lake, tmp_path: Path) -> None:
    publish(lake, stage(tmp_path, rows=100))
    publish(lake, stage(tmp_path, content="corrected", rows=100))
    rows, folder = everything(lake), Path(lake.data) / "main" / "scores"
    kept = rows_on_disk(lake)
    left, fresh = (folder / f"ducklake-{name}.parquet" for name in ("left", "being-written"))
    for path in (left, fresh):
        shutil.copy(kept[0], path)
    two_days_ago = time.time() - timedelta(days=2).total_seconds()
    os.utime(left, (two_days_ago, two_days_ago))
    done = upkeep.maintain(lake, WAIT_SECONDS, datetime.now(UTC) - timedelta(days=1))
    # One as young may be of a transaction that goes on.
    assert (done.files, left.exists(), fresh.exists()) == (1, False, True)
    assert set(kept) <= set(rows_on_disk(lake))
    assert everything(lake) == rows
    upkeep.purge(lake, WAIT_SECONDS)
    assert not fresh.exists()
    assert everything(lake) == rows


def test_what_belongs_to_nothing_is_removed_from_a_store_too(lake: Lake, store: "ObjectStore", tmp_path: Path) -> None:
    remote = Lake(lake.catalog, store.address("rows/"))
    publish(remote, stage(tmp_path, rows=100))
    rows, kept = everything(remote), set(store.objects())
    left, other = "rows/main/scores/ducklake-left.parquet", "elsewhere/ducklake-left.parquet"
    for key in (left, other):
        store.client.put_object(Bucket=store.bucket, Key=key, Body=b"of a process that was killed")
    upkeep.maintain(remote, WAIT_SECONDS, datetime.now(UTC) - timedelta(days=1))
    assert kept | {left, other} <= set(store.objects())
    upkeep.purge(remote, WAIT_SECONDS)
    # What lies beside the lake is not its own.
    assert (left in store.objects(), other in store.objects()) == (False, True)
    assert everything(remote) == rows


def test_an_erasure_forgets_the_past_whatever_the_clock_of_its_host_says(
    lake: Lake, tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(lake, stage(tmp_path, ids=PLANTED, rows=100))
    custodian = Custodian(lake, CONTRACT, WAIT_SECONDS)
    custodian.erase(f"{PLANTED}-7", None, ())
    slow = utc_now() - timedelta(hours=3)
    monkeypatch.setattr(upkeep, "utc_now", lambda: slow)
    assert custodian.purge() is not None
    assert traces(lake, postgres, ["7"]) == []


def test_others_write_between_the_steps_of_upkeep(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(lake, stage(tmp_path, rows=100))
    batches = [stage(tmp_path, DAY + timedelta(days=number)) for number in range(1, 40)]
    began: list[str] = []
    real = upkeep._step

    def step(at: Lake, wait_seconds: float) -> AbstractContextManager[upkeep._Step]:
        # With a wait as short as this one, it would be refused if the turn were still held.
        began.append(publish(at, batches[len(began)]).batch_id)
        return real(at, wait_seconds)

    monkeypatch.setattr(upkeep, "_step", step)
    upkeep.maintain(lake, WAIT_SECONDS, datetime.now(UTC))
    assert ask(lake, TORN) == []
    assert ask(lake, "SELECT count(*) FROM batches") == [(len(began) + 1,)]


@pytest.mark.parametrize("rows", [4, 400])
def test_nothing_in_files_or_catalog_tells_of_an_application_that_was_erased(
    lake: Lake, tmp_path: Path, postgres: Postgres, rows: int
) -> None:
    # A few rows are kept in PostgreSQL itself, more in files. These have the least and the greatest id of all.
    erased = ["0", "99"] if rows > 99 else ["0", "3"]
    publish(lake, stage(tmp_path, ids=PLANTED, rows=rows))
    publish(lake, stage(tmp_path, NEXT_DAY))
    custodian = Custodian(lake, CONTRACT, WAIT_SECONDS)
    assert traces(lake, postgres, erased)
    for number in erased:
        custodian.erase(f"{PLANTED}-{number}", None, ())
    size = custodian.purge()
    assert size is not None
    assert traces(lake, postgres, erased) == []
    assert ask(lake, "SELECT count(*) FROM scores") == [(20 + rows - 2,)]
    assert ask(lake, "SELECT count(*) FROM removals WHERE purged_at IS NULL") == [(0,)]
    assert custodian.purge() is None
    # What the catalog knows of the columns still holds.
    found = [ask(lake, "SELECT count(*) FROM scores WHERE application_id = ?", f"{NEXT_DAY}-{n}") for n in range(20)]
    assert found == [[(1,)]] * 20
    assert publish(lake, stage(tmp_path, NEXT_DAY + timedelta(days=1), ids="~last")).new
    assert ask(lake, "SELECT count(*) FROM scores WHERE application_id = '~last-3'") == [(1,)]


def traces(lake: Lake, postgres: Postgres, numbers: Sequence[str]) -> list[str]:
    """Files of the lake, and rows of its catalog, that one of the planted ids stands in."""
    ids = re.compile(rf"{PLANTED}-({'|'.join(numbers)})(?!\d)".encode())
    name = lake.catalog.partition("dbname=")[2].partition(" ")[0]
    where = ["-h", "127.0.0.1", "-p", str(postgres.port), "-U", "postgres"]
    dump = postgres.run("pg_dump", *where, "--inserts", name).splitlines()
    files = [str(path) for path in rows_on_disk(lake) if ids.search(read_back(path))]
    return files + [line for line in dump if ids.search(line.encode())]


def read_back(path: Path) -> bytes:
    """All values of a Parquet file, whatever it is compressed with, and its own bytes."""
    return path.read_bytes() + str(polars.read_parquet(path).rows()).encode()
