"""The summary of a day: what an operator reads in the run's artifact."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars

from model.stability import level
from schemas.batch import Published
from tasks.gate import Verdict
from tasks.monitor import drifted_features
from tasks.staging import Staging

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
    scores = polars.scan_parquet(staging.parts("scores"))
    decisions = dict(scores.group_by("decision").len().collect().rows())
    bands = scores.group_by("band").agg(
        polars.len(), polars.col("score").mean(), polars.col("probability_of_default").mean()
    )
    return ScoreFigures(
        decisions={name: int(decisions.get(name, 0)) for name in DECISIONS},
        bands=bands.sort("band").collect().rows(),
    )


def day_markdown(
    published: Published, source: str, verdict: Verdict, figures: ScoreFigures, drift: polars.DataFrame
) -> str:
    """One Markdown page: rows, quarantine by rule, decisions, score distribution, drift."""
    rows = published.rows
    drifted = drifted_features(drift)
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
        f"## Drift: {LEVEL_WORDS[level(len(drifted))]}",
        _table(("feature", "statistic", "value", "p-value", "threshold", "drifted"), _drift_rows(drift)),
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


def _drift_rows(drift: polars.DataFrame) -> Iterable[tuple[str, ...]]:
    for row in drift.iter_rows(named=True):
        value = "not enough data" if row["value"] is None else f"{row['value']:.4f}"
        p_value = "" if row["p_value"] is None else f"{row['p_value']:.2g}"
        yield (
            row["feature"],
            row["statistic"],
            value,
            p_value,
            f"{row['threshold']:g}",
            "yes" if row["drifted"] else "no",
        )


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
