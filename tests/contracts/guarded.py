"""A contract with everything that can be protected: what is scored, what is not, a date, and what is derived."""

from datetime import date
from typing import Annotated

import numpy as np
from msgspec import Meta, Struct

from schemas.characteristic import Characteristic, Column, derived


class Guarded(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One application for a loan, with much that is not to decide on it."""

    amount: Annotated[float, Meta(ge=100), Characteristic(unit="EUR", risk="rises", reason="The amount is high.")]
    purpose: Annotated[str, Meta(max_length=20), Characteristic(reason="The purpose raises the risk.")]
    age: Annotated[int, Meta(ge=18, le=100), Characteristic(unit="years", risk="falls", protected=True)] | None = None
    origin: Annotated[str, Meta(max_length=20), Characteristic(scored=False, protected=True)] | None = None
    born: Annotated[date, Characteristic(scored=False, protected=True)] | None = None
    customer_since: Annotated[date, Characteristic(scored=False)]

    @derived(title="Age as a customer", unit="days", protected=True)
    @staticmethod
    def first_seen(born: Column, customer_since: Column) -> Column:
        return (customer_since - born) / np.timedelta64(1, "D")
