from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from msgspec import Meta, Struct
from numpy.typing import NDArray

from model.binning import CategoryBins, NumericBins
from model.groups import ProtectedGroups, group_values, protected_groups
from model.scorecard import Scorecard
from schemas.characteristic import Characteristic, Column, derived
from schemas.contract import read_contract

UNSCORED = Characteristic(protected=True, scored=False)


class Applicant(Struct, frozen=True, kw_only=True):
    """Something protected of every kind, of the scorecard or not, and something that is not protected."""

    age: Annotated[float, Characteristic(risk="falls", protected=True)]
    income: Annotated[float, Characteristic(risk="falls", reason="Your income is low.")]
    children: Annotated[int, UNSCORED] | None = None
    disabled: Annotated[bool, UNSCORED] | None = None
    born: Annotated[date, UNSCORED] | None = None
    region: Annotated[str, Meta(max_length=40), UNSCORED] | None = None
    sex: Annotated[Literal["female", "male"], UNSCORED] | None = None
    applied: date

    @derived(title="Income by age", risk="falls", protected=True)
    @staticmethod
    def income_by_age(income: NDArray[np.float64], age: NDArray[np.float64]) -> NDArray[np.float64]:
        return income / age


APPLICANT = read_contract(Applicant)
ROWS = 1_000
AGES = 20 + np.arange(ROWS) % 50


def columns(**given: Sequence[Any]) -> dict[str, Column]:
    """Rows with what is `given`, and nothing but missing values of all else that is protected and not scored."""
    nothing = np.full(ROWS, np.nan)
    names = np.full(ROWS, None, dtype=object)
    found: dict[str, Column] = {
        "age": AGES.astype(np.float64),
        "income": np.arange(1_000.0, 1_000.0 + ROWS),
        "children": nothing,
        "disabled": nothing,
        "born": np.full(ROWS, np.datetime64("NaT"), dtype="datetime64[D]"),
        "region": names,
        "sex": names,
        "applied": np.full(ROWS, np.datetime64("2026-01-01")),
    }
    return found | {name: np.array(values, dtype=found[name].dtype) for name, values in given.items()}


@pytest.fixture(scope="module")
def fitted() -> Scorecard:
    features = APPLICANT.features_of(columns())
    defaulted = (np.random.default_rng(0).random(ROWS) < 0.9 - AGES / 80).astype(np.int8)
    return Scorecard(features=APPLICANT.features).fit(features, defaulted)


def groups(fitted: Scorecard, **given: Sequence[Any]) -> ProtectedGroups:
    return protected_groups(APPLICANT, fitted, columns(**given))


def sizes(bins: NumericBins | CategoryBins, values: Column) -> list[int]:
    return [int(rows) for rows in np.bincount(bins.codes(group_values(values)), minlength=bins.size)]


def test_everything_protected_has_groups_and_nothing_else(fitted: Scorecard) -> None:
    assert set(groups(fitted)) == {"age", "children", "disabled", "born", "region", "sex", "income_by_age"}


def test_what_the_scorecard_uses_keeps_its_bins_there(fitted: Scorecard) -> None:
    scored = dict(zip((feature.name for feature in APPLICANT.features), fitted.bins_, strict=True))
    found = groups(fitted)
    assert found["age"] == scored["age"]
    assert found["income_by_age"] == scored["income_by_age"]
    assert scored["age"].size > 3


@pytest.mark.parametrize(
    ("children", "edges", "rows"),
    [
        pytest.param(np.arange(ROWS), (199, 399, 599, 799), [199, 200, 200, 200, 201, 0], id="fifths"),
        # 40 % have none: they are a group, and so are those with one and with more.
        pytest.param([0] * 400 + [1] * 300 + [2] * 300, (1, 2), [400, 300, 300, 0], id="ties"),
        pytest.param([0] * 950 + [3] * 50, (3,), [950, 50, 0], id="mostly none"),
        pytest.param([0] * 500 + [1] * 100 + [np.nan] * 400, (1,), [500, 100, 400], id="missing values"),
        pytest.param([2] * ROWS, (), [ROWS, 0], id="one value"),
        pytest.param([2] * 600 + [np.inf] * 400, (), [1_000, 0], id="infinities do not shift the fifths"),
        pytest.param([np.nan] * ROWS, (), [0, ROWS], id="nothing present"),
    ],
)
def test_other_numbers_are_split_at_their_fifths(fitted: Scorecard, children: Any, edges: Any, rows: Any) -> None:
    found = groups(fitted, children=children)["children"]
    assert found == NumericBins(edges)
    assert sizes(found, np.array(children, dtype=np.float64)) == rows


def test_the_few_for_whom_a_boolean_is_true_are_a_group(fitted: Scorecard) -> None:
    found = groups(fitted, disabled=[1] * 30 + [0] * 970)["disabled"]
    assert found == NumericBins((1,))


def test_dates_are_grouped_by_year(fitted: Scorecard) -> None:
    # One in ten born in each year from 1960 to 1969, at both ends of it; and ten without a date.
    born = [f"{1960 + row % 10}-{('01-01', '12-31')[row // 10 % 2]}" for row in range(ROWS - 10)] + ["NaT"] * 10
    found = groups(fitted, born=born)["born"]
    assert found == NumericBins((1961, 1963, 1965, 1967))
    assert found.labels == ("< 1961", "1961 to < 1963", "1963 to < 1965", "1965 to < 1967", ">= 1967", "missing")
    assert sizes(found, columns(born=born)["born"]) == [99, 198, 198, 198, 297, 10]


def test_dates_are_taken_as_years_and_everything_else_as_it_is() -> None:
    dates = np.array(["1969-12-31", "1970-01-01", "NaT", "2026-06-30"], dtype="datetime64[D]")
    assert np.array_equal(group_values(dates), [1969, 1970, np.nan, 2026], equal_nan=True)
    for column in (np.array([1.0, np.nan]), np.array(["a", None], dtype=object)):
        assert group_values(column) is column


def test_of_a_category_the_ten_most_frequent_levels_are_groups(fitted: Scorecard) -> None:
    # From 95 rows of the first down to 40 of the last, and of two equally frequent ones the first by name.
    rows = {"m": 95, "l": 90, "k": 85, "j": 80, "i": 75, "h": 70, "g": 65, "f": 60, "e": 55, "d": 50, "c": 50, "b": 40}
    region: list[str | None] = [level for level, count in rows.items() for _ in range(count)]
    region += [None] * (ROWS - len(region))
    found = groups(fitted, region=region)["region"]
    assert found == CategoryBins(("m", "l", "k", "j", "i", "h", "g", "f", "e", "c"))
    assert sizes(found, np.array(region, dtype=object)) == [95, 90, 85, 80, 75, 70, 65, 60, 55, 50, 90, 185]


def test_a_declared_level_that_nobody_had_is_no_group_of_its_own(fitted: Scorecard) -> None:
    found = groups(fitted, sex=["female"] * 600 + [None] * 400)["sex"]
    assert found == CategoryBins(("female",))
    assert found.codes(np.array(["female", "male", None], dtype=object)).tolist() == [0, 1, 2]


def test_without_a_value_there_is_one_group_beside_the_missing(fitted: Scorecard) -> None:
    found = groups(fitted)
    assert [found[name] for name in ("children", "disabled", "born")] == [NumericBins(())] * 3
    assert [found[name] for name in ("region", "sex")] == [CategoryBins(())] * 2
