from pathlib import Path

import pytest

from schemas.errors import SettingsError
from schemas.personal_data import NOT_PERSONAL, RETAIN, STORES
from schemas.settings import PREFIX, Settings, load_settings
from tests.warehouse.staged import CONTRACT, WAIT_SECONDS, ask
from warehouse.writer import Writer


def test_of_every_table_it_is_said_whether_it_holds_personal_data(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    Writer(path, CONTRACT, WAIT_SECONDS).prepare()
    tables = {row[0] for row in ask(path, "SELECT table_name FROM duckdb_tables()")}
    personal = [table for store in STORES for table in store.tables]
    assert tables == {*personal, *NOT_PERSONAL}
    assert len(personal) == len(set(personal))
    assert not set(personal) & set(NOT_PERSONAL)


def test_every_age_is_a_setting_and_every_setting_has_its_store() -> None:
    named = [store.setting for store in STORES if store.setting]
    retained = [f"{PREFIX}{name.upper()}" for name in Settings.__struct_fields__ if name.startswith("retain_")]
    assert sorted(named) == sorted(retained)
    assert all(name.startswith(RETAIN) for name in named)


@pytest.mark.parametrize("other", ["APPLICATIONS", "DECLINED", "QUARANTINE"])
def test_landing_files_are_not_kept_longer_than_what_the_warehouse_has_of_them(other: str) -> None:
    with pytest.raises(SettingsError, match=f"SCORING_RETAIN_LANDING_DAYS=183 is more than the 182 .*{other}"):
        load_settings({f"SCORING_RETAIN_{other}_DAYS": "182"})
    allowed = load_settings({f"SCORING_RETAIN_{other}_DAYS": "182", "SCORING_RETAIN_LANDING_DAYS": "182"})
    assert allowed.retain_landing_days == 182


@pytest.mark.parametrize("days", ["0", "-1", "36501"])
def test_nothing_is_kept_for_ever_or_for_no_time(days: str) -> None:
    with pytest.raises(SettingsError, match="SCORING_RETAIN_PREDICTIONS_DAYS"):
        load_settings({"SCORING_RETAIN_PREDICTIONS_DAYS": days})
