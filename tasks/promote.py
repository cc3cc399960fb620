"""Promote: another model becomes champion, or the one before is again; the warehouse's record follows."""

import json
from dataclasses import dataclass

from model.artifact import LoadedModel, load_version, read_metadata
from model.champion import challengers, history, predecessor
from model.champion import promote as point_to
from schemas.errors import ModelError
from tasks.project import Project


@dataclass(frozen=True)
class Promotion:
    """The champion now, and the one before it: the same if nothing had to change, empty if there was none."""

    version: str
    before: str


def promote(project: Project, version: str) -> Promotion:
    """Makes a saved version champion: of the next batch, and of the service within about a second.

    Raises ModelError if the version cannot be loaded: altered, not signed as the settings ask, of another contract.
    """
    return _promote(project, _load(project, version))


def roll_back(project: Project) -> Promotion:
    """Makes the champion before the present one champion again; raises ModelError if there is none."""
    before = predecessor(project.settings.path("models"))
    loaded = _load(project, before.version)
    if loaded.sha256 != before.sha256:
        raise ModelError(
            f"{before.version} is not the model it was when it was champion: its SHA-256 is {loaded.sha256},"
            f" {before.sha256} was recorded; restore its folder from a backup"
        )
    return _promote(project, loaded)


def _load(project: Project, version: str) -> LoadedModel:
    return load_version(project.settings.path("models"), version, project.contract, project.trust)


def _promote(project: Project, loaded: LoadedModel) -> Promotion:
    models = project.settings.path("models")
    reigns = history(models)
    point_to(models, loaded.version)
    _record(project, loaded)
    return Promotion(loaded.version, reigns[-1].version if reigns else "")


def _record(project: Project, loaded: LoadedModel) -> None:
    """Brings the warehouse in line with the pointer, which is what counts; again and again with the same result."""
    models = project.settings.path("models")
    # A model that was trained elsewhere and brought here is not on record yet.
    project.writer.prepare()
    registered = project.reader.frame("registered_models")["model_version"]
    if loaded.version not in registered:
        metrics = json.dumps(read_metadata(models, loaded.version)["metrics"])
        project.writer.record_model(loaded.version, loaded.sha256, project.contract.hash, "champion", metrics)
    former = sorted({reign.version for reign in history(models)} - {loaded.version})
    project.writer.record_roles(loaded.version, challengers(models), former)
