"""Backup: warehouse, models and what else cannot be made again, in a folder that is there whole or not at all."""

import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from model.artifact import saved_versions
from model.atomic import move_into_place, write_file
from model.champion import CHALLENGERS, CHAMPION, history
from schemas.prediction_log import FINISHED
from schemas.pseudonyms import FILE as PSEUDONYM_KEY
from schemas.storage import is_remote
from tasks.arrival import utc_now
from tasks.manifest import (
    MANIFEST,
    MODELS,
    NAME,
    PREDICTIONS,
    WAREHOUSE,
    BackupError,
    File,
    Manifest,
    copy,
    sha256_of,
)
from tasks.project import Project
from warehouse.backup import contents_of, copy_warehouse

MAKING, REMOVING = ".making-", ".removing-"
NOTES = (
    "All of it is personal data: what retention or an erasure removes from the warehouse later is still in here.",
    "Files marked as secret (the key that application ids are hashed with) are to be kept as safe as a password.",
    "Not in it: landing zone, reports, settings with their secrets, Prefect's records, unfinished prediction segments.",
)
VERSIONING = "The store's own versioning or replication is its backup."


@dataclass(frozen=True)
class Backup:
    """A backup that was made, and the older ones that were removed for it."""

    path: Path
    manifest: Manifest
    removed: tuple[Path, ...]


def back_up(project: Project, folder: Path, keep: int | None = None) -> Backup:
    """Makes `folder/backup_<UTC time>`, then removes all but the latest `keep` of them (None: removes none).

    Raises BackupError if one is being made there, NoWarehouse if there is nothing to back up.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _only_one(folder):
        for left in (*folder.glob(f"{MAKING}*"), *folder.glob(f"{REMOVING}*")):
            shutil.rmtree(left)
        made_at = utc_now()
        target = folder / f"backup_{made_at.astimezone(UTC):%Y-%m-%dT%H-%M-%SZ}"
        if target.exists():
            raise BackupError(f"{target} was made within this second; run it again")
        aside = Path(tempfile.mkdtemp(prefix=MAKING, dir=folder))
        try:
            manifest = _fill(project, aside, made_at)
            write_file(aside / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
            move_into_place(aside, target)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        return Backup(target, manifest, tuple(_prune(folder, keep)))


def backups_in(folder: Path) -> list[Path]:
    """The backups in a folder, oldest first."""
    return sorted(path for path in folder.iterdir() if NAME.fullmatch(path.name) and (path / MANIFEST).is_file())


def _fill(project: Project, aside: Path, made_at: datetime) -> Manifest:
    """Copies in an order in which nothing is lost between the parts, though all go on changing.

    A prediction that is loaded meanwhile is in its segment and in the warehouse, and known by its name; a model that is
    trained meanwhile is there for what the warehouse has scored with it.
    """
    settings, wait = project.settings, project.settings.lock_wait_seconds
    left_out = [name for name in (MODELS, PREDICTIONS) if is_remote(settings.path(name))]
    files = {} if PREDICTIONS in left_out else dict(_segments(settings.path("predictions"), aside))
    copy_warehouse(settings.warehouse_address, aside / WAREHOUSE, wait)
    (aside / WAREHOUSE).chmod(0o600)
    contents = contents_of(aside / WAREHOUSE, wait)
    files[WAREHOUSE] = File(sha256=sha256_of(aside / WAREHOUSE), bytes=(aside / WAREHOUSE).stat().st_size)
    reigns = history(settings.path("models"))
    for path in [] if MODELS in left_out else _model_files(settings.path("models")):
        name = f"{MODELS}/{path.relative_to(settings.path('models')).as_posix()}"
        files[name] = copy(path, aside / name)
    key = settings.home_path / PSEUDONYM_KEY
    if key.exists():
        files[PSEUDONYM_KEY] = msgspec.structs.replace(copy(key, aside / PSEUDONYM_KEY), secret=True)
    return Manifest(
        made_at=made_at.astimezone(UTC),
        versions={"python": platform.python_version()} | {name: version(name) for name in ("duckdb", "scikit-learn")},
        contract=project.contract.name,
        contract_hash=project.contract.hash,
        champion=reigns[-1].version if reigns else None,
        layout=contents.layout,
        latest=contents.latest,
        rows=contents.tables,
        notes=(
            *NOTES,
            *(f"Not in it, as it lies in a store: {settings.path(name)}. {VERSIONING}" for name in left_out),
        ),
        files=files,
    )


def _segments(predictions: Path, aside: Path) -> Iterator[tuple[str, File]]:
    for path in sorted(predictions.glob(f"*{FINISHED}")):
        name = f"{PREDICTIONS}/{path.name}"
        try:
            yield name, copy(path, aside / name)
        except FileNotFoundError:
            # Loaded meanwhile, so it is in the warehouse, which is copied after this.
            continue


def _model_files(models: Path) -> Iterator[Path]:
    """The pointers first: whatever they name is saved by then."""
    yield from (path for name in (CHAMPION, CHALLENGERS) if (path := models / name).exists())
    for folder in saved_versions(models):
        yield from (path for path in sorted((models / folder).iterdir()) if not path.name.startswith("."))


def _prune(folder: Path, keep: int | None) -> Iterator[Path]:
    for path in backups_in(folder)[:-keep] if keep else []:
        # Under another name first: one that is half removed looks like no backup.
        leaving = path.with_name(f"{REMOVING}{path.name}")
        path.rename(leaving)
        shutil.rmtree(leaving)
        yield path


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    try:
        with FileLock(folder / ".backup.lock", timeout=0):
            yield
    except Timeout as error:
        raise BackupError(f"another backup is being made in {folder}; wait for it") from error
