"""The warehouse as a DuckLake: its catalog in PostgreSQL, its rows as Parquet files in a folder or an object store.

A process keeps a DuckDB with the extensions loaded and the lake attached, since that takes half a second; every
question and every transaction still has a connection of its own, and sees one snapshot. Writers take turns: DuckLake
itself lets two transactions that only add rows both commit, and with them two batches of one date.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from threading import Lock

import duckdb
import tenacity

from schemas.errors import NoWarehouse, WarehouseError, WarehouseUnavailable
from schemas.lake import Lake
from warehouse import spill
from warehouse.extensions import CATALOG, STORE, load_extension
from warehouse.file import CONFIG, hide_progress
from warehouse.quoting import literal
from warehouse.store import give_credentials
from warehouse.turns import PASSING, Turn, turn

TROUBLE = (duckdb.IOException, duckdb.TransactionException, duckdb.FatalException, duckdb.InternalException)
LOST = (
    "server closed the connection",
    "terminating connection",
    "no connection to the server",
    "Unable to connect to Postgres",
    "could not receive data from server",
    "could not send data to server",
    'Failed to execute query "ROLLBACK"',
)
# A store that refuses is asked again after 0.1, 0.4, 1.6, 6.4 and 25.6 seconds.
HTTP_RETRIES = 5
# Views of lakes that a process keeps attached; those longest not used are given up.
MOST_KEPT = 8


@dataclass(frozen=True)
class _View:
    """A way to look at a lake: for writing, or for reading as of now or of an instant."""

    lake: Lake
    read_only: bool
    as_of: datetime | None = None


# What a process keeps: a DuckDB, and by which name each view is attached to it, the one last used at the end.
_kept: OrderedDict[_View, str] = OrderedDict()
# How many connections use a name, and the names that are to be detached as soon as the last of them is closed.
_users: Counter[str] = Counter()
_given_up: set[str] = set()
_database: list[duckdb.DuckDBPyConnection] = []
_names = count(1)
_keeping = Lock()
# Of its own, so that who has asked a question need not wait for somebody who attaches.
_counting = Lock()


@contextmanager
def reading(lake: Lake, wait_seconds: float, as_of: datetime | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that sees one snapshot: the latest, or the one of a past instant (UTC).

    Raises NoWarehouse if there was none, WarehouseUnavailable if catalog or rows cannot be read.
    """
    view = _View(lake, read_only=True, as_of=as_of)
    with _told(view, "read"), _transaction(view, wait_seconds) as connection:
        yield connection


