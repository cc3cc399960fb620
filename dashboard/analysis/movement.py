"""What recommendations need to know of a feature in a period, without its rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from statistics import fmean
from typing import Literal

from dashboard.analysis.analysis import Analysis, FeatureAnalysis, pool
from dashboard.analysis.quantiles import quantiles
from dashboard.words import spells
from model.performance import Measure
from model.stability import Shift, population_stability

Onset = Literal["sudden", "gradual", "unknown"]
# A shift came at once if so much of its way was made from the days just before to the first ones of it.
SUDDEN = 0.7
DAYS_BESIDE = 3
# Days within limits between two beyond them that are taken for chance: a verdict on drift looks at three batches.
GAP = 2


@dataclass(frozen=True, kw_only=True)
class Movement:
    """What recommendations need to know of a feature, or of the score.

    `shifts` are those of the whole period, `beyond` the statistics that exceeded a limit in it or on a day of it.
    `days` are those with a verdict and `exceeded` the ones beyond a limit, `…_before` the same before the period.
    `psi` is by day, from before the period on; `halves` by half of it. `like_before`: the batches before the period
    were beyond limits and looked alike. `medians`: of training, and of the last spell beyond limits, or of the period
    if there is none.
    """

    feature: str
    label: str
    unit: str = ""
    shifts: Sequence[Shift] = ()
    beyond: frozenset[str] = frozenset()
    certain: bool = False
    enough: bool = True
    days: Sequence[date] = ()
    exceeded: Sequence[date] = ()
    days_before: Sequence[date] = ()
    exceeded_before: Sequence[date] = ()
    psi: Sequence[tuple[date, float]] = ()
    halves: tuple[float, float] | None = None
    like_before: bool = False
    medians: tuple[float, float] | None = None
    worst_missing: tuple[date, float] | None = None
    unseen: tuple[date, str] | None = None

    @property
    def moved(self) -> bool:
        """Whether there is anything to be said of it."""
        return self.enough and bool(self.beyond)

    @property
    def spells(self) -> list[tuple[date, date]]:
        """First and last day of every time that it was beyond its limits; the first may begin before the period."""
        found = spells((*self.exceeded_before, *self.exceeded), (*self.days_before, *self.days), GAP)
        return [spell for spell in found if self.days and spell[1] >= self.days[0]]

    @property
    def over(self) -> bool:
        """Whether it was back within its limits on the last two days with a verdict."""
        return len(self.days) > 2 and bool(self.exceeded) and not set(self.days[-2:]) & set(self.exceeded)


@dataclass(frozen=True, kw_only=True)
class Estimated:
    """The AUC estimated for a month without waiting for outcomes, and that on the test rows of the training."""

    vintage: date
    auc: Measure
    test: Measure

    @property
    def fell(self) -> bool:
        """Whether it lies surely below: the 95 % intervals do not touch."""
        return self.auc.high is not None and self.test.low is not None and self.auc.high < self.test.low


def movements_of(analysis: Analysis) -> list[Movement]:
    """What recommendations need to know of every feature and of the score."""
    return [_movement(analysis, item) for item in analysis.features.values()]


def _movement(analysis: Analysis, item: FeatureAnalysis) -> Movement:
    profiles = {day: item.by_day[day] for day in item.exceeded if day in item.by_day}
    missing = {day: profile.missing / max(1, profile.rows) for day, profile in profiles.items()}
    worst = max(missing, key=missing.__getitem__, default=None)
    found = Movement(
        feature=item.feature,
        label=item.label,
        unit=item.unit,
        shifts=[finding.shift for finding in item.findings],
        beyond=item.exceeding | {finding.shift.statistic for finding in item.findings if finding.exceeded},
        certain=item.certain,
        enough=item.enough,
        days=item.judged,
        exceeded=item.exceeded,
        days_before=item.judged_before,
        exceeded_before=item.exceeded_before,
        psi=psi_by_day(item),
        halves=item.halves,
        like_before=item.aged,
        worst_missing=None if worst is None else (worst, missing[worst]),
        unseen=analysis.record.unseen_levels.get(item.feature),
    )
    return replace(found, medians=_medians(item, found.spells))


def _medians(item: FeatureAnalysis, runs: Sequence[tuple[date, date]]) -> tuple[float, float] | None:
    """The medians of training and of the last of the spells, or of the period without one."""
    days = [profile for day, profile in item.by_day.items() if runs and runs[-1][0] <= day <= runs[-1][1]]
    sides = (item.reference.profile, pool(days) or item.period)
    if any(not len(side.values) for side in sides):
        return None
    before, now = (float(quantiles(side, [0.5])[0]) for side in sides)
    return before, now


def psi_by_day(item: FeatureAnalysis) -> list[tuple[date, float]]:
    """The PSI of every single day against training, from before the period on."""
    found = [
        (day, population_stability(item.reference.counts, profile.counts)[0]) for day, profile in item.by_day.items()
    ]
    return [(day, value) for day, value in found if value is not None]


def estimated_of(analysis: Analysis) -> Estimated | None:
    """The estimate of the last month of the period that there is one of."""
    choice = analysis.record.choice
    month = choice.dates[0].replace(day=1)
    test = analysis.record.model.model.evaluation.test.auc
    known = [
        Estimated(vintage=row["vintage"], auc=Measure(row["value"], row["low"], row["high"]), test=test)
        for row in analysis.record.estimated_performance.iter_rows(named=True)
        if row["model_version"] == choice.model_version
        and row["metric"] == "auc"
        and month <= row["vintage"] <= choice.dates[-1]
    ]
    return known[-1] if known else None


def onset(item: Movement) -> Onset:
    """Whether the last spell beyond limits came at once: its first days are most of the way to its worst one.

    PSI grows with the square of a shift, so roots are compared. Unknown without a spell, or a day before it.
    """
    if not item.spells:
        return "unknown"
    first, last = item.spells[-1]
    before = [value**0.5 for day, value in item.psi if day < first][-DAYS_BESIDE:]
    spell = [value**0.5 for day, value in item.psi if first <= day <= last]
    if not before or not spell:
        return "unknown"
    base, reached = fmean(before), fmean(spell[:DAYS_BESIDE])
    return "sudden" if reached - base >= SUDDEN * (max(spell) - base) else "gradual"
