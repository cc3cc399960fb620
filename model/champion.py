"""Which model is in force: the champion, those before it and those that challenge it, in two small files."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from filelock import FileLock

from model.artifact import TRAIN, LoadedModel, ModelVersion, load_saved, read_json, read_metadata, to_json
from model.atomic import replace_file
from model.signature import ANYBODY, Trust
from schemas.contract import Contract
from schemas.errors import ChangedMeanwhile, ModelError
from schemas.storage import Version, is_remote, replace_unchanged, version_of

CHAMPION = "champion.json"
CHALLENGERS = "challengers.json"
LOCK = ".champion.lock"

Role = Literal["champion", "challenger"]


@dataclass(frozen=True)
class Reign(ModelVersion):
    """A version and the instant (UTC) it became champion; None if that is not recorded."""

    promoted_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


@dataclass(frozen=True)
class _Pointer(Reign):
    """The champion as its file names it, with the former ones, oldest first: one file, so that they always agree."""

    earlier: list[Reign] = field(default_factory=list)


def register(models: Path, version: str, *, challenger_only: bool = False, at: datetime | None = None) -> Role:
    """Makes a saved version the champion if there is none, as of `at` (default: now), else notes it as a challenger.

    With `challenger_only` it is never made champion; raises ModelError if there is none to challenge.
    """
    read_metadata(models, version)
    with _alone(models):
        if not (models / CHAMPION).exists():
            if challenger_only:
                raise ModelError(f"there is no champion in {models} to challenge; for a first one, {TRAIN}")
            # Else another process has made one at the same moment, and this one challenges it.
            with suppress(ChangedMeanwhile):
                _point_to(models, version, at)
                return "champion"
        if champion_identity(models)[0] == version:
            return "champion"
        _change_challengers(models, lambda known: known if version in known else [*known, version])
    return "challenger"


def promote(models: Path, version: str, *, at: datetime | None = None) -> None:
    """Makes a saved version the champion as of `at` (default: now), whichever was it before.

    The champion itself stays champion since when it was. Raises ModelError if `at` is before the last
    promotion, or if another process promotes at the same moment.
    """
    read_metadata(models, version)
    with _alone(models):
        try:
            _point_to(models, version, at)
        except ChangedMeanwhile as error:
            raise ModelError(
                f"another champion was made in {models} at this moment, so {version} was not; see which it is with"
                " `python -m flows models`, and run this again if it is still meant"
            ) from error
        _change_challengers(models, lambda known: [other for other in known if other != version])


def challengers(models: Path) -> list[str]:
    """The versions registered as challengers, oldest first."""
    path = models / CHALLENGERS
    return [str(version) for version in read_json(path)] if path.exists() else []


def history(models: Path) -> tuple[Reign, ...]:
    """All champions, oldest first, the last one in force; empty if there never was one.

    Raises ModelError if the pointer names nobody.
    """
    path = models / CHAMPION
    if not path.exists():
        return ()
    try:
        pointer = msgspec.convert(read_json(path), _Pointer)
    except msgspec.ValidationError as error:
        raise ModelError(f"{path} does not name a champion ({error}); restore it, or remove it and {TRAIN}") from error
    return (*pointer.earlier, Reign(pointer.version, pointer.sha256, pointer.promoted_at))


def predecessor(models: Path) -> ModelVersion:
    """The champion to go back to: the one before the champion in force.

    Going back counts as taking the last promotion back, so that doing so again leads further back, not forth. Raises
    ModelError if there is none.
    """
    line: list[Reign] = []
    for reign in _reigns(models):
        if len(line) > 1 and reign.version == line[-2].version:
            line.pop()
        else:
            line.append(reign)
    if len(line) == 1:
        raise ModelError(
            f"there is no champion before {line[0].version} to go back to; `python -m flows models` lists what there"
            " is, `python -m flows promote VERSION` makes one of them champion"
        )
    return ModelVersion(line[-2].version, line[-2].sha256)


def role_of(version: str, reigns: Sequence[Reign], challenging: Collection[str]) -> str:
    """What a version is, in words, by the champions' history and the list of challengers."""
    if reigns and version == reigns[-1].version:
        return "champion"
    if version in challenging:
        return "challenger"
    return "former champion" if version in {reign.version for reign in reigns} else "registered"


def champion_identity(models: Path) -> tuple[str, str]:
    """The champion's version and SHA-256, read from the pointer alone; raises ModelError if there is no champion."""
    champion = _reigns(models)[-1]
    return champion.version, champion.sha256


def champion_at(models: Path, instant: datetime) -> ModelVersion:
    """The champion in force at an instant (with a timezone): the last one promoted at or before it.

    Raises ModelError if there was none, or if it is not recorded whether it was champion by then.
    """
    asked = _utc(instant)
    reigns = _reigns(models)
    for champion in reversed(reigns):
        if champion.promoted_at is None:
            raise ModelError(
                f"it is not recorded since when {champion.version} is champion, so it cannot be said whether it was on "
                f"{instant:%Y-%m-%d}; score with today's champion instead"
            )
        if champion.promoted_at <= asked:
            return ModelVersion(champion.version, champion.sha256)
    raise ModelError(
        f"there was no champion on {instant:%Y-%m-%d}: {reigns[0].version} was the first, since "
        f"{reigns[0].promoted_at}; score with today's champion instead"
    )


def load_champion(models: Path, contract: Contract, at: datetime | None = None, trust: Trust = ANYBODY) -> LoadedModel:
    """The champion, or the one in force at an instant, verified.

    Raises ModelError if it is missing, altered, not signed as `trust` asks, or trained for another contract.
    """
    saved = ModelVersion(*champion_identity(models)) if at is None else champion_at(models, at)
    return load_saved(models, saved, contract, trust)


def _point_to(models: Path, version: str, at: datetime | None) -> None:
    """Puts a version at the end of the history, unless it stands there already.

    Raises ChangedMeanwhile if another process does so at the same moment, in an object store.
    """
    seen = _seen(models / CHAMPION)
    sha256 = read_metadata(models, version)["sha256"]
    since = datetime.now(UTC) if at is None else _utc(at)
    earlier = list(history(models))
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
    _replace(models / CHAMPION, to_json(asdict(_Pointer(version, sha256, since, earlier))), seen)


def _change_challengers(models: Path, change: Callable[[list[str]], list[str]]) -> None:
    """Changes the list of challengers; if another process changes it meanwhile, what comes of that."""
    while True:
        seen = _seen(models / CHALLENGERS)
        known = challengers(models)
        changed = change(known)
        if changed == known:
            return
        with suppress(ChangedMeanwhile):
            _replace(models / CHALLENGERS, to_json(changed), seen)
            return


def _alone(models: Path) -> AbstractContextManager[object]:
    """Has others that change who is champion wait; in an object store each change is on a condition instead."""
    return nullcontext() if is_remote(models) else FileLock(models / LOCK)


def _seen(path: Path) -> Version | None:
    """What is to be replaced, of an object; taken before it is read, so that it is never newer than what was read."""
    return version_of(path) if is_remote(path) else None


def _replace(path: Path, content: bytes, seen: Version | None) -> None:
    if is_remote(path):
        replace_unchanged(path, content, seen)
    else:
        replace_file(path, content)


def _reigns(models: Path) -> tuple[Reign, ...]:
    """All champions, oldest first; raises ModelError if there is none."""
    reigns = history(models)
    if not reigns:
        raise ModelError(f"there is no champion in {models}; {TRAIN}")
    return reigns


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no timezone")
    return instant.astimezone(UTC)
