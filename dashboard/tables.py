"""Tables as the visitor reads them, each with its export."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import Any, Literal

import polars
import streamlit as st

from dashboard.formats import NONE, Formats

ColumnKind = Literal["text", "date", "instant", "count", "number", "fine", "share", "list", "flag"]
# What `st.dataframe` is told for each kind; dates and numbers read as the browser writes them.
_CONFIG: Mapping[ColumnKind, Callable[..., Any]] = {
    "text": st.column_config.TextColumn,
    "date": partial(st.column_config.DateColumn, format="localized"),
    "instant": partial(st.column_config.DatetimeColumn, format="localized"),
    "count": partial(st.column_config.NumberColumn, format="localized"),
    "number": partial(st.column_config.NumberColumn, format="localized"),
    "fine": partial(st.column_config.NumberColumn, format="%.4f"),
    "share": partial(st.column_config.NumberColumn, format="percent"),
    "list": st.column_config.ListColumn,
    "flag": st.column_config.CheckboxColumn,
}
HIGHEST = 460
_ROW, _HEAD = 35, 38


@dataclass(frozen=True)
class Column:
    """How a column reads: its heading with the unit, and what kind of values it has."""

    title: str
    kind: ColumnKind = "text"
    help: str | None = None


def show_table(
    frame: polars.DataFrame,
    columns: Mapping[str, Column],
    name: str,
    formats: Formats,
    export: Callable[[], polars.DataFrame] | None = None,
    choose: str = "",
    chosen: int | None = None,
) -> int | None:
    """Shows the columns in their order, and lets them be exported under `name`.

    `export` gives the whole of which the frame is the part to be seen; else what is shown is exported, unrounded.
    `choose` lets one row be chosen and names the choice, which ends with its name; `chosen` is the place of the row
    chosen at first. Returns the place of the row that is chosen.
    """
    shown = frame.select(list(columns))
    config = {column: _CONFIG[how.kind](how.title, help=how.help) for column, how in columns.items()}
    for column, how in columns.items():
        if how.kind == "instant":
            config[column]["type_config"]["timezone"] = str(formats.timezone)
    height = min(HIGHEST, _HEAD + _ROW * max(1, shown.height))
    key = f"table-{name}{choose}"
    if choose:
        rows = _choosable(shown, config, height, key, chosen)
    else:
        st.dataframe(shown, column_config=config, hide_index=True, height=height, key=key, placeholder=NONE)
        rows = []
    offer_export(export or (lambda: shown), name)
    return rows[0] if rows and rows[0] < shown.height else None


def _choosable(
    shown: polars.DataFrame, config: Mapping[str, Any], height: int, key: str, chosen: int | None
) -> list[int]:
    """Places of the rows that are chosen, at most one."""
    state: Any = st.dataframe(
        shown,
        column_config=config,
        hide_index=True,
        height=height,
        key=key,
        placeholder=NONE,
        on_select="rerun",
        selection_mode="single-row",
        selection_default=None if chosen is None else {"selection": {"rows": [chosen], "columns": [], "cells": []}},
    )
    return list(state.selection.rows)


def offer_export(whole: Callable[[], polars.DataFrame], name: str) -> None:
    """Buttons that give a frame as CSV and as Parquet; it is made when one of them is pressed."""
    with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        for ending, made, mime in (
            ("csv", as_csv, "text/csv"),
            ("parquet", as_parquet, "application/vnd.apache.parquet"),
        ):
            st.download_button(
                {"csv": "CSV", "parquet": "Parquet"}[ending],
                data=partial(_made, made, whole),
                file_name=f"{name}.{ending}",
                mime=mime,
                key=f"export-{name}-{ending}",
                on_click="ignore",
                type="tertiary",
                icon=":material/download:",
                help=f"Export this table as {ending.upper() if ending == 'csv' else 'Parquet'}.",
            )


def as_csv(frame: polars.DataFrame) -> bytes:
    """A frame as CSV (UTF-8); lists become words with a space between them."""
    lists = [name for name, kind in frame.schema.items() if kind == polars.List]
    flat = frame.with_columns(polars.col(name).cast(polars.List(polars.String)).list.join(" ") for name in lists)
    return flat.write_csv().encode()


def as_parquet(frame: polars.DataFrame) -> bytes:
    """A frame as Parquet."""
    target = BytesIO()
    frame.write_parquet(target)
    return target.getvalue()


def _made(made: Callable[[polars.DataFrame], bytes], whole: Callable[[], polars.DataFrame]) -> bytes:
    return made(whole())
