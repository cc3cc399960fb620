"""Who may ask for a prediction, how often, and in what form."""

import math
from collections.abc import Mapping
from http import HTTPStatus

from litestar.types import HTTPScope

from service.keys import ApiKeys
from service.problems import Problem
from service.rate_limit import RateLimit

JSON = "application/json"
KEY_HEADER = "X-API-Key"
_KEY_BYTES = KEY_HEADER.lower().encode()


class Admission:
    """The checks of a request before its body is read."""

    def __init__(self, keys: ApiKeys, rate_limit: RateLimit | None) -> None:
        self._keys, self._rate_limit = keys, rate_limit

    def check(self, scope: HTTPScope, headers: Mapping[bytes, bytes]) -> None:
        """Raises Problem unless the caller may ask, now, in this form."""
        if scope["method"] != "POST":
            raise Problem(HTTPStatus.METHOD_NOT_ALLOWED, "ask with POST", headers=[("allow", "POST")])
        if self._keys or self._rate_limit:
            self._check_caller(scope, headers)
        media_type = headers.get(b"content-type", b"")
        if media_type != b"application/json" and media_type.split(b";", 1)[0].strip().lower() != b"application/json":
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send JSON, with the header Content-Type: {JSON}")

    def _check_caller(self, scope: HTTPScope, headers: Mapping[bytes, bytes]) -> None:
        key = headers.get(_KEY_BYTES)
        holder = self._keys.holder(key) if key is not None else None
        # Before the key is judged: who guesses keys is slowed down by address.
        if self._rate_limit:
            client = scope.get("client")
            self._check_rate(self._rate_limit, f"key {holder}" if holder else f"address {client[0] if client else ''}")
        if self._keys and holder is None:
            detail = f"send your key in the header {KEY_HEADER}" if key is None else "this key is not known"
            challenge = f'ApiKey header="{KEY_HEADER}"'
            raise Problem(HTTPStatus.UNAUTHORIZED, detail, headers=[("www-authenticate", challenge)])

    def _check_rate(self, limit: RateLimit, client: str) -> None:
        if wait := limit.wait(client):
            detail = f"more than {limit.rate:g} requests a second; come again later"
            retry_after = ("retry-after", str(math.ceil(wait)))
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, detail, headers=[retry_after])
