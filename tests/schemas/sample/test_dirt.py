import csv
from collections import Counter

import msgspec
import numpy as np
import pytest

from schemas.application import Application
from schemas.sample.dirt import KINDS, Dirtied, plant_dirt

HEADER = "application_id,application_date,age,income,loan_amount,employment_length,credit_score"


def clean_lines(size: int) -> list[str]:
    return [f"GEN-{number:06d},2026-06-01,35,{30_000 + number},8000,4.5,700" for number in range(size)]


def planted(size: int, seed: int) -> Dirtied:
    return plant_dirt(HEADER, clean_lines(size), np.random.default_rng(seed))


def kinds_in(lines: list[str]) -> Counter[str]:
    """What is wrong with each line, found without knowledge of how it was planted."""
    found: Counter[str] = Counter()
    seen: set[str] = set()
    for cells in csv.reader(lines):
        found[_kind_of(dict(zip(HEADER.split(","), cells, strict=False)), cells[0] in seen)] += 1
        seen.add(cells[0])
    found.pop("clean", None)
    return found


def _kind_of(row: dict[str, str], repeated: bool) -> str:
    if row["age"] == "age":
        return "repeated_header"
    if len(row) < 7:
        return "short_line"
    if "" in row.values():
        return "missing_value"
    fields = {name: row[name] for name in Application.__struct_fields__}
    try:
        list(map(float, fields.values()))
    except ValueError:
        return "text_in_number"
    try:
        msgspec.convert(fields, Application, strict=False)
    except msgspec.ValidationError:
        return "out_of_range"
    return "duplicated_row" if repeated else "clean"


@pytest.mark.parametrize("seed", range(20))
def test_the_counts_are_those_of_the_lines(seed: int) -> None:
    dirtied = planted(2_000, seed)
    assert kinds_in(dirtied.lines) == +Counter(dirtied.counts)


def test_over_many_files_every_kind_appears_and_one_row_in_a_hundred_is_dirty() -> None:
    total: Counter[str] = Counter()
    for seed in range(100):
        total.update(planted(1_000, seed).counts)
    assert all(total[kind] > 20 for kind in KINDS)
    assert total.total() / 100_000 == pytest.approx(0.01, abs=0.0015)


@pytest.mark.parametrize(("size", "most"), [(1, 0), (33, 0), (34, 1), (100, 3), (250, 7)])
def test_small_files_stay_far_from_being_refused(size: int, most: int) -> None:
    for seed in range(300):
        dirtied = planted(size, seed)
        assert sum(dirtied.counts.values()) <= most
        # Both copies of a repeated row may be quarantined.
        assert sum(dirtied.counts.values()) + dirtied.counts["duplicated_row"] < 0.05 * size


def test_the_spoiled_positions_are_those_whose_line_was_changed() -> None:
    for seed in range(20):
        lines, dirtied = clean_lines(1_000), planted(1_000, seed)
        lost = set(lines) - set(dirtied.lines)
        assert {lines.index(line) for line in lost} == set(dirtied.spoiled)
