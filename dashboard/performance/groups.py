"""Approvals by group of a protected field, as a page shows them."""

from typing import Any

import polars

RULE = "EEOC Uniform Guidelines on Employee Selection Procedures, 29 CFR 1607.4(D)"


def with_states(groups: polars.DataFrame, min_rows: int) -> polars.DataFrame:
    """The rows of `fairness_by_vintage.sql` with what is to be said of each group in a few words (`state`)."""
    words = [_state(row, min_rows) for row in groups.iter_rows(named=True)]
    return groups.with_columns(state=polars.Series(words, dtype=polars.String))


def compared(row: dict[str, Any]) -> bool:
    """Whether a group's approvals are compared with those of the group approved most often."""
    return row["impact_ratio"] is not None


def _state(row: dict[str, Any], min_rows: int) -> str:
    if row["row_count"] < min_rows:
        return f"not compared: fewer than {min_rows} rows"
    if not compared(row):
        return "not compared: no second group of enough rows, or nobody approved"
    if row["impact_ratio"] == 1 and row["impact_low"] is None:
        return "compared with: approved most often"
    if row["below_four_fifths"]:
        return "below four fifths, with its whole interval"
    return "below four fifths, perhaps by chance" if row["impact_ratio"] < 0.8 else "not below four fifths"
