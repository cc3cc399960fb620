import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.outcomes import outcomes
from flows.train import train
from model.champion import challengers, champion_identity
from model.policy import BANDS
from schemas.errors import LandingError, ModelError, ScoringError
from tasks.outcomes import load_outcomes
from tests.body import run_day
from tests.flows.homes import DAYS, new_home, project_at, query
from tests.flows.prefect_runs import Run
from warehouse.writer import PERFORMANCE

BEFORE = DAYS[10]

pytestmark = pytest.mark.usefixtures("prefect_here")


@pytest.fixture(scope="module")
def scored(portfolio: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with all its days published. Not to be written to."""
    home = new_home(portfolio, tmp_path_factory.mktemp("scored") / "home")
    for day in DAYS:
        run_day(project_at(home), day)
    return home


@pytest.fixture
def home(scored: Path, tmp_path: Path) -> Path:
    """All days are published, and there is no outcome yet."""
    return shutil.copytree(scored, tmp_path / "home")


@pytest.fixture(autouse=True)
def here(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCORING_HOME", str(home))


@pytest.fixture
def observed(home: Path, portfolio: Path) -> int:
    """Outcomes are loaded: so many."""
    return load_outcomes(project_at(home), portfolio / "outcomes.csv")


@pytest.fixture
def load(prefect_api: str) -> Callable[[Path], Run]:
    """Runs the flow outcomes."""
    return lambda file: Run(prefect_api, outcomes(file, return_state=True))


@pytest.fixture
def fit(prefect_api: str) -> Callable[..., Run]:
    """Runs the flow train on what the warehouse holds."""
    return lambda **given: Run(prefect_api, train(**given, return_state=True))


def test_outcomes_are_loaded_and_compared_with_what_was_predicted(
    home: Path, portfolio: Path, load: Callable[[Path], Run]
) -> None:
    run = load(portfolio / "outcomes.csv")
    ((count,),) = query(home, "SELECT count(*) FROM outcomes")
    assert run.result == count > 10_000
    assert run.end == ("COMPLETED", "Completed", f"{count:,} outcomes loaded; performance of 1 vintages")
    assert run.task_runs() == [("load outcomes", "COMPLETED", 1), ("update performance", "COMPLETED", 1)]
    artifacts = run.artifacts()
    assert (list(artifacts), artifacts["performance"]["type"]) == (["performance"], "table")
    rows = json.loads(artifacts["performance"]["data"])
    stored = query(home, f"SELECT {', '.join(PERFORMANCE)} FROM performance WHERE basis = 'realised'")
    assert sorted((tuple(row.values()) for row in rows), key=str) == sorted(
        ((str(row[0]), *row[1:]) for row in stored), key=str
    )
    whole = {row["metric"] for row in rows if row["band"] is None}
    assert whole == {"auc", "gini", "ks", "brier", "default_rate", "expected_default_rate"}
    assert {row["band"] for row in rows} == {None, *BANDS}


def test_outcomes_of_nothing_that_was_scored_have_no_table(
    home: Path, portfolio: Path, load: Callable[[Path], Run]
) -> None:
    (home / "warehouse.duckdb").unlink()
    run = load(portfolio / "outcomes.csv")
    assert run.end[1] == "Completed"
    assert run.end[2].endswith("outcomes loaded; performance of 0 vintages")
    assert run.artifacts() == {}


def test_a_bad_file_of_outcomes_is_refused_whole(home: Path, load: Callable[[Path], Run]) -> None:
    file = home / "outcomes.csv"
    file.write_text("application_id,defaulted,observed_on\nA-1,0,2026-06-30\nA-2,perhaps,2026-06-30\n")
    run = load(file)
    assert run.end[:2] == ("FAILED", "Failed")
    assert "row 2: " in run.end[2]
    assert isinstance(run.result, ScoringError)
    assert run.task_runs() == [("load outcomes", "FAILED", 1)]
    assert query(home, "SELECT count(*) FROM outcomes") == [(0,)]


@pytest.mark.usefixtures("observed")
def test_a_model_trained_on_the_warehouse_is_a_challenger_with_its_card_and_event(
    home: Path, fit: Callable[..., Run]
) -> None:
    models = home / "models"
    champion = champion_identity(models)
    run = fit()
    version = run.result.version
    auc = run.result.model.evaluation.test.auc.value
    assert run.end == ("COMPLETED", "Completed", f"{version} is challenger: AUC {auc:.3f} out of time")
    ((published,),) = query(home, "SELECT count(*) FROM current_scores")
    assert run.result.rows_read == published
    (artifact,) = run.artifacts().values()
    assert (artifact["key"], artifact["type"], artifact["description"]) == (version, "markdown", run.end[2])
    assert artifact["data"] == (models / version / "model_card.md").read_text()
    assert "The data is what was published in the warehouse." in artifact["data"]
    (event,) = run.events()
    assert event["event"] == "scoring.model.trained"
    assert event["resource"] == {
        "prefect.resource.id": f"scoring.model.{version}",
        "prefect.resource.name": version,
        "scoring.model.role": "challenger",
    }
    assert (champion_identity(models), challengers(models)) == (champion, [version])
    assert query(home, "SELECT model_version, role FROM models") == [(version, "challenger")]

    # The same data gives the same model, which is a challenger already.
    again = fit(challenger_only=True)
    assert (again.result.version, again.result.role) == (version, "challenger")
    assert challengers(models) == [version]


@pytest.mark.usefixtures("observed")
def test_the_first_model_is_champion_unless_it_is_only_to_challenge(home: Path, fit: Callable[..., Run]) -> None:
    (home / "models" / "champion.json").unlink()
    refused = fit(before=BEFORE, challenger_only=True)
    assert refused.end[:2] == ("FAILED", "Failed")
    assert isinstance(refused.result, ModelError)
    assert (refused.artifacts(), list((home / "models").glob("champion.json"))) == ({}, [])

    run = fit(before=BEFORE)
    assert run.end[2].startswith(f"{run.result.version} is champion: AUC 0.")
    assert run.result.model.training.before == str(BEFORE)
    assert champion_identity(home / "models")[0] == run.result.version
    (event,) = run.events()
    assert event["resource"]["scoring.model.role"] == "champion"
    assert refused.events() == []


def test_training_without_outcomes_says_what_to_load(fit: Callable[..., Run]) -> None:
    run = fit()
    assert run.end[:2] == ("FAILED", "Failed")
    assert "no outcomes are loaded" in run.end[2]
    assert isinstance(run.result, LandingError)
    assert run.task_runs() == [("train", "FAILED", 1)]


def test_training_without_anything_published_says_what_to_do(home: Path, fit: Callable[..., Run]) -> None:
    (home / "warehouse.duckdb").unlink()
    run = fit()
    assert run.end[:2] == ("FAILED", "Failed")
    assert "there is no warehouse at" in run.end[2]
    assert "score a day first" in run.end[2]
