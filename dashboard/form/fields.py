"""A form made from the contract: a widget for each field by its kind, and the typed value that it gives.

The service judges what is typed. The widgets only say what is expected: limits of their own would refuse it in other
words, or cut it.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import streamlit as st

from dashboard.labels import Labels
from schemas.contract import Field, Kind
from schemas.limits import PLAIN_TEXT, limits_of
from schemas.request import ID

PREFIX = "field-"
# The calendar has to end somewhere.
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)
# Fields of so narrow a range are shares and the like, which go up by hundredths.
NARROW = 10
EMPTY = "not given"
MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+.!|~$:-])")


def ask_for(field: Field, labels: Labels, date_format: str) -> Any:
    """Draws a field's widget with what is expected of it; returns what it holds, None for nothing.

    What is typed stays for the whole visit, whatever the service says to it. It is kept out of the address, which ends
    up in histories and logs.
    """
    value = WIDGETS[field.kind](field, _titled(field, labels), date_format)
    st.caption(plain(expected(field)))
    return value


def expected(field: Field) -> str:
    """What a value of the field has to be, in words: its limits, and whether it may be left empty."""
    # Levels are in the list to choose from; every text has to be free of control characters.
    limits = [limit.expected for limit in limits_of(field) if limit.test != "in" and limit != PLAIN_TEXT]
    if field.kind == "date" and not field.characteristic.future:
        limits.append("not after today")
    words = [" and ".join(limits)] if limits else []
    if field.nullable:
        words.append("may be left empty")
    # A field without a word on it would stand closer to the next one than its neighbours.
    return "; ".join(words) or "required"


def body_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """An application as it is sent: nothing but spaces is None, dates are ISO dates; without an id of none."""
    typed = {name: _typed(value) for name, value in values.items()}
    return {name: value for name, value in typed.items() if name != ID.name or value is not None}


def plain(text: str) -> str:
    """Text for a place that takes Markdown, so that it reads there as it is written."""
    return MARKDOWN.sub(r"\\\1", text)


def _typed(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip() or None
    return value.isoformat() if isinstance(value, date) else value


def _titled(field: Field, labels: Labels) -> dict[str, Any]:
    title = field.title if field is ID else labels.axis(field.name)
    return {
        "label": plain(title),
        "key": f"{PREFIX}{field.name}",
        "help": plain(field.description) or None,
        "persist_state": "session",
    }


def _number(field: Field, titled: dict[str, Any], _date_format: str) -> object:
    # %g of the browser shows all digits, as they are sent.
    step = 0.01 if _width(field) <= NARROW else 1.0
    return st.number_input(**titled, value=None, step=step, format="%g", placeholder=EMPTY)


def _integer(_field: Field, titled: dict[str, Any], _date_format: str) -> object:
    return st.number_input(**titled, value=None, step=1, format="%d", placeholder=EMPTY)


def _boolean(_field: Field, titled: dict[str, Any], _date_format: str) -> object:
    return st.selectbox(**titled, options=[True, False], index=None, format_func=_yes_or_no, placeholder=EMPTY)


def _date(_field: Field, titled: dict[str, Any], date_format: str) -> object:
    return st.date_input(**titled, value=None, min_value=FIRST_DAY, max_value=LAST_DAY, format=date_format)


def _category(field: Field, titled: dict[str, Any], _date_format: str) -> object:
    if field.levels:
        return st.selectbox(**titled, options=list(field.levels), index=None, placeholder=EMPTY)
    return st.text_input(**titled, placeholder=EMPTY, autocomplete="off")


def _width(field: Field) -> float:
    """How far apart a field's limits are."""
    lower, upper = (field.ge if field.gt is None else field.gt), (field.le if field.lt is None else field.lt)
    return float("inf") if lower is None or upper is None else upper - lower


def _yes_or_no(value: bool) -> str:
    return "yes" if value else "no"


WIDGETS: Mapping[Kind, Callable[[Field, dict[str, Any], str], object]] = {
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "date": _date,
    "category": _category,
}
