"""Who made a model: an Ed25519 signature beside its metadata, checked before anything of the model is unpickled."""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from model.signing_keys import PRIVATE, PUBLIC, PublicKey, SigningKey, public_keys, signing_key
from schemas.errors import ModelError, SettingsError
from schemas.settings import Settings

SIGNATURE = "signature.json"
SIGN = "python -m flows sign"


class _Contract(msgspec.Struct, frozen=True):
    hash: str


class _Metadata(msgspec.Struct, frozen=True):
    contract: _Contract


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """The file: the name of the key that signed, and the signature in base64."""

    key: Annotated[str, Meta(pattern="^[0-9a-f]{12}$")]
    signature: str


@dataclass(frozen=True)
class Trust:
    """Whose models are loaded: those signed by one of the keys, or any model if there are no keys."""

    keys: tuple[PublicKey, ...] = ()

    def check(self, folder: Path, sha256: str, metadata: bytes) -> None:
        """Returns if one of the keys has signed this very model (as `statement`), else raises ModelError."""
        if not self.keys:
            return
        signature = _read(folder)
        key = next((key for key in self.keys if key.name == signature.key), None)
        if key is None:
            known = " or ".join(key.name for key in self.keys)
            raise ModelError(
                f"{folder.name} is signed by the key {signature.key}, which is not trusted ({known} would be); if it"
                f" should be, add its public key to {PUBLIC}, else remove {folder} and train again"
            )
        if not key.signed(statement(folder.name, sha256, metadata), _decoded(signature.signature)):
            raise ModelError(
                f"{folder.name} is not what the key {key.name} has signed: its model, its metadata or its signature was"
                f" altered or is of another version; restore {folder} from a backup, or remove it and train again"
            )


ANYBODY = Trust()


def trust_of(settings: Settings) -> Trust:
    """Whose models these settings trust; raises SettingsError if a key cannot be read."""
    return Trust(public_keys(settings))


def signer_of(settings: Settings) -> SigningKey | None:
    """The key that signs what is trained, None if models are not signed.

    Raises SettingsError if it cannot be read, or if models signed by it would be refused.
    """
    key, trusted = signing_key(settings), public_keys(settings)
    if key and trusted and key.public not in trusted:
        raise SettingsError(
            f"{PRIVATE}: the key {key.public.name} is not among those of {PUBLIC}: what it signs would be refused;"
            " add its public key there"
        )
    return key


def statement(version: str, sha256: str, metadata: bytes) -> bytes:
    """What is signed: a version with the hashes of its file, of its contract, and of its metadata as they are kept.

    Raises ModelError if the metadata name no contract.
    """
    try:
        contract = msgspec.json.decode(metadata, type=_Metadata).contract
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"the metadata of {version} cannot be read ({error}); restore them from a backup") from error
    facts = {
        "made_by": "credit-express",
        "version": version,
        "sha256": sha256,
        "contract_hash": contract.hash,
        "metadata_sha256": hashlib.sha256(metadata).hexdigest(),
    }
    return json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()


def signature_of(key: SigningKey, signed: bytes) -> bytes:
    """The content of the file `signature.json` for a statement."""
    signature = Signature(key=key.public.name, signature=base64.b64encode(key.sign(signed)).decode("ascii"))
    return msgspec.json.format(msgspec.json.encode(signature), indent=2) + b"\n"


def _read(folder: Path) -> Signature:
    path = folder / SIGNATURE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Signature)
    except FileNotFoundError as error:
        raise ModelError(
            f"{folder.name} is not signed, and {PUBLIC} asks for a signature; if you know where it comes from, sign it"
            f" with `{SIGN} {folder.name}` where {PRIVATE} is set, else train again there"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} is no signature ({error}); restore it, or `{SIGN} {folder.name}`") from error


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
