"""From measured shifts to a verdict: certain over all features, large, and lasting; and how bad that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from scipy.stats import false_discovery_control

from model.reference import SCORE
from model.stability import Shift

Level = Literal["none", "warning", "critical"]
LEGACY_ALPHA = 0.05


@dataclass(frozen=True, kw_only=True)
class Persistence:
    """A feature has drifted when it exceeds its limits, in this batch and in `exceeded` of the last `judged` ones.

    It has stopped when none of those did, so that an alert does not come and go with a shift near its limits.
    """

    exceeded: int = 2
    judged: int = 3


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A shift with its q-value: the least false-discovery rate, over all tests of the batch, at which it is certain."""

    shift: Shift
    q_value: float | None
    exceeded: bool


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is to be said of a feature after a batch.

    `exceeded`: a shift of this batch is large and certain. `drifted`: that has happened often enough lately. `since`:
    the batch date on which it began, None once it has stopped. `judged` counts the batches looked at, this one too.
    """

    feature: str
    exceeded: bool
    exceeded_batches: int
    judged: int
    drifted: bool
    since: date | None
    legacy_drifted: bool


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """What an earlier batch found of a feature."""

    exceeded: bool
    since: date | None


def judge_shifts(shifts: Mapping[str, Sequence[Shift]], false_discovery_rate: float) -> dict[str, list[Finding]]:
    """Each feature's shifts with q-values over all tests of the batch, and whether they are both large and certain.

    Benjamini and Hochberg, Journal of the Royal Statistical Society B 57 (1995); the tests of one feature depend on
    each other positively, for which Benjamini and Yekutieli, Annals of Statistics 29 (2001), show it to hold.
    """
    tested = [(name, place) for name, found in shifts.items() for place, shift in enumerate(found) if _tested(shift)]
    p_values = [shifts[name][place].p_value for name, place in tested]
    q_values = dict(zip(tested, false_discovery_control(p_values).tolist() if p_values else [], strict=True))
    return {
        name: [_finding(shift, q_values.get((name, place)), false_discovery_rate) for place, shift in enumerate(found)]
        for name, found in shifts.items()
    }


def verdict_on(
    feature: str, findings: Sequence[Finding], batch_date: date, earlier: Sequence[Earlier], persistence: Persistence
) -> Verdict:
    """The verdict on a feature; `earlier` are the batches judged before, latest first."""
    exceeded = any(finding.exceeded for finding in findings)
    looked_at = [exceeded, *(batch.exceeded for batch in earlier[: persistence.judged - 1])]
    before = earlier[0].since if earlier else None
    return Verdict(
        feature=feature,
        exceeded=exceeded,
        exceeded_batches=sum(looked_at),
        judged=len(looked_at),
        drifted=exceeded and sum(looked_at) >= persistence.exceeded,
        since=(before or batch_date) if exceeded else (before if any(looked_at) else None),
        legacy_drifted=any(_legacy(finding.shift) for finding in findings),
    )


def level(drifted_features: int) -> Level:
    """How bad it is that so many features drifted: one or two warn, three or more are critical."""
    if drifted_features >= 3:
        return "critical"
    return "warning" if drifted_features else "none"


def level_of(verdicts: Sequence[Verdict]) -> Level:
    """The level of a batch; the score is not a feature."""
    return level(sum(verdict.drifted for verdict in verdicts if verdict.feature != SCORE))


def legacy_level_of(verdicts: Sequence[Verdict]) -> Level:
    """The level by the usual rule, p < 0.05 for each feature by itself, which fires on nothing; kept for comparison."""
    return level(sum(verdict.legacy_drifted for verdict in verdicts if verdict.feature != SCORE))


def _tested(shift: Shift) -> bool:
    return shift.p_value is not None


def _finding(shift: Shift, q_value: float | None, false_discovery_rate: float) -> Finding:
    certain = q_value is not None and q_value < false_discovery_rate
    return Finding(shift=shift, q_value=q_value, exceeded=certain and shift.large)


def _legacy(shift: Shift) -> bool:
    """Kolmogorov-Smirnov for numbers, chi-squared for categories."""
    return shift.statistic in ("ks", "chi_squared") and shift.p_value is not None and shift.p_value < LEGACY_ALPHA
