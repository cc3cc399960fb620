"""How good a model is on the rows it was trained on and on later ones, beside gradient boosting."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.boosting import Boosting, compare_boosting
from model.performance import BandCalibration, Measure, Performance, calibration_by_band, performance_of, wilson
from model.policy import Policy
from model.scorecard import Scorecard
from schemas.characteristic import Column


@dataclass(frozen=True, kw_only=True)
class GroupOutcome:
    """How one group by a protected feature fares: share approved, and observed default rate."""

    feature: str
    group: str
    rows: int
    approved: Measure
    default_rate: Measure


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Figures of the scorecard on its training rows (`train`) and on later ones (all others); plain data throughout."""

    train: Performance
    test: Performance
    calibration: tuple[BandCalibration, ...]
    groups: tuple[GroupOutcome, ...]
    boosting: Boosting


@dataclass(frozen=True, eq=False)
class Part:
    """One side of the split: the scorecard's inputs by name, and outcomes (1 for default), of shape (n,)."""

    columns: Mapping[str, Column]
    defaulted: NDArray[np.int8]


def evaluate(scorecard: Scorecard, policy: Policy, train: Part, test: Part, seed: int) -> Evaluation:
    """All figures of a fitted scorecard; gradient boosting is fitted for comparison on the same `train`."""
    probability = scorecard.predict_proba(test.columns)[:, 1]
    scores = scorecard.points(test.columns).sum(axis=1)
    bands = np.array(policy.band_names, dtype=object)[policy.band_codes(scores)]
    return Evaluation(
        train=performance_of(scorecard.predict_proba(train.columns)[:, 1], train.defaulted, seed),
        test=performance_of(probability, test.defaulted, seed),
        calibration=calibration_by_band(policy.band_names, bands, probability, test.defaulted),
        groups=tuple(_groups(scorecard, policy.decision_codes(scores) == 0, test)),
        boosting=compare_boosting(
            scorecard.features, (train.columns, train.defaulted), (test.columns, test.defaulted), seed
        ),
    )


def _groups(scorecard: Scorecard, approved: NDArray[np.bool_], test: Part) -> Iterator[GroupOutcome]:
    """Groups are the scorecard's own bins, those without rows left out."""
    for feature, bins in zip(scorecard.features, scorecard.bins_, strict=True):
        if not feature.characteristic.protected:
            continue
        codes = bins.codes(test.columns[feature.name])
        for code in np.unique(codes):
            members = codes == code
            rows = int(members.sum())
            yield GroupOutcome(
                feature=feature.name,
                group=bins.labels[code],
                rows=rows,
                approved=wilson(int(approved[members].sum()), rows),
                default_rate=wilson(int(test.defaulted[members].sum()), rows),
            )
