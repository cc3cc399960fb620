"""Promotion and the way back, with the scores of real days."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from model.artifact import MODEL_FILE, load_version, save_model
from model.champion import champion_identity, history, promote, register
from model.signing_keys import new_pair
from schemas.errors import ModelError
from tasks.models import listed_models
from tasks.project import Project
from tasks.promote import Promotion, roll_back
from tasks.promote import promote as promote_in
from tasks.train import train_model
from tests.body import run_day
from tests.flows.homes import project_at, query
from tests.tasks.loans import DAYS, OUTCOMES, second_model

SCORES = (
    "SELECT application_id, probability_of_default, score, band, decision FROM current_scores WHERE batch_date = '{}'"
)


def champion(project: Project) -> str:
    return champion_identity(project.settings.path("models"))[0]


def roles(project: Project) -> dict[str, str]:
    return dict(query(project.settings.home_path, "SELECT model_version, role FROM models"))


def scores(project: Project, day: object) -> list[tuple[object, ...]]:
    return sorted(query(project.settings.home_path, SCORES.format(day)))


def train_another(project: Project) -> str:
    """A challenger that scores differently: trained on half of the days."""
    home = project.settings.home_path
    half = home / "half"
    half.mkdir()
    for day in DAYS[:3]:
        shutil.copy(home / "landing" / f"applications_{day}.csv", half)
    return train_model(project, str(half / "*.csv"), home / OUTCOMES, None).version


def test_a_promoted_model_scores_the_next_batch_and_the_old_scores_are_back_after_a_rollback(project: Project) -> None:
    first, second = champion(project), train_another(project)
    run_day(project, DAYS[0])
    by_first = scores(project, DAYS[0])

    assert promote_in(project, second) == Promotion(second, before=first)
    assert roles(project) == {first: "former champion", second: "champion"}
    assert run_day(project, DAYS[0]).revision == 2
    by_second = scores(project, DAYS[0])
    assert [row[0] for row in by_second] == [row[0] for row in by_first]
    assert by_second != by_first

    assert roll_back(project) == Promotion(first, before=second)
    assert roles(project) == {first: "champion", second: "former champion"}
    assert run_day(project, DAYS[0]).revision == 3
    assert scores(project, DAYS[0]) == by_first
    assert [reign.version for reign in history(project.settings.path("models"))] == [first, second, first]
    with pytest.raises(ModelError, match="no champion before"):
        roll_back(project)


def test_promoting_the_champion_changes_nothing_but_mends_the_record(project: Project) -> None:
    models, first, second = project.settings.path("models"), champion(project), train_another(project)
    # As a process leaves it that dies between pointer and record.
    promote(models, second)
    assert roles(project) == {first: "champion", second: "challenger"}
    before = history(models)
    assert promote_in(project, second) == Promotion(second, before=second)
    assert history(models) == before
    assert roles(project) == {first: "former champion", second: "champion"}


def test_a_model_that_was_trained_elsewhere_goes_on_record_when_it_is_promoted(project: Project) -> None:
    elsewhere = second_model(project).version
    promote_in(project, elsewhere)
    assert roles(project)[elsewhere] == "champion"


def test_a_model_that_cannot_be_loaded_is_not_promoted(project: Project) -> None:
    first, second = champion(project), second_model(project).version
    path = project.settings.path("models") / second / MODEL_FILE
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ModelError, match="was altered"):
        promote_in(project, second)
    with pytest.raises(ModelError, match="there is no model scorecard-0123456789ab"):
        promote_in(project, "scorecard-0123456789ab")
    with pytest.raises(ModelError, match="is not the name of a model"):
        promote_in(project, "../models")
    assert champion(project) == first
    _, public = new_pair()
    strict = project_at(project.settings.home_path, model_public_keys=public)
    with pytest.raises(ModelError, match="is not signed"):
        promote_in(strict, first)


def test_a_former_champion_that_is_another_model_by_now_does_not_come_back(project: Project) -> None:
    models, first, second = project.settings.path("models"), champion(project), second_model(project).version
    promote_in(project, second)
    other = save_elsewhere(project)
    shutil.copy(other / MODEL_FILE, models / first / MODEL_FILE)
    metadata = (other / "metadata.json").read_text().replace(other.name, first)
    (models / first / "metadata.json").write_text(metadata)
    with pytest.raises(ModelError, match="is not the model it was when it was champion"):
        roll_back(project)
    assert champion(project) == second


def save_elsewhere(project: Project) -> Path:
    models = project.settings.home_path / "elsewhere"
    model = load_version(project.settings.path("models"), champion(project), project.contract).model
    return models / save_model(models, model, "card").version


def test_the_list_has_every_model_with_what_is_known_of_it(project: Project) -> None:
    models, first, second = project.settings.path("models"), champion(project), train_another(project)
    third = second_model(project).version
    at = datetime(2030, 1, 2, tzinfo=UTC)
    promote(models, second, at=at)
    listed = {model.version: model for model in listed_models(project)}
    assert next(iter(listed)) == second
    assert [listed[version].role for version in (first, second, third)] == ["former champion", "champion", "registered"]
    assert listed[second].champion_since == at
    assert listed[second].auc == load_version(models, second, project.contract).model.evaluation.test.auc.value
    trained = listed[second].trained_at
    assert trained
    assert (datetime.now(UTC) - trained).total_seconds() < 600
    assert (listed[third].trained_at, listed[third].champion_since) == (None, None)
    register(models, third)
    assert {model.version: model.role for model in listed_models(project)}[third] == "challenger"


def test_a_models_folder_alone_is_enough_for_the_list(home: Path) -> None:
    (home / "warehouse.duckdb").unlink()
    (only,) = listed_models(project_at(home))
    assert (only.role, only.trained_at) == ("champion", None)
    assert listed_models(project_at(home / "nowhere")) == []
