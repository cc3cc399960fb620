"""Puts files and folders in the place of others, which are put aside; all of it, or nothing."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path

from schemas.pseudonyms import FILE as PSEUDONYM_KEY
from schemas.storage import remove_all
from tasks.manifest import ARRIVING, MODELS, PUT_ASIDE, WAREHOUSE, BackupError, Manifest, copy
from tasks.project import Project
from warehouse.restore import put_in_place


@dataclass(frozen=True)
class Place:
    """Where something of a backup belongs; `name` is that of its file or folder in the backup."""

    name: str
    target: Path
    suffix: str

    @property
    def arriving(self) -> Path:
        """Where it is copied to first: beside its place, so that it can be moved there at once."""
        return self.target.with_name(f".{self.target.name}{ARRIVING}")

    @property
    def former(self) -> Path:
        """The name of what was there before."""
        return self.target.with_name(f"{self.target.name}{self.suffix}")


def swap(project: Project, backup: Path, manifest: Manifest, at: datetime) -> tuple[Path, ...]:
    """Puts warehouse, models and pseudonym key of a backup in place; returns what was put aside, by its new name.

    What fails on the way is undone. Raises BackupError if the backup changes meanwhile.
    """
    settings = project.settings
    targets = {MODELS: settings.path("models"), PSEUDONYM_KEY: settings.home_path / PSEUDONYM_KEY}
    targets = {name: target for name, target in targets.items() if _has(manifest, name)}
    suffix = _free_suffix(at, [*targets.values(), settings.path("warehouse")])
    places = [Place(name, target, suffix) for name, target in targets.items()]
    warehouse = Place(WAREHOUSE, settings.path("warehouse"), suffix)
    with ExitStack() as undo:
        for place in (*places, warehouse):
            undo.callback(_clear, place)
            _bring(place, backup, manifest)
        for place in places:
            _exchange(place, undo)
        # Last, since it is what everything else is looked up for.
        put_in_place(warehouse.arriving, warehouse.target, warehouse.former, settings.lock_wait_seconds)
        undo.pop_all()
    return tuple(place.former for place in (*places, warehouse) if place.former.exists())


def _free_suffix(at: datetime, targets: Sequence[Path]) -> str:
    """One that nothing has been put aside by: a second restore within a second must not take the place of that."""
    wanted = f"{PUT_ASIDE}{at.astimezone(UTC):%Y-%m-%dT%H-%M-%SZ}"
    suffixes = chain([wanted], (f"{wanted}-{number}" for number in count(2)))
    return next(
        suffix for suffix in suffixes if not any(Place("", target, suffix).former.exists() for target in targets)
    )


def _has(manifest: Manifest, name: str) -> bool:
    return any(file == name or file.startswith(f"{name}/") for file in manifest.files)


def _bring(place: Place, backup: Path, manifest: Manifest) -> None:
    """Copies what belongs in a place beside it; the hash is that of the very bytes written."""
    _clear(place)
    for name, file in manifest.files.items():
        if name != place.name and not name.startswith(f"{place.name}/"):
            continue
        target = place.arriving / Path(name).relative_to(place.name)
        if copy(backup / name, target, mode=0o600 if file.secret else 0o666).sha256 != file.sha256:
            raise BackupError(f"{backup / name} changed while it was restored; nothing was restored")


def _clear(place: Place) -> None:
    """Removes what was brought beside a place, now or by a restore that was killed: it is personal data."""
    remove_all(place.arriving)


def _exchange(place: Place, undo: ExitStack) -> None:
    if place.target.exists():
        place.target.rename(place.former)
        undo.callback(place.former.rename, place.target)
    place.arriving.rename(place.target)
    undo.callback(place.target.rename, place.arriving)
