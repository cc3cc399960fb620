"""The address of a warehouse that outgrew one file: its catalog in PostgreSQL, its rows in a folder or a store."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from schemas.errors import SettingsError

PREFIX = "ducklake:"
CATALOG = "ducklake:postgres:"
STORE = "s3://"
# Passwords in a connection string (password=…, quoted or not) and in an address (//user:password@host).
_SECRETS = (
    (re.compile(r"(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&\"]+)"), r"\1…"),
    (re.compile(r"(//[^:/@]*:)[^@]*@"), r"\1…@"),
)


@dataclass(frozen=True)
class Lake:
    """A DuckLake. `catalog`: libpq's connection string or address of a PostgreSQL database. `data`: the folder, or
    the `s3://` address, that its Parquet files lie in, ending in a slash.
    """

    catalog: str = field(repr=False)
    data: str

    def __str__(self) -> str:
        return f"{CATALOG}{without_secrets(self.catalog)}"

    @property
    def in_store(self) -> bool:
        """Whether the rows lie in an object store."""
        return self.data.startswith(STORE)


def without_secrets(text: str) -> str:
    """A text that may show a connection string, without the passwords in it."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


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
