"""What the gate and the monitors found, counted and put in words: pure functions of frames."""

from pathlib import Path

import polars

from dashboard.formats import Formats
from dashboard.labels import Labels

# A rule that no field breaks is broken by the line as a whole.
LINE = "the line"
VERDICTS = {"blocks": "✗ blocks the batch", "warns": "! warns", "passed": "✓ passed", "counted": "counted"}
_SHARES = ("quarantined_share", "missing_share", "unseen_share", "stale_share", "freshness")
_AT_MOST = (*_SHARES, "volume_high", "unknown_columns")
_UNITS = {"accepted_rows": "rows", "volume": "rows", "unknown_columns": "columns", "delay_hours": "hours"}


def rule_counts(checks: polars.DataFrame) -> polars.DataFrame:
    """Rows by batch_date, rule and field ('' for the line) of the published batches in `gate_of_period.sql`."""
    parts = polars.col("check_name").str.splitn(":", 2).struct
    return checks.filter(polars.col("severity") == "info", polars.col("status") == "published").select(
        "batch_date",
        rule=parts.field("field_0"),
        field=parts.field("field_1").fill_null(""),
        rows=polars.col("observed").cast(polars.Int64),
    )


def rules_by_field(counts: polars.DataFrame, received: int) -> polars.DataFrame:
    """By rule and field, the most frequent first: rows, their share of the rows received, days, first and last day."""
    dates = polars.col("batch_date")
    return (
        counts.group_by("rule", "field")
        .agg(polars.col("rows").sum(), days=dates.n_unique(), first_day=dates.min(), last_day=dates.max())
        .with_columns(share=polars.col("rows") / max(1, received))
        .sort("rows", "rule", "field", descending=[True, False, False])
    )


def quarantined_shares(checks: polars.DataFrame) -> polars.DataFrame:
    """By batch, oldest first: batch_date, status, rows_received, rows_quarantined, observed and allowed share.

    The rows of a blocked batch are those that broke a rule, although all of them are held back.
    """
    rows = (polars.col("observed") * polars.col("rows_received")).round().cast(polars.Int64)
    return (
        checks.filter(polars.col("check_name") == "quarantined_share")
        .select("batch_date", "status", "rows_received", "observed", "threshold", rows_quarantined=rows)
        .sort("batch_date")
    )


def rows_received(checks: polars.DataFrame) -> int:
    """Rows received by the published batches in `gate_of_period.sql`."""
    batches = checks.filter(polars.col("status") == "published").unique("batch_id")
    return int(batches["rows_received"].sum())


def with_verdicts(checks: polars.DataFrame, labels: Labels, formats: Formats) -> polars.DataFrame:
    """Checks with what they are called (`check`), how they went (`verdict`), and `found` and `limit` in words."""
    failed = {"critical": "blocks", "warning": "warns", "info": "counted"}
    severity = polars.col("severity").replace_strict(failed, return_dtype=polars.String)
    verdict = polars.when(polars.col("passed")).then(polars.lit("passed")).otherwise(severity)
    rows = checks.select("check_name", "observed", "threshold", "severity").rows()
    return checks.with_columns(
        polars.Series("check", [check_title(name, labels) for name, *_ in rows], polars.String),
        polars.Series("found", [figure_in_words(name, found, formats) for name, found, *_ in rows], polars.String),
        polars.Series("limit", [_limit(name, limit, kind, formats) for name, _, limit, kind in rows], polars.String),
        rank=verdict.replace_strict({key: place for place, key in enumerate(VERDICTS)}, return_dtype=polars.Int8),
        verdict=verdict.replace_strict(VERDICTS, return_dtype=polars.String),
    )


def check_title(name: str, labels: Labels) -> str:
    """`missing_share:income` as `Missing share: Income`; also for a monitor with its subject."""
    monitor, _, subject = name.partition(":")
    rule, _, field = subject.partition(":")
    about = f"{rule}, {labels.title(field)}" if field else labels.title(rule)
    words = monitor.replace("_", " ").capitalize()
    return f"{words}: {about}" if about else words


def is_share(name: str) -> bool:
    """Whether a check or monitor counts a share of rows."""
    return name.startswith(_SHARES)


def is_at_most(name: str) -> bool:
    """Whether what a check observes may not lie above its threshold; else it may not lie below."""
    return name.startswith(_AT_MOST)


def unit_of(name: str) -> str:
    """What a check or monitor counts, as it stands beside an axis."""
    if is_share(name):
        return "share of rows"
    return next((unit for start, unit in _UNITS.items() if name.startswith(start)), "rows")


def figure_in_words(name: str, value: float | None, formats: Formats) -> str:
    """What a check or monitor observed, or its limit."""
    return formats.share(value, 2) if is_share(name) else formats.number(value)


def broken_rows_file(reports: Path, batch: dict[str, object]) -> Path:
    """Where the broken rows of a blocked batch are saved (`tasks.publish`)."""
    return reports / f"blocked_{batch['batch_date']}_{str(batch['source_sha256'])[:8]}.csv"


def _limit(name: str, threshold: float | None, severity: str, formats: Formats) -> str:
    if severity == "info" or threshold is None:
        return ""
    return f"at {'most' if is_at_most(name) else 'least'} {figure_in_words(name, threshold, formats)}"
