"""Ed25519 keys for models: the private one of whoever trains, the public ones of those whose models are trusted."""

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from schemas.errors import SettingsError
from schemas.settings import Settings

NEW_KEYS = "make a pair with `python -m flows keys`"
PRIVATE, PUBLIC = "SCORING_MODEL_SIGNING_KEY", "SCORING_MODEL_PUBLIC_KEYS"
RAW_BYTES = 32
PEM = re.compile(r"-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----", flags=re.DOTALL)
SEPARATORS = re.compile(r"[\s,]+")


@dataclass(frozen=True)
class PublicKey:
    """A key that signatures are checked with, as its 32 bytes."""

    raw: bytes

    @property
    def name(self) -> str:
        """What a key goes by: the first 12 characters of its SHA-256."""
        return sha256(self.raw).hexdigest()[:12]

    def signed(self, statement: bytes, signature: bytes) -> bool:
        """Whether the signature is of this statement, by the private half of this key."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, statement)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, eq=False)
class SigningKey:
    """A private key; shows nothing of itself."""

    _key: Ed25519PrivateKey

    def __repr__(self) -> str:
        return f"SigningKey({self.public.name})"

    @property
    def public(self) -> PublicKey:
        """The half that may be told."""
        return PublicKey(self._key.public_key().public_bytes_raw())

    def sign(self, statement: bytes) -> bytes:
        """The signature (64 bytes) of a statement; the same every time."""
        return self._key.sign(statement)


def new_pair() -> tuple[str, str]:
    """A new private key and its public one, both in base64 as the settings take them."""
    key = Ed25519PrivateKey.generate()
    return _text(key.private_bytes_raw()), _text(key.public_key().public_bytes_raw())


def signing_key(settings: Settings) -> SigningKey | None:
    """The private key of the settings, None if there is none; raises SettingsError without showing any of it."""
    text = settings.model_signing_key.strip()
    if not text:
        return None
    if (raw := _raw(text)) is not None:
        return SigningKey(Ed25519PrivateKey.from_private_bytes(raw))
    key = _loaded(partial(load_pem_private_key, _pem(settings, text, PRIVATE), None), PRIVATE)
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"{PRIVATE}: the key is of another kind than Ed25519; {NEW_KEYS}")
    return SigningKey(key)


def public_keys(settings: Settings) -> tuple[PublicKey, ...]:
    """The public keys of the settings, in their order; raises SettingsError for one that cannot be read."""
    found = []
    for place, text in enumerate(_items(settings.model_public_keys), start=1):
        where = f"{PUBLIC}, key {place}"
        if (raw := _raw(text)) is not None:
            found.append(PublicKey(raw))
            continue
        key = _loaded(partial(load_pem_public_key, _pem(settings, text, where)), where)
        if not isinstance(key, Ed25519PublicKey):
            raise SettingsError(f"{where} is of another kind than Ed25519; {NEW_KEYS}")
        found.append(PublicKey(key.public_bytes_raw()))
    return tuple(found)


def _items(setting: str) -> Iterator[str]:
    """The keys of a list; a PEM block has spaces within it and is one item."""
    yield from PEM.findall(setting)
    yield from filter(None, SEPARATORS.split(PEM.sub(" ", setting)))


def _raw(text: str) -> bytes | None:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if len(raw) == RAW_BYTES else None


def _pem(settings: Settings, text: str, place: str) -> bytes:
    if PEM.search(text):
        return text.encode()
    path = settings.home_path / Path(text).expanduser()
    problem = "is neither 32 bytes in base64 nor a PEM file that is there"
    try:
        return path.read_bytes()
    except PermissionError:
        problem = "names a PEM file that this process may not read"
    except (OSError, ValueError):
        # Too long for a path, or none: it may be a key with a character too few, so it is not shown.
        pass
    raise SettingsError(f"{place} {problem}; {NEW_KEYS}")


def _loaded(load: Callable[[], object], place: str) -> object:
    try:
        return load()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        pass
    raise SettingsError(f"{place} is no key in PEM, or one with a password, which is not supported; {NEW_KEYS}")


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
