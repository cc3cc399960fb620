"""Restore: a backup takes the place of what is there, which is put aside and never deleted."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from filelock import FileLock, Timeout

from model.artifact import saved_versions
from model.champion import history
from schemas.errors import LandingError, ModelError, WarehouseError, WarehouseUnavailable
from schemas.lake import Lake
from schemas.prediction_log import FINISHED, LOADED
from schemas.settings import Settings
from schemas.storage import is_remote, move, remove_all
from tasks.arrival import utc_now
from tasks.manifest import (
    ARRIVING,
    MODELS,
    PREDICTIONS,
    PUT_ASIDE,
    BackupError,
    Manifest,
    copy,
    read_manifest,
    verify,
)
from tasks.project import Project
from tasks.source.landing import dates_in, find_source, hash_source
from tasks.swap import swap
from warehouse.backup import contents_of
from warehouse.restore import refuse_later_layout


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What was restored. `put_aside` are the former files, `pending` the dates whose landing file is not judged in it.

    `segments` counts those of the prediction log that are to be loaded, `champion_before` is the champion that was put
    aside, None if there was none or it could not be told.
    """

    manifest: Manifest
    put_aside: tuple[Path, ...]
    pending: tuple[date, ...]
    segments: int
    champion_before: str | None


def restore(project: Project, backup: Path, *, anyway: bool = False) -> Restored:
    """Puts a backup in place; every hash is verified before anything is touched.

    Raises BackupError if the backup is damaged, if there is newer content here and not `anyway`, or if the warehouse is
    a lake.
    """
    if isinstance(project.settings.warehouse_address, Lake):
        raise BackupError(
            "a backup is restored to a file: run this with SCORING_WAREHOUSE=warehouse.duckdb, then move it to a new"
            " lake: python -m flows migrate-warehouse FROM TO"
        )
    backup, home = backup.resolve(), project.settings.home_path
    manifest = read_manifest(backup)
    verify(backup, manifest)
    _refuse_shared(project, manifest)
    refuse_later_layout(manifest.layout)
    home.mkdir(parents=True, exist_ok=True)
    with _only_one(home):
        newer = list(_newer_here(project, manifest))
        if newer and not anyway:
            raise BackupError(
                "there is content here that the backup has not; nothing was restored. With --yes it is put aside:\n"
                + "\n".join(f"  - {item}" for item in newer)
            )
        before = _champion(project)
        put_aside = swap(project, backup, manifest, utc_now())
        segments = _bring_segments(project, backup, manifest)
    return Restored(
        manifest=manifest,
        put_aside=put_aside,
        pending=tuple(_pending(project)),
        segments=segments,
        champion_before=before,
    )


def former(settings: Settings, *names: str) -> list[Path]:
    """What restores have put aside of `warehouse` or `models`, by name."""
    places = [place for name, place in _places(settings).items() if name in names]
    return sorted(path for place in places for path in place.parent.glob(f"{place.name}{PUT_ASIDE}*"))


def remove_arriving(settings: Settings) -> None:
    """Removes what a restore that was killed has brought and not put in place; nothing while a restore goes on."""
    with suppress(BackupError), _only_one(settings.home_path):
        for folder in {settings.home_path, settings.spool, *(place.parent for place in _places(settings).values())}:
            for path in folder.glob(f".*{ARRIVING}"):
                remove_all(path)


def _places(settings: Settings) -> dict[str, Path]:
    """Where warehouse and models lie, if that is on this host."""
    places = {"warehouse": settings.warehouse_address, "models": settings.path("models")}
    return {name: place for name, place in places.items() if isinstance(place, Path)}


def _refuse_shared(project: Project, manifest: Manifest) -> None:
    """What other hosts use as well is not exchanged under their hands."""
    for name in (MODELS, PREDICTIONS):
        folder = project.settings.path(name)
        if is_remote(folder) and any(file.startswith(f"{name}/") for file in manifest.files):
            raise BackupError(
                f"the backup has {name}, and SCORING_{name.upper()} is {folder}, which other hosts use;"
                f" nothing was restored. Copy the folder {name} of the backup there with the store's own tools,"
                " or unset the setting"
            )


def _newer_here(project: Project, manifest: Manifest) -> Iterator[str]:
    """What is in home and not in the backup, a sentence each. A warehouse that cannot be read has nothing to tell."""
    settings = project.settings
    try:
        latest = contents_of(settings.path("warehouse"), settings.lock_wait_seconds).latest
    except WarehouseUnavailable:
        raise
    except WarehouseError:
        latest = None
    if latest and (manifest.latest is None or latest > manifest.latest):
        yield f"the warehouse was written to at {latest:%Y-%m-%d %H:%M:%S} UTC"
    if is_remote(settings.path("models")):
        return
    known = {Path(name).parts[1] for name in manifest.files if name.startswith(f"{MODELS}/")}
    absent = [version for version in saved_versions(settings.path("models")) if version not in known]
    yield from (f"the model {version} is here" for version in absent)
    champion = _champion(project)
    if champion and manifest.champion and champion != manifest.champion:
        yield f"{champion} is champion here, {manifest.champion} in the backup"


def _champion(project: Project) -> str | None:
    try:
        reigns = history(project.settings.path("models"))
    except ModelError:
        # Damaged, which may be why there is a restore.
        return None
    return reigns[-1].version if reigns else None


def _bring_segments(project: Project, backup: Path, manifest: Manifest) -> int:
    """Puts segments of the prediction log that are not on record where `load-predictions` finds them; counts these."""
    settings = project.settings
    folder = settings.path("predictions")
    recorded = contents_of(settings.path("warehouse"), settings.lock_wait_seconds).segments
    for name in manifest.files:
        target = folder / Path(name).name
        if name.startswith(f"{PREDICTIONS}/") and not target.exists() and not (folder / LOADED / target.name).exists():
            arriving = target.with_name(f".{target.name}{ARRIVING}")
            arriving.unlink(missing_ok=True)
            copy(backup / name, arriving, mode=0o640)
            arriving.rename(target)
    # Loaded since the backup, so on record in the warehouse that was put aside only.
    for path in sorted((folder / LOADED).glob(f"*{FINISHED}")):
        if path.name.removesuffix(FINISHED) not in recorded and not (folder / path.name).exists():
            move(path, folder / path.name)
    return sum(path.name.removesuffix(FINISHED) not in recorded for path in folder.glob(f"*{FINISHED}"))


def _pending(project: Project) -> Iterator[date]:
    """The dates whose file, as it lies in the landing zone, is not judged in the warehouse."""
    judged = {(day, sha256) for day, _, sha256 in project.reader.judged().iter_rows()}
    landing = project.settings.path("landing")
    for day in dates_in(landing):
        try:
            if (day, hash_source(find_source(landing, day))) not in judged:
                yield day
        except (LandingError, FileNotFoundError):
            # Two files for a date, say: for the run to report.
            yield day


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    try:
        with FileLock(home / ".restore.lock", timeout=0):
            yield
    except Timeout as error:
        raise BackupError(f"another restore is at work in {home}; wait for it") from error
