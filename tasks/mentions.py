"""Files of others, below home or in a shared folder, that name an application: logs, Prefect's database, what else."""

import zlib
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from schemas.errors import ChangedMeanwhile
from schemas.storage import files_below, is_remote, reading
from tasks.custody import keys_of
from tasks.manifest import PUT_ASIDE
from tasks.project import Project

# Shorter ids stand in every file by chance.
SHORTEST = 6
FOLDERS = ("landing", "predictions", "reports")
BLOCK = 1 << 20


@dataclass
class Mentions:
    """The files that name an application, and those that could not be read to their end, with why."""

    named: list[Path] = field(default_factory=list)
    unreadable: dict[Path, str] = field(default_factory=dict)


def mentions(project: Project, application_id: str) -> Mentions:
    """The files that an application's id, or a keyed hash of it, stands in.

    Not looked into are the warehouse, the models, and what a restore has put aside of these.
    """
    texts = {text.encode() for text in (application_id, *keys_of(project, application_id)) if len(text) >= SHORTEST}
    found = Mentions()
    for path in _files(project):
        try:
            if _has(path, texts):
                found.named.append(path)
        except (OSError, EOFError, zlib.error) as error:
            # What is gone meanwhile names nobody; what was replaced meanwhile may.
            if not isinstance(error, FileNotFoundError) or isinstance(error, ChangedMeanwhile):
                found.unreadable[path] = str(error)
    return found


def _files(project: Project) -> list[Path]:
    settings = project.settings
    warehouse, models = settings.warehouse_address, settings.path("models")
    own = (
        path
        for path in files_below(settings.home_path)
        if path != warehouse
        and (is_remote(models) or not path.is_relative_to(models))
        and PUT_ASIDE not in str(path.relative_to(settings.home_path))
    )
    shared = (path for name in FOLDERS if is_remote(settings.path(name)) for path in files_below(settings.path(name)))
    return [*own, *shared]


def _has(path: Path, texts: Collection[bytes]) -> bool:
    """Whether one of the texts stands in a file, which may be larger than memory."""
    overlap = max(map(len, texts), default=1) - 1
    with reading(path) as file:
        end = b""
        while block := file.read(BLOCK):
            content = end + block
            if any(text in content for text in texts):
                return True
            # A text may begin in one block and end in the next.
            end = content[-overlap:] if overlap else b""
    return False
