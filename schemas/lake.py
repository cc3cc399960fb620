"""The address of a warehouse that outgrew one file: its catalog in PostgreSQL, its rows in a folder or a store."""

import re
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from schemas.errors import SettingsError

PREFIX = "ducklake:"
CATALOG = "ducklake:postgres:"
STORE = "s3://"
HINT = (
    "in a connection string, a value with blanks stands in quotes; in an address, @ and / within a password are written"
    " %40 and %2F"
)
# What is shown of a connection string, and how that looks. Mistyped, a password may end within another value.
SHOWN = {
    "dbname": r"[\w.-]*",
    "host": r"[\w.,:/-]*",
    "hostaddr": r"[\da-fA-F.,:]*",
    "port": r"[\d,]*",
    "user": r"[\w.-]*",
    "service": r"[\w.-]*",
    "sslmode": r"[a-z-]*",
}
SECRET = ("password", "sslpassword", "oauth_client_secret")


@dataclass(frozen=True)
class Lake:
    """A DuckLake. `catalog`: libpq's connection string or address of a PostgreSQL database. `data`: the folder, or
    the `s3://` address, that its Parquet files lie in, ending in a slash.
    """

    catalog: str = field(repr=False)
    data: str

    def __str__(self) -> str:
        return CATALOG + (_shown(_parts(self.catalog)) or "…")

    @property
    def in_store(self) -> bool:
        """Whether the rows lie in an object store."""
        return self.data.startswith(STORE)

    def without_secrets(self, text: str) -> str:
        """What somebody says of this lake without its passwords; none of it where they cannot be told from the rest."""
        parts = _parts(self.catalog)
        shown = _shown(parts)
        if not parts or not shown:
            return f"what was said may hold a part of the password and is not shown ({HINT})"
        for given in (self.catalog, self.catalog.replace("'", "''")):
            text = text.replace(given, shown)
        for secret in filter(None, map(parts.get, SECRET)):
            text = text.replace(secret, "…")
        return text.strip()


def is_lake(warehouse: str) -> bool:
    """Whether the setting `warehouse` is the address of a lake, of whatever kind."""
    return warehouse.startswith(PREFIX)


def lake_at(warehouse: str, data: str, home: Path) -> Lake:
    """The lake that the settings `warehouse` and `warehouse_data` describe; raises SettingsError if they do not."""
    if not warehouse.startswith(CATALOG) or warehouse == CATALOG:
        raise SettingsError(
            "SCORING_WAREHOUSE: a lake has its catalog in PostgreSQL: ducklake:postgres:dbname=… host=… (as psql"
            " takes it), its password in PGPASSWORD or ~/.pgpass"
        )
    if find_spec("psycopg") and _parts(warehouse.removeprefix(CATALOG)) is None:
        # What PostgreSQL says of it quotes it.
        raise SettingsError(f"SCORING_WAREHOUSE: PostgreSQL does not understand what stands behind {CATALOG} ({HINT})")
    if not data:
        raise SettingsError(
            "SCORING_WAREHOUSE_DATA is empty: say where the rows of the lake lie, a folder or s3://bucket/prefix"
        )
    if "://" in data and not data.startswith(STORE):
        raise SettingsError(
            f"SCORING_WAREHOUSE_DATA={data!r}: the rows of a lake lie in a folder or at s3://bucket/prefix"
        )
    place = data if data.startswith(STORE) else str(home / Path(data).expanduser())
    return Lake(warehouse.removeprefix(CATALOG), place.rstrip("/") + "/")


def _parts(catalog: str) -> dict[str, str] | None:
    """The values of a connection string by their names; None if they cannot be told, for what reason ever."""
    try:
        from psycopg import ProgrammingError  # noqa: PLC0415 - of an extra
        from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415 - of an extra
    except ImportError:
        return None
    try:
        return {name: str(value) for name, value in conninfo_to_dict(catalog).items()}
    except ProgrammingError:
        return None


def _shown(parts: dict[str, str] | None) -> str:
    """What may be shown of a connection string; nothing if a part of it looks as though it were of a password."""
    found = {name: parts[name] for name in SHOWN if name in parts} if parts else {}
    if not all(re.fullmatch(SHOWN[name], value) for name, value in found.items()):
        return ""
    return " ".join(f"{name}={value}" for name, value in found.items())
