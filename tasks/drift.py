"""Drift of a batch: measured against the reference and the trailing window, judged with the batches before it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import polars

from model.profile import Outline, Profile, pooled, restored
from model.reference import SCORE, FeatureReference, Reference
from model.stability import Floors, Shift, shifts
from model.verdict import Earlier, Finding, Level, Persistence, Verdict, judge_shifts, level, verdict_on
from schemas.settings import Settings
from tasks.ingest import Batch
from tasks.project import Project


@dataclass(frozen=True, eq=False, kw_only=True)
class History:
    """The batches before a date: profiles by feature and verdicts by feature, both latest first, and the last level.

    `profiled` and `judged` are their batch dates, those of the same model and those that had enough rows.
    """

    profiles: Mapping[str, Sequence[Profile]]
    verdicts: Mapping[str, Sequence[Earlier]]
    level: Level
    profiled: Sequence[date] = ()
    judged: Sequence[date] = ()

    def earlier(self, feature: str, batches: int) -> Sequence[Earlier]:
        """The verdicts before so many pooled batches: what one row says is not to be counted twice."""
        verdicts = self.verdicts.get(feature, ())
        if batches == 1:
            return verdicts
        first = self.profiled[batches - 2] if self.profiled else date.max
        return verdicts[sum(day >= first for day in self.judged) :]


@dataclass(frozen=True, eq=False, kw_only=True)
class FeatureDrift:
    """All that is known of a feature's drift; `enough` is False where there are too few rows for a verdict.

    `rows` counts those judged, of `batches` batches. `window` has the shifts against the trailing window, if it has
    rows enough, in the order of `findings`.
    """

    feature: str
    rows: int
    batches: int
    enough: bool
    findings: Sequence[Finding]
    window: Sequence[Shift]
    verdict: Verdict
    median: float | None


@dataclass(frozen=True, eq=False, kw_only=True)
class Measured:
    """How far a feature lies from its reference, and `window` from the trailing window; both empty for too few rows.

    `rows`, `batches` and `median` are those of what was measured: the batch, with those before it if it is small.
    """

    feature: str
    rows: int
    batches: int
    median: float | None
    shifts: Sequence[Shift]
    window: Sequence[Shift]


def floors_of(settings: Settings) -> Floors:
    """The floors as they are set."""
    return Floors(
        psi=settings.drift_psi,
        ks=settings.drift_ks,
        wasserstein=settings.drift_wasserstein,
        missing_share=settings.drift_missing_share,
        unseen_share=settings.drift_unseen_share,
    )


def persistence_of(settings: Settings) -> Persistence:
    """The persistence as it is set."""
    return Persistence(exceeded=settings.drift_exceeded_batches, judged=settings.drift_judged_batches)


def read_history(project: Project, batch: Batch) -> History:
    """What is on record of the published batches before a date, those of the same model only where bins matter."""
    settings = project.settings
    profiles = project.reader.frame(
        "recent_profiles",
        batch_date=batch.batch_date,
        model_version=batch.model_version,
        batches=settings.drift_trailing_batches,
    )
    verdicts = project.reader.frame(
        "recent_verdicts",
        batch_date=batch.batch_date,
        batches=settings.drift_judged_batches + settings.drift_trailing_batches,
    )
    return History(
        profiles={str(name): list(map(_restored, group.rows(named=True))) for (name,), group in _by_feature(profiles)},
        verdicts={
            str(name): [Earlier(exceeded=row["exceeded"], since=row["since"]) for row in group.rows(named=True)]
            for (name,), group in _by_feature(verdicts)
        },
        level=_last_level(verdicts),
        profiled=_dates(profiles),
        judged=_dates(verdicts),
    )


def measure(settings: Settings, reference: FeatureReference, profile: Profile, earlier: Sequence[Profile]) -> Measured:
    """The shifts of a feature or of the score; too few rows are pooled with those of the `earlier` batches."""
    floors, least = floors_of(settings), settings.drift_min_rows
    current, batches = pooled(profile, earlier, least)
    enough = current.rows >= least
    window = earlier[batches - 1 :] if enough else ()
    against = reduce(add, window) if window else None
    return Measured(
        feature=reference.feature,
        rows=current.rows,
        batches=batches,
        median=current.median,
        shifts=shifts(reference, current, floors) if enough else [],
        window=shifts(reference, current, floors, against) if against and against.rows >= least else [],
    )


def judge_drift(
    settings: Settings, measured: Sequence[Measured], history: History, batch_date: date
) -> list[FeatureDrift]:
    """The drift of every feature and of the score."""
    least, persistence = settings.drift_min_rows, persistence_of(settings)
    judged = judge_shifts({item.feature: item.shifts for item in measured}, settings.drift_false_discovery_rate)
    return [
        FeatureDrift(
            feature=item.feature,
            rows=item.rows,
            batches=item.batches,
            enough=item.rows >= least,
            findings=judged[item.feature],
            window=item.window,
            verdict=verdict_on(
                item.feature,
                judged[item.feature],
                batch_date,
                history.earlier(item.feature, item.batches),
                persistence,
            ),
            median=item.median,
        )
        for item in measured
    ]


def drift_rows(drift: Sequence[FeatureDrift]) -> Iterator[dict[str, Any]]:
    """Rows of the table `drift`."""
    for item in drift:
        for place, finding in enumerate(item.findings):
            beside = item.window[place] if item.window else None
            yield {
                "feature": item.feature,
                "statistic": finding.shift.statistic,
                "value": finding.shift.value,
                "p_value": finding.shift.p_value,
                "q_value": finding.q_value,
                "threshold": finding.shift.floor,
                "drifted": finding.exceeded,
                "window_value": beside.value if beside else None,
                "window_p_value": beside.p_value if beside else None,
            }


def verdict_rows(drift: Sequence[FeatureDrift], messages: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Rows of the table `drift_verdicts`; a feature without a message has none."""
    for item in drift:
        verdict = asdict(item.verdict)
        yield {
            **{name: verdict[name] for name in ("feature", "exceeded", "exceeded_batches", "since", "legacy_drifted")},
            "judged_batches": item.verdict.judged,
            "drifted": item.enough and item.verdict.drifted,
            "row_count": item.rows,
            "batches_pooled": item.batches,
            "enough": item.enough,
            "message": messages.get(item.feature),
        }


def profile_rows(model_version: str, reference: Reference, outlines: Mapping[str, Outline]) -> Iterator[dict[str, Any]]:
    """Rows of the table `profiles`."""
    for name, outline in outlines.items():
        yield {
            "model_version": model_version,
            "feature": name,
            "labels": list(reference[name].bins.labels),
            "reference_counts": reference[name].counts.tolist(),
            "counts": outline.counts.tolist(),
            "sample": outline.kept.tolist(),
        }


def _dates(frame: polars.DataFrame) -> list[date]:
    return frame["batch_date"].unique().sort(descending=True).to_list()


def _last_level(verdicts: polars.DataFrame) -> Level:
    latest = verdicts.filter(polars.col("batch_date") == polars.col("batch_date").max())
    return level(latest.filter(polars.col("drifted") & (polars.col("feature") != SCORE)).height)


def _by_feature(frame: polars.DataFrame) -> Any:
    return frame.group_by("feature", maintain_order=True)


def _restored(row: Mapping[str, Any]) -> Profile:
    return restored(np.array(row["counts"], dtype=np.int64), np.array(row["sample"], dtype=np.float64))
