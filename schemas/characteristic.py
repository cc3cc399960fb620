"""What a contract says of a field beyond its type and bounds, and how it declares derived features."""

import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

Risk = Literal["rises", "falls", "any"]
Column = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Characteristic:
    """One annotation of a contract field, in the terms of credit risk.

    `unit`: what the number counts (`EUR`, `years`). `risk`: whether the probability of default rises or falls as the
    value grows; `any` leaves it to the data. `reason`: the sentence a declined applicant would read. `protected`: used
    for fairness checks, never shown as a reason. `scored`: False keeps and checks the field without scoring it.
    `future`: True lets a date lie after the batch date.
    """

    unit: str = ""
    risk: Risk = "any"
    reason: str = ""
    protected: bool = False
    scored: bool = True
    future: bool = False


@dataclass(frozen=True, kw_only=True)
class Derived:
    """A feature computed from contract fields: `function(*columns)`, named after its parameters, elementwise."""

    function: Callable[..., Column]
    inputs: tuple[str, ...]
    title: str
    description: str
    characteristic: Characteristic

    @property
    def source(self) -> str:
        """The text of the function: part of the contract's hash, since another formula is another contract."""
        return textwrap.dedent(inspect.getsource(self.function))


def derived(
    *,
    title: str,
    description: str = "",
    unit: str = "",
    risk: Risk = "any",
    reason: str = "",
    protected: bool = False,
) -> Callable[[Callable[..., Column]], Derived]:
    """Declare a static method of a contract as a numeric feature; its parameters name the fields it is computed from.

    Each parameter receives a column: float64 with NaN for missing (numbers, integers, booleans), datetime64[D] with NaT
    (dates) or objects with None (categories). The method returns float64 of the same length, NaN where it is unknown.
    """

    def declare(function: Callable[..., Column]) -> Derived:
        plain = function.__func__ if isinstance(function, staticmethod) else function
        return Derived(
            function=plain,
            inputs=tuple(inspect.signature(plain).parameters),
            title=title,
            description=description,
            characteristic=Characteristic(unit=unit, risk=risk, reason=reason, protected=protected),
        )

    return declare
