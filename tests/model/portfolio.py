"""A small portfolio with a feature of every kind, generated: what the tests of the model are run on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from schemas.characteristic import Characteristic, Column, derived
from schemas.contract import read_contract


class Borrower(Struct, frozen=True, kw_only=True):
    """A protected number, two directions of risk, a boolean, a closed and an open category, a ratio."""

    years: Annotated[float, Meta(ge=18, le=99), Characteristic(risk="falls", protected=True)]
    income: Annotated[float, Meta(ge=0), Characteristic(risk="falls", reason="Your income is low.")] | None = None
    amount: Annotated[float, Meta(ge=100), Characteristic(risk="rises", reason="The amount is high.")]
    guarantor: Annotated[bool, Characteristic(risk="falls", reason="Nobody vouches for you.")]
    housing: (
        Annotated[Literal["RENT", "OWN", "OTHER"], Characteristic(reason="Your housing raises the risk.")] | None
    ) = None
    purpose: Annotated[str, Meta(max_length=40), Characteristic(reason="The purpose raises the risk.")]

    @derived(title="Amount to income", risk="rises", reason="The amount is high for your income.")
    @staticmethod
    def burden(amount: NDArray[np.float64], income: NDArray[np.float64]) -> NDArray[np.float64]:
        return amount / income


BORROWER = read_contract(Borrower)


@dataclass(frozen=True)
class Portfolio:
    """Field columns, outcomes and application dates of n applications, all of shape (n,)."""

    columns: dict[str, Column]
    defaulted: NDArray[np.int8]
    dates: NDArray[np.datetime64]

    @property
    def features(self) -> dict[str, Column]:
        return BORROWER.features_of(self.columns)


def make_portfolio(rows: int, seed: int = 0) -> Portfolio:
    """About a fifth defaults; 40 days from 2026-01-01 on, in order."""
    random = np.random.default_rng(seed)
    columns: dict[str, Any] = {
        "years": random.integers(18, 80, rows).astype(float),
        "income": np.where(random.random(rows) < 0.05, np.nan, random.lognormal(10.3, 0.5, rows).round()),
        "amount": random.lognormal(8.8, 0.7, rows).round().clip(100),
        "guarantor": (random.random(rows) < 0.3).astype(float),
        "housing": random.choice(
            np.array(["RENT", "OWN", "OTHER", None], dtype=object), rows, p=[0.5, 0.4, 0.05, 0.05]
        ),
        "purpose": random.choice(
            np.array(["car", "house", "other", "rare"], dtype=object), rows, p=[0.5, 0.3, 0.19, 0.01]
        ),
    }
    log_odds = (
        -1.6
        - 0.02 * (columns["years"] - 45)
        - 1.0 * np.log(np.nan_to_num(columns["income"], nan=15_000) / 30_000)
        + 0.8 * np.log(columns["amount"] / 6_600)
        - 0.7 * columns["guarantor"]
        + 0.5 * (columns["housing"] == "RENT")
    )
    defaulted = (random.random(rows) < 1 / (1 + np.exp(-log_odds))).astype(np.int8)
    dates = np.datetime64("2026-01-01") + np.sort(random.integers(0, 40, rows))
    return Portfolio(columns, defaulted, dates)


def known(value: float | None) -> float:
    """A figure that has to be there."""
    assert value is not None
    return value


def row_of(columns: Mapping[str, Column], row: int) -> dict[str, Column]:
    """One row of the columns, as columns."""
    return {name: column[row : row + 1] for name, column in columns.items()}
