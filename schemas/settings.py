"""The settings: one frozen object read from `SCORING_*` in the environment."""

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from schemas.addresses import alert_addresses
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

    # Who is told what happens to alerts: Apprise addresses, separated by spaces.
    alert_urls: str = ""

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

    # Drift: the least size of a shift, by statistic (`model.stability.Floors`), and how certain it has to be.
    drift_psi: Annotated[float, Meta(gt=0)] = 0.08
    drift_ks: Annotated[float, Meta(gt=0, le=1)] = 0.1
    drift_wasserstein: Annotated[float, Meta(gt=0)] = 0.25
    drift_missing_share: Annotated[float, Meta(gt=0, le=1)] = 0.02
    drift_unseen_share: Annotated[float, Meta(gt=0, le=1)] = 0.01
    drift_false_discovery_rate: Annotated[float, Meta(gt=0, lt=1)] = 0.01
    # Smaller days are judged together with the days before them.
    drift_min_rows: Annotated[int, Meta(ge=100, le=1_000)] = 500
    # A feature has drifted when so many of the last so many batches exceeded its limits.
    drift_exceeded_batches: Annotated[int, Meta(ge=1, le=100)] = 2
    drift_judged_batches: Annotated[int, Meta(ge=1, le=100)] = 3
    # Batches of the trailing window, which is looked at beside the reference.
    drift_trailing_batches: Annotated[int, Meta(ge=1, le=366)] = 28
    # A monitor of data quality is flagged when a share lies so far above its median of the last batches.
    quality_share: Annotated[float, Meta(gt=0, le=1)] = 0.02
    # How long a loan takes to show how it ends: performance is realised for vintages that old, of so many rows.
    outcome_days: Days = 90
    performance_min_rows: Annotated[int, Meta(ge=1)] = 200
    # Rows of a batch that its Evidently report is drawn from.
    report_rows: Annotated[int, Meta(ge=100, le=100_000)] = 2_000
    # Groups of fewer rows are not compared.
    fairness_min_rows: Annotated[int, Meta(ge=1)] = 100

    def __repr__(self) -> str:
        # Addresses and keys are secrets, and what is raised or logged may show the settings.
        return f"Settings(home={self.home!r})"

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
    if settings.drift_exceeded_batches > settings.drift_judged_batches:
        raise SettingsError(
            f"{PREFIX}DRIFT_EXCEEDED_BATCHES={settings.drift_exceeded_batches} is more than the"
            f" {settings.drift_judged_batches} batches of {PREFIX}DRIFT_JUDGED_BATCHES: nothing would ever drift"
        )
    calendar_of(settings)
    alert_addresses(settings)
    return settings
