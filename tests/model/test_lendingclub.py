"""The scorecard on real loans: trained on those before 2011, tested on those of 2011."""

from datetime import date
from pathlib import Path

import polars
import pytest

from model.trained import Model
from model.training import train
from schemas.columns import columns_of
from schemas.contract import Contract, read_contract
from tests.contracts.lendingclub import LendingClub
from tests.model.portfolio import known

DATA = Path(__file__).parents[2] / ".." / "shared" / "data" / "lendingclub"

pytestmark = pytest.mark.skipif(not DATA.exists(), reason=f"the LendingClub data is not at {DATA.resolve()}")

KINDS = {"number": polars.Float64, "integer": polars.Float64, "category": polars.String}


def read_loans(contract: Contract) -> polars.DataFrame:
    schema = {field.name: KINDS[field.kind] for field in contract.fields}
    files = sorted((DATA / "landing").glob("*.csv"))
    loans = polars.concat(polars.read_csv(path, schema_overrides=schema, try_parse_dates=True) for path in files)
    return loans.join(polars.read_csv(DATA / "outcomes.csv"), on="application_id", validate="1:1")


@pytest.fixture(scope="module")
def lendingclub_model() -> Model:
    contract = read_contract(LendingClub)
    loans = read_loans(contract)
    columns, dates = columns_of(contract, loans), loans["application_date"].to_numpy()
    return train(contract, columns, loans["defaulted"].to_numpy(), dates, date(2011, 1, 1))


def test_the_scorecard_is_level_with_gradient_boosting(lendingclub_model: Model) -> None:
    evaluation = lendingclub_model.evaluation
    assert lendingclub_model.training.test_rows == 21_721
    assert known(evaluation.test.auc.value) > 0.68
    assert known(evaluation.test.auc.value) > known(evaluation.boosting.auc.value) - 0.01


def test_bands_are_ordered_by_what_happened_later(lendingclub_model: Model) -> None:
    observed = [known(part.observed.value) for part in lendingclub_model.evaluation.calibration]
    assert observed == sorted(observed)


def test_the_expected_default_rate_is_within_two_points_of_what_happened_later(lendingclub_model: Model) -> None:
    facts, calibration = lendingclub_model.training, lendingclub_model.evaluation.calibration
    expected = sum(part.rows * known(part.expected) for part in calibration) / facts.test_rows
    assert expected == pytest.approx(facts.test_default_rate, abs=0.02)
