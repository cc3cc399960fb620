"""The family of errors the project raises. Each carries its facts and a message that says what to do."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path


class ScoringError(Exception):
    """Something a person has to act on; shown without a traceback."""


class SettingsError(ScoringError):
    """A `SCORING_*` setting is unknown or has a value that cannot be used."""


class ContractError(ScoringError):
    """The application contract makes no sense; `problems` holds one sentence for each thing to fix."""

    def __init__(self, name: str, problems: Sequence[str]) -> None:
        self.name, self.problems = name, tuple(problems)
        super().__init__(f"the contract {name} cannot be used:\n" + "\n".join(f"  - {problem}" for problem in problems))

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        # Raised by a worker, it goes to another process, which would make it from its message alone.
        return type(self), (self.name, self.problems)


class LandingError(ScoringError):
    """No file, or more than one, for a batch date in the landing zone."""


class MissingFile(LandingError):
    """There is no file for a batch date in the landing zone."""


class UnreadableSource(ScoringError):
    """A landing file as a whole cannot be read as applications; the gate refuses it."""

    def __init__(self, check_name: str, message: str) -> None:
        self.check_name = check_name
        super().__init__(message)

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        # Raised by a worker, it goes to another process, which would make it from its message alone.
        return type(self), (self.check_name, str(self))


class BatchBlocked(ScoringError):
    """The gate refused a batch.

    `failures` holds one sentence for each whole-batch rule it broke, `broken_rows` a CSV of the rows.
    """

    def __init__(self, batch_date: date, source: str, failures: Sequence[str], broken_rows: Path | None = None) -> None:
        self.batch_date = batch_date
        self.source = source
        self.failures = tuple(failures)
        self.broken_rows = broken_rows
        reasons = "\n".join(f"  - {failure}" for failure in failures)
        super().__init__(f"the batch of {batch_date} ({source}) is blocked; nothing of it is published:\n{reasons}")


class ModelError(ScoringError):
    """A model is missing, does not match its hash or its contract, or cannot be trained."""


class WarehouseError(ScoringError):
    """The warehouse cannot do what was asked: busy for too long, of another layout, or inconsistent."""


class NoWarehouse(WarehouseError):
    """There is no warehouse yet: nothing has been scored."""


class WarehouseUnavailable(WarehouseError):
    """The warehouse is held by another process, or its disk is in trouble: trying again may help."""


class StoreUnavailable(OSError):
    """An object store does not answer, or not now: trying again may help."""


class ChangedMeanwhile(FileNotFoundError):
    """An object is no longer what it was when it was looked at: another process has replaced or removed it."""
