"""Models on disk: saved aside and moved into place, verified before they are loaded. The only I/O of this package."""

import hashlib
import json
import platform
import re
import shutil
import tempfile
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy
import sklearn

from model.atomic import move_into_place, replace_file, write_file
from model.serialise import dump_model, load_model
from model.trained import Model
from schemas.contract import Contract
from schemas.errors import ModelError

__all__ = [
    "LoadedModel",
    "Model",
    "ModelVersion",
    "Role",
    "challengers",
    "champion_at",
    "champion_identity",
    "load_champion",
    "load_version",
    "promote",
    "read_metadata",
    "register",
    "save_model",
]

CHAMPION = "champion.json"
CHALLENGERS = "challengers.json"
MODEL_FILE = "scorecard.joblib"
METADATA = "metadata.json"
CARD = "model_card.md"
VERSION = re.compile(r"scorecard-[0-9a-f]{12}")
TRAIN = "run `python -m flows train --applications GLOB --outcomes FILE`"

Role = Literal["champion", "challenger"]


@dataclass(frozen=True)
class ModelVersion:
    """A model on disk: its version, and the SHA-256 (hex) of its file."""

    version: str
    sha256: str


@dataclass(frozen=True)
class _Champion(ModelVersion):
    """A version and the instant (UTC) it became champion; None if that is not recorded."""

    promoted_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


@dataclass(frozen=True)
class _Pointer(_Champion):
    """The champion as its file names it, with the former ones, oldest first: one file, so that they always agree."""

    earlier: list[_Champion] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A verified model with the version and SHA-256 (hex) it was loaded under."""

    version: str
    sha256: str
    model: Model


def save_model(models: Path, model: Model, card: str) -> ModelVersion:
    """Writes `<models>/<version>/` whole or not at all; the same model again changes nothing.

    The same model gives the same bytes in any process, and its version is the start of their hash.
    """
    content = dump_model(model)
    sha256 = hashlib.sha256(content).hexdigest()
    saved = ModelVersion(f"scorecard-{sha256[:12]}", sha256)
    folder = models / saved.version
    if folder.exists():
        return saved
    models.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".saving-", dir=models))
    try:
        write_file(aside / MODEL_FILE, content)
        write_file(aside / METADATA, _json(_metadata(model, saved)))
        write_file(aside / CARD, card.encode())
        aside.chmod(0o755)
        move_into_place(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return saved


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
        replace_file(models / CHALLENGERS, _json([*known, version]))
    return "challenger"


def promote(models: Path, version: str, *, at: datetime | None = None) -> None:
    """Makes a saved version the champion as of `at` (default: now), whichever was it before.

    The champion itself stays champion since when it was. Raises ModelError if `at` is before the last promotion.
    """
    _point_to(models, version, at)
    if version in challengers(models):
        replace_file(models / CHALLENGERS, _json([known for known in challengers(models) if known != version]))


def challengers(models: Path) -> list[str]:
    """The versions registered as challengers, oldest first."""
    path = models / CHALLENGERS
    return [str(version) for version in _read_json(path)] if path.exists() else []


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
    return _load(models, saved, contract)


def load_version(models: Path, version: str, contract: Contract) -> LoadedModel:
    """Any saved version, verified like the champion."""
    return _load(models, ModelVersion(version, read_metadata(models, version)["sha256"]), contract)


def read_metadata(models: Path, version: str) -> dict[str, Any]:
    """What is known of a saved version without loading it; raises ModelError if there is no such version."""
    path = _folder(models, version) / METADATA
    if not path.exists():
        raise ModelError(f"there is no model {version} in {models}; {TRAIN}")
    metadata: dict[str, Any] = _read_json(path)
    return metadata


def _load(models: Path, saved: ModelVersion, contract: Contract) -> LoadedModel:
    path = _folder(models, saved.version) / MODEL_FILE
    if not path.exists():
        raise ModelError(f"{path} is missing; restore it, or {TRAIN}")
    # Hashed and unpickled are the very same bytes, so nobody can swap the file in between.
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != saved.sha256:
        raise ModelError(
            f"{path} was altered: its SHA-256 is {found}, {saved.sha256} was recorded; "
            f"restore it, or remove its folder and {TRAIN}"
        )
    model = load_model(content, saved.version)
    if model.contract_hash != contract.hash:
        raise ModelError(
            f"{saved.version} was trained for the contract {model.contract_name} as it was then, and scoring is asked "
            f"for {contract.name} as it is now; set SCORING_CONTRACT to the contract it was trained for, or {TRAIN} "
            "with another SCORING_MODELS folder"
        )
    return LoadedModel(saved.version, saved.sha256, model)


def _metadata(model: Model, saved: ModelVersion) -> dict[str, Any]:
    return {
        **asdict(saved),
        "contract": {"name": model.contract_name, "hash": model.contract_hash},
        "training": asdict(model.training),
        "policy": asdict(model.policy),
        "metrics": asdict(model.evaluation),
        "versions": {
            "python": platform.python_version(),
            "scikit-learn": sklearn.__version__,
            "numpy": numpy.__version__,
        },
    }


def _folder(models: Path, version: str) -> Path:
    if not VERSION.fullmatch(version):
        raise ModelError(f"{version!r} is not the name of a model; names look like scorecard-0123456789ab")
    return models / version


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
    replace_file(models / CHAMPION, _json(asdict(_Pointer(version, sha256, since, earlier))))


def _history(models: Path) -> list[_Champion]:
    """All champions, oldest first; the last one is in force. Raises ModelError if there is none."""
    path = models / CHAMPION
    if not path.exists():
        raise ModelError(f"there is no champion in {models}; {TRAIN}")
    try:
        pointer = msgspec.convert(_read_json(path), _Pointer)
    except msgspec.ValidationError as error:
        raise ModelError(f"{path} does not name a champion ({error}); restore it, or remove it and {TRAIN}") from error
    return [*pointer.earlier, _Champion(pointer.version, pointer.sha256, pointer.promoted_at)]


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no timezone")
    return instant.astimezone(UTC)


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, default=datetime.isoformat) + "\n").encode()


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise ModelError(f"{path} is not valid JSON; restore it, or remove it and {TRAIN}") from error
