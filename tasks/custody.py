"""What erasing, exporting and retention share: one at a time, and how an application is known in the prediction log."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from schemas.errors import ScoringError
from schemas.prediction_log import FINISHED, LOADED, OPEN
from schemas.pseudonyms import FILE, Pseudonyms, pseudonym_key
from schemas.segments import segments_in
from schemas.settings import Settings
from schemas.storage import files_below, is_remote
from tasks.manifest import PUT_ASIDE
from tasks.project import Project
from tasks.source.landing import PART_SUFFIXES, date_of

LOCK = ".personal-data.lock"
# Where the runbook says that segments go which cannot be loaded.
DAMAGED = "damaged"


@contextmanager
def custody(project: Project) -> Iterator[None]:
    """Keeps other runs that erase or remove out; raises ScoringError if one goes on for too long."""
    home, seconds = project.settings.home_path, project.settings.lock_wait_seconds
    home.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(home / LOCK, timeout=seconds):
            yield
    except Timeout as error:
        raise ScoringError(
            f"another run has been removing personal data for more than {seconds:g} seconds; run this again later"
        ) from error


def keys_of(project: Project, application_id: str) -> tuple[str, ...]:
    """The keyed hashes of an id, as the prediction log has it: by each key there is, none if no key was ever made.

    One in the settings is taken before the file in home, and a restore puts that aside: what was logged until then has
    the hash by the former key.
    """
    settings, file = project.settings, project.settings.home_path / FILE
    keys = [pseudonym_key(settings)] if settings.pseudonym_key or file.exists() else []
    former = [file, *sorted(file.parent.glob(f"{FILE}{PUT_ASIDE}*"))]
    keys += [key for path in former if path.exists() and (key := path.read_bytes().strip())]
    return tuple(dict.fromkeys(str(Pseudonyms(key)(application_id)) for key in keys))


def landing_files(landing: Path) -> list[Path]:
    """Every file with rows in the landing zone, also such as no batch has: parts, copies, names without a date."""
    return [path for path in files_below(landing) if path.name.endswith(PART_SUFFIXES)]


def source_of(landing: Path, path: Path) -> Path | None:
    """The landing file or folder, named with a date, that a file is or lies in; None if it belongs to none."""
    top = landing / path.relative_to(landing).parts[0]
    return top if date_of(top) else None


def segments(folder: Path) -> list[Path]:
    """All segments of the prediction log but those that are written to: finished ones, also loaded or damaged ones."""
    return [path for place in (folder, folder / LOADED, folder / DAMAGED) for path in segments_in(place, FINISHED)]


def open_segments(settings: Settings) -> list[Path]:
    """The segments of the prediction log that a process of this host writes to, or has left, or is still to ship."""
    unshipped = segments_in(settings.spool, FINISHED) if is_remote(settings.path("predictions")) else []
    return [*segments_in(settings.spool, OPEN), *unshipped]
