"""Instants as the warehouse keeps them."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The present instant in UTC, without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)
