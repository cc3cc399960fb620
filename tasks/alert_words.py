"""What an alert says: which feature, how far, since when, and what to look at."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import numpy as np

from model.reference import SCORE, FeatureReference
from model.stability import NAMES, SHARES, Shift
from model.verdict import Finding
from schemas.contract import Contract
from tasks.drift import FeatureDrift
from tasks.quality import Monitored, levels_in_words

LOOK_AT: Mapping[str, str] = {
    "missing_share": "ask the source why the field is blank more or less often than it was",
    "unseen_share": "ask the source what the new levels mean, and train again if they stay",
    "other": "ask the source whether a definition, a channel or the applicants changed; if so, train a challenger",
}
QUALITY: Mapping[str, str] = {
    "missing_share": "{field} is missing in {value:.1%} of the rows, usually {expected:.1%}: ask the source why",
    "quarantined_share": (
        "{field} quarantines {value:.1%} of the rows, usually {expected:.1%}: look at them in the table quarantine, and"
        " send them back to the source"
    ),
    "unseen_share": "{value:.1%} of the rows have levels of {field} that training never saw, usually {expected:.1%}",
    "stale_share": "{value:.1%} of the rows are old, usually {expected:.1%}: ask whether an old file was sent again",
}


def drift_message(
    contract: Contract,
    reference: FeatureReference,
    drift: FeatureDrift,
    unseen: Sequence[tuple[str, int]],
    batch_date: date,
) -> str | None:
    """What to tell of a feature that exceeded its limits; None if it did not."""
    if not drift.verdict.exceeded:
        return None
    exceeded = [finding for finding in drift.findings if finding.exceeded]
    unit = _unit(contract, drift.feature)
    sizes = ", ".join(_size(finding.shift, unit) for finding in exceeded)
    parts = [f"{_title(contract, drift.feature)}: {sizes}"]
    parts += _medians(reference, drift, unit)
    if levels := levels_in_words(unseen):
        parts.append(f"never seen: {levels}")
    parts.append(_since(drift, batch_date))
    parts += _beside_window(drift)
    return "; ".join(parts) + f". Look at drift_{batch_date}.html; {'; '.join(_advice(exceeded))}."


def quality_message(monitored: Monitored) -> str:
    """What to tell of a monitor of data quality that is flagged."""
    words = QUALITY[monitored.monitor].format(
        field=monitored.subject, value=monitored.value, expected=monitored.expected or 0.0
    )
    return f"{words}{f' ({monitored.message})' if monitored.message else ''}."


def _title(contract: Contract, feature: str) -> str:
    if feature == SCORE:
        return "The score"
    title = next(item.title for item in contract.features if item.name == feature)
    return f"{title} ({feature})"


def _unit(contract: Contract, feature: str) -> str:
    units = {item.name: item.characteristic.unit for item in contract.features} | {SCORE: "points"}
    return f" {units[feature]}" if units[feature] else ""


def _size(shift: Shift, unit: str) -> str:
    name, value = NAMES[shift.statistic], shift.value or 0.0
    if shift.statistic in SHARES:
        return f"{name} {value:.1%} (limit {shift.floor:.1%})"
    if shift.statistic == "wasserstein":
        return f"{name} {value:,.4g}{unit} (limit {shift.floor:,.4g})"
    return f"{name} {value:,.3g} (limit {shift.floor:,.3g})"


def _medians(reference: FeatureReference, drift: FeatureDrift, unit: str) -> Iterator[str]:
    if len(reference.sample) and drift.median is not None:
        yield f"median {np.median(reference.sample):,.6g} in training, {drift.median:,.6g}{unit} now"


def _since(drift: FeatureDrift, batch_date: date) -> str:
    verdict = drift.verdict
    before = "the batch before it" if drift.batches == 2 else f"the {drift.batches - 1} batches before it"
    pooled = f" (judged with {before}, as rows are few)" if drift.batches > 1 else ""
    lasting = f"in {verdict.exceeded_batches} of the last {verdict.judged} batches{pooled}"
    return f"since {verdict.since or batch_date}, {lasting}"


def _beside_window(drift: FeatureDrift) -> Iterator[str]:
    """Whether the batches just before were different as well: what is sudden has a cause that can be found."""
    if drift.window:
        sudden = any(shift.large for shift in drift.window)
        yield "unlike the batches just before as well" if sudden else "the batches just before were alike"


def _advice(exceeded: Sequence[Finding]) -> list[str]:
    found = [finding.shift.statistic for finding in exceeded]
    special = [LOOK_AT[name] for name in SHARES if name in found]
    return special or [LOOK_AT["other"]]
