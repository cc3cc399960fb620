"""Why an application was decided as it was: points by feature, reasons, and what would have changed the decision."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars

from dashboard.formats import Formats
from dashboard.labels import Labels
from model.counterfactual import BetterDecision, Change, Setting
from model.reasons import catalogue
from model.scorer import Scorer
from model.trained import Model
from schemas.characteristic import Column
from schemas.columns import columns_of_one
from schemas.contract import Contract, Feature

TO_BE = {"approve": "To be approved", "refer": "To be referred to a person"}
POINTS = {
    "feature": polars.String,
    "value": polars.String,
    "bin": polars.String,
    "points": polars.Int64,
    "most": polars.Int64,
    "lost": polars.Int64,
    "name": polars.String,
}


def points_of(model: Model, contract: Contract, values: Mapping[str, Any], labels: Labels) -> polars.DataFrame:
    """A row for each feature of the scorecard: its value, the bin it fell in, points, the most there are, and the lost.

    `name` is what the record calls the feature that `feature` is the title of.

    `values` are the contract's fields by name. The points add up to the score.
    """
    columns = columns_of_one(contract, values)
    features, card = contract.features_of(columns), model.scorecard
    points = Scorer(model, contract).points(columns)[0]
    codes = card.bin_codes(features)[0]
    rows = []
    for place, feature in enumerate(card.features):
        most = int(card.points_[place].max())
        value = value_in_words(contract, feature.name, values, features, labels)
        label = card.bins_[place].labels[codes[place]]
        got = int(points[place])
        rows.append((labels.axis(feature.name), value, label, got, most, most - got, feature.name))
    return polars.DataFrame(rows, schema=POINTS, orient="row")


def range_of(model: Model) -> tuple[int, int]:
    """The lowest and the highest score there can be, in points."""
    points = model.scorecard.points_
    return sum(int(item.min()) for item in points), sum(int(item.max()) for item in points)


def reasons_of(codes: Sequence[str], features: Sequence[Feature]) -> list[str]:
    """The sentences of reason codes as the applicant reads them; one of a feature that is gone has none."""
    sentences = catalogue(features)
    return [sentences.get(code) or "no sentence is known for it" for code in codes]


def better_in_words(better: BetterDecision) -> str:
    """What was missing to a better decision, and what the changes that follow it are."""
    missing = f"{better.points_short} point{' was' if better.points_short == 1 else 's were'} missing"
    start = f"{TO_BE[better.decision]}, {missing} (from {better.cutoff} on)."
    if not better.changes:
        return f"{start} Neither one field nor two together would have sufficed."
    if len(better.changes[0].settings) > 1:
        return (
            f"{start} No field alone would have sufficed; any of these two together would, the smallest change first:"
        )
    return f"{start} Any of these alone would have sufficed, the smallest change first:"


def change_in_words(change: Change, labels: Labels, formats: Formats) -> str:
    """`Loan amount 9,500 EUR instead of 15,000 EUR: score 545, approve, probability of default 9.8%`."""
    settings = ", and ".join(_setting(setting, labels) for setting in change.settings)
    probability = formats.share(change.probability_of_default)
    return f"{settings}: score {change.score}, {change.decision}, probability of default {probability}"


def left_out(contract: Contract) -> str:
    """What never is among the changes that are named."""
    fields = [field.title for field in contract.fields if field.characteristic.protected]
    protected = [*fields, *(feature.title for feature in contract.features if feature.characteristic.protected)]
    named = f" ({', '.join(dict.fromkeys(protected))})" if protected else ""
    return (
        f"Protected fields{named} are left out, dates stay as they are, and nothing is left blank instead. All other"
        " fields stay as they were. This says how the scorecard would have decided, and is no advice to anyone."
    )


def inputs_table(values: Mapping[str, Any], labels: Labels, used: Sequence[str]) -> polars.DataFrame:
    """A row for each stored field: title, value with its unit, whether it is scored as such, and what it says."""
    rows = [
        (labels.title(name), labels.exact(name, value), name in used, labels.description(name), name)
        for name, value in values.items()
    ]
    schema = dict.fromkeys(("title", "value", "scored", "description", "name"), polars.String)
    return polars.DataFrame(rows, schema=schema | {"scored": polars.Boolean}, orient="row")


def _setting(setting: Setting, labels: Labels) -> str:
    title, needed = labels.title(setting.field), labels.exact(setting.field, setting.needed)
    return f"{title} {needed} instead of {labels.exact(setting.field, setting.value)}"


def missing_fields(contract: Contract, values: Mapping[str, Any]) -> Iterator[str]:
    """The contract's fields that are not stored."""
    return (field.name for field in contract.fields if field.name not in values)


def value_in_words(
    contract: Contract, name: str, values: Mapping[str, Any], features: Mapping[str, Column], labels: Labels
) -> str:
    """A field as it is stored, what is derived from fields as it was computed: with every digit."""
    stored = any(field.name == name for field in contract.fields)
    return labels.exact(name, values[name] if stored else features[name][0])
