"""The groups by which decisions are compared for fairness: bands of each protected field."""

from collections.abc import Mapping
from itertools import islice

import numpy as np

from model.binning import Bins, CategoryBins, NumericBins, as_numbers, count_levels
from model.scorecard import Scorecard
from schemas.characteristic import Column
from schemas.contract import Contract

MAX_GROUPS = 10
QUANTILES = (0.2, 0.4, 0.6, 0.8)

# By the name of the protected field or derived feature.
ProtectedGroups = Mapping[str, Bins]


def protected_groups(contract: Contract, scorecard: Scorecard, columns: Mapping[str, Column]) -> ProtectedGroups:
    """The groups of everything protected; `columns` are the field columns of the training rows, each of shape (n,).

    What the scorecard uses keeps its bins there. Other numbers are split at the fifths of their values, dates at those
    of their years; of other categories the ten most frequent levels are groups.
    """
    scored = dict(zip((feature.name for feature in scorecard.features), scorecard.bins_, strict=True))
    groups = {feature.name: scored[feature.name] for feature in contract.features if feature.characteristic.protected}
    for field in contract.fields:
        if field.characteristic.protected and field.name not in groups:
            groups[field.name] = _groups_of(columns[field.name])
    return groups


def group_values(values: Column) -> Column:
    """A protected column as its groups take it: years in place of dates, NaN for none."""
    if values.dtype.kind != "M":
        return values
    years = values.astype("datetime64[Y]").astype(np.float64) + 1970
    return np.where(np.isnat(values), np.nan, years)


def _groups_of(values: Column) -> Bins:
    if values.dtype == object:
        return CategoryBins(tuple(islice(count_levels(values), MAX_GROUPS)))
    numbers = as_numbers(group_values(values))
    present = numbers[np.isfinite(numbers)]
    distinct = np.unique(present)
    if len(distinct) < 2:
        return NumericBins(())
    quantiles = np.quantile(present, QUANTILES, method="inverted_cdf")
    # Where most rows have the smallest value (False), the others are a group by themselves.
    return NumericBins(tuple(np.unique(np.maximum(quantiles, distinct[1])).tolist()))
