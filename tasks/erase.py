"""Erasure (GDPR art. 17): everything of one application, out of the warehouse and out of every file."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import polars

from schemas.errors import ScoringError
from schemas.parsing import APPLICATION_ID
from schemas.segments import finish_abandoned
from schemas.settings import Settings
from schemas.storage import folders_in, is_remote
from tasks.custody import custody, keys_of, open_segments
from tasks.files_without import cannot_be_looked_into, files_without, hashes_now
from tasks.mentions import mentions
from tasks.project import Project
from tasks.report import report_path
from tasks.restore import former, remove_arriving
from tasks.source.without import remove_asides
from tasks.staging import read_part, remove_abandoned
from warehouse.compaction import Compaction
from warehouse.custodian import FileChange
from warehouse.removal import Removed

# A run or the service may write the application once more while it is being erased.
ROUNDS = 3


@dataclass
class Erased:
    """What was erased: rows by table, rows taken out of files, and reports that were deleted.

    `completed` says that an earlier erasure had been cut off, `unfinished` what still holds the application and why,
    `mentions` files of others that name it, `size` the warehouse file before and after it was written anew,
    `shared` the folders that lie in an object store.
    """

    tables: list[Removed] = field(default_factory=list)
    files: dict[Path, int] = field(default_factory=dict)
    reports: list[Path] = field(default_factory=list)
    completed: bool = False
    unfinished: list[str] = field(default_factory=list)
    mentions: list[Path] = field(default_factory=list)
    size: Compaction | None = None
    shared: tuple[str, ...] = ()

    @property
    def found(self) -> bool:
        """Whether there was anything of the application."""
        return bool(self.tables or self.files or self.completed)


def erase_application(project: Project, application_id: str) -> Erased:
    """Erases an application; again and again with the same result, and after a kill it completes what was begun.

    Raises ScoringError if nothing is held about it. What it could not do is in the result.
    """
    if not application_id.strip():
        raise ScoringError("an application id is not blank; give the id of the application to erase")
    settings = project.settings
    folders = [settings.path(name) for name in ("landing", "predictions", "reports")]
    erased = Erased(shared=tuple(str(folder) for folder in folders if is_remote(folder)))
    with custody(project):
        erased.completed = _complete(project)
        for _ in range(ROUNDS):
            _clear_up(settings)
            # Looked at first: what a run publishes, or the service finishes, from then on the next round finds.
            held = _still_held(project, application_id.strip())
            if not _erase_once(project, application_id.strip(), erased):
                break
        erased.unfinished += [*held, *_put_aside(settings)]
        if project.custodian.exists:
            erased.size = project.custodian.purge()
    erased.completed |= bool(erased.size and not erased.tables)
    _look_elsewhere(project, application_id.strip(), erased)
    if not (erased.found or erased.unfinished or erased.mentions):
        raise ScoringError(
            f"nothing is held about the application {application_id}: it was never here, or it has been erased already"
        )
    return erased


def in_words(erased: Erased) -> str:
    """What was erased, in one line."""
    parts = [f"{item.store} {item.count:,}" for item in erased.tables]
    parts += [f"{path.name} {rows:,}" for path, rows in erased.files.items()]
    return f"erased, with the number of rows: {', '.join(parts)}" if parts else "nothing was left to erase"


def _complete(project: Project) -> bool:
    """Finishes what an erasure that was cut off has begun; returns whether there was any."""
    settings = project.settings
    for folder in (settings.home_path, *(settings.path(name) for name in ("landing", "reports", "predictions"))):
        remove_asides(folder)
    remove_arriving(settings)
    if not project.custodian.exists:
        return False
    noted = project.custodian.noted_changes()
    # A file that has its old content still has the row too, and is done again.
    done = [change for change in noted if change.new_sha256 in hashes_now(project, change)]
    if noted:
        project.custodian.settle_changes(done)
    return bool(done)


def _erase_once(project: Project, application_id: str, erased: Erased) -> bool:
    """One pass over everything; returns whether anything of the application was found."""
    keys = keys_of(project, application_id)
    files = files_without(project, application_id, keys)
    erased.unfinished += [problem for problem in files.unreadable if problem not in erased.unfinished]
    # Which days' pages show it, nobody could tell any more once the rows are gone.
    erased.reports += _delete_reports(project, _days(project, application_id, files.changes))
    tables = _erase_rows(project, application_id, keys, files.changes)
    for item in files.rewritten:
        item.move_into_place()
        erased.files[item.path] = erased.files.get(item.path, 0) + item.rows
    if files.changes and project.custodian.exists:
        project.custodian.settle_changes(files.changes)
    erased.tables = _added(erased.tables, tables)
    return bool(files.rewritten or tables)


def _clear_up(settings: Settings) -> None:
    """What killed processes left is no run that goes on, and no segment that is still written to."""
    remove_abandoned(settings.path("staging"), workbench=settings.workbench)
    finish_abandoned(settings.spool)


def _erase_rows(
    project: Project, application_id: str, keys: Sequence[str], changes: Sequence[FileChange]
) -> list[Removed]:
    if not project.custodian.exists:
        return []
    tables = project.custodian.erase(application_id, keys[0] if keys else None, changes)
    for key in keys[1:]:
        tables = _added(tables, project.custodian.erase(application_id, key, ()))
    return tables


def _look_elsewhere(project: Project, application_id: str, erased: Erased) -> None:
    found = mentions(project, application_id)
    erased.mentions = found.named
    told = tuple(erased.unfinished)
    erased.unfinished += [
        cannot_be_looked_into(path, why)
        for path, why in found.unreadable.items()
        if not any(problem.startswith(f"{path} ") for problem in told)
    ]


def _put_aside(settings: Settings) -> list[str]:
    return [
        f"{path} was put aside by a restore and may hold it; delete that when you need it no longer"
        for path in former(settings, "warehouse")
    ]


def _days(project: Project, application_id: str, changes: Sequence[FileChange]) -> set[date]:
    days = {change.batch_date for change in changes if change.batch_date}
    if project.custodian.exists:
        days |= set(project.custodian.days_of(application_id))
    return days


def _delete_reports(project: Project, days: set[date]) -> list[Path]:
    """Deletes the pages that could show the application's values; they can be made again without them."""
    if not days:
        return []
    pages = [report_path(project, day) for day in sorted(days)]
    # Those of a period say nowhere of which.
    periods = [path for path in project.settings.path("reports").glob("*") if path.suffix in (".html", ".ipynb")]
    pages += [path for path in periods if not path.name.startswith("drift_2")]
    deleted = [path for path in pages if path.exists()]
    for path in deleted:
        path.unlink()
    return deleted


