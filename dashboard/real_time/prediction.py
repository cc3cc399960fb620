"""One prediction by its id: a part of the page Real time."""

import polars
import streamlit as st

from dashboard.desk import Desk
from dashboard.formats import NONE
from dashboard.real_time.traffic import answer_of
from dashboard.tables import Column, show_table
from model.reasons import catalogue


def look_up(desk: Desk) -> None:
    """Asks for an id, and draws what was asked and answered under it."""
    asked = st.text_input(
        "Look up one prediction",
        key="prediction",
        bind="query-params",
        max_chars=100,
        placeholder="prediction_id, as the service answered it",
        width=420,
    ).strip()
    if not asked:
        return
    found = desk.ask("prediction", prediction_id=asked)
    if found.is_empty():
        st.warning("No prediction of this id is on record. If it is recent, its log may not be loaded yet:")
        st.text(asked)
        st.code("python -m flows load-predictions", language="sh")
        return
    with st.container(border=True, key="prediction-found"):
        _draw(desk, found)


def inputs_table(desk: Desk, inputs: dict[str, object]) -> polars.DataFrame:
    """What was asked, field by field: the contract's title, and the value with every digit and its unit."""
    names = [field.name for field in desk.contract.fields]
    # Of an earlier contract there may be others.
    names += [name for name in inputs if name not in names]
    return polars.DataFrame(
        {
            "field": [desk.labels.title(name) for name in names],
            "value": [desk.labels.exact(name, inputs.get(name)) for name in names],
        },
        schema={"field": polars.String, "value": polars.String},
    )


def reasons_of(desk: Desk, codes: list[str]) -> list[str]:
    """The sentences an applicant would read; a code the contract does not have stands for itself."""
    sentences = catalogue(desk.contract.features)
    return [sentences.get(code) or code for code in codes]


def _draw(desk: Desk, found: polars.DataFrame) -> None:
    prediction, formats = found.row(0, named=True), desk.formats
    inputs, outputs = answer_of(prediction)
    st.text(f"Prediction {prediction['prediction_id']}, {formats.instant(prediction['predicted_at'])}")
    figures = {
        "Decision": str(outputs.get("decision", NONE)),
        "Score (points)": formats.number(outputs.get("score")),
        "Band": str(outputs.get("band", NONE)),
        "Probability of default": formats.share(outputs.get("probability_of_default"), 2),
    }
    with st.container(horizontal=True):
        for label, value in figures.items():
            st.metric(label, value, border=True)
    left, right = st.columns(2)
    with left:
        st.markdown("**What was asked**")
        columns = {"field": Column("Field"), "value": Column("Value")}
        asked = {"prediction_id": prediction["prediction_id"], **inputs}
        show_table(inputs_table(desk, inputs), columns, "prediction_inputs", formats, lambda: polars.DataFrame([asked]))
    with right:
        st.markdown("**Reasons, as the applicant reads them**")
        reasons = reasons_of(desk, outputs.get("reason_codes", []))
        for place, sentence in enumerate(reasons, start=1):
            st.text(f"{place}. {sentence}")
        if not reasons:
            st.markdown("None: nothing cost points.")
        latency = formats.number(prediction["latency_ms"], "ms")
        st.text(f"Scored by {prediction['model_version']}, answered in {latency}")
