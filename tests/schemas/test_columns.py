from datetime import date

import numpy as np
import polars

from schemas.columns import columns_of
from schemas.contract import read_contract
from schemas.parsing import ROW_NUMBER, typed
from tests.contracts.everything import ROW, Everything

EVERYTHING = read_contract(Everything)
FULL = ROW | {"savings": "7", "owns_home": "no", "application_id": "a"}
SPARSE = FULL | {"savings": "", "owns_home": "", "due_on": "", "employer": "", "application_id": "b"}


def columns(*rows: dict[str, str]) -> dict[str, np.ndarray]:
    frame = polars.DataFrame(list(rows)).with_row_index(ROW_NUMBER)
    return columns_of(EVERYTHING, typed(EVERYTHING, frame, has_date=False))


def test_there_is_a_column_for_every_field_and_nothing_else() -> None:
    assert list(columns(FULL)) == [field.name for field in EVERYTHING.fields]


def test_numbers_integers_and_booleans_are_floats_with_nan_for_missing() -> None:
    found = columns(FULL, SPARSE)
    for name in ("income", "savings", "dependants", "age", "has_account", "owns_home"):
        assert found[name].dtype == np.float64
    np.testing.assert_array_equal(found["savings"], [7.0, np.nan])
    np.testing.assert_array_equal(found["owns_home"], [0.0, np.nan])
    np.testing.assert_array_equal(found["has_account"], [1.0, 1.0])


def test_dates_are_days_with_nat_for_missing() -> None:
    found = columns(FULL, SPARSE)["due_on"]
    assert found.dtype == np.dtype("datetime64[D]")
    assert found[0] == np.datetime64(date(2030, 1, 1))
    assert np.isnat(found[1])


def test_categories_are_objects_with_none_for_missing() -> None:
    found = columns(FULL, SPARSE)["employer"]
    assert found.dtype == object
    assert found.tolist() == ["Müller", None]


def test_no_rows_make_empty_columns_of_the_same_types() -> None:
    full, empty = columns(FULL), {}
    frame = polars.DataFrame([FULL]).with_row_index(ROW_NUMBER)
    empty = columns_of(EVERYTHING, typed(EVERYTHING, frame, has_date=False).clear())
    assert {name: column.dtype for name, column in empty.items()} == {
        name: column.dtype for name, column in full.items()
    }
    assert all(column.shape == (0,) for column in empty.values())


def test_the_features_of_a_row_follow_from_its_columns() -> None:
    features = EVERYTHING.features_of(columns(FULL, SPARSE))
    np.testing.assert_allclose(features["price_to_income"], [1500 / 30000.5] * 2, rtol=1e-15)
    assert features["term"][0] == (date(2030, 1, 1) - date(2020, 2, 29)).days
    assert np.isnan(features["term"][1])
