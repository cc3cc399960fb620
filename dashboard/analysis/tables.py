"""The figures of an analysis as tables to read: rows of text under headings."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.analysis.analysis import Analysis, FeatureAnalysis, below_alpha
from dashboard.words import NONE, chance, share, size
from model.reference import SCORE
from model.stability import Shift, Statistic
from model.verdict import Finding

# In front of what is beyond its limit: seen without colours, and by a search.
MARK = "▲ "
FIGURES = ("value", "limit", "p-value", "q-value")


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table to read; every row has a cell for each of the columns."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def compared(analysis: Analysis) -> Table:
    """What is compared with what: training, the period, the batches before."""
    choice, training = analysis.record.choice, analysis.record.model.model.training
    return Table(
        columns=("", "from", "to", "batches", "rows received", "rows scored", "quarantined"),
        rows=[
            (
                "Training",
                training.train_first_date,
                training.train_last_date,
                NONE,
                NONE,
                f"{training.train_rows:,}",
                NONE,
            ),
            ("Batches before", *_rows_of(analysis, choice.before)),
            ("Period", *_rows_of(analysis, choice.dates)),
        ],
    )


def _rows_of(analysis: Analysis, dates: Sequence[object]) -> tuple[str, ...]:
    if not dates:
        return (NONE, NONE, "0", "0", "0", NONE)
    days = analysis.record.published_days
    chosen = days.filter(days["batch_date"].is_in(list(dates)))
    received, scored, quarantined = (
        int(chosen[f"rows_{name}"].sum()) for name in ("received", "scored", "quarantined")
    )
    quota = share(quarantined / received if received else None)
    return (str(dates[0]), str(dates[-1]), f"{len(dates):,}", f"{received:,}", f"{scored:,}", quota)


def at_a_glance(analysis: Analysis) -> Table:
    """One row for each feature and for the score: what is to be said of it, and how far it moved."""
    statistics: tuple[Statistic, ...] = ("psi", "ks", "wasserstein", "chi_squared", "missing_share", "unseen_share")
    headings = ("PSI / CSI", "KS", "Wasserstein", "chi-squared", "missing", "never seen")
    return Table(
        columns=("", "verdict", "batches beyond limits", *headings, "plain p < 0.05"),
        rows=[
            (
                item.label,
                f"{MARK}{item.verdict}" if item.drifted or (item.enough and item.exceeded) else item.verdict,
                f"{len(item.exceeded)} of {len(item.judged)}",
                *(_glance(item, statistic) for statistic in statistics),
                "drift" if item.legacy_drifted else "no drift",
            )
            for item in analysis.features.values()
        ],
    )


def _glance(item: FeatureAnalysis, statistic: Statistic) -> str:
    finding = next((found for found in item.findings if found.shift.statistic == statistic), None)
    if finding is None:
        return ""
    mark = MARK if finding.exceeded and item.enough else ""
    unit = f" {item.unit}" if statistic == "wasserstein" and item.unit else ""
    return f"{mark}{_value(finding.shift)}{unit}"


def every_statistic(analysis: Analysis) -> Table:
    """One row for each statistic of each feature: its value, how certain it is, its limit, and what follows."""
    return Table(
        columns=("", "statistic", *FIGURES, "verdict", "plain p < 0.05", "against batches before"),
        rows=[row for item in analysis.features.values() for row in _statistics(item)],
    )


def _statistics(item: FeatureAnalysis) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for place, finding in enumerate(item.findings):
        shift = finding.shift
        rows.append(
            (
                "" if place else item.label,
                _name(item, shift.statistic),
                _value(shift),
                share(shift.floor) if shift.statistic in ("missing_share", "unseen_share") else size(shift.floor),
                ("≤ " if shift.statistic == "wasserstein" and (shift.p_value or 0) >= 0.001 else "")
                + chance(shift.p_value),
                chance(finding.q_value),
                _verdict(item, finding),
                NONE if shift.p_value is None else "drift" if below_alpha(shift) else "no drift",
                _value(item.beside[place]) if item.beside else NONE,
            )
        )
    return rows


def _verdict(item: FeatureAnalysis, finding: Finding) -> str:
    if not item.enough:
        return "too few rows"
    if finding.exceeded:
        return f"{MARK}beyond its limit"
    if finding.shift.large:
        return "large, not certain"
    return "within its limit"


def _name(item: FeatureAnalysis, statistic: Statistic) -> str:
    names: dict[Statistic, str] = {
        "psi": "PSI" if item.feature == SCORE else "CSI",
        "ks": "Kolmogorov-Smirnov",
        "wasserstein": f"Wasserstein ({item.unit})" if item.unit else "Wasserstein",
        "chi_squared": "chi-squared",
        "missing_share": "missing, change of share",
        "unseen_share": "never seen, change of share",
    }
    return names[statistic]


def _value(shift: Shift) -> str:
    if shift.statistic in ("missing_share", "unseen_share"):
        return share(shift.value)
    return size(shift.value)


def further_tests(analysis: Analysis) -> Table:
    """Tests that decide nothing, for who wants to see another one say the same."""
    return Table(
        columns=("", "test", "statistic", "p-value", "which says"),
        rows=[
            ("" if place else item.label, found.test, size(found.statistic), chance(found.p_value), found.says)
            for item in analysis.features.values()
            for place, found in enumerate(item.extra)
        ],
    )


def alerts(analysis: Analysis) -> Table:
    """The alerts that were open at some time of the period."""
    columns = ("subject", "kind", "severity", "opened", "last seen", "batches", "resolved", "message")
    rows = [
        (
            row["subject"],
            row["kind"].replace("_", " "),
            row["severity"],
            str(row["opened_on"]),
            str(row["last_batch_date"] or NONE),
            f"{row['batches'] or 0:,}",
            str(row["resolved_on"]) if row["status"] == "resolved" else f"{MARK}{row['status']}",
            row["message"],
        )
        for row in analysis.record.alerts.iter_rows(named=True)
    ]
    return Table(columns=columns, rows=rows)