@contextmanager
def writing(lake: Lake, wait_seconds: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """One transaction: committed when the block ends, undone when it raises. Creates the lake if there is none."""
    view = _View(lake, read_only=False)
    with turn(lake, wait_seconds) as held, _told(view, "written; nothing was changed"):
        _make_folder(lake)
        with _transaction(view, wait_seconds) as connection:
            yield connection
            held.check()
            connection.commit()


@contextmanager
def maintaining(lake: Lake, wait_seconds: float) -> Iterator[tuple[duckdb.DuckDBPyConnection, Turn]]:
    """A writer's turn at the lake without a transaction, and the turn, which reaches the catalog itself.

    Raises NoWarehouse if there is none, WarehouseUnavailable if catalog or rows are in trouble.
    """
    view = _View(lake, read_only=False)
    if not exists(lake, wait_seconds):
        raise _none(view)
    with (
        turn(lake, wait_seconds) as held,
        _told(view, "kept up; what is in it is as it was"),
        _connection(view, wait_seconds) as connection,
    ):
        yield connection, held


def snapshot(lake: Lake, wait_seconds: float) -> int:
    """The number of the latest snapshot: another one after every change. Raises as `reading` does."""
    with reading(lake, wait_seconds) as connection:
        row = connection.execute("FROM ducklake_current_snapshot(current_database())").fetchone()
    return int(row[0]) if row else 0


def exists(lake: Lake, wait_seconds: float) -> bool:
    """Whether there is a warehouse in this lake."""
    try:
        with reading(lake, wait_seconds):
            return True
    except NoWarehouse:
        return False


@contextmanager
def _transaction(view: _View, wait_seconds: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in a transaction, which is undone if the block does not commit it."""
    with _connection(view, wait_seconds) as connection:
        try:
            connection.begin()
            yield connection
        finally:
            # Left to be undone by `close`, one that lost its PostgreSQL would end the whole process.
            with suppress(duckdb.Error):
                connection.rollback()


@contextmanager
def _told(view: _View, done: str) -> Iterator[None]:
    """Gives up what is kept of a lake in trouble, and says what the trouble is, without its passwords."""
    try:
        yield
    except duckdb.Error as error:
        shown = view.lake.without_secrets(str(error))
        if not _is_trouble(error):
            if isinstance(error, duckdb.CatalogException | duckdb.BinderException) and view.read_only:
                raise WarehouseError(
                    f"the warehouse {view.lake} is not of this release's layout; score a day to bring it there: {shown}"
                ) from error
            raise
        with _keeping:
            _give_up(view)
            if isinstance(error, duckdb.FatalException | duckdb.InternalException):
                # DuckDB lets nobody use that database any more.
                _kept.clear()
                _database.clear()
        # The text of DuckDB's own error may hold the connection string with its password.
        raise WarehouseUnavailable(f"the warehouse {view.lake} cannot be {done}: {shown}") from None


@contextmanager
def _connection(view: _View, wait_seconds: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """A new connection that has a view, which is attached first if it is not, as its database."""
    with _keeping:
        name = _name(view, wait_seconds)
        connection = _database[0].cursor()
        with _counting:
            _users[name] += 1
    try:
        connection.execute(f"USE {name}")
        yield connection
    finally:
        connection.close()
        with _counting:
            _users[name] -= 1
            _detach_unused()


def _name(view: _View, wait_seconds: float) -> str:
    """The name by which a view is attached."""
    if not _database:
        _database.append(_new_database())
    if view not in _kept:
        _kept[view] = _attached(view, wait_seconds)
        while len(_kept) > MOST_KEPT:
            _give_up(next(iter(_kept)))
    _kept.move_to_end(view)
    return _kept[view]


def _new_database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config=CONFIG | {"temp_directory": spill.temporary()})
    hide_progress(connection)
    # A name that is missing in one lake is not looked for in all others, of which one may be out of reach.
    connection.execute("SET catalog_error_max_schemas = 0")
    for name in CATALOG:
        load_extension(connection, name)
    return connection


def _attached(view: _View, wait_seconds: float) -> str:
    """Attaches a view and returns the name it has."""
    connection, name = _database[0], f"lake_{next(_names)}"
    if view.lake.in_store:
        load_extension(connection, STORE)
        connection.execute(f"SET http_retries = {HTTP_RETRIES}")
        # Anew each time: those of a role are good for a while only.
        give_credentials(connection)
    waiting = tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda error: any(sign in str(error) for sign in PASSING)),
        wait=tenacity.wait_random_exponential(multiplier=0.05, max=1),
        stop=tenacity.stop_after_delay(wait_seconds),
        reraise=True,
    )
    try:
        waiting(connection.execute, _attach(view, name))
    except duckdb.Error as error:
        # Not chained: the text of DuckDB's own error holds the connection string with its password.
        raise _explained(view, error) from None
    try:
        if view.read_only:
            connection.execute(f"FROM {name}.schema_version LIMIT 0")
    except duckdb.Error as error:
        _detach(name)
        if isinstance(error, duckdb.CatalogException):
            raise _none(view) from None
        raise
    return name


def _is_trouble(error: duckdb.Error) -> bool:
    """Whether PostgreSQL, disk or store are in trouble; what is said of PostgreSQL comes as any kind of error."""
    return isinstance(error, TROUBLE) or any(sign in str(error) for sign in LOST)


def _give_up(view: _View) -> None:
    """Has a view attached anew for whoever comes; who still asks a question has this one to the end."""
    with _counting:
        if view in _kept:
            _given_up.add(_kept.pop(view))
        _detach_unused()


def _detach_unused() -> None:
    for name in [name for name in _given_up if not _users[name]]:
        _given_up.remove(name)
        del _users[name]
        _detach(name)


def _detach(name: str) -> None:
    # One that was attached to a database which nobody may use any more went with it.
    with suppress(duckdb.Error):
        for database in _database:
            database.cursor().execute(f"DETACH {name}")


def _attach(view: _View, name: str) -> str:
    options = [f"DATA_PATH {literal(view.lake.data)}"]
    if view.read_only:
        options += ["READ_ONLY", "CREATE_IF_NOT_EXISTS false"]
    if view.as_of:
        options.append(f"SNAPSHOT_TIME {literal(view.as_of.astimezone(UTC).isoformat())}")
    return f"ATTACH {literal('ducklake:postgres:' + view.lake.catalog)} AS {name} ({', '.join(options)})"


def _explained(view: _View, error: duckdb.Error) -> WarehouseError:
    """What is wrong where a lake cannot be attached, and what to do about it."""
    said, lake = str(error), view.lake
    shown = lake.without_secrets(said)
    if "creating a new DuckLake is explicitly disabled" in said:
        return _none(view)
    if "No snapshot found" in said:
        return NoWarehouse(f"the history of the warehouse {lake} does not reach back to {view.as_of}")
    if "does not match existing data path" in said:
        return WarehouseError(f"SCORING_WAREHOUSE_DATA is {lake.data}, the rows of {lake} lie elsewhere: {shown}")
    return WarehouseUnavailable(f"the warehouse {lake} cannot be opened: {shown}")


def _none(view: _View) -> NoWarehouse:
    if view.as_of:
        return NoWarehouse(f"there was no warehouse in {view.lake} at {view.as_of}")
    return NoWarehouse(
        f"there is no warehouse in {view.lake} yet; score a day first: python -m flows score --batch-date DATE"
    )


def _make_folder(lake: Lake) -> None:
    if lake.in_store:
        return
    try:
        Path(lake.data).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WarehouseError(f"the folder of the warehouse {lake} cannot be made: {error}") from error
