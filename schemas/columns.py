"""From a typed polars frame to the NumPy columns that the model works on."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars

from schemas.characteristic import Column
from schemas.contract import Contract, Field


def columns_of(contract: Contract, frame: polars.DataFrame) -> dict[str, Column]:
    """The contract's fields that a frame has, as NumPy columns: float64 with NaN, datetime64[D] with NaT, or objects
    with None.
    """
    return {field.name: _column(field, frame[field.name]) for field in contract.fields if field.name in frame.columns}


def columns_of_one(contract: Contract, values: Mapping[str, Any]) -> dict[str, Column]:
    """As `columns_of`, for one application given as the contract's fields by name, None for a missing value."""
    return {field.name: _column_of_one(field, values[field.name]) for field in contract.fields}


def _column_of_one(field: Field, value: Any) -> Column:
    if field.kind == "category":
        return np.array([value], dtype=object)
    if field.kind == "date":
        return np.array(["NaT" if value is None else value], dtype="datetime64[D]")
    return np.array([np.nan if value is None else value], dtype=np.float64)


def _column(field: Field, series: polars.Series) -> Column:
    if field.kind == "category":
        return np.array(series.to_list(), dtype=object)
    if field.kind == "date":
        return series.to_numpy().astype("datetime64[D]")
    return series.cast(polars.Float64).to_numpy()
