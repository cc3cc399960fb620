"""Tables and sentences as HTML that any notebook shows, in a light or a dark theme."""

from collections.abc import Iterable
from html import escape

from dashboard.analysis.tables import MARK, Table

RULE = "border-bottom:1px solid rgba(128,128,128,0.35)"
CELL = f"padding:4px 10px;text-align:left;vertical-align:top;{RULE}"
NUMBER = f"{CELL};text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap"


class Html(str):
    """Text that a notebook shows as HTML."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(self)


def paragraph(text: str) -> Html:
    """A sentence or a few."""
    return Html(f'<p style="max-width:75em">{escape(text)}</p>')


def heading(text: str) -> Html:
    """A heading below those of the sections."""
    return Html(f"<h3>{escape(text)}</h3>")


def bullets(sentences: Iterable[str]) -> Html:
    """Sentences as a list in their order."""
    items = "".join(f'<li style="margin:6px 0">{escape(sentence)}</li>' for sentence in sentences)
    return Html(f'<ol style="max-width:75em">{items}</ol>')


def html_table(table: Table) -> Html:
    """A table with its marked cells in bold; a column of short cells that are mostly digits stands to the right."""
    styles = [NUMBER if _numeric([row[place] for row in table.rows]) else CELL for place in range(len(table.columns))]
    head = "".join(
        f'<th style="{style};font-weight:600">{escape(name)}</th>'
        for style, name in zip(styles, table.columns, strict=True)
    )
    body = "".join(f"<tr>{''.join(map(_cell, styles, row))}</tr>" for row in table.rows)
    return Html(
        '<div style="overflow-x:auto"><table style="border-collapse:collapse;font-size:13px">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(style: str, text: str) -> str:
    bold = ";font-weight:700" if text.startswith(MARK) else ""
    return f'<td style="{style}{bold}">{escape(text)}</td>'


def _numeric(cells: Iterable[str]) -> bool:
    filled = [cell.removeprefix(MARK) for cell in cells if cell not in ("", "-")]
    return bool(filled) and all(cell[:1] in "0123456789<≤-" and len(cell) < 16 for cell in filled)
