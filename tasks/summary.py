"""The summary of a day: what an operator reads in the run's artifact."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars

from model.reference import SCORE
from model.verdict import level
from schemas.batch import Published
from tasks.gate import Verdict
from tasks.monitor import drifted_features
from tasks.parallel import in_order
from tasks.staging import Staging, read_part
from warehouse.monitoring import Monitoring

DECISIONS = ("approve", "refer", "decline")
LEVEL_WORDS = {
    "none": "no feature drifted",
    "warning": "1 or 2 features drifted",
    "critical": "3 or more features drifted",
}


@dataclass(frozen=True, kw_only=True)
class ScoreFigures:
    """Decisions and bands of a batch: rows by decision, and band, rows, mean score and mean probability of default."""

    decisions: dict[str, int]
    bands: Sequence[tuple[str, int, float, float]]


def figures_of(staging: Staging) -> ScoreFigures:
    """The figures of the staged scores."""
    tallied = list(in_order(_tally, staging.parts("scores")))
    if not tallied:
        return ScoreFigures(decisions=dict.fromkeys(DECISIONS, 0), bands=[])
    whole = polars.concat(tallied)
    decisions = dict(whole.group_by("decision").agg(polars.col("rows").sum()).rows())
    bands = whole.group_by("band").agg(polars.col("rows", "score", "probability_of_default").sum())
    means = (polars.col(name) / polars.col("rows") for name in ("score", "probability_of_default"))
    return ScoreFigures(
        decisions={name: int(decisions.get(name, 0)) for name in DECISIONS},
        bands=bands.sort("band").select("band", "rows", *means).rows(),
    )


def _tally(part: Path) -> polars.DataFrame:
    """Rows by band and decision with the sums of score and probability, of one part: all of them need not fit."""
    columns = ["band", "decision", "score", "probability_of_default"]
    sums = (polars.col(name).cast(polars.Float64).sum() for name in columns[2:])
    return (
        read_part(part, columns).group_by("band", "decision").agg(polars.len().cast(polars.Int64).alias("rows"), *sums)
    )


def day_markdown(
    published: Published, source: str, verdict: Verdict, figures: ScoreFigures, monitoring: Monitoring
) -> str:
    """One Markdown page: rows, quarantine by rule, decisions, score distribution, drift."""
    rows = published.rows
    verdicts = monitoring.drift_verdicts
    drifted = drifted_features(verdicts)
    legacy = verdicts.filter(polars.col("legacy_drifted") & (polars.col("feature") != SCORE)).height
    approved = figures.decisions["approve"] / rows.scored if rows.scored else 0.0
    parts = [
        f"# Batch of {published.batch_date}, revision {published.revision}",
        f"`{published.batch_id}` from `{source}`",
        _table(
            ("rows in", "scored", "quarantined", "approval rate"),
            [(f"{rows.received:,}", f"{rows.scored:,}", f"{rows.quarantined:,}", f"{approved:.1%}")],
        ),
        "## Quarantined by rule",
        _table(("rule", "rows"), _quarantine_rows(verdict)) if rows.quarantined else "No row was quarantined.",
        "## Warnings",
        "\n".join(f"- {warning}" for warning in verdict.warnings) or "None.",
        "## Decisions",
        _table(("decision", "rows"), [(name, f"{count:,}") for name, count in figures.decisions.items()]),
        "## Score distribution",
        _table(
            ("band", "rows", "mean score (points)", "mean probability of default"),
            [
                (band, f"{count:,}", f"{score:.0f}", f"{probability:.2%}")
                for band, count, score, probability in figures.bands
            ],
        ),
        "## What needs a look",
        "\n".join(f"- **{alert.severity}, {alert.kind}**: {alert.message}" for alert in monitoring.alerts)
        or "Nothing.",
        f"## Drift: {LEVEL_WORDS[level(len(drifted))]}",
        _table(("feature", "rows judged", "verdict", "since", "in batches", "p < 0.05 alone"), _verdict_rows(verdicts)),
        f"By p < 0.05 for each feature alone, the usual rule, the level would be: {LEVEL_WORDS[level(legacy)]}.",
        _table(
            ("feature", "statistic", "value", "p-value", "q-value", "limit", "exceeded", "against the last batches"),
            _drift_rows(monitoring.drift),
        ),
    ]
    return "\n\n".join(parts) + "\n"


def blocked_markdown(batch_date: object, source: str, verdict: Verdict) -> str:
    """One Markdown page on a batch the gate refused."""
    failures = "\n".join(f"- {failure}" for failure in verdict.failures)
    return (
        f"# Batch of {batch_date}: blocked\n\n`{source}` is refused; nothing of it is published.\n\n{failures}\n\n"
        "## Every check\n\n"
        + _table(("check", "observed", "allowed", "severity", "passed"), _check_rows(verdict))
        + "\n"
    )


def _quarantine_rows(verdict: Verdict) -> Iterable[tuple[str, str]]:
    broken = (result for result in verdict.results if result.severity == "info")
    return [(result.check_name, f"{result.observed:,.0f}") for result in broken]


def _check_rows(verdict: Verdict) -> Iterable[tuple[str, ...]]:
    for result in verdict.results:
        allowed = "" if result.threshold is None else f"{result.threshold:,.4g}"
        yield result.check_name, f"{result.observed:,.4g}", allowed, result.severity, "yes" if result.passed else "no"


def _verdict_rows(verdicts: polars.DataFrame) -> Iterable[tuple[str, ...]]:
    for row in verdicts.iter_rows(named=True):
        verdict = "drifted" if row["drifted"] else "exceeded, not lasting" if row["exceeded"] else "no"
        yield (
            row["feature"],
            f"{row['row_count']:,}",
            verdict if row["enough"] else "not enough data",
            str(row["since"] or ""),
            f"{row['exceeded_batches']} of {row['judged_batches']}",
            "drifted" if row["legacy_drifted"] else "no",
        )


def _drift_rows(drift: polars.DataFrame) -> Iterable[tuple[str, ...]]:
    for row in drift.iter_rows(named=True):
        yield (
            row["feature"],
            row["statistic"],
            "not enough data" if row["value"] is None else f"{row['value']:.4g}",
            *("" if row[name] is None else f"{row[name]:.2g}" for name in ("p_value", "q_value")),
            f"{row['threshold']:.4g}",
            "yes" if row["drifted"] else "no",
            "" if row["window_value"] is None else f"{row['window_value']:.4g}",
        )


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
