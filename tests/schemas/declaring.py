"""Short ways to declare a contract in a test."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from schemas.characteristic import Characteristic
from schemas.contract import Contract, read_contract

REASON = Characteristic(reason="It shows a raised risk.")


def declare(*fields: Any, **attributes: Any) -> type[Struct]:
    """A contract class with a harmless feature beside the fields given, as `msgspec.defstruct` takes them."""
    harmless = ("harmless", Annotated[float, Meta(), REASON])
    return msgspec.defstruct("Mine", [harmless, *fields], namespace=attributes, kw_only=True)


def of_one(hint: Any) -> Contract:
    """The contract with one more field, `x`, of a type."""
    return read_contract(declare(("x", hint)))
