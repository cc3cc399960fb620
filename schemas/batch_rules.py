"""The rules of a whole batch: what the gate allows of a file before any row of it is published."""

import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from schemas.batch import GateResult, Severity
from schemas.contract import Contract
from schemas.settings import Settings


@dataclass(frozen=True, kw_only=True)
class BatchCounts:
    """What the gate counted in a source.

    `broken`: rows by (field, rule). `missing`: accepted rows without a value, by field. `stale`: accepted rows whose
    application date lies further back than `gate_warn_age_days`. `volumes`: rows of recent published batches.
    """

    received: int = 0
    quarantined: int = 0
    broken: Counter[tuple[str, str]] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    stale: int = 0
    unknown_columns: Sequence[str] = ()
    volumes: Sequence[int] = ()

    @property
    def accepted(self) -> int:
        """Rows that broke no rule."""
        return self.received - self.quarantined

    def __add__(self, other: "BatchCounts") -> "BatchCounts":
        """The counts of two parts of a source; what was found out about the whole is kept."""
        return replace(
            self,
            received=self.received + other.received,
            quarantined=self.quarantined + other.quarantined,
            broken=self.broken + other.broken,
            missing=self.missing + other.missing,
            stale=self.stale + other.stale,
        )


def apply_batch_rules(contract: Contract, settings: Settings, counts: BatchCounts) -> list[GateResult]:
    """Every whole-batch rule with what was observed and allowed, then the row rules that were broken."""
    return [
        _accepted_rows(settings, counts),
        _quarantined_share(settings, counts),
        *_volume(settings, counts),
        *_missing_shares(contract, settings, counts),
        _freshness(settings, counts),
        _unknown_columns(counts),
        *_broken_row_rules(counts),
    ]


def refused(check_name: str, message: str) -> GateResult:
    """The verdict on a file that cannot be read as applications at all."""
    return GateResult(
        check_name=check_name, observed=0.0, threshold=1.0, severity="critical", passed=False, message=message
    )


def _accepted_rows(settings: Settings, counts: BatchCounts) -> GateResult:
    allowed = settings.gate_min_accepted_rows
    message = f"{counts.accepted:,} rows accepted of {counts.received:,}; at least {allowed:,} are needed"
    if counts.received == 0:
        message = f"the file has a header and no rows; at least {allowed:,} accepted rows are needed"
    return _result("accepted_rows", counts.accepted, allowed, "critical", message, passed=counts.accepted >= allowed)


def _quarantined_share(settings: Settings, counts: BatchCounts) -> GateResult:
    allowed = settings.gate_max_quarantined_share
    share = _share(counts.quarantined, counts.received)
    message = (
        f"{counts.quarantined:,} of {counts.received:,} rows quarantined ({share:.2%}); at most {allowed:.2%} allowed"
    )
    return _result("quarantined_share", share, allowed, "critical", message, passed=share <= allowed)


def _volume(settings: Settings, counts: BatchCounts) -> Iterator[GateResult]:
    """Row count against the median of recent batches: far out blocks, somewhat out warns."""
    if len(counts.volumes) < settings.gate_volume_min_batches:
        return
    usual = statistics.median(counts.volumes)
    limits: list[tuple[Severity, float]] = [
        ("critical", settings.gate_block_volume_factor),
        ("warning", settings.gate_warn_volume_factor),
    ]
    for severity, factor in limits:
        low, high = usual / factor, usual * factor
        name = "blocked" if severity == "critical" else "unusual"
        about = (
            f"{counts.received:,} rows; the median of the last {len(counts.volumes)} published batches is {usual:,.0f}"
        )
        yield _result(
            f"volume_low_{name}",
            counts.received,
            low,
            severity,
            f"{about}, at least {low:,.0f} expected",
            passed=counts.received >= low,
        )
        yield _result(
            f"volume_high_{name}",
            counts.received,
            high,
            severity,
            f"{about}, at most {high:,.0f} expected",
            passed=counts.received <= high,
        )


def _missing_shares(contract: Contract, settings: Settings, counts: BatchCounts) -> Iterator[GateResult]:
    for item in contract.fields:
        if not item.nullable:
            continue
        share = _share(counts.missing.get(item.name, 0), counts.accepted)
        for severity, allowed in _limits_of_missing(settings):
            message = f"{item.name} is missing in {share:.1%} of the accepted rows; at most {allowed:.1%} expected"
            yield _result(f"missing_share:{item.name}", share, allowed, severity, message, passed=share <= allowed)


def _limits_of_missing(settings: Settings) -> list[tuple[Severity, float]]:
    limits: list[tuple[Severity, float]] = [("warning", settings.gate_warn_missing_share)]
    if settings.gate_max_missing_share < 1:
        limits.append(("critical", settings.gate_max_missing_share))
    return limits


def _freshness(settings: Settings, counts: BatchCounts) -> GateResult:
    """Most rows should be recent against the batch date, which is never the clock: the past is as good as today."""
    share = _share(counts.stale, counts.accepted)
    message = (
        f"{share:.1%} of the accepted rows are dated more than {settings.gate_warn_age_days} days before the batch date"
    )
    return _result("freshness", share, 0.5, "warning", message, passed=share <= 0.5)


def _unknown_columns(counts: BatchCounts) -> GateResult:
    names = ", ".join(counts.unknown_columns)
    message = f"columns the contract does not know, kept out: {names}" if names else "no unknown columns"
    return _result("unknown_columns", len(counts.unknown_columns), 0, "warning", message, passed=not names)


def _broken_row_rules(counts: BatchCounts) -> Iterator[GateResult]:
    for (name, rule), rows in sorted(counts.broken.items()):
        check_name = f"{rule}:{name}" if name else rule
        yield _result(check_name, rows, 0, "info", f"{rows:,} rows break {rule} on {name or 'the line'}", passed=False)


def _result(
    check_name: str, observed: float, threshold: float, severity: Severity, message: str, *, passed: bool
) -> GateResult:
    return GateResult(
        check_name=check_name,
        observed=float(observed),
        threshold=float(threshold),
        severity=severity,
        passed=passed,
        message=message,
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
