"""Fair lending: how often each group is approved, and how that compares with the group approved most often."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.performance import Z95, Measure, wilson

FOUR_FIFTHS = 0.8


@dataclass(frozen=True)
class GroupCount:
    """Applications of one group and how many of them were approved."""

    group: str
    rows: int
    approved: int


@dataclass(frozen=True, kw_only=True)
class GroupApproval:
    """Approval rate of a group (0 to 1), and its ratio to that of the reference group (from 0 up, 1 is equal)."""

    group: str
    rows: int
    approval: Measure
    impact_ratio: Measure
    below_four_fifths: bool


def approval_by_group(counts: Sequence[GroupCount], min_rows: int = 100) -> tuple[GroupApproval, ...]:
    """Approval rate and adverse-impact ratio of each group, in the order of `counts`.

    The reference is the group with the highest approval rate among those with at least `min_rows` rows (the largest one
    of equals): EEOC Uniform Guidelines on Employee Selection Procedures, 29 CFR 1607.4(D), whose four-fifths rule US
    lenders use as well. Its own ratio is 1 without an interval. There is no ratio for smaller groups, with fewer than
    two groups large enough, or with nobody approved in them. A group is below four fifths only if its whole interval
    is, so that chance alone does not accuse; the interval takes the choice of the reference as given.
    """
    enough = [count for count in counts if count.rows >= max(min_rows, 1)]
    reference = _reference(enough)
    return tuple(_approval(count, reference if count in enough else None) for count in counts)


def _reference(enough: Sequence[GroupCount]) -> GroupCount | None:
    if len(enough) < 2 or not any(count.approved for count in enough):
        return None
    return max(enough, key=lambda count: (count.approved / count.rows, count.rows))


def _approval(count: GroupCount, reference: GroupCount | None) -> GroupApproval:
    ratio = _impact_ratio(count, reference) if reference else Measure()
    return GroupApproval(
        group=count.group,
        rows=count.rows,
        approval=wilson(count.approved, count.rows),
        impact_ratio=ratio,
        below_four_fifths=ratio.high is not None and ratio.high < FOUR_FIFTHS,
    )


def _impact_ratio(count: GroupCount, reference: GroupCount) -> Measure:
    """The ratio with its interval on the log scale: Katz and others, Biometrics 34 (1978).

    Without approvals the log has no value: the interval, not the ratio, then adds 0.5 to approvals and rows of both
    groups (Pettigrew, Gart and Thomas, Biometrika 73, 1986) and starts at 0. Two groups without a single refusal have
    no interval, since the formula gives it no width.
    """
    if count == reference:
        return Measure(1.0)
    ratio = (count.approved / count.rows) / (reference.approved / reference.rows)
    more = 0.0 if count.approved else 0.5
    share, variance = _share(count, more)
    reference_share, reference_variance = _share(reference, more)
    half = Z95 * np.sqrt(variance + reference_variance)
    if half == 0:
        return Measure(ratio)
    centre = share / reference_share
    return Measure(ratio, float(centre * np.exp(-half)) if count.approved else 0.0, float(centre * np.exp(half)))


def _share(count: GroupCount, more: float) -> tuple[float, float]:
    """The approval rate of counts with `more` added, and the variance of its logarithm."""
    approved, rows = count.approved + more, count.rows + more
    return approved / rows, 1 / approved - 1 / rows
