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
from schemas.lake import Lake, is_lake, lake_at
from schemas.setting_files import with_files_read
from schemas.storage import is_address, is_remote, path_at
from schemas.task_runner import runner_of

PREFIX = "SCORING_"
# Folders that may lie in an object store, so that hosts share them.
SHARED = frozenset({"landing", "models", "predictions", "reports", "staging"})
# Settings whose values are shown nowhere, not even where they are wrong.
SECRETS = frozenset({"alert_urls", "api_keys", "model_signing_key", "pseudonym_key", "service_key"})
Share = Annotated[float, Meta(ge=0, le=1)]
Factor = Annotated[float, Meta(ge=1)]
Days = Annotated[int, Meta(ge=0, le=36_500)]
Retention = Annotated[int, Meta(ge=1, le=36_500)]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where things live and where the limits stand. Each field is the setting `SCORING_<NAME>`.

    Relative paths of folders lie below `home`. The gate's defaults are the whole-batch rules of the README.
    """

    home: str = "data"
    # A DuckDB file, or the catalog of a lake: ducklake:postgres:dbname=… host=… (its password in PGPASSWORD).
    warehouse: str = "warehouse.duckdb"
    # Where the rows of a lake lie: a folder, or s3://bucket/prefix.
    warehouse_data: str = ""
    landing: str = "landing"
    models: str = "models"
    reports: str = "reports"
    # Where a browser finds the reports folder; links in Prefect lead there, or else to the files themselves.
    reports_url: str = ""
    staging: str = "staging"
    # Where the service logs what it answered; load-predictions takes finished segments from there.
    predictions: str = "predictions"
    contract: str = "schemas.application:Application"
    # Ed25519 keys, each as 32 bytes in base64 or the path of a PEM file below home: the private one signs what is
    # trained; with public ones (separated by spaces or commas) only models signed by one of them are loaded.
    model_signing_key: str = ""
    model_public_keys: str = ""
    # A source is worked on in pieces of about so many bytes of text. Where: `schemas.task_runner`.
    part_bytes: Annotated[int, Meta(ge=1_000_000, le=64_000_000_000)] = 256_000_000
    task_runner: str = ""
    # Processes of a local Dask cluster, or threads; 0: as many as there are cores.
    task_workers: Annotated[int, Meta(ge=0, le=1_024)] = 0

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
    # After SIGTERM the service goes on answering for so many seconds while /ready says that it ends.
    drain_seconds: Annotated[float, Meta(ge=0, le=300)] = 0.0
    max_body_bytes: Annotated[int, Meta(ge=1_000, le=10_000_000)] = 16_384
    # The secret that application ids are hashed with in the prediction log; empty: a file in home, made at first start.
    pseudonym_key: str = ""
    # A segment of the prediction log is finished after so many seconds, or bytes, whatever is first.
    segment_seconds: Annotated[float, Meta(gt=0, le=86_400)] = 60.0
    segment_bytes: Annotated[int, Meta(ge=1, le=256_000_000)] = 32_000_000

    # Where the dashboard's form sends an application, and the API key it shows if the service wants one;
    # a header takes visible ASCII only, and an error about any other would show it.
    service_url: str = "http://127.0.0.1:8000"
    service_key: Annotated[str, Meta(pattern=r"^[!-~]*\Z")] = ""

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

    # For how many days personal data is kept (`schemas.personal_data` says what it is, and why so long). These are
    # defaults: how long is lawful, the operator's data-protection officer decides.
    retain_applications_days: Retention = 3_653
    retain_declined_days: Retention = 183
    retain_quarantine_days: Retention = 183
    retain_predictions_days: Retention = 183
    retain_reports_days: Retention = 183
    retain_landing_days: Retention = 183
    # Of a lake: for so many days what was removed or replaced is still in its past, which can be looked at.
    retain_history_days: Retention = 30

    def __repr__(self) -> str:
        # Addresses and keys are secrets, and what is raised or logged may show the settings.
        return f"Settings(home={self.home!r})"

    @property
    def home_path(self) -> Path:
        """The folder everything lives in, absolute."""
        return Path(self.home).expanduser().resolve()

    @property
    def warehouse_address(self) -> Path | Lake:
        """The file the warehouse is, or the lake; raises SettingsError if it is a lake that lacks something."""
        if is_lake(self.warehouse):
            return lake_at(self.warehouse, self.warehouse_data, self.home_path)
        if self.warehouse_data:
            raise SettingsError(
                f"{PREFIX}WAREHOUSE_DATA is set, but {PREFIX}WAREHOUSE is a file: set that to"
                " ducklake:postgres:dbname=… or leave this empty"
            )
        return self.path("warehouse")

    def path(self, name: str) -> Path:
        """The absolute path of a folder or file setting (`landing`, `warehouse`, …); relative ones lie below home.

        One of `SHARED` that is an address (`s3://bucket/folder`) is a path in an object store (`schemas.storage`).
        Raises SettingsError if that cannot be used.
        """
        text = str(getattr(self, name))
        if name in SHARED and is_address(text):
            return path_at(text, f"{PREFIX}{name.upper()}")
        return self.home_path / Path(text).expanduser()

    @property
    def spool(self) -> Path:
        """The folder of this host that the service writes its log of predictions to: the log, unless that is shared."""
        return self._of_this_host("predictions")

    @property
    def workbench(self) -> Path:
        """The folder of this host that runs lock and put files into: the staging folder, unless that is shared."""
        return self._of_this_host("staging")

    def _of_this_host(self, name: str) -> Path:
        folder = self.path(name)
        return self.home_path / name if is_remote(folder) else folder


def as_written(name: str, value: str, *, hidden: bool = False) -> str:
    """A setting as an error may show it: a secret, or one that is `hidden` for another reason, without its value."""
    variable = f"{PREFIX}{name.upper()}"
    return f"{variable} (its value is not shown)" if hidden or name in SECRETS else f"{variable}={value!r}"


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this process; `SCORING_<NAME>_FILE` names a file to read one from.

    Raises SettingsError for an unknown name, a value out of its range, or a file that cannot be read.
    """
    written = {key[len(PREFIX) :].lower(): value for key, value in environ.items() if key.startswith(PREFIX)}
    given = with_files_read(written, Settings.__struct_fields__, PREFIX)
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
            shown = as_written(name, value, hidden=name not in written)
            raise SettingsError(f"{shown}: {str(error).split(' - at ')[0]}") from error
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
    _check_retention(settings)
    _ = settings.warehouse_address
    runner_of(settings)
    _check_addresses(settings)
    calendar_of(settings)
    alert_addresses(settings)
    return settings


