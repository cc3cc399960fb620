"""Who is told what happens to alerts: addresses as Apprise takes them. They hold secrets, so nobody is shown one."""

import hashlib
import re
from typing import TYPE_CHECKING

from schemas.errors import SettingsError

if TYPE_CHECKING:
    from schemas.settings import Settings  # which reads this module to check itself

ADDRESS = re.compile(r"([A-Za-z0-9]{1,32})://.+")
# Commas may be part of an address, unless another one follows.
BETWEEN = re.compile(r"[\s,]+(?=[A-Za-z0-9]{1,32}://)|\s+")


def alert_addresses(settings: "Settings") -> dict[str, str]:
    """The addresses of SCORING_ALERT_URLS by their fingerprints.

    Raises SettingsError for one without a scheme; it is named by its place in the list.
    """
    urls = [url for url in BETWEEN.split(settings.alert_urls.strip(" \t\r\n,")) if url]
    for place, url in enumerate(urls, start=1):
        if not ADDRESS.fullmatch(url):
            raise SettingsError(
                f"SCORING_ALERT_URLS: the {_ordinal(place)} address has no scheme; write scheme://… as Apprise"
                " documents it for your service, with spaces between addresses. It is not shown: addresses hold secrets"
            )
    return {fingerprint(url): url for url in urls}


def fingerprint(url: str) -> str:
    """What an address goes by wherever it could be read: the start of its SHA-256."""
    return hashlib.sha256(url.encode()).hexdigest()[:12]


def without_credentials(url: str) -> str:
    """An address without the user and password that it may hold, for people to read."""
    scheme, mark, rest = url.partition("://")
    # The last one before the path: passwords hold such characters too, and better too much goes than too little.
    host = rest.rpartition("@")[2]
    return f"{scheme}{mark}{host}" if mark else url.rpartition("@")[2]


def address_label(address: str, url: str | None) -> str:
    """What a person is shown of an address: its scheme, if it is known, and its fingerprint."""
    scheme = f"{url.partition('://')[0].lower()} " if url else ""
    return f"{scheme}address {address}"


def _ordinal(place: int) -> str:
    ending = "th" if place % 100 in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{ending}"
