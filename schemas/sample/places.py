"""Where the files of a generated portfolio lie."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from schemas.sample.parameters import Parameters


@dataclass(frozen=True)
class Places:
    """The folders of landing zone and history, the files of outcomes and manifest; all paths are absolute."""

    landing: Path
    history: Path
    outcomes: Path
    manifest: Path

    @property
    def journal(self) -> Path:
        """Lists the files of a write under way: what an interrupted one leaves behind is known as generated."""
        return self.manifest.with_name(f"{self.manifest.name}.writing")

    @property
    def readmes(self) -> tuple[Path, Path]:
        """The notes that the files beside them are generated."""
        return self.landing / "GENERATED.md", self.history / "GENERATED.md"

    def landing_file(self, day: date) -> Path:
        """The landing file of `day`."""
        return self.landing / f"applications_{day}.csv"

    def history_file(self, month: date) -> Path:
        """The history file of the month that begins with `month`."""
        return self.history / f"applications_{month}.csv.gz"

    def files(self, parameters: Parameters) -> set[Path]:
        """Every file of a sample but the manifest."""
        landing = map(self.landing_file, parameters.landing_days)
        history = map(self.history_file, parameters.history_months)
        return {*self.readmes, *landing, *history, self.outcomes}

    def key(self, path: Path) -> str:
        """How manifest and journal name a file: relative to their folder where possible, so that it can be moved."""
        root = self.manifest.parent
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)

    def path(self, key: str) -> Path:
        """The file of a key."""
        return self.manifest.parent / key
