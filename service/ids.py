"""Ids of requests and predictions."""

import os
from random import Random

# Seeded by the system in each process; asking it for every id would take as long as scoring does.
_RANDOM = Random(os.urandom(32))  # noqa: S311 - ids name things, they guard nothing


def new_id() -> str:
    """A random id of 128 bits, as 32 hex digits; two equal ones are not to be expected, across processes either."""
    return f"{_RANDOM.getrandbits(128):032x}"
