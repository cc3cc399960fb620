"""Whose turn it is to write to a lake: a lock in its PostgreSQL, let go of when its holder ends, however it ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, LiteralString, TypeAlias

import tenacity

from schemas.errors import WarehouseError, WarehouseUnavailable
from schemas.lake import Lake

if TYPE_CHECKING:
    import psycopg

# What the lock is taken on: any number will do that all writers agree on.
LOCK = 0x5C041A6
# By these a writer notices within a minute and a half that PostgreSQL is gone without a word.
OPTIONS: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 6,
    "tcp_user_timeout": 90_000,
}
# By these PostgreSQL notices as soon that a writer is, whose turn then ends; one that works says nothing meanwhile.
SESSION = {
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "6",
    "tcp_user_timeout": "90000",
    "idle_session_timeout": "0",
}
# An earlier PostgreSQL does not know all of them.
SET = """
SELECT set_config(name, given.value, false)
FROM pg_settings JOIN unnest(%s::text[], %s::text[]) AS given (name, value) USING (name)
"""
# What PostgreSQL says while it is started or stopped.
PASSING = ("starting up", "shutting down", "recovery mode", "not yet accepting")


CatalogConnection: TypeAlias = "psycopg.Connection[tuple[Any, ...]]"


class Turn:
    """A writer's turn."""

    def __init__(self, lake: Lake, catalog: CatalogConnection) -> None:
        """`catalog`: the connection to PostgreSQL that holds the lock."""
        self._lake, self._catalog = lake, catalog

    def check(self) -> None:
        """Raises WarehouseUnavailable if the turn was lost: the lock went with its connection."""
        self.execute("SELECT 1")

    def execute(self, statement: LiteralString) -> list[tuple[Any, ...]]:
        """The rows of a statement on the catalog itself; raises WarehouseUnavailable if PostgreSQL is in trouble."""
        import psycopg  # noqa: PLC0415 - of an extra

        try:
            done = self._catalog.execute(statement)
            return done.fetchall() if done.description else []
        except psycopg.Error as error:
            raise WarehouseUnavailable(
                f"the warehouse {self._lake} was not written: PostgreSQL let go of its lock meanwhile"
                f" ({self._lake.without_secrets(str(error))})"
            ) from None


@contextmanager
def turn(lake: Lake, wait_seconds: float) -> Iterator[Turn]:
    """Keeps all other writers of the lake out, those of this process, of others and of other hosts.

    Raises WarehouseUnavailable if it is not to be had in time, or PostgreSQL is not there.
    """
    connection = _connect(lake, wait_seconds)
    try:
        _lock(lake, connection, wait_seconds)
        yield Turn(lake, connection)
    finally:
        # The lock is the connection's: with it, it is gone.
        connection.close()


def _connect(lake: Lake, wait_seconds: float) -> CatalogConnection:
    try:
        import psycopg  # noqa: PLC0415 - of an extra
    except ImportError as error:
        raise WarehouseError(
            'a lake needs the package psycopg, which is not installed: pip install "credit-express[lake]"'
        ) from error
    waiting = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_is_passing),
        wait=tenacity.wait_random_exponential(multiplier=0.05, max=1),
        stop=tenacity.stop_after_delay(wait_seconds),
        reraise=True,
    )
    try:
        return waiting(psycopg.connect, lake.catalog, autocommit=True, **OPTIONS)
    except psycopg.Error as error:
        raise _unreachable(lake, error) from None


def _lock(lake: Lake, connection: CatalogConnection, wait_seconds: float) -> None:
    import psycopg  # noqa: PLC0415 - of an extra

    session = SESSION | {"lock_timeout": f"{max(1, round(wait_seconds * 1000))}ms"}
    try:
        connection.execute(SET, [list(session), list(session.values())])
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    except psycopg.errors.LockNotAvailable as error:
        raise WarehouseUnavailable(
            f"the warehouse {lake} was written by another process for more than {wait_seconds:g} seconds;"
            " end that process or raise SCORING_LOCK_WAIT_SECONDS"
        ) from error
    except psycopg.Error as error:
        raise _unreachable(lake, error) from None


def _unreachable(lake: Lake, error: Exception) -> WarehouseUnavailable:
    # Without the error itself, which may quote a part of the password.
    return WarehouseUnavailable(
        f"the catalog of the warehouse {lake} cannot be reached: {lake.without_secrets(str(error))}"
    )


def _is_passing(error: BaseException) -> bool:
    return any(sign in str(error) for sign in PASSING)
