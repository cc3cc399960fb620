"""Which models there are: the champion, those before it, its challengers, and what is known of any of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.artifact import CARD, VERSION, read_metadata, saved_versions
from model.champion import Reign, challengers, history, role_of
from schemas.errors import ModelError

TRAIN = "python -m flows train --applications GLOB --outcomes FILE"


@dataclass(frozen=True)
class Registry:
    """What a models folder says; `reigns` are the champions, oldest first, and the last one is in force."""

    models: Path
    reigns: tuple[Reign, ...]
    challengers: tuple[str, ...]
    saved: tuple[str, ...]

    @property
    def champion(self) -> str:
        """The version in force, empty if there is none."""
        return self.reigns[-1].version if self.reigns else ""

    def versions(self, registered: list[str]) -> list[str]:
        """Every version there is or was, the champion first, then challengers and the latest registered."""
        found = [self.champion, *reversed(self.challengers), *registered, *self.saved]
        return [version for version in dict.fromkeys(found) if version]

    def role(self, version: str) -> str:
        """What a version is, in words."""
        return role_of(version, self.reigns, self.challengers)

    def metadata(self, version: str) -> Mapping[str, Any] | None:
        """What is known of a version without loading it; None if its folder is gone."""
        try:
            return read_metadata(self.models, version)
        except ModelError:
            return None

    def card(self, version: str) -> str | None:
        """The model card in Markdown; None if it is gone."""
        if not VERSION.fullmatch(version):
            return None
        path = self.models / version / CARD
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else None


def read_registry(models: Path) -> Registry:
    """The registry in a models folder, empty without such a folder; raises ModelError if its files make no sense."""
    return Registry(models, history(models), tuple(challengers(models)), tuple(saved_versions(models)))
