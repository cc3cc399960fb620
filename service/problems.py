"""Errors as RFC 9457 problem details: what is wrong, where, and what to do; never a stack trace."""

from collections.abc import Sequence
from http import HTTPStatus

import msgspec

from schemas.request import BrokenField

MEDIA_TYPE = "application/problem+json"


class ProblemDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of every error (RFC 9457); `errors` names each broken field of a 422."""

    title: str
    status: int
    detail: str
    request_id: str
    type: str = "about:blank"
    errors: list[BrokenField] = []


class Problem(Exception):
    """Ends a request with a status and a sentence; `headers` are added to the answer."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        errors: Sequence[BrokenField] = (),
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.status, self.detail, self.errors, self.headers = status, detail, tuple(errors), tuple(headers)
        super().__init__(detail)

    def body(self, request_id: str) -> bytes:
        """The problem as JSON."""
        details = ProblemDetails(
            title=self.status.phrase,
            status=self.status.value,
            detail=self.detail,
            request_id=request_id,
            errors=list(self.errors),
        )
        return msgspec.json.encode(details)
