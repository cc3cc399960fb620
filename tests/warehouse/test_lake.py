"""What only a lake has: extensions, a catalog that may be gone, a past, and a way to it from a file."""

import re
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import duckdb
import pytest

from schemas.errors import NoWarehouse, SettingsError, WarehouseError, WarehouseUnavailable
from schemas.lake import Lake, lake_at
from tests.postgres import Postgres, running_postgres
from tests.warehouse.staged import CONTRACT, DAY, NEXT_DAY, TORN, WAIT_SECONDS, ask, everything, publish, stage
from warehouse import extensions, turns
from warehouse.connection import exists, open_for_reading, open_for_writing
from warehouse.custodian import Custodian
from warehouse.lake import MOST_KEPT, _database
from warehouse.reader import Reader
from warehouse.removal import Cutoffs
from warehouse.transfer import transfer
from warehouse.writer import Writer

R = TypeVar("R")
ROOT = Path(__file__).parents[2]
SECRET = "geh/eim"


def quiet(table: str, rows: int) -> None:
    """Tells nobody what is moved."""


def with_password(lake: Lake) -> Lake:
    # The server trusts everybody, and takes any password.
    return Lake(f"{lake.catalog} password='{SECRET}'", lake.data)


@pytest.mark.parametrize(
    ("catalog", "shown"),
    [
        ("dbname=lake host=db", "dbname=lake host=db"),
        ("dbname=lake password=geheim host=db connect_timeout=2", "dbname=lake host=db"),
        (r"password = 'ge h\'eim' dbname=lake", "dbname=lake"),
        ("postgresql://ada:geheim@db/lake", "dbname=lake host=db user=ada"),
        ("postgresql://ada@[::1]:5432/lake?sslmode=require", "dbname=lake host=::1 port=5432 user=ada sslmode=require"),
        ("postgresql://db/lake?password=geheim&user=ada", "dbname=lake host=db user=ada"),
    ],
)
def test_a_lake_is_shown_without_its_password(catalog: str, shown: str) -> None:
    lake = Lake(catalog, "rows/")
    assert str(lake) == f"ducklake:postgres:{shown}"
    assert "geheim" not in repr(lake)
    said = lake.without_secrets(f'Unable to connect to Postgres at "{catalog}": refused')
    assert said == f'Unable to connect to Postgres at "{shown}": refused'


MISTYPED = [
    "dbname=lake password=ge heim host=db",
    "dbname=lake passwort=geheim",
    "postgresql://ada:ge@heim@db/lake",
    # Up to the first stroke, it is a host and its port.
    "postgresql://ada:geheim/x@db/lake",
    "postgresql://ada:4711/geheim@db/lake",
    "postgresql://ada:ge%heim@db/lake",
]


@pytest.mark.parametrize("catalog", MISTYPED)
def test_of_a_mistyped_connection_string_nothing_is_shown(catalog: str) -> None:
    mistyped = Lake(catalog, "rows/")
    assert str(mistyped) == "ducklake:postgres:…"
    for act in (partial(Reader(mistyped, 0.1).published, DAY), Writer(mistyped, CONTRACT, 0.1).prepare):
        with pytest.raises(WarehouseError, match="is not shown") as refused:
            act()
        shown = "".join(traceback.format_exception(refused.value))
        assert not re.search(r"heim|passwort|4711", shown.replace(repr(catalog), ""))


