"""Monitors of data quality: shares and counts of a batch, against what the batches before it had."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars
from scipy.special import bdtrc
from scipy.stats import false_discovery_control

from model.reference import LevelBins, Reference
from schemas.settings import Settings
from tasks.gate import Verdict
from tasks.ingest import Batch
from tasks.observe import Observed
from tasks.project import Project

SHARES = ("missing_share", "quarantined_share", "unseen_share", "stale_share")
NAMED_LEVELS = 5


@dataclass(frozen=True, kw_only=True)
class Monitored:
    """One monitor's value in a batch, the value expected, and whether a person should look at it."""

    monitor: str
    subject: str
    row_count: int
    value: float
    expected: float | None = None
    threshold: float | None = None
    p_value: float | None = None
    flagged: bool = False
    message: str | None = None


def watch_quality(
    project: Project, batch: Batch, verdict: Verdict, observed: Observed, reference: Reference
) -> list[Monitored]:
    """Volume, delay, and the shares of missing, quarantined, unseen and stale rows, against the last batches."""
    settings = project.settings
    recent = project.reader.frame("recent_quality", batch_date=batch.batch_date, batches=settings.gate_volume_window)
    seen = [*_gate_monitors(project, batch, verdict), *_unseen_shares(observed, reference)]
    return judge_quality(settings, seen, recent)


def judge_quality(settings: Settings, seen: Sequence[Monitored], recent: polars.DataFrame) -> list[Monitored]:
    """Each monitor with what was expected: the median of the recent batches (columns batch_date, monitor, subject,
    value). A share is flagged if it lies above that by the floor, and surely so over all monitors of the batch.
    """
    batches = recent["batch_date"].n_unique()
    known = {
        (str(monitor), str(subject)): group["value"].to_list()
        for (monitor, subject), group in recent.group_by("monitor", "subject")
    }
    compared = [_compared(settings, item, known.get((item.monitor, item.subject), []), batches) for item in seen]
    tested = [item.p_value for item in compared if item.p_value is not None]
    q_values = iter(false_discovery_control(tested).tolist() if tested else [])
    return [
        item if item.p_value is None else _flagged(item, next(q_values) < settings.drift_false_discovery_rate)
        for item in compared
    ]


def _compared(settings: Settings, item: Monitored, values: Sequence[float], batches: int) -> Monitored:
    if batches < settings.gate_volume_min_batches:
        return item
    # A rule that nothing broke left no line: its share was none.
    expected = statistics.median([*values, *[0.0] * (batches - len(values))])
    if item.monitor not in SHARES:
        return replace(item, expected=expected)
    rows = round(item.value * item.row_count)
    chance = min(1.0, max(expected, 0.5 / max(1, item.row_count)))
    p_value = float(bdtrc(rows - 1, item.row_count, chance)) if rows else 1.0
    return replace(item, expected=expected, threshold=expected + settings.quality_share, p_value=p_value)


def _flagged(item: Monitored, certain: bool) -> Monitored:
    return replace(item, flagged=certain and item.threshold is not None and item.value >= item.threshold)


def _gate_monitors(project: Project, batch: Batch, verdict: Verdict) -> Iterator[Monitored]:
    """What the gate counted, and how long after its time the batch was taken up."""
    received, scored = verdict.rows.received, verdict.rows.scored
    yield Monitored(monitor="volume", subject="", row_count=received, value=received)
    due = project.calendar.due(batch.batch_date).replace(tzinfo=None)
    delay = (batch.started_at - due).total_seconds() / 3600
    yield Monitored(monitor="delay_hours", subject="", row_count=received, value=delay)
    for result in verdict.results:
        monitor, _, field = result.check_name.partition(":")
        if result.severity == "info":
            share = result.observed / max(1, received)
            yield Monitored(monitor="quarantined_share", subject=result.check_name, row_count=received, value=share)
        elif monitor == "missing_share" and result.severity == "warning":
            yield Monitored(monitor=monitor, subject=field, row_count=scored, value=result.observed)
        elif monitor == "freshness":
            yield Monitored(monitor="stale_share", subject="", row_count=scored, value=result.observed)


def _unseen_shares(observed: Observed, reference: Reference) -> Iterator[Monitored]:
    for name, outline in observed.outlines.items():
        bins = reference[name].bins
        if isinstance(bins, LevelBins):
            rows = int(outline.counts[bins.unseen])
            yield Monitored(
                monitor="unseen_share",
                subject=name,
                row_count=outline.rows,
                value=rows / max(1, outline.rows),
                message=levels_in_words(observed.unseen.get(name, ())) or None,
            )


def levels_in_words(levels: Sequence[tuple[str, int]]) -> str:
    """Levels with their rows, the most frequent ones by name; empty for none."""
    named = [f"{level!r} ({rows:,} {'row' if rows == 1 else 'rows'})" for level, rows in levels[:NAMED_LEVELS]]
    more = len(levels) - NAMED_LEVELS
    return ", ".join(named) + (f" and {more:,} more" if more > 0 else "")


def quality_rows(monitored: Sequence[Monitored]) -> list[Mapping[str, Any]]:
    """Rows of the table `quality`."""
    return [vars(item) for item in monitored]
