"""The dirt of a real landing file, on about one row in a hundred."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SHARE = 0.01
# Far below the share at which the gate refuses a file, however small it is.
MOST_PER_100_ROWS = 3
# A gate may quarantine both copies of a row, so copies are rarer still.
MOST_COPIES_PER_100_ROWS = 1

KINDS = {
    "missing_value": 0.30,
    "out_of_range": 0.25,
    "text_in_number": 0.20,
    "duplicated_row": 0.10,
    "repeated_header": 0.07,
    "short_line": 0.08,
}
SPOILING = ("missing_value", "out_of_range", "text_in_number", "short_line")

REQUIRED = ("age", "income", "loan_amount", "credit_score")
OUT_OF_RANGE = (("age", "17"), ("credit_score", "990"), ("income", "-1200"))
# The decimal comma is quoted: the file stays a well-formed CSV.
TEXTS = (("income", "n/a"), ("income", "45 000"), ("loan_amount", '"12,5k"'), ("credit_score", "n/a"))


@dataclass(frozen=True)
class Dirtied:
    """The lines after planting, the number of dirty ones by kind, and the positions in the input that were spoiled."""

    lines: list[str]
    counts: dict[str, int]
    spoiled: tuple[int, ...]


def plant_dirt(header: str, lines: Sequence[str], random: np.random.Generator) -> Dirtied:
    """`lines`, data rows of a CSV under `header`, with dirt on about 1 % and at most 3 % of them."""
    most = len(lines) * MOST_PER_100_ROWS // 100
    positions = random.choice(len(lines), min(int(random.binomial(len(lines), SHARE)), most), replace=False)
    kinds = _draw_kinds(len(positions), len(lines) * MOST_COPIES_PER_100_ROWS // 100, random)
    planted = list(zip((int(position) for position in positions), kinds, strict=True))
    dirty = list(lines)
    for position, kind in planted:
        if kind in SPOILING:
            dirty[position] = _spoil(dirty[position], kind, header.split(","), random)
    for place, line in _insertions(planted, header, lines, random):
        dirty.insert(place, line)
    counts = Counter(kinds)
    spoiled = tuple(sorted(position for position, kind in planted if kind in SPOILING))
    return Dirtied(dirty, {kind: counts[kind] for kind in KINDS}, spoiled)


def _draw_kinds(size: int, most_copies: int, random: np.random.Generator) -> list[str]:
    kinds = [str(kind) for kind in random.choice(list(KINDS), size, p=list(KINDS.values()))]
    copies = [place for place, kind in enumerate(kinds) if kind == "duplicated_row"]
    for place in copies[most_copies:]:
        kinds[place] = "missing_value"
    return kinds


def _spoil(line: str, kind: str, names: list[str], random: np.random.Generator) -> str:
    cells = line.split(",")
    if kind == "short_line":
        return ",".join(cells[:-1])
    if kind == "missing_value":
        name, text = REQUIRED[random.integers(len(REQUIRED))], ""
    else:
        choices = OUT_OF_RANGE if kind == "out_of_range" else TEXTS
        name, text = choices[random.integers(len(choices))]
    cells[names.index(name)] = text
    return ",".join(cells)


def _insertions(
    planted: list[tuple[int, str]], header: str, lines: Sequence[str], random: np.random.Generator
) -> list[tuple[int, str]]:
    """Where a line comes in, and the line: a copy anywhere, a header below the row drawn for it."""
    doubled = [lines[position] for position, kind in planted if kind == "duplicated_row"]
    copies = [(int(random.integers(1, len(lines) + 1)), line) for line in doubled]
    return copies + [(position + 1, header) for position, kind in planted if kind == "repeated_header"]
