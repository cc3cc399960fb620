"""The settings: one frozen object read from `SCORING_*` in the environment."""

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from schemas.calendar import calendar_of
from schemas.errors import SettingsError

PREFIX = "SCORING_"
Share = Annotated[float, Meta(ge=0, le=1)]
Factor = Annotated[float, Meta(ge=1)]
Days = Annotated[int, Meta(ge=0, le=36_500)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where things live and where the limits stand. Each field is the setting `SCORING_<NAME>`.

    Relative paths of folders lie below `home`. The gate's defaults are the whole-batch rules of the README.
    """

    home: str = "data"
    warehouse: str = "warehouse.duckdb"
    landing: str = "landing"
    models: str = "models"
    reports: str = "reports"
    # Where a browser finds the reports folder; links in Prefect lead there, or else to the files themselves.
    reports_url: str = ""
    staging: str = "staging"
    # Where the service logs what it answered; load-predictions takes finished segments from there.
    predictions: str = "predictions"
    contract: str = "schemas.application:Application"

    # The business calendar: IANA name, HH:MM in that timezone, and lists separated by spaces or commas.
    timezone: str = "Europe/Paris"
    file_deadline: str = "07:00"
    weekdays: str = "mon tue wed thu fri sat sun"
    holidays: str = ""

    # Longest wait for another process to let go of the warehouse file.
    lock_wait_seconds: Annotated[float, Meta(gt=0)] = 120.0

    gate_max_quarantined_share: Share = 0.05
    gate_min_accepted_rows: Annotated[int, Meta(ge=1)] = 1
    gate_block_volume_factor: Factor = 10.0
    gate_warn_volume_factor: Factor = 2.0
    gate_volume_window: Annotated[int, Meta(ge=1)] = 28
    gate_volume_min_batches: Annotated[int, Meta(ge=1)] = 10
    gate_warn_missing_share: Share = 0.2
    gate_max_missing_share: Share = 1.0
    gate_warn_age_days: Days = 31

    # The service. Keys as SHA-256 hashes, separated by spaces or commas, each with a name if wanted: desk:9f86d0…
    api_keys: str = ""
    # Requests a second of one key, or of one address where no keys are set; 0 is no limit.
    rate_limit: Annotated[float, Meta(ge=0, le=1_000_000)] = 0.0
    workers: Annotated[int, Meta(ge=1, le=256)] = 1
    max_body_bytes: Annotated[int, Meta(ge=1_000, le=10_000_000)] = 16_384
    # The secret that application ids are hashed with in the prediction log; empty: a file in home, made at first start.
    pseudonym_key: str = ""
    # A segment of the prediction log is finished after so many seconds, or bytes, whatever is first.
    segment_seconds: Annotated[float, Meta(gt=0, le=86_400)] = 60.0
    segment_bytes: Annotated[int, Meta(ge=1, le=256_000_000)] = 32_000_000

    drift_psi: Annotated[float, Meta(gt=0)] = 0.2
    drift_ks: Annotated[float, Meta(gt=0)] = 0.1
    drift_p_value: Annotated[float, Meta(gt=0, lt=1)] = 0.01

    @property
    def home_path(self) -> Path:
        """The folder everything lives in, absolute."""
        return Path(self.home).expanduser().resolve()

    def path(self, name: str) -> Path:
        """The absolute path of a folder or file setting (`landing`, `warehouse`, …); relative ones lie below home."""
        return self.home_path / Path(str(getattr(self, name))).expanduser()


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this process; raises SettingsError for an unknown name or a value out of its range."""
    given = {key[len(PREFIX) :].lower(): value for key, value in environ.items() if key.startswith(PREFIX)}
    for name in given:
        if name not in Settings.__struct_fields__:
            near = difflib.get_close_matches(name, Settings.__struct_fields__, n=1)
            hint = f"did you mean {PREFIX}{near[0].upper()}?" if near else "see the README for the names."
            raise SettingsError(f"unknown setting {PREFIX}{name.upper()}; {hint}")
    settings = Settings()
    for name, value in given.items():
        # One at a time, so that the message can name the setting as the user wrote it.
        try:
            msgspec.convert({name: value}, Settings, strict=False)
        except msgspec.ValidationError as error:
            raise SettingsError(f"{PREFIX}{name.upper()}={value!r}: {str(error).split(' - at ')[0]}") from error
    settings = msgspec.convert(msgspec.to_builtins(settings) | given, Settings, strict=False)
    if settings.gate_volume_min_batches > settings.gate_volume_window:
        raise SettingsError(
            f"{PREFIX}GATE_VOLUME_MIN_BATCHES={settings.gate_volume_min_batches} is more than the"
            f" {settings.gate_volume_window} batches of {PREFIX}GATE_VOLUME_WINDOW: row counts would never be compared"
        )
    calendar_of(settings)
    return settings
