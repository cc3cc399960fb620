"""Pseudonyms: application ids as keyed hashes, so that the log of predictions names nobody."""

import hmac
import os
import secrets
from pathlib import Path

from schemas.errors import SettingsError
from schemas.settings import Settings

FILE = "pseudonym.key"


class Pseudonyms:
    """Hashes ids with a secret key: the same id gives the same hash, and only who has the key can tell which."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __call__(self, identifier: str | None) -> str | None:
        """HMAC-SHA256 (RFC 2104) of an id as 64 hex digits; None stays None."""
        return None if identifier is None else hmac.digest(self._key, identifier.encode(), "sha256").hex()


def pseudonym_key(settings: Settings) -> bytes:
    """The key of the settings, or that of the file in home, which is made if there is none.

    Raises OSError if that cannot be done, SettingsError if there is nothing in the file.
    """
    if settings.pseudonym_key:
        return settings.pseudonym_key.encode()
    path = settings.home_path / FILE
    if not path.exists():
        _make(path)
    key = path.read_bytes().strip()
    if not key:
        raise SettingsError(
            f"{path} is empty; restore it, or remove it: then a new key is made, and ids are hashed in another way"
        )
    return key


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{FILE}.{secrets.token_hex(8)}")
    file = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w", encoding="ascii") as stream:
        stream.write(secrets.token_hex(32) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    try:
        # A link is made by one process only; all others find the file of the first.
        path.hardlink_to(aside)
    except FileExistsError:
        pass
    finally:
        aside.unlink()
