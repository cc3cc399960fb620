"""Files of others, below home or in a shared folder, that name an application: logs, Prefect's database, what else."""

import gzip
from pathlib import Path

from schemas.storage import files_below, is_remote
from tasks.custody import key_of
from tasks.project import Project

# Shorter ids stand in every file by chance.
SHORTEST = 6
FOLDERS = ("landing", "predictions", "reports")


def mentions(project: Project, application_id: str) -> list[Path]:
    """The files that an application's id, or its keyed hash, stands in, but for the warehouse and the models."""
    settings = project.settings
    texts = {text for text in (application_id, key_of(project, application_id)) if text and len(text) >= SHORTEST}
    warehouse, models = settings.warehouse_address, settings.path("models")
    own = (
        path
        for path in files_below(settings.home_path)
        if path != warehouse and (is_remote(models) or not path.is_relative_to(models))
    )
    shared = (path for name in FOLDERS if is_remote(settings.path(name)) for path in files_below(settings.path(name)))
    return [path for path in (*own, *shared) if _has(path, texts)]


def _has(path: Path, texts: set[str]) -> bool:
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError):
        return False
    return any(text.encode() in content for text in texts)
