"""Models on disk: saved aside and moved into place, verified before loading. Which is in force: `model.champion`."""

import hashlib
import json
import platform
import re
import shutil
import tempfile
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy
import sklearn

from model.atomic import move_into_place, write_file
from model.serialise import dump_model, load_model
from model.trained import Model
from schemas.contract import Contract
from schemas.errors import ModelError

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
        write_file(aside / METADATA, to_json(_metadata(model, saved)))
        write_file(aside / CARD, card.encode())
        aside.chmod(0o755)
        move_into_place(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return saved


def load_version(models: Path, version: str, contract: Contract) -> LoadedModel:
    """Any saved version, verified like the champion."""
    return load_saved(models, ModelVersion(version, read_metadata(models, version)["sha256"]), contract)


def read_metadata(models: Path, version: str) -> dict[str, Any]:
    """What is known of a saved version without loading it; raises ModelError if there is no such version."""
    path = _folder(models, version) / METADATA
    if not path.exists():
        raise ModelError(f"there is no model {version} in {models}; {TRAIN}")
    metadata: dict[str, Any] = read_json(path)
    return metadata


def load_saved(models: Path, saved: ModelVersion, contract: Contract) -> LoadedModel:
    """A saved model; raises ModelError if it is missing, altered, or trained for another contract."""
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


def to_json(value: Any) -> bytes:
    """JSON as the files of a models folder are written."""
    return (json.dumps(value, indent=2, default=datetime.isoformat) + "\n").encode()


def read_json(path: Path) -> Any:
    """What a file of a models folder says; raises ModelError if it is not JSON."""
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise ModelError(f"{path} is not valid JSON; restore it, or remove it and {TRAIN}") from error


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
