"""Models: every version there is, what it is now, and how it did out of time."""

from dataclasses import dataclass
from datetime import UTC, datetime

from model.artifact import read_metadata, saved_versions
from model.champion import challengers, history, role_of
from schemas.errors import NoWarehouse
from tasks.project import Project


@dataclass(frozen=True, kw_only=True)
class ListedModel:
    """A version; instants are UTC, None where they are not on record. `auc` is that out of time, from its metadata."""

    version: str
    role: str
    trained_at: datetime | None
    champion_since: datetime | None
    auc: float | None
    trained_to: str
    contract: str


def listed_models(project: Project) -> list[ListedModel]:
    """All saved versions, the champion first, then the others, the one trained last first."""
    models = project.settings.path("models")
    reigns, challenging, registered = history(models), challengers(models), _registered(project)
    since = {reign.version: reign.promoted_at for reign in reigns}
    listed = []
    for version in saved_versions(models):
        metadata = read_metadata(models, version)
        listed.append(
            ListedModel(
                version=version,
                role=role_of(version, reigns, challenging),
                trained_at=registered.get(version),
                champion_since=since.get(version),
                auc=metadata["metrics"]["test"]["auc"]["value"],
                trained_to=str(metadata["training"]["train_last_date"]),
                contract=str(metadata["contract"]["name"]),
            )
        )
    latest = sorted(listed, key=lambda model: model.trained_at or datetime.min.replace(tzinfo=UTC), reverse=True)
    return sorted(latest, key=lambda model: model.role != "champion")


def _registered(project: Project) -> dict[str, datetime]:
    """When each model was registered, at the end of its training."""
    try:
        rows = project.reader.frame("registered_models").iter_rows(named=True)
    except NoWarehouse:
        # A models folder alone is enough to score.
        return {}
    return {row["model_version"]: row["registered_at"].replace(tzinfo=UTC) for row in rows}
