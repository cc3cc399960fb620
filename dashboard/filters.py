"""What a visitor chooses to look at. Every choice is held by the page's address, so that a colleague sees the same."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import streamlit as st

from dashboard.formats import Formats

SPANS = {"28 days": 28, "90 days": 90, "1 year": 365, "Dates": 0}


@dataclass(frozen=True)
class Period:
    """Batch dates from `start` to `end`, both included."""

    start: date
    end: date


def choose_period(first: date, last: date, formats: Formats, default: str = "28 days") -> Period:
    """The days up to the last batch, or dates of one's own; `first` and `last` are those there is anything of."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        span = st.segmented_control(
            "Period", list(SPANS), default=default, required=True, key="span", bind="query-params"
        )
        if span == "Dates":
            start, end = (
                _choose_date(label, key, first, last, formats) for label, key in (("From", "from"), ("To", "to"))
            )
        else:
            start, end = last - timedelta(days=SPANS[span or default] - 1), last
    start, end = max(start or first, first), min(end or last, last)
    if start > end:
        st.warning(f"{formats.day(start)} is after {formats.day(end)}: choose dates the other way round.")
        st.stop()
    return Period(start, end)


def choose_day(label: str, dates: Sequence[date], formats: Formats) -> date:
    """A batch date, the latest if nothing is chosen; `dates` are those there are, at least one."""
    latest = max(dates)
    return st.date_input(
        label,
        value=latest,
        min_value=min(dates),
        max_value=latest,
        format=formats.date_input,
        key="day",
        bind="query-params",
        width=200,
    )


def choose_some_day(label: str, dates: Sequence[date], formats: Formats, help_text: str | None = None) -> date | None:
    """A batch date, or None as long as nobody has chosen one; `dates` are those there are, at least one."""
    return st.date_input(
        label,
        value=None,
        min_value=min(dates),
        max_value=max(dates),
        format=formats.date_input,
        key="day",
        bind="query-params",
        help=help_text,
        width=200,
    )


def choose_one(
    label: str, options: Sequence[str], key: str, written: Callable[[str], str] = str, help_text: str | None = None
) -> str:
    """One of some options, the first if nothing is chosen; there has to be one."""
    asked = st.query_params.get(key)
    place = list(options).index(asked) if asked and asked in options else 0
    chosen = st.selectbox(
        label, list(options), index=place, format_func=written, key=f"choose-{key}", help=help_text, width=320
    )
    # What was asked for by its name stays in the address, even where it is what is shown without being asked for.
    _hold(key, [chosen] if asked or chosen != options[0] else [])
    return chosen


def choose_any(label: str, options: Sequence[str], key: str, written: Callable[[str], str] = str) -> list[str]:
    """Some of the options; nothing chosen means all of them."""
    asked = [name for name in st.query_params.get_all(key) if name in options]
    chosen = st.multiselect(
        label, list(options), asked, format_func=written, key=f"choose-{key}", placeholder="All", width=320
    )
    _hold(key, chosen)
    return chosen


def _hold(key: str, values: list[str]) -> None:
    """Keeps a choice in the address. Streamlit would keep it there as it is written, which is another language's."""
    if values:
        st.query_params[key] = values
    else:
        st.query_params.pop(key, None)


def _choose_date(label: str, key: str, first: date, last: date, formats: Formats) -> date | None:
    return st.date_input(
        label,
        value=None,
        min_value=first,
        max_value=last,
        format=formats.date_input,
        key=key,
        bind="query-params",
        width=160,
    )


def warn_if_unknown(key: str, options: Sequence[str], what: str) -> None:
    """Says so if the address asks for what is none of the options; to be called before the choice is drawn."""
    if any(asked not in options for asked in st.query_params.get_all(key)):
        st.warning(f"The address asks for a {what} that is not there; what can be chosen is shown instead.")
