"""API keys: known to the service by their hashes only."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator

from schemas.errors import SettingsError

ITEM = re.compile(r"(?:([A-Za-z0-9_-]{1,32}):)?([0-9a-fA-F]{64})")
SEPARATORS = re.compile(r"[\s,]+")


class ApiKeys:
    """The keys that are accepted; without any the service is open.

    A key is drawn at random (`new_key`), so a plain SHA-256 of it tells nothing; a password would need more.
    """

    def __init__(self, setting: str) -> None:
        """`setting` holds hashes, each perhaps with a name, as SCORING_API_KEYS has them; raises SettingsError."""
        self._hashes = tuple(_read(setting))

    def __bool__(self) -> bool:
        return bool(self._hashes)

    def holder(self, key: bytes) -> str | None:
        """The name of the one whose key this is, None if nobody's. Takes as long whichever key it is."""
        presented = hashlib.sha256(key).digest()
        found = None
        for name, known in self._hashes:
            if hmac.compare_digest(presented, known):
                found = name
        return found


def new_key() -> tuple[str, str]:
    """A new key and its hash."""
    key = secrets.token_urlsafe(32)
    return key, hashlib.sha256(key.encode()).hexdigest()


def _read(setting: str) -> Iterator[tuple[str, bytes]]:
    for number, item in enumerate(filter(None, SEPARATORS.split(setting)), start=1):
        match = ITEM.fullmatch(item)
        if match is None:
            # Not shown: it may be a key where its hash should be.
            raise SettingsError(
                f"SCORING_API_KEYS: entry {number} is not NAME:HASH with a SHA-256 hash of 64 hex digits;"
                " make a key and its hash with `python -m service new-key`"
            )
        yield match[1] or match[2][:8].lower(), bytes.fromhex(match[2])
