"""A contract with every kind of field there is, and a row of it that breaks no rule."""

from datetime import date
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta, Struct

from schemas.characteristic import Characteristic, Column, derived


class Everything(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One application for a furniture loan."""

    income: Annotated[
        float,
        Meta(gt=0, lt=1_000_000, title="Income"),
        Characteristic(unit="EUR/year", risk="falls", reason="Your income is low."),
    ]
    price: Annotated[
        float,
        Meta(ge=1, le=50_000, title="Price"),
        Characteristic(unit="EUR", risk="rises", reason="The price is high."),
    ]
    savings: Annotated[float, Meta(ge=0), Characteristic(unit="EUR", reason="Your savings are low.")] | None = None
    dependants: Annotated[int, Meta(ge=0, le=20), Characteristic(reason="You provide for many.")]
    age: Annotated[int, Meta(ge=18, le=100), Characteristic(unit="years", risk="falls", protected=True)]
    has_account: Annotated[bool, Characteristic(reason="You have no account with us.")]
    owns_home: Annotated[bool, Characteristic(reason="You do not own your home.")] | None = None
    customer_since: date
    due_on: Annotated[date, Characteristic(future=True)] | None = None
    region: Annotated[Literal["north", "south", "overseas"], Characteristic(reason="Your region shows a raised risk.")]
    employer: (
        Annotated[
            str, Meta(max_length=20, pattern="^[A-Z]"), Characteristic(reason="Your employer is not known to us.")
        ]
        | None
    ) = None
    channel: Annotated[str, Meta(min_length=2, max_length=10), Characteristic(scored=False)]

    @derived(title="Price to income", risk="rises", reason="The price is high for your income.")
    @staticmethod
    def price_to_income(price: Column, income: Column) -> Column:
        return price / income

    @derived(title="Term", unit="days", reason="The term is long.")
    @staticmethod
    def term(customer_since: Column, due_on: Column) -> Column:
        return (due_on - customer_since) / np.timedelta64(1, "D")


# As text, the way a file holds it; valid on any batch date from 2026 on.
ROW = {
    "income": "30000.50",
    "price": "1500",
    "savings": "",
    "dependants": "2",
    "age": "35",
    "has_account": "yes",
    "owns_home": "",
    "customer_since": "2020-02-29",
    "due_on": "2030-01-01",
    "region": "north",
    "employer": "Müller",
    "channel": "web",
}
