"""Score an application: a form made from the contract, answered by the real-time service."""

from typing import Any

import streamlit as st

from dashboard.desk import Desk
from dashboard.form.client import Predicted, Refused, predict
from dashboard.form.fields import ask_for, body_of
from dashboard.navigation import link_to
from schemas.request import ID, BrokenField

COLUMNS = 2
DECIDED = {
    "approve": (st.success, ":material/check_circle:", "Approve"),
    "refer": (st.warning, ":material/person:", "Refer to a person"),
    "decline": (st.error, ":material/cancel:", "Decline"),
}


def main(desk: Desk) -> None:
    """Draws the page."""
    st.caption(
        "The real-time service scores the application and puts it on record in its prediction log, under a prediction"
        " id. Nothing of it stays in the address of this page."
    )
    left, right = st.columns([3, 2], gap="large")
    with left:
        values, asked = _form(desk)
    with right:
        st.subheader("Answer")
        if not asked:
            st.markdown("Fill in the form and press Score. Fields that are not known stay empty.")
            return
        settings = desk.settings
        with st.spinner("Asking the service…"):
            answer = predict(settings.service_url, settings.service_key, body_of(values))
        if isinstance(answer, Predicted):
            _prediction(desk, answer)
        else:
            _refusal(desk, answer)


def _form(desk: Desk) -> tuple[dict[str, Any], bool]:
    """The values of the fields by name, and whether the service is to be asked."""
    fields = (ID, *desk.contract.fields)
    values: dict[str, Any] = {}
    # Enter ends a value and does not send a form that is half filled in.
    with st.form("application", enter_to_submit=False):
        for first in range(0, len(fields), COLUMNS):
            # A row at a time, so that fields beside each other stand at one height.
            for place, field in zip(st.columns(COLUMNS), fields[first : first + COLUMNS], strict=False):
                with place:
                    values[field.name] = ask_for(field, desk.labels, desk.formats.date_input)
        asked = st.form_submit_button("Score", type="primary", icon=":material/send:")
    return values, asked


def _prediction(desk: Desk, answer: Predicted) -> None:
    prediction, formats = answer.prediction, desk.formats
    show, icon, words = DECIDED.get(prediction.decision, (st.info, ":material/help:", prediction.decision))
    show(f"**{words}**", icon=icon)
    with st.container(horizontal=True):
        st.metric("Score (points)", formats.count(prediction.score), border=True)
        st.metric("Band", prediction.band, border=True)
        st.metric("Probability of default", formats.share(prediction.probability_of_default, 2), border=True)
    st.markdown("**Reasons**, what cost most points first")
    for number, reason in enumerate(prediction.reasons, start=1):
        st.text(f"{number}. {reason.sentence} ({reason.code})")
    if not prediction.reasons:
        st.markdown("None: no feature cost any points.")
    st.markdown("**On record**")
    st.text(
        f"Prediction {prediction.prediction_id}\nModel {prediction.model_version}\n"
        f"Answered in {formats.number(answer.milliseconds)} ms, the way there and back included"
    )
    link_to("model", "The model", version=prediction.model_version)


def _refusal(desk: Desk, answer: Refused) -> None:
    st.error("**No prediction.** What you typed is still in the form.", icon=":material/error:")
    # The message may repeat what another program answered.
    st.text(answer.message)
    for broken in answer.broken:
        with st.container(border=True):
            st.text(_complaint(desk, broken))
    if answer.command:
        st.code(answer.command, language="sh")
    if answer.request_id:
        st.caption(f"The service's log has this request under {answer.request_id}.")


def _complaint(desk: Desk, broken: BrokenField) -> str:
    """What is wrong with a field, with its title, which most messages begin with."""
    title = ID.title if broken.field == ID.name else desk.labels.title(broken.field)
    return broken.message if broken.message.startswith(title) else f"{title or 'The application'}: {broken.message}"