def _still_held(project: Project, application_id: str) -> list[str]:
    """What a process that goes on holds: a run of a day has staged it, or the service has just logged it."""
    held = [
        f"a run that goes on holds it in {folder}; erase it again when that run has ended"
        for folder in folders_in(project.settings.path("staging"))
        if _is_staged(folder, application_id)
    ]
    settings, texts = project.settings, [key.encode() for key in keys_of(project, application_id)]
    until = time.monotonic() + settings.segment_seconds
    while texts and (holding := [path for path in open_segments(settings) if _may_have(path, texts)]):
        if time.monotonic() > until:
            return [*held, *(f"the service still writes to {path}; erase it again in a minute" for path in holding)]
        time.sleep(0.2)
    return held


def _may_have(path: Path, texts: Sequence[bytes]) -> bool:
    try:
        content = path.read_bytes()
        return any(text in content for text in texts)
    except FileNotFoundError:
        # Finished or shipped meanwhile: it is somewhere else now, to be looked for again.
        return True


def _is_staged(folder: Path, application_id: str) -> bool:
    try:
        return any(
            not read_part(part).filter(polars.col(APPLICATION_ID) == application_id).is_empty()
            for part in sorted(folder.glob("*.parquet"))
        )
    except (polars.exceptions.PolarsError, OSError):
        # A part that is being written, or a run that has ended while it was looked at.
        return folder.exists()


def _added(tables: Sequence[Removed], more: Sequence[Removed]) -> list[Removed]:
    by_store = {item.store: item for item in tables}
    for item in more:
        before = by_store.get(item.store)
        by_store[item.store] = replace(item, count=item.count + before.count) if before else item
    return list(by_store.values())
