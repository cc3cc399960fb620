"""What a page is given: the installation that the environment describes, and how its visitor reads."""

import os
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import polars
import streamlit as st

from dashboard.formats import Formats, visitors_formats
from dashboard.labels import Labels
from model.artifact import METADATA, LoadedModel, load_version
from model.signature import Trust, trust_of
from schemas.calendar import calendar_of
from schemas.contract import Contract
from schemas.errors import ModelError
from schemas.loading import load_contract
from schemas.settings import Settings, load_settings
from schemas.storage import Version, is_remote, version_of
from warehouse.lake import snapshot
from warehouse.reader import Reader

Stamp = tuple[int, ...]


@dataclass(frozen=True)
class Desk:
    """One installation, only to be looked at, with the words for its fields and figures."""

    settings: Settings
    contract: Contract
    formats: Formats
    # The last day that is known of, of a warehouse that keeps its past; None: now.
    as_of: date | None = None

    @property
    def labels(self) -> Labels:
        """What the contract calls its fields and features."""
        return Labels(self.contract, self.formats)

    def ask(self, query: str, **values: Any) -> polars.DataFrame:
        """The answer to one of the questions in `warehouse/queries`.

        The warehouse is opened, asked once and closed; as long as it does not change, an answer is asked for once.
        Waits while a batch is being published. Raises WarehouseError as `Reader.frame` does.
        """
        address, wait_seconds = self.settings.warehouse_address, self.settings.lock_wait_seconds
        # The past too is asked again after every change: a day may not be over, and an erasure leaves no past.
        stamp = _stamp(address) if isinstance(address, Path) else (snapshot(address, wait_seconds),)
        return _answer(str(address), stamp, self._end, query, values, Reader(address, wait_seconds, self._end))

    @property
    def keeps_its_past(self) -> bool:
        """Whether the warehouse can be looked at as it stood on an earlier day."""
        return not isinstance(self.settings.warehouse_address, Path)

    @property
    def now(self) -> datetime:
        """The instant all is looked at: the last of the day that is known of if that is over, else the present."""
        present = datetime.now(UTC)
        return min(self._end - timedelta(microseconds=1), present) if self._end else present

    @property
    def _end(self) -> datetime | None:
        """The end of the day that is known of, in the business timezone; None: now."""
        if self.as_of is None:
            return None
        return datetime.combine(self.as_of + timedelta(days=1), time(), calendar_of(self.settings).timezone)

    def model(self, version: str) -> LoadedModel | None:
        """A verified model, or None if it is not there any more, not trusted, or not for the contract in force."""
        try:
            models = self.settings.path("models")
            trust = trust_of(self.settings)
            stamp = version_of(models / version / METADATA) if is_remote(models) else _stamp(models / version)
            return _model(str(models), stamp, version, self.contract.hash, self.contract, trust, models)
        except ModelError:
            return None

    @property
    def reports(self) -> Path:
        """The folder of the reports."""
        return self.settings.path("reports")


def load_desk() -> Desk:
    """The desk the environment describes; raises SettingsError or ContractError if it makes no sense."""
    settings = load_settings()
    return Desk(settings, load_contract(settings.contract), visitors_formats())


def _stamp(path: Path) -> Stamp:
    """What tells one state of a file or folder from another; a write that is not merged yet stands beside the file."""
    found: list[int] = []
    for name in (path, path.with_name(f"{path.name}.wal")):
        try:
            status = os.stat(name)  # noqa: PTH116 - the same for a path that may be gone
        except OSError:
            found.append(0)
        else:
            found += [status.st_ino, status.st_size, status.st_mtime_ns]
    return tuple(found)


# The warehouse is asked after its stamp was taken: an answer may be newer than its stamp says, never older.
@st.cache_data(max_entries=1_000, max_size="400MB", show_spinner="Asking the warehouse…")
def _answer(
    warehouse: str,  # noqa: ARG001 - part of the key, as the next two
    stamp: Stamp,  # noqa: ARG001
    end: datetime | None,  # noqa: ARG001
    query: str,
    values: dict[str, Any],
    _reader: Reader,
) -> polars.DataFrame:
    return _reader.frame(query, **values)


@st.cache_resource(max_entries=20, show_spinner="Loading the model…")
def _model(
    models: str,  # noqa: ARG001 - part of the key
    stamp: Version | None,  # noqa: ARG001 - part of the key
    version: str,
    contract_hash: str,  # noqa: ARG001 - part of the key
    _contract: Contract,
    _trust: Trust,
    _models: Path,
) -> LoadedModel:
    return load_version(_models, version, _contract, _trust)