def _check_addresses(settings: Settings) -> None:
    """An address that cannot be used is said before anything is done."""
    if is_address(settings.home):
        raise SettingsError(
            f"{PREFIX}HOME={settings.home!r}: home is a folder of this host; the folders that hosts share are"
            f" {', '.join(f'{PREFIX}{name.upper()}' for name in sorted(SHARED))}"
        )
    remote = {name for name in sorted(SHARED) if is_remote(settings.path(name))}
    if "predictions" in remote and not settings.pseudonym_key:
        raise SettingsError(
            f"{PREFIX}PREDICTIONS is {settings.predictions}, which hosts share, so {PREFIX}PSEUDONYM_KEY has to be set,"
            " to the same secret on each: else each would hash application ids with a key of its own"
        )


def _check_retention(settings: Settings) -> None:
    """A landing file holds every row of its day: kept for longer, it would hold what the record has let go."""
    for name in ("retain_applications_days", "retain_declined_days", "retain_quarantine_days"):
        days = getattr(settings, name)
        if settings.retain_landing_days > days:
            raise SettingsError(
                f"{PREFIX}RETAIN_LANDING_DAYS={settings.retain_landing_days} is more than the {days} days of"
                f" {PREFIX}{name.upper()}: the files of the landing zone would hold what the warehouse has let go, and"
                f" a new run would bring it back; set it to {days} or less"
            )
