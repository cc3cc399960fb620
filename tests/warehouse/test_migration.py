import shutil
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import duckdb
import pytest
from msgspec import Meta, Struct, defstruct

from schemas.characteristic import Characteristic
from schemas.contract import Contract, read_contract
from schemas.errors import ContractError, NoWarehouse, WarehouseError
from tests.contracts.lendingclub import LendingClub
from tests.warehouse.staged import CONTRACT, WAIT_SECONDS, ask, change, everything, publish, stage
from warehouse import migration
from warehouse.connection import Address
from warehouse.writer import Writer

SCORED = Characteristic(reason="A sentence for the applicant.")
INTERFACE = {
    "batches": "batch_id batch_date revision status source_sha256 model_version rows_received rows_scored"
    " rows_quarantined started_at finished_at",
    "applications": "batch_id application_id age income loan_amount employment_length credit_score",
    "scores": "batch_id application_id probability_of_default score band decision reason_codes model_version",
    "quarantine": "batch_id row_number application_id rule field value row",
    "gate_results": "batch_id check_name observed threshold severity passed",
    "drift": "batch_id batch_date feature statistic value p_value threshold drifted",
    "alerts": "alert_id kind severity batch_date subject message status raised_at",
    "predictions": "prediction_id predicted_at inputs outputs latency_ms model_version request_id application_key"
    " segment",
    "prediction_segments": "segment row_count sha256 loaded_at",
    "current_scores": "batch_id batch_date application_id probability_of_default score band decision reason_codes",
    "models": "",
    "outcomes": "",
    "performance": "",
    "schema_version": "",
}


class EveryKind(Struct, frozen=True, kw_only=True):
    amount: Annotated[float, Meta(ge=0), SCORED]
    children: Annotated[int, Meta(ge=0), SCORED]
    guarantor: Annotated[bool, SCORED]
    since: date
    housing: Annotated[Literal["OWN", "RENT"], SCORED]
    purpose: Annotated[str, Meta(max_length=40), SCORED] | None = None


class AgeInFractions(Struct, frozen=True, kw_only=True):
    age: Annotated[float, Meta(ge=0), SCORED]


class IncomeInCapitals(Struct, frozen=True, kw_only=True):
    Income: Annotated[float, Meta(ge=0), SCORED]


def prepare(at: Address, contract: Contract = CONTRACT) -> None:
    Writer(at, contract, WAIT_SECONDS).prepare()


def columns_of(at: Address, table: str) -> dict[str, str]:
    here = "FROM duckdb_columns() WHERE database_name = current_database()"
    return dict(ask(at, f"SELECT column_name, data_type {here} AND table_name = ?", table))


def with_second_migration(folder: Path, statements: str) -> Path:
    """A folder with this release's migrations and one more."""
    copy = folder / "migrations"
    shutil.copytree(migration.FOLDER, copy)
    number = len(list(copy.glob("*.sql"))) + 1
    (copy / f"{number:04d}_more.sql").write_text(statements, encoding="utf-8")
    return copy


@pytest.mark.parametrize("table", INTERFACE)
def test_a_new_warehouse_has_every_column_of_the_interface(tmp_path: Path, table: str) -> None:
    at = tmp_path / "folder" / "that is new" / "warehouse.duckdb"
    prepare(at)
    present = columns_of(at, table)
    assert present
    assert set(INTERFACE[table].split()) <= set(present)


def test_reason_codes_are_a_list(tmp_path: Path) -> None:
    prepare(tmp_path / "warehouse.duckdb")
    assert columns_of(tmp_path / "warehouse.duckdb", "scores")["reason_codes"] == "VARCHAR[]"


def test_every_kind_of_field_has_its_column_type(at: Address) -> None:
    prepare(at, read_contract(EveryKind))
    own = {"amount", "children", "guarantor", "since", "housing", "purpose"}
    assert {name: kind for name, kind in columns_of(at, "applications").items() if name in own} == {
        "amount": "DOUBLE",
        "children": "BIGINT",
        "guarantor": "BOOLEAN",
        "since": "DATE",
        "housing": "VARCHAR",
        "purpose": "VARCHAR",
    }


def test_opening_again_changes_nothing(tmp_path: Path, at: Address) -> None:
    publish(at, stage(tmp_path))
    before = everything(at)
    prepare(at)
    assert everything(at) == before
    names = sorted(file.stem for file in migration.FOLDER.glob("*.sql"))
    assert ask(at, "SELECT name FROM schema_version ORDER BY version") == [(name,) for name in names]


