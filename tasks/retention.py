"""Retention (GDPR art. 5(1)(e)): what is over its age goes, out of the warehouse and out of every folder."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from schemas.errors import ScoringError
from schemas.storage import remove_all
from tasks.arrival import utc_now
from tasks.custody import custody, segments
from tasks.files_without import SCRATCH
from tasks.manifest import PUT_ASIDE
from tasks.project import Project
from tasks.restore import former, remove_arriving
from tasks.source.landing import date_of
from tasks.source.without import remove_asides
from tasks.staging import remove_abandoned
from warehouse.compaction import Compaction
from warehouse.removal import Cutoffs, Removed

DATED = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})")
# A segment is named after its beginning, and may go on for a day.
SEGMENT_DAYS = 1


@dataclass(frozen=True, kw_only=True)
class Retained:
    """What was removed as of a date, or would be (`dry_run`); `problems` says what could not be.

    `size` is the warehouse file before and after it was written anew, None if nothing was removed from it.
    """

    as_of: date
    dry_run: bool
    removed: tuple[Removed, ...]
    problems: tuple[str, ...] = ()
    size: Compaction | None = None


def remove_over_age(project: Project, as_of: date, *, dry_run: bool = False) -> Retained:
    """Removes what was over its age on a date, by the days of `SCORING_RETAIN_…_DAYS`; see `schemas.personal_data`.

    Files go first: a landing file could bring its rows back. Ages are those of batch dates and instants on record, not
    of the clock. Raises WarehouseError if the warehouse cannot be written, or its disk has no room to write it anew.
    """
    problems: list[str] = []
    with custody(project):
        if not dry_run:
            _remove_leftovers(project)
        removed = [
            Removed(store, len(gone), min(day for _, day in gone))
            for store, found in _files(project, as_of)
            if (gone := _removed(found, problems, dry_run=dry_run))
        ]
        size = None
        if project.custodian.exists:
            removed += project.custodian.remove_over_age(cutoffs(project, as_of), dry_run=dry_run)
            size = None if dry_run else project.custodian.purge()
    return Retained(as_of=as_of, dry_run=dry_run, removed=tuple(removed), problems=tuple(problems), size=size)


def as_of_date(project: Project, given: date | None, *, dry_run: bool) -> date:
    """The date to count ages from: today's in the business timezone, or the one given.

    Raises ScoringError for a date to come, as of which nothing may be removed yet; with `dry_run` it is taken.
    """
    today = project.calendar.business_date(utc_now())
    if given is None:
        return today
    if given > today and not dry_run:
        raise ScoringError(
            f"{given} is still to come (today is {today}): what is kept until then would go too early; give a date up"
            " to today, or see with --dry-run what will go"
        )
    return given


def cutoffs(project: Project, as_of: date) -> Cutoffs:
    """The first dates that are kept in the warehouse."""
    return Cutoffs(
        applications=_first_kept(project, as_of, "applications"),
        declined=_first_kept(project, as_of, "declined"),
        quarantine=_first_kept(project, as_of, "quarantine"),
        predictions=_first_kept(project, as_of, "predictions"),
        reports=_first_kept(project, as_of, "reports"),
    )


def in_words(retained: Retained) -> str:
    """What was removed, in one line."""
    if not retained.removed:
        return f"nothing is over its age as of {retained.as_of}" + _purged(retained)
    verb = "would go" if retained.dry_run else "removed"
    return f"as of {retained.as_of} {verb}: {', '.join(map(_said, retained.removed))}{_purged(retained)}"


def _said(item: Removed) -> str:
    return f"{item.count:,} of {item.store}" + (f" (oldest {item.oldest})" if item.oldest else "")


def _purged(retained: Retained) -> str:
    size = retained.size
    return f"; the warehouse was written anew: {size.before:,} bytes before, {size.after:,} after" if size else ""


def _first_kept(project: Project, as_of: date, what: str) -> date:
    days: int = getattr(project.settings, f"retain_{what}_days")
    # Further back than the calendar goes, everything is kept.
    return as_of - timedelta(days=days) if days < as_of.toordinal() else date.min


def _remove_leftovers(project: Project) -> None:
    """What killed runs left holds personal data, whatever its age."""
    remove_abandoned(project.settings.path("staging"), workbench=project.settings.workbench)
    for folder in ("landing", "reports", "predictions"):
        remove_asides(project.settings.path(folder))
    remove_asides(project.settings.home_path / SCRATCH)
    remove_arriving(project.settings)


def _files(project: Project, as_of: date) -> Iterator[tuple[str, Iterator[tuple[Path, date]]]]:
    """Files and folders over their age with their dates, by store."""

    def older(paths: Iterable[Path], what: str, dated: Callable[[Path], date | None]) -> Iterator[tuple[Path, date]]:
        first = _first_kept(project, as_of, what)
        return ((path, day) for path in sorted(paths) if (day := dated(path)) and day < first)

    path = project.settings.path
    yield "landing files", older(_in(path("landing")), "landing", date_of)
    blocked = [file for file in _in(path("reports")) if file.name.lstrip(".").startswith("blocked_")]
    yield "broken rows of blocked batches", older(blocked, "quarantine", _day_of)
    yield "reports", older(set(_in(path("reports"))) - set(blocked), "reports", _day_of)
    # They hold what everything else is about, and of all that the landing zone has the shortest age.
    put_aside = former(project.settings, "warehouse", "models")
    yield "copies put aside by a restore", older(put_aside, "landing", _put_aside_on)
    yield "prediction segments", older(segments(path("predictions")), "predictions", _end_of_segment)


def _in(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.exists() else []


def _day_of(path: Path) -> date:
    """The date in a file's name, or else that on which it was last written to."""
    if match := DATED.search(path.name):
        try:
            return date(*map(int, match.groups()))
        except ValueError:
            pass
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).date()


def _put_aside_on(path: Path) -> date:
    # In its own name, a warehouse may have a date too.
    return date.fromisoformat(path.name.rpartition(PUT_ASIDE)[2][: len("2026-06-30")])


def _end_of_segment(path: Path) -> date:
    return _day_of(path) + timedelta(days=SEGMENT_DAYS)


def _removed(paths: Iterable[tuple[Path, date]], problems: list[str], *, dry_run: bool) -> list[tuple[Path, date]]:
    """Those of the paths that are gone, or would be."""
    gone = []
    for path, day in paths:
        try:
            if not dry_run:
                remove_all(path)
            gone.append((path, day))
        except OSError as error:
            problems.append(f"{path} is over its age and cannot be removed: {error}")
    return gone
