"""What the contract calls its fields and features, and how their values read."""

from decimal import Decimal
from math import isfinite
from typing import Any

from babel.numbers import format_decimal

from dashboard.formats import NONE, Formats
from model.reference import SCORE
from schemas.contract import Contract, Feature, Field


class Labels:
    """Titles, units and values by the names of the contract's fields and derived features, and of the score."""

    def __init__(self, contract: Contract, formats: Formats) -> None:
        self._formats = formats
        self._described: dict[str, Field | Feature] = {item.name: item for item in contract.features}
        self._described |= {field.name: field for field in contract.fields}

    def title(self, name: str) -> str:
        """The title of a field or feature; a name the contract does not have is its own title."""
        if name == SCORE:
            return "Score"
        described = self._described.get(name)
        return described.title if described else name

    def unit(self, name: str) -> str:
        """The unit of a field or feature, empty for none."""
        if name == SCORE:
            return "points"
        described = self._described.get(name)
        return described.characteristic.unit if described else ""

    def axis(self, name: str) -> str:
        """The title with the unit, as it stands beside an axis or over a column."""
        unit = self.unit(name)
        return f"{self.title(name)} ({unit})" if unit else self.title(name)

    def description(self, name: str) -> str:
        """What the contract says of it beyond its title."""
        described = self._described.get(name)
        return described.description if described else ""

    def value(self, name: str, value: Any) -> str:
        """A value with its unit, as the visitor writes numbers and dates."""
        if value is None or value != value:  # noqa: PLR0124 - NaN
            return "not given"
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, int | float):
            return self._formats.number(value, self.unit(name), digits=6)
        return self._formats.day(value) if hasattr(value, "isoformat") else str(value) or NONE

    def exact(self, name: str, value: Any) -> str:
        """A value with its unit and every digit it has."""
        if not isinstance(value, float) or not isfinite(value):
            return self.value(name, value)
        text = format_decimal(Decimal(repr(float(value))), f"#,##0.{'#' * 20}", self._formats.locale)
        return f"{text} {self.unit(name)}".strip()