def test_a_later_migration_is_applied_once_and_keeps_the_rows(
    tmp_path: Path, at: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(at, stage(tmp_path))
    before = everything(at)
    added = "ALTER TABLE alerts ADD COLUMN note VARCHAR; INSERT INTO alerts (note) VALUES ('migrated');"
    monkeypatch.setattr(migration, "FOLDER", with_second_migration(tmp_path, added))
    prepare(at)
    prepare(at)
    assert ask(at, "SELECT note FROM alerts") == [("migrated",)]
    assert everything(at)["scores"] == before["scores"]
    assert len(everything(at)["schema_version"]) == len(before["schema_version"]) + 1


def test_another_contract_adds_its_columns_and_keeps_the_rows(tmp_path: Path, at: Address) -> None:
    publish(at, stage(tmp_path, rows=20))
    income = ask(at, "SELECT application_id, income FROM applications ORDER BY ALL")
    prepare(at, read_contract(LendingClub))
    assert {"sub_grade", "purpose", "income"} <= set(columns_of(at, "applications"))
    assert ask(at, "SELECT application_id, income FROM applications ORDER BY ALL") == income
    assert ask(at, "SELECT count(*), count(sub_grade) FROM applications") == [(20, 0)]


def test_the_earlier_contract_still_publishes_after_another_added_its_columns(tmp_path: Path, at: Address) -> None:
    prepare(at, read_contract(LendingClub))
    publish(at, stage(tmp_path, rows=20))
    assert ask(at, "SELECT count(age), count(sub_grade) FROM applications") == [(20, 0)]


def test_a_column_of_another_type_is_refused(tmp_path: Path, at: Address) -> None:
    publish(at, stage(tmp_path))
    before = everything(at)
    with pytest.raises(WarehouseError, match="age of applications is BIGINT, the contract AgeInFractions wants DOUBLE"):
        prepare(at, read_contract(AgeInFractions))
    assert everything(at) == before


def test_a_field_that_differs_from_a_column_only_in_case_is_refused(at: Address) -> None:
    prepare(at)
    # DuckDB's names have no case: the two would share a column.
    with pytest.raises(WarehouseError, match="Income"):
        prepare(at, read_contract(IncomeInCapitals))


def test_a_contract_cannot_name_a_column_that_the_warehouse_fills(at: Address) -> None:
    prepare(at)
    fields = {field.name for field in CONTRACT.fields}
    filled = {*columns_of(at, "scores"), *columns_of(at, "applications")} - fields
    taken = []
    for name in sorted(filled | {name.title() for name in filled}):
        try:
            read_contract(defstruct("Portfolio", [(name, Annotated[float, SCORED])], kw_only=True))
        except ContractError:
            continue
        taken.append(name)
    assert taken == []


def test_a_warehouse_of_a_later_layout_is_refused(tmp_path: Path, at: Address) -> None:
    prepare(at)
    change(at, "INSERT INTO schema_version VALUES (999, '0999_future', now()::TIMESTAMP)")
    before = everything(at)
    with pytest.raises(WarehouseError, match="layout 999"):
        publish(at, stage(tmp_path))
    assert everything(at) == before


# The first is refused before anything is run, the second after a table was made, the third when rows were changed.
BROKEN = [
    "CREATE TABLE more (a INTEGER); SELEC",
    "CREATE TABLE more (a INTEGER); SELECT no_such_column FROM more;",
    "UPDATE batches SET status = 'lost'; ALTER TABLE scores DROP COLUMN band; SELECT error('stop');",
]


@pytest.mark.parametrize("statements", BROKEN)
def test_a_failing_migration_leaves_nothing_behind(
    tmp_path: Path, at: Address, monkeypatch: pytest.MonkeyPatch, statements: str
) -> None:
    publish(at, stage(tmp_path))
    before = everything(at)
    monkeypatch.setattr(migration, "FOLDER", with_second_migration(tmp_path, statements))
    with pytest.raises((duckdb.Error, WarehouseError)):
        prepare(at)
    assert everything(at) == before


def test_a_migration_that_fails_on_a_new_warehouse_makes_no_table(
    tmp_path: Path, at: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migration, "FOLDER", with_second_migration(tmp_path, BROKEN[1]))
    with pytest.raises((duckdb.Error, WarehouseError)):
        prepare(at)
    # A lake without a table of ours is none; a file is one.
    with suppress(NoWarehouse):
        assert everything(at) == {}
    monkeypatch.undo()
    publish(at, stage(tmp_path, rows=20))
    assert ask(at, "SELECT count(*) FROM scores") == [(20,)]
