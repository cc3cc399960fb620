"""How figures read: counts, shares, chances, dates; and how a text is kept from being read as Markdown."""

import re
from collections.abc import Sequence
from datetime import date

NONE = "-"
# What may begin or end something in Streamlit's Markdown, formulas and colours too.
_MARKUP = re.compile(r"[\\`*_{}\[\]<>()#+!|~$:&]")


def counted(number: int, thing: str) -> str:
    """`1 day`, `2 days`, `1,234 batches`."""
    plural = f"{thing}es" if thing.endswith("ch") else f"{thing}s"
    return f"{number:,} {thing if number == 1 else plural}"


def size(value: float | None) -> str:
    """A figure of any size with the digits that matter."""
    if value is None:
        return NONE
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def share(value: float | None) -> str:
    """A share as a percentage."""
    return NONE if value is None else f"{value:.1%}"


def chance(value: float | None) -> str:
    """A p-value or q-value."""
    if value is None:
        return NONE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def spells(days: Sequence[date], within: Sequence[date], gap: int = 0) -> list[tuple[date, date]]:
    """First and last of each run of `days`, which may leave out `gap` of those `within` in a row; all ascending."""
    place = {day: number for number, day in enumerate(within)}
    runs: list[tuple[date, date]] = []
    for day in days:
        if runs and place[day] - place[runs[-1][1]] <= gap + 1:
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
    return runs


def spell_in_words(spell: tuple[date, date]) -> str:
    """`2026-06-13`, `2026-06-13 to 2026-06-20`."""
    first, last = spell
    return f"{first}" if first == last else f"{first} to {last}"


def during(spell: tuple[date, date]) -> str:
    """`on 2026-06-13`, `from 2026-06-13 to 2026-06-20`."""
    return f"{'on' if spell[0] == spell[1] else 'from'} {spell_in_words(spell)}"


def as_text(text: str) -> str:
    """Markdown that reads as the text does, in one line: for data within a sentence that is marked up."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(text.split()))
