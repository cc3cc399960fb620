import shutil
from pathlib import Path
from typing import Any

import polars
import pytest

from model.champion import CHAMPION, challengers, champion_identity
from schemas.errors import BatchBlocked, LandingError, ModelError, WarehouseError
from schemas.loading import load_contract
from tasks.outcomes import load_outcomes
from tasks.project import Project
from tasks.train import Trained, train_model
from tests.body import run_day
from tests.flows.homes import contents, landing_file, project_at, query
from tests.tasks.loans import COLUMNS, DAYS, OUTCOMES, ROWS

FIRST, SECOND, *_, LAST = DAYS


def glob(project: Project) -> str:
    return str(project.settings.path("landing") / "*.csv")


def outcomes(project: Project) -> Path:
    return project.settings.home_path / OUTCOMES


def some_outcomes(project: Project, rows: int) -> Path:
    """The outcomes of the first applications alone."""
    path = project.settings.home_path / "some.csv"
    polars.read_csv(outcomes(project)).head(rows).write_csv(path)
    return path


def publish_all(project: Project) -> None:
    for day in DAYS:
        run_day(project, day)


def champion(project: Project) -> str:
    return champion_identity(project.settings.path("models"))[0]


def left_by(project: Project) -> tuple[list[str], dict[str, Any]]:
    """The files of the models folder, and everything in the warehouse."""
    models = project.settings.path("models")
    return sorted(str(path) for path in models.rglob("*")), contents(project.settings.home_path)


