"""Performance by vintage as a page shows it: realised beside estimated, calibration, and what is not known yet."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars

KEY = ("vintage", "model_version")
WHOLE = "all"


@dataclass(frozen=True)
class Metric:
    """How a figure of performance reads: its title, the axis with the unit, how it is written and what it says."""

    title: str
    axis: str
    tickformat: str
    meaning: str


METRICS: Mapping[str, Metric] = {
    "auc": Metric(
        "AUC",
        "AUC (0.5 to 1)",
        ".3f",
        "the chance that a loan that defaulted had the higher probability of default than one that was repaid",
    ),
    "gini": Metric("Gini", "Gini (0 to 1)", ".3f", "twice the AUC less one"),
    "ks": Metric(
        "KS", "KS (0 to 1)", ".3f", "the largest distance between the distributions of defaulted and repaid loans"
    ),
    "brier": Metric(
        "Brier",
        "Brier score (0 to 1, lower is better)",
        ".4f",
        "the mean squared error of the probabilities of default; it rises with the default rate as well",
    ),
    "default_rate": Metric(
        "Default rate", "default rate (share of rows)", ".1%", "the share of the vintage's loans that defaulted"
    ),
}


def figures_of(performance: polars.DataFrame) -> polars.DataFrame:
    """Each figure of each vintage and model: value, low and high realised and estimated, None where it is not known.

    From the rows of `performance_by_vintage.sql`.
    """
    whole = performance.filter(polars.col("band").is_null(), polars.col("metric").is_in(list(METRICS)))
    columns = (*KEY, "metric")
    sides = [
        whole.filter(polars.col("basis") == basis).select(
            *columns,
            polars.col("value").alias(basis),
            polars.col("low").alias(f"{basis}_low"),
            polars.col("high").alias(f"{basis}_high"),
            polars.col("row_count").alias(f"{basis}_rows"),
        )
        for basis in ("realised", "estimated")
    ]
    joined = sides[0].join(sides[1], on=columns, how="full", coalesce=True)
    order = polars.col("metric").replace_strict(list(METRICS), range(len(METRICS)), return_dtype=polars.Int8)
    return joined.sort(*KEY, order)


def calibration_of(performance: polars.DataFrame, vintage: date, model_version: str) -> polars.DataFrame:
    """band, row_count, expected, observed, low and high (shares) of a realised vintage, the last band being the whole.

    Bands without rows are left out; no rows if the vintage is not realised.
    """
    rows = performance.filter(
        polars.col("vintage") == vintage,
        polars.col("model_version") == model_version,
        polars.col("basis") == "realised",
        polars.col("row_count") > 0,
    ).with_columns(is_whole=polars.col("band").is_null(), band=polars.col("band").fill_null(WHOLE))
    observed = rows.filter(polars.col("metric") == "default_rate")
    expected = rows.filter(polars.col("metric") == "expected_default_rate")
    return (
        observed.join(expected.select("band", expected="value"), on="band")
        .sort("is_whole", "band")
        .select("band", "row_count", "expected", "low", "high", observed="value")
    )


def states_of(
    vintages: polars.DataFrame,
    figures: polars.DataFrame,
    outcome_days: int,
    min_rows: int,
    written: Callable[[date], str],
) -> polars.DataFrame:
    """The rows of `vintages.sql`, latest first, with rows that have an outcome and what is known in words (`state`)."""
    realised = figures.filter(polars.col("metric") == "default_rate", polars.col("realised_rows").is_not_null())
    joined = vintages.join(realised.select(*KEY, "realised_rows"), on=KEY, how="left")
    words = [_state(row, timedelta(days=outcome_days), min_rows, written) for row in joined.iter_rows(named=True)]
    return joined.with_columns(state=polars.Series(words, dtype=polars.String)).sort(
        "vintage", "model_version", descending=[True, False]
    )


def at_training(models: polars.DataFrame) -> dict[str, dict[str, float]]:
    """What each model did out of time when it was trained: value by metric, from the rows of `registered_models.sql`.

    Figures that are not known are left out.
    """
    return {row["model_version"]: _tested(row["metrics"]) for row in models.iter_rows(named=True)}


def _tested(metrics: str) -> dict[str, float]:
    test: dict[str, Any] = json.loads(metrics)["test"]
    values = {name: test[name]["value"] for name in METRICS if name in test}
    values["default_rate"] = test["defaults"] / test["rows"] if test["rows"] else None
    return {name: value for name, value in values.items() if value is not None}


def _state(row: Mapping[str, Any], takes: timedelta, min_rows: int, written: Callable[[date], str]) -> str:
    known = row["realised_rows"]
    if known is not None and known < min_rows:
        return f"realised, with too few rows for more than the default rate (at least {min_rows})"
    if known is not None:
        return "realised"
    ripe = row["last_batch_date"] + takes
    if row["latest_outcome"] is None or row["latest_outcome"] < ripe:
        return f"too young: realised once outcomes observed on {written(ripe)} or later are loaded"
    return "old enough, and none of its outcomes is loaded"
