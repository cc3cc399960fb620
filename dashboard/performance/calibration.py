"""The part of the performance page on calibration: expected beside observed default rates."""

from datetime import date

import polars
import streamlit as st

from dashboard.charts import draw
from dashboard.desk import Desk
from dashboard.performance.vintage_charts import calibration_by_band, vintage_name
from dashboard.performance.vintages import WHOLE, calibration_of
from dashboard.tables import Column, show_table


def calibration_section(desk: Desk, performance: polars.DataFrame, states: polars.DataFrame, vintage: date) -> None:
    """Draws it for each model of a vintage, or says when it will be known; `states` as `states_of` gives them."""
    st.markdown("**Calibration**: default rates expected when the applications were scored, beside those observed")
    for row in states.filter(polars.col("vintage") == vintage).iter_rows(named=True):
        version = row["model_version"]
        found = calibration_of(performance, vintage, version)
        if found.is_empty():
            st.info(f"{version}: {row['state']}.", icon=":material/schedule:")
        else:
            _calibration_of_model(desk, found, f"{vintage_name(vintage)}_{version}", version)


def _calibration_of_model(desk: Desk, found: polars.DataFrame, name: str, version: str) -> None:
    left, right = st.columns([3, 2])
    with left:
        draw(
            calibration_by_band(found),
            f"calibration-{name}",
            "Expected and observed default rate by band, with 95 % intervals",
        )
    with right:
        st.markdown(f"{version}: {calibration_in_words(desk, found)}")
        columns = {
            "band": Column("Band"),
            "row_count": Column("Rows", "count"),
            "expected": Column("Expected", "share"),
            "observed": Column("Observed", "share"),
            "low": Column("from", "share", "Lower end of the 95 % interval (Wilson)."),
            "high": Column("to", "share", "Upper end of the 95 % interval (Wilson)."),
        }
        show_table(found, columns, f"calibration_{name}", desk.formats)


def calibration_in_words(desk: Desk, found: polars.DataFrame) -> str:
    """How the observed default rate of the whole compares with the expected one, and which bands are off."""
    share = desk.formats.share
    whole = found.filter(polars.col("band") == WHOLE).to_dicts()[0]
    off = found.filter(
        polars.col("band") != WHOLE, ~polars.col("expected").is_between(polars.col("low"), polars.col("high"))
    )["band"].to_list()
    said = (
        f"{share(whole['observed'])} defaulted ({share(whole['low'])} to {share(whole['high'])}),"
        f" {share(whole['expected'])} were expected."
    )
    if not off:
        return f"{said} In every band the expected rate lies within the interval of the observed one."
    return f"{said} Outside the interval of the observed rate lies the expected one of: {', '.join(off)}."