@pytest.fixture(scope="module")
def published_home(portfolio: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The portfolio with all days published and all outcomes loaded. Not to be written to."""
    home = Path(shutil.copytree(portfolio, tmp_path_factory.mktemp("published") / "home"))
    publish_all(project_at(home))
    load_outcomes(project_at(home), home / OUTCOMES)
    return home


@pytest.fixture
def published(published_home: Path, tmp_path: Path) -> Project:
    return project_at(Path(shutil.copytree(published_home, tmp_path / "published")))


def test_the_warehouse_gives_the_model_that_its_files_gave(published: Project) -> None:
    # The same rows in the same order are the same model, to the byte.
    trained = train_model(published, None, None, None)
    assert (trained.version, trained.role) == (champion(published), "champion")
    assert trained.rows_read == len(DAYS) * ROWS
    assert (trained.rows_refused, trained.rows_repeated, trained.rows_without_outcome) == (0, 0, 0)


@pytest.mark.parametrize("files", ["applications", "outcomes"])
def test_files_and_warehouse_can_be_mixed(published: Project, files: str) -> None:
    if files == "applications":
        trained = train_model(published, glob(published), None, None)
    else:
        trained = train_model(published, None, outcomes(published), None)
    assert (trained.version, trained.rows_read) == (champion(published), len(DAYS) * ROWS)


def test_a_challenger_is_trained_on_what_is_published_and_on_outcomes_that_are_loaded(project: Project) -> None:
    home = project.settings.home_path
    # A bad row, a revision that leaves rows out, and a day that is blocked.
    with landing_file(home, FIRST).open("a") as file:
        file.write(f"bad,{FIRST},17,40000,9000,6,700\n")
    landing_file(home, LAST).write_text("nothing\n")
    for day in DAYS[:-1]:
        run_day(project, day)
    with pytest.raises(BatchBlocked):
        run_day(project, LAST)
    lines = landing_file(home, SECOND).read_text().splitlines(keepends=True)
    landing_file(home, SECOND).write_text("".join(lines[: ROWS - 49]))
    assert run_day(project, SECOND).revision == 2
    load_outcomes(project, some_outcomes(project, 4 * ROWS))
    before = champion(project)

    trained = train_model(project, None, None, None)
    assert trained.rows_read == 5 * ROWS - 50
    assert (trained.rows_refused, trained.rows_repeated, trained.rows_without_outcome) == (0, 0, ROWS)
    facts = trained.model.training
    assert facts.train_rows + facts.test_rows == 4 * ROWS - 50
    assert_challenger(project, trained, before)
    assert "The data is what was published in the warehouse." in trained.card.read_text()


def assert_challenger(project: Project, trained: Trained, before: str) -> None:
    assert trained.role == "challenger"
    assert champion(project) == before != trained.version
    assert challengers(project.settings.path("models")) == [trained.version]
    roles = query(project.settings.home_path, "SELECT model_version, role FROM models")
    assert sorted(roles) == sorted([(before, "champion"), (trained.version, "challenger")])


@pytest.mark.parametrize("with_file", [True, False])
def test_a_warehouse_with_nothing_published_has_nothing_to_train_on(project: Project, *, with_file: bool) -> None:
    landing_file(project.settings.home_path, LAST).write_text("nothing\n")
    with pytest.raises(BatchBlocked):
        run_day(project, LAST)
    load_outcomes(project, outcomes(project))
    before = left_by(project)
    with pytest.raises(LandingError, match=r"nothing is published in the warehouse.*; score days first, or name"):
        train_model(project, None, outcomes(project) if with_file else None, None)
    assert left_by(project) == before


@pytest.mark.parametrize("with_files", [True, False])
def test_without_outcomes_there_is_nothing_to_learn(project: Project, *, with_files: bool) -> None:
    publish_all(project)
    before = left_by(project)
    with pytest.raises(
        LandingError, match=r"no outcomes are loaded; load some with .*flows outcomes FILE.*name a file"
    ):
        train_model(project, glob(project) if with_files else None, None, None)
    assert left_by(project) == before


def test_a_home_without_a_warehouse_has_nothing_to_train_on(project: Project) -> None:
    project.settings.path("warehouse").unlink()
    for applications in (None, glob(project)):
        with pytest.raises(WarehouseError, match="there is no warehouse"):
            train_model(project, applications, None, None)
    assert not project.settings.path("warehouse").exists()


def test_too_little_in_the_warehouse_is_said(project: Project) -> None:
    run_day(project, FIRST)
    load_outcomes(project, outcomes(project))
    with pytest.raises(ModelError, match="have to span two dates at least"):
        train_model(project, None, None, None)
    run_day(project, SECOND)
    with pytest.raises(ModelError, match=f"0 applications with an outcome lie before {FIRST}"):
        train_model(project, None, None, FIRST)


def test_what_is_only_to_challenge_is_not_trained_without_a_champion(published: Project) -> None:
    (published.settings.path("models") / CHAMPION).unlink()
    before = left_by(published)
    for applications in (None, glob(published), "nothing/*.csv"):
        with pytest.raises(ModelError, match="there is no champion in"):
            train_model(published, applications, None, None, challenger_only=True)
    assert left_by(published) == before


def test_what_is_only_to_challenge_is_a_challenger(published: Project) -> None:
    before = champion(published)
    assert_challenger(published, train_model(published, None, None, LAST, challenger_only=True), before)


def test_the_champion_trained_anew_stays_champion(published: Project) -> None:
    trained = train_model(published, None, None, None, challenger_only=True)
    assert (trained.version, trained.role) == (champion(published), "champion")
    assert challengers(published.settings.path("models")) == []


def test_without_a_champion_the_first_model_becomes_one(published: Project) -> None:
    (published.settings.path("models") / CHAMPION).unlink()
    trained = train_model(published, None, None, None)
    assert (trained.version, trained.role) == (champion(published), "champion")


def test_rows_refused_repeated_and_without_an_outcome_are_counted(project: Project) -> None:
    home = project.settings.home_path
    first, *_ = landing_file(home, FIRST).read_text().splitlines()[1:]
    with landing_file(home, SECOND).open("a") as file:
        file.write(f"bad,{SECOND},17,40000,9000,6,700\n{first}\n")
    trained = train_model(project, glob(project), some_outcomes(project, 5 * ROWS), None)
    assert trained.rows_read == len(DAYS) * ROWS + 2
    assert (trained.rows_refused, trained.rows_repeated, trained.rows_without_outcome) == (1, 1, ROWS)


def test_the_date_in_its_name_is_taken_for_a_file_without_one(project: Project) -> None:
    home = project.settings.home_path
    for day in DAYS:
        frame = polars.read_csv(landing_file(home, day), infer_schema=False)
        frame.select(name for name in COLUMNS if name != "application_date").write_csv(landing_file(home, day))
    assert train_model(project, glob(project), outcomes(project), None).version == champion(project)
    landing_file(home, LAST).rename(home / "landing" / "last.csv")
    with pytest.raises(LandingError, match=r"last\.csv has no column application_date and no date in its name"):
        train_model(project, glob(project), outcomes(project), None)


def test_the_card_says_where_files_come_from(project: Project) -> None:
    generated = "The data is generated: no row of it is about a real person"
    (project.settings.path("landing") / "GENERATED.md").touch()
    # Another date to split at is another model, with a card of its own.
    assert generated in train_model(project, glob(project), outcomes(project), LAST).card.read_text()
    (project.settings.path("landing") / "GENERATED.md").unlink()
    handed = train_model(project, glob(project), outcomes(project), DAYS[-3]).card.read_text()
    assert "The data was handed to the training command" in handed
    assert generated not in handed


@pytest.mark.parametrize("prepared", [True, False])
def test_what_was_published_under_another_contract_is_not_trained_on(project: Project, *, prepared: bool) -> None:
    for day in DAYS:
        run_day(project, day)
    load_outcomes(project, outcomes(project))
    other = Project(project.settings, load_contract("tests.contracts.everything:Everything"))
    if prepared:
        other.writer.prepare()
    with pytest.raises(LandingError, match="nothing is published in the warehouse for the contract"):
        train_model(other, None, None, None)
