"""When realised performance is worth an alert: surely, and by enough to matter."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars

from schemas.alert import Alert

# A model that ranks worse by this much AUC decides differently; defaults off by a fifth change what lending costs.
AUC_LOSS = 0.03
DEFAULT_RATE_FACTOR = 1.2


def performance_alerts(version: str, realised: polars.DataFrame, expected: Mapping[str, Any]) -> Iterator[Alert]:
    """Alerts on a vintage of a model: `realised` has its rows of the table `performance`, `expected` the figures out of
    time of its metadata.

    An AUC is worse if its whole interval lies below the expected value, and its value by 0.03 or more. The default rate
    is off if its whole interval excludes the one predicted, and it is 1.2 times that, or less than a 1.2th.
    """
    rows = {row["metric"]: row for row in realised.iter_rows(named=True)}
    auc, before = rows["auc"], expected["auc"]["value"]
    if auc["high"] is not None and before is not None and auc["high"] < before and auc["value"] <= before - AUC_LOSS:
        yield _alert(
            f"auc of {version}",
            f"AUC of the vintage {auc['vintage']:%Y-%m} is {auc['value']:.3f} ({auc['low']:.3f} to {auc['high']:.3f},"
            f" {auc['row_count']:,} rows), {before:.3f} out of time at training. Look at drift in the features that"
            " count most, then train a challenger on recent outcomes.",
        )
    observed, predicted = rows["default_rate"], rows["expected_default_rate"]["value"]
    # Figures are not known for few rows; the AUC neither where all ended alike.
    enough = rows["brier"]["value"] is not None
    if not enough or not predicted or observed["low"] <= predicted <= observed["high"]:
        return
    if not 1 / DEFAULT_RATE_FACTOR < observed["value"] / predicted < DEFAULT_RATE_FACTOR:
        yield _alert(
            f"default rate of {version}",
            f"{observed['value']:.1%} of the vintage {observed['vintage']:%Y-%m} defaulted ({observed['low']:.1%} to"
            f" {observed['high']:.1%}, {observed['row_count']:,} rows), {predicted:.1%} were predicted. Look at the"
            " calibration by band, then at the cutoffs, and train a challenger on recent outcomes.",
        )


def _alert(subject: str, message: str) -> Alert:
    return Alert(kind="performance", severity="warning", batch_date=None, subject=subject, message=message)
