"""Fairness: how often each group of a protected field is approved, by vintage, and when that is worth an alert."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import polars

from model.evaluation import GroupOutcome
from model.fairness import GroupApproval, GroupCount, approval_by_group
from schemas.alert import Alert
from warehouse.writer import FAIRNESS

COUNTED = ("group_name", "row_count", "approved_count")


def approvals(groups: polars.DataFrame, least: int) -> polars.DataFrame:
    """Rows of the table `fairness` but for vintage and model, from rows and approvals by field and group."""
    rows: list[Mapping[str, object]] = []
    for (field,), group in groups.group_by("field", maintain_order=True):
        found = approval_by_group([GroupCount(*row) for row in group.select(COUNTED).iter_rows()], least)
        rows += [{"field": field} | row for row in _rows(found, group["group_place"].to_list())]
    columns = {name: kind for name, kind in FAIRNESS.items() if name not in ("vintage", "model_version")}
    return polars.DataFrame(rows, schema=columns)


def _rows(found: Sequence[GroupApproval], places: Sequence[int]) -> Iterator[dict[str, object]]:
    for item, place in zip(found, places, strict=True):
        yield {
            "group_place": place,
            "group_name": item.group,
            "row_count": item.rows,
            "approval_rate": item.approval.value,
            "approval_low": item.approval.low,
            "approval_high": item.approval.high,
            "impact_ratio": item.impact_ratio.value,
            "impact_low": item.impact_ratio.low,
            "impact_high": item.impact_ratio.high,
            "below_four_fifths": item.below_four_fifths,
        }


def fairness_alerts(
    found: polars.DataFrame, validated: Sequence[GroupOutcome], least: int, batch_date: date
) -> Iterator[Alert]:
    """For groups surely below four fifths, and surely worse off than when the model was validated, if that is known.

    `found` is as `approvals` gives it, `validated` what the groups' approvals were out of time at training.
    """
    for row in found.filter("below_four_fifths").iter_rows(named=True):
        if row["impact_high"] < _known(row["field"], validated, least).get(row["group_name"], 1.0):
            yield Alert(
                kind="fairness",
                severity="warning",
                batch_date=batch_date,
                subject=subject_of(row["field"], row["group_name"]),
                message=(
                    f"{row['field']} {row['group_name']}: approved {row['impact_ratio']:.2f} times as often as the"
                    f" group approved most ({row['impact_low']:.2f} to {row['impact_high']:.2f};"
                    f" {row['row_count']:,} rows, {batch_date:%Y-%m}), less than four fifths and less than when the"
                    " model was validated. Look at which reasons decline this group, and take it to compliance."
                ),
            )


def subject_of(field: str, group: str) -> str:
    """What alerts on a group are about."""
    return f"{field} {group}"


def _known(field: str, validated: Sequence[GroupOutcome], least: int) -> dict[str, float]:
    """The lower end of each group's impact ratio out of time at training: what was known when the model was chosen."""
    counts = [
        GroupCount(item.group, item.rows, round((item.approved.value or 0.0) * item.rows))
        for item in validated
        if item.feature == field
    ]
    found = approval_by_group(counts, least)
    return {item.group: item.impact_ratio.low for item in found if item.impact_ratio.low is not None}