def test_a_connection_string_that_postgres_does_not_understand_is_refused_with_the_settings(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not understand what stands behind ducklake:postgres") as refused:
        lake_at(f"ducklake:postgres:{MISTYPED[0]}", "rows", tmp_path)
    assert "heim" not in "".join(traceback.format_exception(refused.value))


def test_without_the_package_that_reads_connection_strings_nothing_of_them_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert str(Lake("dbname=lake host=db", "rows/")) == "ducklake:postgres:…"


@pytest.mark.parametrize(
    ("warehouse", "data", "message"),
    [
        ("ducklake:lake.ducklake", "rows", "a lake has its catalog in PostgreSQL: ducklake:postgres:dbname="),
        ("ducklake:postgres:", "rows", "a lake has its catalog in PostgreSQL"),
        ("ducklake:postgres:dbname=lake", "", "SCORING_WAREHOUSE_DATA is empty: say where the rows of the lake lie"),
        ("ducklake:postgres:dbname=lake", "gs://b/c", "SCORING_WAREHOUSE_DATA='gs://b/c': the rows of a lake lie in"),
    ],
)
def test_an_address_that_lacks_something_says_what(warehouse: str, data: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=message):
        lake_at(warehouse, data, tmp_path)


def test_rows_lie_below_home_or_in_a_store(tmp_path: Path) -> None:
    assert lake_at("ducklake:postgres:dbname=lake", "rows", tmp_path).data == f"{tmp_path}/rows/"
    assert lake_at("ducklake:postgres:dbname=lake", "s3://bucket/rows", tmp_path).data == "s3://bucket/rows/"


def test_a_missing_extension_says_both_ways_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(extensions, "find_spec", lambda _: None)
    # Nothing is installed there, and nobody listens at that address.
    config: dict[str, Any] = {"extension_directory": str(tmp_path), "custom_extension_repository": "http://127.0.0.1:9"}
    with duckdb.connect(config=config) as connection, pytest.raises(WarehouseError) as refused:
        extensions.load_extension(connection, "ducklake")
    assert 'pip install "credit-express[lake]"' in str(refused.value)
    assert "python -c \"import duckdb; duckdb.execute('INSTALL ducklake')\"" in str(refused.value)


def test_the_package_of_another_duckdb_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert extensions._packaged("ducklake") is not None
    monkeypatch.setattr(duckdb, "__version__", "1.5.4")
    assert extensions._packaged("ducklake") is None


def test_a_warehouse_that_is_a_file_loads_no_extension_and_no_package_of_a_lake(tmp_path: Path) -> None:
    code = (
        "import sys, duckdb\n"
        "from pathlib import Path\n"
        "from tests.warehouse.staged import publish, stage\n"
        "from warehouse.connection import open_for_reading\n"
        "folder = Path(sys.argv[1])\n"
        "publish(folder / 'warehouse.duckdb', stage(folder))\n"
        "with open_for_reading(folder / 'warehouse.duckdb', 5) as connection:\n"
        '    print(connection.execute("SELECT extension_name FROM duckdb_extensions() WHERE loaded'
        " AND install_mode <> 'STATICALLY_LINKED'\").fetchall())\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'psycopg', 'botocore', 's3fs', 'fsspec'}))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert run.stdout.split("\n")[:2] == ["[]", "[]"]


def unreachable(lake: Lake) -> Lake:
    return Lake("dbname=lake host=127.0.0.1 port=9 user=postgres password=geheim connect_timeout=2", lake.data)


@pytest.mark.parametrize("act", ["read", "write"])
def test_a_catalog_that_is_not_there_is_passing_trouble_and_shows_no_password(lake: Lake, act: str) -> None:
    gone = unreachable(lake)
    with pytest.raises(WarehouseUnavailable, match="Connection refused") as refused:
        Reader(gone, 1).published(DAY) if act == "read" else Writer(gone, CONTRACT, 1).prepare()
    assert "geheim" not in "".join(map(str, (refused.value, refused.value.__cause__)))


def test_rows_that_lie_elsewhere_are_not_overlooked(lake: Lake, tmp_path: Path) -> None:
    publish(lake, stage(tmp_path))
    with pytest.raises(WarehouseError, match=r"SCORING_WAREHOUSE_DATA is .*/other/, the rows of .* lie elsewhere"):
        Reader(Lake(lake.catalog, f"{tmp_path}/other/"), 1).published(DAY)


def test_files_that_are_gone_are_named_without_a_password(lake: Lake, tmp_path: Path) -> None:
    secret = with_password(lake)
    publish(secret, stage(tmp_path, rows=1_000))
    for path in (tmp_path / "rows" / "main" / "scores").iterdir():
        path.unlink()
    with pytest.raises(WarehouseUnavailable, match="cannot be read") as refused:
        ask(secret, "SELECT sum(score) FROM scores")
    assert SECRET not in str(refused.value)


def test_postgres_restarted_between_and_within_leaves_the_old_state_or_the_new_one(
    lake: Lake, tmp_path: Path, postgres: Postgres
) -> None:
    publish(lake, stage(tmp_path))
    before = everything(lake)
    with pytest.raises(WarehouseUnavailable):
        change_and_restart(lake, postgres)
    # What this process keeps of it broke with the server; nobody has to do anything about that.
    assert retried(partial(everything, lake)) == before
    assert retried(partial(publish, lake, stage(tmp_path, NEXT_DAY))).new
    assert ask(lake, TORN) == []


def change_and_restart(lake: Lake, postgres: Postgres) -> None:
    with open_for_writing(lake, WAIT_SECONDS) as connection:
        connection.execute("DELETE FROM scores")
        postgres.restart()
        connection.execute("DELETE FROM applications")


def retried(question: Callable[[], R]) -> R:
    """As a flow does: passing trouble is tried again."""
    for _ in range(3):
        try:
            return question()
        except WarehouseUnavailable:
            time.sleep(0.1)
    return question()


def test_a_writer_whose_lock_is_gone_does_not_commit(lake: Lake, tmp_path: Path, postgres: Postgres) -> None:
    publish(lake, stage(tmp_path))
    before = everything(lake)
    with pytest.raises(WarehouseUnavailable, match="was not written: PostgreSQL let go of its lock meanwhile"):
        change_without_lock(lake, postgres)
    assert everything(lake) == before


def change_without_lock(lake: Lake, postgres: Postgres) -> None:
    with open_for_writing(lake, WAIT_SECONDS) as connection:
        connection.execute("DELETE FROM scores")
        end_turns(postgres)


def end_turns(postgres: Postgres) -> None:
    ends = f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = {turns.LOCK}"
    assert postgres.ask("postgres", ends).split() == ["t"]


def test_postgres_soon_notices_that_the_host_of_a_writer_is_gone(lake: Lake) -> None:
    # What the connection string, or the server, says of idle sessions does not end the turn of one that works.
    impatient = Lake(f"{lake.catalog} options='-c idle_session_timeout=5s'", lake.data)
    shown = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout")
    with turns.turn(impatient, WAIT_SECONDS) as held:
        found = held.execute("SELECT name, setting FROM pg_settings WHERE name ~ '^tcp_|^idle_session_timeout'")
        assert [dict(found)[name] for name in shown] == ["30", "10", "6", "90000"]
        assert dict(found)["idle_session_timeout"] == "0"


def test_who_waits_too_long_for_a_turn_says_so(lake: Lake) -> None:
    Writer(lake, CONTRACT, WAIT_SECONDS).prepare()
    message = r"for more than 0\.2 seconds; .* SCORING_LOCK_WAIT_SECONDS"
    with open_for_writing(lake, WAIT_SECONDS), pytest.raises(WarehouseUnavailable, match=message):
        Writer(lake, CONTRACT, 0.2).prepare()


def test_a_question_sees_one_state_whatever_is_published_meanwhile(lake: Lake, tmp_path: Path) -> None:
    publish(lake, stage(tmp_path))
    with open_for_reading(lake, WAIT_SECONDS) as connection:
        assert connection.execute("SELECT count(*) FROM batches").fetchall() == [(1,)]
        publish(lake, stage(tmp_path, NEXT_DAY))
        assert connection.execute("SELECT count(*) FROM batches").fetchall() == [(1,)]
    assert ask(lake, "SELECT count(*) FROM batches") == [(2,)]


def test_the_past_is_as_it_stood(lake: Lake, tmp_path: Path) -> None:
    before = datetime.now(UTC)
    publish(lake, stage(tmp_path))
    between = datetime.now(UTC)
    publish(lake, stage(tmp_path, content="corrected"))
    Custodian(lake, CONTRACT, WAIT_SECONDS).remove_over_age(everything_goes(), dry_run=False)
    revisions = [
        batch.revision if batch else None
        for batch in (Reader(lake, WAIT_SECONDS, at).published(DAY) for at in (between, datetime.now(UTC), None))
    ]
    assert revisions == [1, 2, 2]
    assert Reader(lake, WAIT_SECONDS, between).frame("application", application_id=f"{DAY}-1").height == 1
    assert Reader(lake, WAIT_SECONDS).frame("application", application_id=f"{DAY}-1").is_empty()
    with pytest.raises(NoWarehouse, match="does not reach back to"):
        Reader(lake, WAIT_SECONDS, before).published(DAY)


def test_a_file_has_no_past(file: Path, tmp_path: Path) -> None:
    publish(file, stage(tmp_path))
    with pytest.raises(WarehouseError, match="is a file and knows only the present; a lake keeps the past"):
        Reader(file, WAIT_SECONDS, datetime.now(UTC)).published(DAY)


def everything_goes() -> Cutoffs:
    names = ("applications", "declined", "quarantine", "predictions", "reports")
    return Cutoffs(**dict.fromkeys(names, date(2100, 1, 1)))


@pytest.mark.parametrize("trouble", ["another view", "trouble"])
def test_a_question_goes_on_when_another_thread_gives_up_the_view_it_has(
    lake: Lake, tmp_path: Path, trouble: str
) -> None:
    publish(lake, stage(tmp_path))
    with open_for_reading(lake, WAIT_SECONDS) as connection:
        # Before the first statement of the question.
        if trouble == "trouble":
            with pytest.raises(WarehouseUnavailable), open_for_reading(lake, WAIT_SECONDS):
                raise duckdb.IOException("of another thread")
        else:
            for _ in range(MOST_KEPT):
                Reader(lake, WAIT_SECONDS, datetime.now(UTC)).published(DAY)
        assert connection.execute("SELECT count(*) FROM batches").fetchall() == [(1,)]
    assert attached() <= MOST_KEPT


def test_a_view_without_a_warehouse_is_not_left_attached(lake: Lake) -> None:
    with pytest.raises(KeyboardInterrupt), open_for_writing(lake, WAIT_SECONDS):
        raise KeyboardInterrupt
    before = attached()
    with pytest.raises(NoWarehouse, match="there is no warehouse in"):
        Reader(lake, WAIT_SECONDS).published(DAY)
    assert attached() == before


def test_a_lake_out_of_reach_is_no_trouble_for_another(lake: Lake, postgres: Postgres, tmp_path: Path) -> None:
    empty = Lake(postgres.create(f"lake_{uuid4().hex}"), f"{tmp_path}/empty/")
    with running_postgres() as other:
        gone = Lake(other.create("gone"), f"{tmp_path}/gone/")
        publish(gone, stage(tmp_path))
        assert Reader(gone, WAIT_SECONDS).published(DAY)
        other.stop()
        publish(lake, stage(tmp_path))
        assert Reader(lake, WAIT_SECONDS).published(DAY)
        with pytest.raises(NoWarehouse):
            Reader(empty, WAIT_SECONDS).published(DAY)
        with pytest.raises(WarehouseUnavailable, match="refused"):
            Reader(gone, WAIT_SECONDS).published(DAY)
        other.start()
        assert Reader(gone, WAIT_SECONDS).published(DAY)


def attached() -> int:
    """Views of lakes that this process has attached."""
    found = _database[0].cursor().execute("SELECT count(*) FROM duckdb_databases() WHERE database_name ~ 'lake_.*'")
    return int(found.fetchall()[0][0])


def test_an_installation_moves_from_its_file_to_a_lake(file: Path, lake: Lake, tmp_path: Path) -> None:
    publish(file, stage(tmp_path, rows=300))
    publish(file, stage(tmp_path, NEXT_DAY))
    moved = transfer(file, lake, WAIT_SECONDS, quiet)
    assert everything(lake) == everything(file)
    assert {item.table: item.sum.rows for item in moved}["scores"] == 320
    assert ask(lake, "SELECT count(*) FROM current_scores") == [(320,)]
    # It goes on as a warehouse, and neither knows of the other any more.
    assert publish(lake, stage(tmp_path, NEXT_DAY + timedelta(days=1))).new
    publish(file, stage(tmp_path, content="corrected"))


def test_a_move_that_was_cut_off_goes_on_where_it_stopped(
    file: Path, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(file, stage(tmp_path, rows=300))
    begun: list[str] = []

    def stop_at_the_third(table: str, rows: int) -> None:
        begun.append(table)
        if len(begun) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        transfer(file, lake, WAIT_SECONDS, stop_at_the_third)
    # Nobody takes two tables for a warehouse.
    assert not exists(lake, WAIT_SECONDS)
    moved = transfer(file, lake, WAIT_SECONDS, quiet)
    assert [item.table for item in moved if item.before and item.sum.rows] == begun[:2]
    assert everything(lake) == everything(file)
    assert all(item.before for item in transfer(file, lake, WAIT_SECONDS, quiet))


def stop_at_scores(table: str, rows: int) -> None:
    if table == "scores":
        raise KeyboardInterrupt


def test_what_was_written_to_the_file_after_a_first_attempt_is_moved_too(
    file: Path, lake: Lake, tmp_path: Path
) -> None:
    publish(file, stage(tmp_path, rows=300))
    with pytest.raises(KeyboardInterrupt):
        transfer(file, lake, WAIT_SECONDS, stop_at_scores)
    publish(file, stage(tmp_path, NEXT_DAY))
    transfer(file, lake, WAIT_SECONDS, quiet)
    assert everything(lake) == everything(file)


def test_a_lake_with_another_warehouse_is_left_alone(file: Path, lake: Lake, tmp_path: Path) -> None:
    publish(file, stage(tmp_path, rows=30))
    publish(lake, stage(tmp_path, NEXT_DAY))
    before = everything(lake)
    with pytest.raises(WarehouseError, match=r"another warehouse in .*; nothing was changed"):
        transfer(file, lake, WAIT_SECONDS, quiet)
    assert everything(lake) == before


def test_a_file_that_is_not_there_makes_no_lake(file: Path, lake: Lake) -> None:
    with pytest.raises(NoWarehouse):
        transfer(file, lake, WAIT_SECONDS, quiet)
    assert not Path(lake.data).exists()
