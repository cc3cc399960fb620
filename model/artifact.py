"""Models on disk: saved aside and moved into place, verified before loading. Which is in force: `model.champion`."""

import hashlib
import json
import platform
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy
import sklearn

from model.atomic import move_into_place, replace_file, write_file
from model.serialise import dump_model, load_model
from model.signature import ANYBODY, SIGNATURE, Trust, signature_of, statement
from model.signing_keys import SigningKey
from model.trained import Model
from schemas.contract import Contract
from schemas.errors import ModelError
from schemas.storage import is_remote

__all__ = [
    "TRAIN",
    "LoadedModel",
    "Model",
    "ModelVersion",
    "load_saved",
    "load_version",
    "read_json",
    "read_metadata",
    "save_model",
    "saved_versions",
    "sign_version",
    "to_json",
]

MODEL_FILE = "scorecard.joblib"
METADATA = "metadata.json"
CARD = "model_card.md"
VERSION = re.compile(r"scorecard-[0-9a-f]{12}")
TRAIN = "run `python -m flows train --applications GLOB --outcomes FILE`"


@dataclass(frozen=True)
class ModelVersion:
    """A model on disk: its version, and the SHA-256 (hex) of its file."""

    version: str
    sha256: str


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A verified model with the version and SHA-256 (hex) it was loaded under."""

    version: str
    sha256: str
    model: Model


def save_model(models: Path, model: Model, card: str, key: SigningKey | None = None) -> ModelVersion:
    """Writes `<models>/<version>/` whole or not at all, signed if there is a key.

    The same model gives the same bytes in any process, and its version is the start of their hash. Again, it changes
    nothing but its metadata and signature, and these only if there is a key: what is signed is what was found now.
    """
    content = dump_model(model)
    sha256 = hashlib.sha256(content).hexdigest()
    saved = ModelVersion(f"scorecard-{sha256[:12]}", sha256)
    folder, metadata = models / saved.version, to_json(_metadata(model, saved))
    signature = signature_of(key, statement(saved.version, sha256, metadata)) if key else None
    if (folder / METADATA if is_remote(folder) else folder).exists():
        if signature:
            replace_file(folder / METADATA, metadata)
            replace_file(folder / SIGNATURE, signature)
        return saved
    signed = {SIGNATURE: signature} if signature else {}
    # What has metadata is a version: they come last.
    _write_folder(folder, {MODEL_FILE: content, CARD: card.encode(), **signed, METADATA: metadata})
    return saved


def _write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    if is_remote(folder):
        for name, content in files.items():
            write_file(folder / name, content)
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".saving-", dir=folder.parent))
    try:
        for name, content in files.items():
            write_file(aside / name, content)
        aside.chmod(0o755)
        move_into_place(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def sign_version(models: Path, version: str, key: SigningKey) -> dict[str, Any]:
    """Signs a saved version as it lies there, and returns its metadata; raises ModelError if its file was altered."""
    metadata = read_metadata(models, version)
    sha256 = str(metadata["sha256"])
    _content(models, ModelVersion(version, sha256))
    if not sha256.startswith(version.removeprefix("scorecard-")):
        raise ModelError(f"the metadata of {version} are those of another model; restore {models / version}")
    folder = _folder(models, version)
    signed = statement(version, sha256, (folder / METADATA).read_bytes())
    replace_file(folder / SIGNATURE, signature_of(key, signed))
    return metadata


def saved_versions(models: Path) -> list[str]:
    """The versions that have a folder, by name; none without a models folder."""
    return sorted(path.parent.name for path in models.glob(f"*/{METADATA}") if VERSION.fullmatch(path.parent.name))


def load_version(models: Path, version: str, contract: Contract, trust: Trust = ANYBODY) -> LoadedModel:
    """Any saved version, verified like the champion."""
    return load_saved(models, ModelVersion(version, read_metadata(models, version)["sha256"]), contract, trust)


def read_metadata(models: Path, version: str) -> dict[str, Any]:
    """What is known of a saved version without loading it; raises ModelError if there is no such version."""
    path = _folder(models, version) / METADATA
    if not path.exists():
        raise ModelError(f"there is no model {version} in {models}; {TRAIN}")
    metadata: dict[str, Any] = read_json(path)
    return metadata


def load_saved(models: Path, saved: ModelVersion, contract: Contract, trust: Trust = ANYBODY) -> LoadedModel:
    """A saved model; raises ModelError if it is missing, altered, not signed as `trust` asks, of another contract."""
    # Hashed, signed and unpickled are the very same bytes, so nobody can swap the file in between.
    content = _content(models, saved)
    if trust.keys:
        read_metadata(models, saved.version)
        metadata = _folder(models, saved.version) / METADATA
        trust.check(metadata.parent, saved.sha256, metadata.read_bytes())
    model = load_model(content, saved.version)
    if model.contract_hash != contract.hash:
        raise ModelError(
            f"{saved.version} was trained for the contract {model.contract_name} as it was then, and scoring is asked "
            f"for {contract.name} as it is now; set SCORING_CONTRACT to the contract it was trained for, or {TRAIN} "
            "with another SCORING_MODELS folder"
        )
    return LoadedModel(saved.version, saved.sha256, model)


def to_json(value: Any) -> bytes:
    """JSON as the files of a models folder are written."""
    return (json.dumps(value, indent=2, default=datetime.isoformat) + "\n").encode()


def read_json(path: Path) -> Any:
    """What a file of a models folder says; raises ModelError if it is not JSON."""
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise ModelError(f"{path} is not valid JSON; restore it, or remove it and {TRAIN}") from error


def _content(models: Path, saved: ModelVersion) -> bytes:
    """The bytes of a model's file; raises ModelError if it is missing or has not the hash that was recorded."""
    path = _folder(models, saved.version) / MODEL_FILE
    if not path.exists():
        raise ModelError(f"{path} is missing; restore it, or {TRAIN}")
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != saved.sha256:
        raise ModelError(
            f"{path} was altered: its SHA-256 is {found}, {saved.sha256} was recorded; "
            f"restore it, or remove its folder and {TRAIN}"
        )
    return content


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
