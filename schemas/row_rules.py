"""The rules of a single row: the Pandera schema that follows from a contract, and what its failures are called."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

# Pandera reads this when it is imported; without it a lazy frame would be checked for its column types only.
os.environ["PANDERA_VALIDATION_DEPTH"] = "SCHEMA_AND_DATA"

import pandera.polars as pandera
import polars

from schemas.contract import Contract, Field
from schemas.errors import ScoringError
from schemas.limits import LIMITS_OF_ID, Limit, Test, limits_of
from schemas.parsing import APPLICATION_DATE, APPLICATION_ID, TYPES

CHECKS: dict[Test, Callable[[Any], pandera.Check]] = {
    "ge": pandera.Check.ge,
    "gt": pandera.Check.gt,
    "le": pandera.Check.le,
    "lt": pandera.Check.lt,
    "in": pandera.Check.isin,
    "at_most_long": lambda bound: pandera.Check.str_length(max_value=bound),
    "at_least_long": lambda bound: pandera.Check.str_length(min_value=bound),
    "contains": pandera.Check.str_contains,
    "matches": pandera.Check.str_matches,
}


@dataclass(frozen=True)
class RowRule:
    """One check of one column: the name it is stored under, the check, and what a value has to be."""

    rule: str
    check: pandera.Check
    expected: str


class RowRules:
    """The row rules of a contract for one batch date; `violations` finds every rule that every row breaks."""

    def __init__(self, contract: Contract, batch_date: date, *, has_date: bool) -> None:
        self._rules = {APPLICATION_ID: list(map(_rule, LIMITS_OF_ID))}
        nullable = {field.name: field.nullable for field in contract.fields}
        types = {field.name: TYPES[field.kind] for field in contract.fields} | {APPLICATION_ID: polars.String()}
        if has_date:
            self._rules[APPLICATION_DATE] = [_not_after(batch_date)]
            types[APPLICATION_DATE] = polars.Date()
        self._rules |= {field.name: list(_rules_of_field(field, batch_date)) for field in contract.fields}
        self.schema = pandera.DataFrameSchema(
            {
                name: pandera.Column(types[name], [rule.check for rule in rules], nullable=nullable.get(name, False))
                for name, rules in self._rules.items()
            }
        )

    def violations(self, parsed: polars.DataFrame) -> Iterator[tuple[str, str, str, polars.Series]]:
        """Tuples of column, rule, what was expected, and the positions of the rows that break it; `missing` included.

        Raises ScoringError if Pandera reports a failure that belongs to no row, rather than letting a row through.
        """
        try:
            self.schema.validate(parsed, lazy=True)
        except pandera.errors.SchemaErrors as errors:
            cases = errors.failure_cases
        else:
            return
        if cases["index"].null_count():
            whole = cases.filter(polars.col("index").is_null())
            raise ScoringError(
                f"the gate cannot tell which rows break {whole['check'].unique().to_list()}; this is a defect"
            )
        for (column, number), group in cases.group_by("column", "check_number", maintain_order=True):
            rule, expected = self._name_of(str(column), number)
            yield str(column), rule, expected, group["index"].cast(polars.UInt32)

    def _name_of(self, column: str, number: object) -> tuple[str, str]:
        if number is None:
            return "missing", "a value; it may not be empty"
        rule = self._rules[column][int(str(number))]
        return rule.rule, rule.expected


def _rules_of_field(field: Field, batch_date: date) -> Iterator[RowRule]:
    yield from map(_rule, limits_of(field))
    if field.kind == "date" and not field.characteristic.future:
        yield _not_after(batch_date)


def _rule(limit: Limit) -> RowRule:
    return RowRule(limit.rule, CHECKS[limit.test](limit.bound), limit.expected)


def _not_after(batch_date: date) -> RowRule:
    return RowRule("after_batch_date", pandera.Check.le(batch_date), f"a date not after the batch date {batch_date}")
