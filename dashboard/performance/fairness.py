"""The part of the performance page on fairness: how often each group of a protected field is approved."""

from datetime import date

import polars
import streamlit as st

from dashboard.charts import add_limit, draw
from dashboard.desk import Desk
from dashboard.filters import choose_any, choose_one, warn_if_unknown
from dashboard.performance.group_charts import (
    APPROVAL_AXIS,
    LIMIT,
    RATE,
    RATIO,
    RATIO_AXIS,
    approval_by_group,
    groups_over_vintages,
    impact_by_group,
)
from dashboard.performance.groups import RULE, with_states
from dashboard.performance.vintage_charts import vintage_name
from dashboard.tables import Column, show_table
from model.fairness import FOUR_FIFTHS
from schemas.contract import Contract

COLUMNS = {
    "group_name": Column("Group"),
    "row_count": Column("Rows", "count"),
    "approval_rate": Column("Approval rate", "share"),
    "approval_low": Column("from", "share", "Lower end of the 95 % interval (Wilson)."),
    "approval_high": Column("to", "share", "Upper end of the 95 % interval (Wilson)."),
    "impact_ratio": Column("Impact ratio", "fine", "Approval rate over that of the group approved most often."),
    "impact_low": Column("from", "fine", "Lower end of the 95 % interval (Katz)."),
    "impact_high": Column("to", "fine", "Upper end of the 95 % interval (Katz)."),
    "state": Column("In words"),
}


def fairness_section(desk: Desk, fairness: polars.DataFrame, vintage: date) -> None:
    """Draws approvals by group of a vintage and over vintages; `fairness` as `fairness_by_vintage.sql` gives it."""
    st.subheader("Fairness")
    st.markdown(
        "The impact ratio is a group's approval rate over that of the group approved most often. Below four fifths it"
        f" counts as evidence of adverse impact: {RULE}, which lenders use as well. A group is marked as below only if"
        " its whole 95 % interval is, and an alert is raised only if it is also worse off than when the model was"
        " validated."
    )
    if fairness.is_empty():
        st.info(why_no_groups(desk.contract), icon=":material/info:")
        return
    fields = fairness["field"].unique(maintain_order=True).to_list()
    warn_if_unknown("field", fields, "protected field")
    field = choose_one("Protected field", fields, "field", desk.labels.title)
    rows = with_states(fairness.filter(polars.col("field") == field), desk.settings.fairness_min_rows)
    _of_vintage(desk, rows.filter(polars.col("vintage") == vintage), field, vintage)
    _over_vintages(desk, rows)


def why_no_groups(contract: Contract) -> str:
    """Why no approvals by group are on record: nothing is protected, or not of what was chosen."""
    declared = [*(field.characteristic for field in contract.fields)]
    declared += [feature.characteristic for feature in contract.features]
    if any(characteristic.protected for characteristic in declared):
        return "No approvals by group are on record of the chosen model: choose another one, or all models."
    return "No field of the contract is protected, so no groups are compared."


def _of_vintage(desk: Desk, rows: polars.DataFrame, field: str, vintage: date) -> None:
    if rows.is_empty():
        st.info(
            f"No approvals by {desk.labels.title(field)} are on record for {vintage:%B %Y}.", icon=":material/info:"
        )
    for (version,), groups in rows.group_by("model_version", maintain_order=True):
        name, title = f"{field}_{vintage_name(vintage)}_{version}", desk.labels.axis(field)
        st.markdown(f"**{vintage:%B %Y}**, {version}")
        left, right = st.columns(2)
        with left:
            draw(approval_by_group(groups, title), f"approval-{name}", f"Approval rate by {title} with 95 % intervals")
        with right:
            draw(impact_by_group(groups, title), f"impact-{name}", f"Impact ratio by {title}, and the four fifths")
        show_table(groups, COLUMNS, f"fairness_{name}", desk.formats)


def _over_vintages(desk: Desk, rows: polars.DataFrame) -> None:
    st.markdown("**Over vintages**")
    names = rows.sort("group_place")["group_name"].unique(maintain_order=True).to_list()
    warn_if_unknown("group", names, "group")
    chosen = choose_any("Groups", names, "group") or names
    shown = rows.filter(polars.col("group_name").is_in(chosen))
    left, right = st.columns(2)
    with left:
        approvals = groups_over_vintages(shown, RATE, APPROVAL_AXIS, ".0%")
        draw(approvals, "approval-vintages", "Approval rate of each group by vintage, with 95 % intervals")
    with right:
        ratios = add_limit(groups_over_vintages(shown, RATIO, RATIO_AXIS, ".2f"), FOUR_FIFTHS, LIMIT)
        draw(ratios, "impact-vintages", "Impact ratio of each group by vintage, and the four fifths")
    columns = {
        "vintage": Column("Vintage", "date", "First day of the month of the batch dates."),
        "model_version": Column("Model"),
    } | COLUMNS
    with st.expander("All groups of all vintages as a table"):
        show_table(rows, columns, "fairness", desk.formats)
