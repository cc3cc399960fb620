"""The files an application stands in, each written aside without it: landing zone, prediction log, whatever else."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from schemas.errors import LandingError, UnreadableSource
from schemas.prediction_log import FINISHED
from schemas.storage import is_remote
from tasks.blocked_rows import PATTERN, without_rows
from tasks.custody import landing_files, segments, source_of
from tasks.project import Project
from tasks.source.landing import date_of, hash_source, source_at
from tasks.source.without import Rewritten, is_tabular, without_application, without_lines
from warehouse.custodian import FileChange

# Where what replaces an object is written, below home.
SCRATCH = ".rewriting"
FOLDERS = ("models", "staging", "predictions", "landing")


@dataclass(frozen=True)
class FilesWithout:
    """Files to be moved into place, the hashes on record that change with them, and what could not be looked into."""

    rewritten: Sequence[Rewritten]
    changes: Sequence[FileChange]
    unreadable: Sequence[str]


def files_without(project: Project, application_id: str, keys: Sequence[str]) -> FilesWithout:
    """Writes every file that holds an application aside without it; nothing is moved into place yet.

    `keys` are the keyed hashes of its id, by which the prediction log has it.
    """
    unreadable: list[str] = []
    landing = list(_landing(project, application_id, unreadable))
    logged = list(_logged(project, keys))
    others = list(_elsewhere(project, application_id, unreadable))
    changes = [*_landing_changes(project, landing), *map(_segment_change, logged)]
    return FilesWithout([*landing, *logged, *others], changes, unreadable)


def hashes_now(project: Project, change: FileChange) -> set[str]:
    """What the files of a date, or of a segment, have as their hash now."""
    if change.segment:
        found = [path for path in segments(project.settings.path("predictions")) if path.stem == change.segment]
        return {hashlib.sha256(path.read_bytes()).hexdigest() for path in found}
    landing = project.settings.path("landing")
    sources = [path for path in landing.glob("applications_*") if date_of(path) == change.batch_date]
    return {digest for path in sources if (digest := _hash(path))}


def _hash(path: Path, instead: dict[Path, Path] | None = None) -> str | None:
    try:
        return hash_source(source_at(path), instead or {})
    except LandingError:
        return None


def _landing(project: Project, application_id: str, unreadable: list[str]) -> Iterator[Rewritten]:
    scratch = project.settings.home_path / SCRATCH
    for path in landing_files(project.settings.path("landing")):
        yield from _tried(
            path, partial(without_application, path, application_id, scratch, any_header=True), unreadable
        )


def _tried(path: Path, rewrite: Callable[[], Rewritten | None], unreadable: list[str]) -> Iterator[Rewritten]:
    try:
        if found := rewrite():
            yield found
    except UnreadableSource as error:
        unreadable.append(cannot_be_looked_into(path, str(error)))


def cannot_be_looked_into(path: Path, why: str) -> str:
    """What a person is told of a file that may hold the application."""
    return f"{path} cannot be looked into: {why}; look yourself, and delete it if it holds the application"


def _landing_changes(project: Project, rewritten: Sequence[Rewritten]) -> Iterator[FileChange]:
    landing = project.settings.path("landing")
    tops = {top for item in rewritten if (top := source_of(landing, item.path))}
    instead = {item.path: item.aside for item in rewritten}
    for top in sorted(tops):
        old, new = _hash(top), _hash(top, instead)
        if old and new and old != new:
            yield FileChange(batch_date=date_of(top), old_sha256=old, new_sha256=new)


def _logged(project: Project, keys: Sequence[str]) -> Iterator[Rewritten]:
    texts = [key.encode() for key in keys]
    for path in segments(project.settings.path("predictions")) if keys else []:
        if found := without_lines(path, texts, project.settings.home_path / SCRATCH):
            yield found


def _segment_change(item: Rewritten) -> FileChange:
    old, new = (hashlib.sha256(path.read_bytes()).hexdigest() for path in (item.path, item.aside))
    return FileChange(segment=item.path.name.removesuffix(FINISHED), old_sha256=old, new_sha256=new)


def _elsewhere(project: Project, application_id: str, unreadable: list[str]) -> Iterator[Rewritten]:
    """Files that the commands were given, where they lie below home, and the broken rows of blocked batches."""
    settings = project.settings
    reports = settings.path("reports")
    blocked = sorted(reports.glob(PATTERN))
    for path in blocked:
        yield from _tried(path, partial(without_rows, path, application_id, settings.home_path / SCRATCH), unreadable)
    others = [folder for name in FOLDERS if not is_remote(folder := settings.path(name))]
    for path in sorted(settings.home_path.rglob("*")):
        if is_tabular(path) and path not in blocked and not any(path.is_relative_to(folder) for folder in others):
            yield from _tried(path, partial(without_application, path, application_id), unreadable)
