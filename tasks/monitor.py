"""Monitor: what a batch looks like, how far it has moved, what a person should look at; all put on record with it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import polars

from model.profile import Outline, Profile, outlined
from model.reference import SCORE
from model.trained import Model
from model.verdict import level_of
from schemas.alert import Alert, AlertKind
from schemas.batch import GateResult
from tasks.alert_words import drift_message, quality_message
from tasks.drift import (
    FeatureDrift,
    History,
    Measured,
    drift_rows,
    judge_drift,
    measure,
    profile_rows,
    read_history,
    verdict_rows,
)
from tasks.gate import Verdict
from tasks.ingest import Batch
from tasks.observe import Counted, Observed, added, count_piece, group_counts, profile_of, score_counts
from tasks.parallel import Over, side_by_side
from tasks.project import Project
from tasks.quality import Monitored, quality_rows, watch_quality
from tasks.score import load_model
from tasks.staging import Staging
from warehouse.monitoring import Monitoring, framed

# Of a check of the gate, the monitor that looks at the same.
RENAMED = {"freshness": "stale_share"}


@dataclass(frozen=True, eq=False)
class Watched:
    """One feature of a batch: its outline, levels that are not known, how far it has moved."""

    outline: Outline
    unseen: Sequence[tuple[str, int]]
    measured: Measured


def monitor_batch(
    project: Project, batch: Batch, verdict: Verdict, staging: Staging, over: Over = side_by_side
) -> Monitoring:
    """Everything monitoring has to say about a staged batch, ready to be published with it.

    `over` says where its features and pieces are looked at.
    """
    model = load_model(project, batch).model
    history = read_history(project, batch)
    over = over if len(staging.pieces("accepted")) > 1 else side_by_side
    watched = over("monitor", partial(watch, project, batch, staging), list(_with_earlier(model, history)))
    observed = _observed(project, batch, model, staging, watched, over)
    drift = judge_drift(project.settings, [item.measured for item in watched], history, batch.batch_date)
    quality = watch_quality(project, batch, verdict, observed, model.reference)
    messages = dict(_messages(project, batch, model, observed, drift))
    # Too few rows say nothing: an alert on drift then stays as it is.
    judged: set[AlertKind] = {"volume", "quality"}
    if all(item.enough for item in drift):
        judged.add("drift")
    return Monitoring(
        drift=framed("drift", list(drift_rows(drift))),
        drift_verdicts=framed("drift_verdicts", list(verdict_rows(drift, messages))),
        profiles=framed("profiles", list(profile_rows(batch.model_version, model.reference, observed.outlines))),
        score_counts=observed.score_counts,
        group_counts=observed.group_counts,
        quality=framed("quality", quality_rows(quality)),
        alerts=[*_drift_alerts(batch, drift, messages), *_quality_alerts(batch, verdict.results, quality)],
        judged=frozenset(judged),
        level=level_of([item.verdict for item in drift]),
        level_before=history.level,
        lasting=frozenset(("drift", item.feature) for item in drift if item.verdict.since),
    )


def watch(project: Project, batch: Batch, staging: Staging, feature: tuple[str, Sequence[Profile]]) -> Watched:
    """What a staged batch shows of one feature, given by name with its profiles in the batches before, latest first."""
    name, earlier = feature
    model = load_model(project, batch).model
    profile, unseen = profile_of(project.contract, model, staging, name)
    measured = measure(project.settings, model.reference[name], profile, earlier)
    return Watched(outlined(profile), unseen, measured)


def count(project: Project, batch: Batch, staging: Staging, piece: int) -> Counted:
    """The scores and decisions of a piece of a staged batch."""
    return count_piece(project.contract, load_model(project, batch).model, staging, piece)


def drifted_features(verdicts: polars.DataFrame) -> list[str]:
    """The features that drifted, from the rows of `drift_verdicts`; the score is not a feature."""
    moved = verdicts.filter(polars.col("drifted") & (polars.col("feature") != SCORE))
    return moved["feature"].to_list()


def _with_earlier(model: Model, history: History) -> Iterator[tuple[str, Sequence[Profile]]]:
    for name in model.reference:
        yield name, history.profiles.get(name, ())


def _observed(
    project: Project, batch: Batch, model: Model, staging: Staging, watched: Sequence[Watched], over: Over
) -> Observed:
    counted = added(over("count", partial(count, project, batch, staging), staging.pieces("accepted")))
    return Observed(
        outlines={item.measured.feature: item.outline for item in watched},
        unseen={item.measured.feature: item.unseen for item in watched if item.unseen},
        score_counts=score_counts(counted, batch.model_version),
        group_counts=group_counts(counted, model, batch.model_version),
    )


def _messages(
    project: Project, batch: Batch, model: Model, observed: Observed, drift: Sequence[FeatureDrift]
) -> Iterator[tuple[str, str]]:
    for item in drift:
        unseen = observed.unseen.get(item.feature, ())
        reference = model.reference[item.feature]
        if message := drift_message(project.contract, reference, item, unseen, batch.batch_date):
            yield item.feature, message


def _drift_alerts(batch: Batch, drift: Sequence[FeatureDrift], messages: dict[str, str]) -> Iterator[Alert]:
    critical = level_of([item.verdict for item in drift]) == "critical"
    for item in drift:
        if item.enough and item.verdict.drifted:
            yield Alert(
                kind="drift",
                severity="critical" if critical and item.feature != SCORE else "warning",
                batch_date=batch.batch_date,
                subject=item.feature,
                message=messages[item.feature],
            )


def _quality_alerts(batch: Batch, gate: Sequence[GateResult], quality: Sequence[Monitored]) -> Iterator[Alert]:
    """One alert for each subject, whether a monitor or a warning of the gate found it."""
    found = {_subject(item.monitor, item.subject): quality_message(item) for item in quality if item.flagged}
    for result in gate:
        if result.severity == "warning" and not result.passed and not result.check_name.startswith("volume"):
            monitor, _, field = result.check_name.partition(":")
            found.setdefault(_subject(RENAMED.get(monitor, monitor), field), f"{result.message}.")
    for subject, message in found.items():
        yield _warning(batch, "quality", subject, message)
    for result in gate:
        if result.check_name.startswith("volume") and not result.passed:
            asked = "is complete" if "low" in result.check_name else "has rows twice, or of other days"
            message = f"{result.message}: ask the source whether the file {asked}."
            yield _warning(batch, "volume", "rows received", message)


def _subject(monitor: str, subject: str) -> str:
    return f"{monitor} {subject}".strip()


def _warning(batch: Batch, kind: AlertKind, subject: str, message: str) -> Alert:
    return Alert(kind=kind, severity="warning", batch_date=batch.batch_date, subject=subject, message=message)
