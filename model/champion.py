"""Which model is in force: the champion, those before it and those that challenge it, in two small files."""

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from model.artifact import TRAIN, LoadedModel, ModelVersion, load_saved, read_json, read_metadata, to_json
from model.atomic import replace_file
from schemas.contract import Contract
from schemas.errors import ModelError

CHAMPION = "champion.json"
CHALLENGERS = "challengers.json"

Role = Literal["champion", "challenger"]


@dataclass(frozen=True)
class _Champion(ModelVersion):
    """A version and the instant (UTC) it became champion; None if that is not recorded."""

    promoted_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


@dataclass(frozen=True)
class _Pointer(_Champion):
    """The champion as its file names it, with the former ones, oldest first: one file, so that they always agree."""

    earlier: list[_Champion] = field(default_factory=list)


def register(models: Path, version: str, *, challenger_only: bool = False, at: datetime | None = None) -> Role:
    """Makes a saved version the champion if there is none, as of `at` (default: now), else notes it as a challenger.

    With `challenger_only` it is never made champion; raises ModelError if there is none to challenge.
    """
    read_metadata(models, version)
    if not (models / CHAMPION).exists():
        if challenger_only:
            raise ModelError(f"there is no champion in {models} to challenge; for a first one, {TRAIN}")
        _point_to(models, version, at)
        return "champion"
    if champion_identity(models)[0] == version:
        return "champion"
    known = challengers(models)
    if version not in known:
        replace_file(models / CHALLENGERS, to_json([*known, version]))
    return "challenger"


def promote(models: Path, version: str, *, at: datetime | None = None) -> None:
    """Makes a saved version the champion as of `at` (default: now), whichever was it before.

    The champion itself stays champion since when it was. Raises ModelError if `at` is before the last promotion.
    """
    _point_to(models, version, at)
    if version in challengers(models):
        replace_file(models / CHALLENGERS, to_json([known for known in challengers(models) if known != version]))


def challengers(models: Path) -> list[str]:
    """The versions registered as challengers, oldest first."""
    path = models / CHALLENGERS
    return [str(version) for version in read_json(path)] if path.exists() else []


def champion_identity(models: Path) -> tuple[str, str]:
    """The champion's version and SHA-256, read from the pointer alone; raises ModelError if there is no champion."""
    champion = _history(models)[-1]
    return champion.version, champion.sha256


def champion_at(models: Path, instant: datetime) -> ModelVersion:
    """The champion in force at an instant (with a timezone): the last one promoted at or before it.

    Raises ModelError if there was none, or if it is not recorded whether it was champion by then.
    """
    asked = _utc(instant)
    history = _history(models)
    for champion in reversed(history):
        if champion.promoted_at is None:
            raise ModelError(
                f"it is not recorded since when {champion.version} is champion, so it cannot be said whether it was on "
                f"{instant:%Y-%m-%d}; score with today's champion instead"
            )
        if champion.promoted_at <= asked:
            return ModelVersion(champion.version, champion.sha256)
    raise ModelError(
        f"there was no champion on {instant:%Y-%m-%d}: {history[0].version} was the first, since "
        f"{history[0].promoted_at}; score with today's champion instead"
    )


def load_champion(models: Path, contract: Contract, at: datetime | None = None) -> LoadedModel:
    """The champion, or the one in force at an instant, verified.

    Raises ModelError if it is missing, altered, or trained for another contract.
    """
    saved = ModelVersion(*champion_identity(models)) if at is None else champion_at(models, at)
    return load_saved(models, saved, contract)


def _point_to(models: Path, version: str, at: datetime | None) -> None:
    """Puts a version at the end of the history, unless it stands there already."""
    sha256 = read_metadata(models, version)["sha256"]
    since = datetime.now(UTC) if at is None else _utc(at)
    earlier = _history(models) if (models / CHAMPION).exists() else []
    if earlier:
        last = earlier[-1]
        if last.version == version:
            return
        # Out of order, the history could not say who was champion when.
        if last.promoted_at is not None and since < last.promoted_at:
            raise ModelError(
                f"{version} cannot become champion as of {since}: {last.version} is champion since "
                f"{last.promoted_at}; give a later instant, or set this machine's clock right"
            )
    replace_file(models / CHAMPION, to_json(asdict(_Pointer(version, sha256, since, earlier))))


def _history(models: Path) -> list[_Champion]:
    """All champions, oldest first; the last one is in force. Raises ModelError if there is none."""
    path = models / CHAMPION
    if not path.exists():
        raise ModelError(f"there is no champion in {models}; {TRAIN}")
    try:
        pointer = msgspec.convert(read_json(path), _Pointer)
    except msgspec.ValidationError as error:
        raise ModelError(f"{path} does not name a champion ({error}); restore it, or remove it and {TRAIN}") from error
    return [*pointer.earlier, _Champion(pointer.version, pointer.sha256, pointer.promoted_at)]


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no timezone")
    return instant.astimezone(UTC)
