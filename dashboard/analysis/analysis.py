"""The statistical analysis of a period: all its batches taken together, against training and the batches before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date

import polars

from dashboard.analysis.extra_tests import ExtraTest, extra_tests
from dashboard.analysis.period import Dates, Record
from dashboard.words import counted
from model.profile import Profile
from model.reference import SCORE, FeatureReference
from model.stability import Floors, Shift, population_stability, shifts
from model.verdict import LEGACY_ALPHA, Finding, judge_shifts
from schemas.contract import Contract
from schemas.settings import Settings

# The tests that the plain rule looks at: one for numbers, one for categories.
LEGACY = ("ks", "chi_squared")


@dataclass(frozen=True, eq=False, kw_only=True)
class FeatureAnalysis:
    """All figures of a feature, or of the score, in a period.

    `period` and `before` are the pooled profiles of the period and of the batches before it, None where there are none;
    `by_day` has every single day of both. `beside` are the shifts of the period against `before`, in the order of
    `findings`, and `halves` the PSI of either half of the period against training. `judged` are the days with rows
    enough for a verdict, `exceeded` those of them beyond a limit (`…_before`: before the period), and `exceeding` the
    statistics that were. `certain`: a shift of the whole period is no chance, however small. `aged`: the batches before
    were beyond limits as well, and the period is like them.
    """

    feature: str
    title: str
    unit: str
    reference: FeatureReference
    period: Profile
    before: Profile | None
    by_day: Mapping[date, Profile]
    findings: Sequence[Finding]
    beside: Sequence[Shift]
    halves: tuple[float, float] | None
    aged: bool
    extra: Sequence[ExtraTest]
    enough: bool
    certain: bool
    judged: Dates
    exceeded: Dates
    judged_before: Dates
    exceeded_before: Dates
    exceeding: frozenset[str]

    @property
    def label(self) -> str:
        """The feature's title, with the name of its column if that reads otherwise."""
        return self.title if self.title.lower() == self.feature.lower() else f"{self.title} ({self.feature})"

    @property
    def axis(self) -> str:
        """What stands beside an axis of its values."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    @property
    def drifted(self) -> bool:
        """Whether a shift of the whole period is large and certain."""
        return self.enough and any(finding.exceeded for finding in self.findings)

    @property
    def legacy_drifted(self) -> bool:
        """Whether the plain rule, p < 0.05 for the feature by itself, would call it drifted."""
        return any(below_alpha(item.shift) for item in self.findings if item.shift.statistic in LEGACY)

    @property
    def verdict(self) -> str:
        """What is to be said of the period in a few words."""
        if not self.enough:
            return "too few rows"
        if self.drifted:
            return "drifted"
        if self.exceeded:
            return f"beyond limits in {counted(len(self.exceeded), 'batch')}"
        return "small but certain" if self.certain else "no drift"


@dataclass(frozen=True, eq=False, kw_only=True)
class Analysis:
    """A period as it was analysed; features in the order of the contract, the score last."""

    record: Record
    settings: Settings
    features: Mapping[str, FeatureAnalysis]


def below_alpha(shift: Shift) -> bool:
    """The plain rule, for one test by itself."""
    return shift.p_value is not None and shift.p_value < LEGACY_ALPHA


def pool(profiles: Sequence[Profile]) -> Profile | None:
    """The profile of the rows of all of them; None for none."""
    if len(profiles) < 2:
        return profiles[0] if profiles else None
    # By halves: one after the other, the first rows would be sorted again with every day.
    middle = len(profiles) // 2
    first, second = pool(profiles[:middle]), pool(profiles[middle:])
    return first + second if first and second else first or second


def analyse(record: Record, contract: Contract, settings: Settings) -> Analysis:
    """The analysis of what is on record of a period."""
    floors = Floors(**{item.name: getattr(settings, f"drift_{item.name}") for item in fields(Floors)})
    sides = {name: side for name, known in record.model.model.reference.items() if (side := _sides(record, known))}
    measured = {name: shifts(side.reference, side.period, floors) for name, side in sides.items()}
    judged = judge_shifts(measured, settings.drift_false_discovery_rate)
    described = {item.name: (item.title, item.characteristic.unit) for item in contract.features}
    described[SCORE] = ("Score", "points")
    return Analysis(
        record=record,
        settings=settings,
        features={
            name: _feature(record, settings, floors, described[name], side, judged[name])
            for name, side in sides.items()
        },
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class _Sides:
    """What is compared: training, the period with its days, and the batches before it if they have rows enough."""

    reference: FeatureReference
    period: Profile
    days: Sequence[Profile]
    before: Profile | None


def _sides(record: Record, reference: FeatureReference) -> _Sides | None:
    known = record.profiles.get(reference.feature, {})
    days, earlier = (
        [known[day] for day in dates if day in known] for dates in (record.choice.dates, record.choice.before)
    )
    period = pool(days)
    return _Sides(reference=reference, period=period, days=days, before=pool(earlier)) if period else None


def _feature(
    record: Record,
    settings: Settings,
    floors: Floors,
    described: tuple[str, str],
    sides: _Sides,
    findings: Sequence[Finding],
) -> FeatureAnalysis:
    reference, before, least = sides.reference, sides.before, settings.drift_min_rows
    enough_before = before is not None and before.rows >= least
    beside = shifts(reference, sides.period, floors, before) if enough_before else []
    were_large = before is not None and _large(shifts(reference, before, floors))
    q_values = [item.q_value for item in findings if item.q_value is not None]
    in_period = polars.col("batch_date") >= record.choice.dates[0]
    verdicts = record.verdicts.filter(polars.col("feature") == reference.feature)
    drifted = record.drift.filter(polars.col("feature") == reference.feature, in_period, "drifted")
    now, earlier = verdicts.filter(in_period), verdicts.filter(~in_period)
    return FeatureAnalysis(
        feature=reference.feature,
        title=described[0],
        unit=described[1],
        reference=reference,
        period=sides.period,
        before=before,
        by_day=record.profiles[reference.feature],
        findings=findings,
        beside=beside,
        halves=_halves(reference, sides.days),
        extra=extra_tests(reference, sides.period),
        enough=sides.period.rows >= least,
        certain=any(value < settings.drift_false_discovery_rate for value in q_values),
        aged=bool(beside) and were_large and not _large(beside),
        judged=tuple(now["batch_date"]),
        exceeded=tuple(now.filter("exceeded")["batch_date"]),
        judged_before=tuple(earlier["batch_date"]),
        exceeded_before=tuple(earlier.filter("exceeded")["batch_date"]),
        exceeding=frozenset(drifted["statistic"]),
    )


def _large(found: Sequence[Shift]) -> bool:
    return any(shift.large for shift in found)


def _halves(reference: FeatureReference, days: Sequence[Profile]) -> tuple[float, float] | None:
    middle = len(days) // 2
    pooled = [half for half in (pool(days[:middle]), pool(days[middle:])) if half]
    values = [population_stability(reference.counts, half.counts)[0] for half in pooled]
    found = [value for value in values if value is not None]
    return (found[0], found[1]) if len(found) == 2 else None
