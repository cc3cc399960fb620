"""Every page on a warehouse of one day: drawn, each table with its export; and what is said while it is written to."""

from datetime import date
from pathlib import Path
from typing import Any

import polars
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.app import SECTIONS
from schemas.errors import WarehouseUnavailable
from tasks.project import Project
from tests.body import run_day
from tests.dashboard.pages import again, look, said
from tests.dashboard.test_real_time import INPUTS, predictions_of
from tests.flows.homes import landing_file, new_home, project_at, query
from tests.tasks.loans import DAYS
from warehouse.reader import Reader

DAY: date = DAYS[0]
PAGES = {path: title for views in SECTIONS.values() for path, title, *_ in views}


@pytest.fixture(scope="module")
def home(drifted: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one published day, of which a row is quarantined, and one day of predictions."""
    home = new_home(drifted.settings.home_path, tmp_path_factory.mktemp("one_day") / "home", DAYS[:1])
    rows = polars.read_csv(landing_file(home, DAY))
    first = polars.int_range(polars.len()) == 0
    rows.with_columns(age=polars.when(first).then(17).otherwise("age")).write_csv(landing_file(home, DAY))
    run_day(project_at(home), DAY)
    project_at(home).writer.load_predictions("first", "1" * 64, predictions_of(1, INPUTS, ["INCOME"]))
    return home


@pytest.fixture(scope="module")
def application_id(home: Path) -> str:
    return str(query(home, "SELECT min(application_id) FROM scores")[0][0])


def exports_of(app: AppTest) -> list[str]:
    """The names of what can be exported: as CSV and as Parquet, and as much of it as there are tables."""
    buttons = [button.key or "" for button in app.get("download_button")]
    csv, parquet = (
        [key.removeprefix("export-").removesuffix(f"-{ending}") for key in buttons if key.endswith(f"-{ending}")]
        for ending in ("csv", "parquet")
    )
    assert csv == parquet
    assert len(csv) == len(app.dataframe)
    return csv


@pytest.mark.parametrize("path", PAGES)
def test_every_page_of_one_day_is_drawn_and_every_table_can_be_exported(home: Path, path: str) -> None:
    app = look(home, path)
    assert app.title[0].value == PAGES[path]
    assert "try-again" not in [button.key for button in app.button]
    assert bool(exports_of(app)) == (path not in ("today", "drift", "application", "score"))


@pytest.mark.parametrize("view", ["Broken rules", "Quarantined rows", "Gate", "Monitors"])
def test_every_view_of_data_quality_can_be_exported(home: Path, view: str) -> None:
    checks, *others = exports_of(look(home, "data-quality", view=view, day=str(DAY)))
    assert checks.startswith("checks_")
    assert len(others) == (view != "Monitors")


def test_every_table_of_an_application_and_of_a_prediction_can_be_exported(home: Path, application_id: str) -> None:
    exports = exports_of(look(home, "application", id=application_id))
    assert exports == ["application_points", "application_inputs", "application_history"]
    exports = exports_of(look(home, "real-time", prediction="p-2026-03-20-2"))
    assert exports == ["prediction_inputs", "latest_predictions"]


def test_what_is_exported_has_the_names_and_values_that_are_stored(
    home: Path, application_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported: dict[str, polars.DataFrame] = {}

    def keep(whole: Any, name: str) -> None:
        exported[name] = whole()

    monkeypatch.setattr("dashboard.tables.offer_export", keep)
    look(home, "application", id=application_id)
    look(home, "real-time", prediction="p-2026-03-20-2")
    look(home, "data-quality", day=str(DAY))
    ((income,),) = query(home, f"SELECT income FROM applications WHERE application_id = '{application_id}'")
    assert exported["application_inputs"]["income"].to_list() == [income]
    assert exported["prediction_inputs"]["income"].to_list() == [INPUTS["income"]]
    assert exported["prediction_inputs"]["employment_length"].to_list() == [None]
    assert exported["rules"].select("rule", "field").rows() == [("below_minimum", "age")]
    (checks,) = (frame for name, frame in exported.items() if name.startswith("checks_"))
    assert {"check_name", "observed", "threshold", "passed"} <= set(checks.columns)
    assert "income" in exported["application_points"]["feature"].to_list()


def test_while_the_warehouse_is_written_to_a_page_says_so_and_can_be_tried_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def held(self: Reader, query: str, **values: Any) -> polars.DataFrame:
        raise WarehouseUnavailable("another process has it")

    with monkeypatch.context() as patched:
        patched.setattr(Reader, "frame", held)
        # An answer that is remembered would not be asked for.
        patched.setattr("dashboard.desk._answer", lambda *given: held(given[-1], given[3]))
        app = look(home, "today")
    assert "The warehouse is being written to" in app.error[0].value
    assert "Another process has it." in app.error[0].value
    (button,) = (item for item in app.button if item.key == "try-again")
    button.click()
    assert "is published" in said(again(app, home))
