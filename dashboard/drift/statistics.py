"""The statistics of one feature's drift as tables to read; the export beside them has the figures as they are."""

from typing import Any

import polars

from dashboard.formats import NONE, Formats
from dashboard.words import chance
from model.reference import SCORE
from model.stability import SHARES
from model.verdict import LEGACY_ALPHA

STATISTICS = {
    "psi": "PSI / CSI",
    "ks": "Kolmogorov-Smirnov",
    "wasserstein": "Wasserstein distance",
    "chi_squared": "Chi-squared",
    "missing_share": "Missing, change of share",
    "unseen_share": "Never seen in training, share",
}
# The tests that the old rule looks at: one for numbers, one for categories.
LEGACY = ("ks", "chi_squared")


def statistics_of_day(drift: polars.DataFrame, feature: str, unit: str, formats: Formats) -> polars.DataFrame:
    """The statistics of a day (rows of `drift_of_feature.sql`) as they are read, in the order of STATISTICS."""
    rows = {row["statistic"]: row for row in drift.iter_rows(named=True)}
    return polars.DataFrame(
        [
            {
                "statistic": named(name, feature),
                "value": written(row["value"], name, unit, formats),
                "limit": written(row["threshold"], name, unit, formats),
                "p_value": chance(row["p_value"]),
                "q_value": chance(row["q_value"]),
                "verdict": "▲ beyond" if row["drifted"] else "within",
                "legacy": _legacy(name, row["p_value"]),
                "window_value": written(row["window_value"], name, unit, formats),
                "window_p_value": chance(row["window_p_value"]),
            }
            for name in STATISTICS
            if (row := rows.get(name))
        ]
    )


def largest_of_period(drift: polars.DataFrame, feature: str, unit: str, formats: Formats) -> polars.DataFrame:
    """The largest value of each statistic in a period with its day, and the days beyond its limit."""
    rows: list[dict[str, Any]] = []
    for name in STATISTICS:
        found = drift.filter(polars.col("statistic") == name, polars.col("value").is_not_null())
        if found.is_empty():
            continue
        worst = found.sort("value", descending=True).row(0, named=True)
        rows.append(
            {
                "statistic": named(name, feature),
                "value": written(worst["value"], name, unit, formats),
                "limit": written(worst["threshold"], name, unit, formats),
                "batch_date": worst["batch_date"],
                "days_beyond": int(found["drifted"].sum()),
                "days": found.height,
            }
        )
    return polars.DataFrame(rows)


def named(statistic: str, feature: str) -> str:
    """A statistic's name; PSI of a feature is called CSI."""
    if statistic != "psi":
        return STATISTICS[statistic]
    return "PSI" if feature == SCORE else "CSI"


def written(value: float | None, statistic: str, unit: str, formats: Formats) -> str:
    """A value of a statistic in its unit; a dash for none."""
    if value is None:
        return NONE
    if statistic in SHARES:
        return formats.share(value)
    return formats.number(value, unit if statistic == "wasserstein" else "")


def _legacy(statistic: str, p_value: float | None) -> str:
    if statistic not in LEGACY or p_value is None:
        return NONE
    return "drift" if p_value < LEGACY_ALPHA else "no drift"
