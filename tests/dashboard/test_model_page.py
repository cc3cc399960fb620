"""The model page: the champion, its scorecard, and other models beside it."""

import copy
import shlex
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest

from dashboard.models.charts import points_beside, points_by_bin
from dashboard.models.page import champions_of, scale_in_words, spread_in_words
from dashboard.models.registry import read_registry
from dashboard.models.scorecards import (
    bins_compared,
    features_compared,
    figures_compared,
    figures_of,
    points_of,
    same_test,
)
from model.artifact import CARD, MODEL_FILE, read_metadata
from model.binning import NumericBins
from model.champion import CHAMPION, champion_identity, load_champion, promote, register
from model.scorecard import Scorecard
from schemas.errors import ModelError
from tasks.project import Project
from tests.dashboard.homes import LENDINGCLUB
from tests.dashboard.pages import look, said
from tests.flows.homes import project_at, run_cli
from tests.tasks.loans import second_model

TRAIN = "python -m flows train --applications GLOB --outcomes FILE"
GONE = "scorecard-0123456789ab"


@pytest.fixture
def project(drifted: Project, tmp_path: Path) -> Project:
    """A home of its own with the champion and the warehouse."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copytree(drifted.settings.path("models"), home / "models")
    shutil.copy2(drifted.settings.path("warehouse"), home)
    return project_at(home)


def champion(project: Project) -> str:
    return champion_identity(project.settings.path("models"))[0]


def scorecard_of(project: Project) -> Scorecard:
    return load_champion(project.settings.path("models"), project.contract).model.scorecard


def table(app: Any, *columns: str) -> polars.DataFrame:
    found = next(item.value for item in app.dataframe if set(columns) <= set(item.value.columns))
    return polars.from_pandas(found)


def test_the_champion_is_shown_with_its_scorecard_scale_and_policy(drifted: Project) -> None:
    app = look(drifted.settings.home_path, "model")
    words = said(app)
    scorecard = scorecard_of(drifted)
    assert f"**{champion(drifted)}** is champion, since " in words
    assert scale_in_words(scorecard) in words
    assert "600 points stand for 50 repaid to one default, and 20 points more double that." in words
    policy = load_champion(drifted.settings.path("models"), drifted.contract).model.policy
    assert f"**Approve** from {policy.approve_from} points, **refer** to a person from {policy.refer_from}" in words
    shown = table(app, "bin", "points", "weight_of_evidence")
    assert shown.drop("title").rows() == points_of(scorecard).drop("feature").rows()
    assert shown["title"][0] == "Age (years)"
    assert table(app, "band", "from").rows() == list(policy.bands)
    # There is no other model yet.
    assert TRAIN in [item.value for item in app.text]


def test_the_card_is_shown_without_becoming_html(project: Project) -> None:
    path = project.settings.path("models") / champion(project) / CARD
    path.write_text(f"{path.read_text()}\n<script>alert(1)</script>\n")
    app = look(project.settings.home_path, "model")
    (card,) = [item for item in app.markdown if "<script>" in item.value]
    assert card.value.startswith("# Model card: scorecard for Application")
    assert not card.allow_html


def test_a_contract_with_categories_has_its_levels_as_bins(lender: Project) -> None:
    app = look(lender.settings.home_path, "model", LENDINGCLUB, feature="purpose", version=champion(lender))
    assert not app.warning
    assert "**Purpose**: " in said(app)
    assert {"car", "house", "wedding"} <= set(table(app, "bin", "points")["bin"])


def test_what_the_address_asks_for_and_is_not_there_is_said(drifted: Project) -> None:
    app = look(drifted.settings.home_path, "model", version=GONE, feature="shoe_size")
    assert [item.value.split(" that ")[0] for item in app.warning] == [
        "The address asks for a model",
        "The address asks for a feature",
    ]
    assert "Age (years)" in said(app)


def test_without_models_it_says_how_to_train_one(project: Project) -> None:
    shutil.rmtree(project.settings.path("models"))
    app = look(project.settings.home_path, "model")
    assert "There is no champion in" in said(app)
    assert TRAIN in [item.value for item in app.text]
    # What is on record of the one that was there is still said.
    assert "is not in" in said(app)


def test_an_empty_warehouse_is_enough_for_the_page_and_no_models_at_all_for_its_empty_state(
    project: Project, tmp_path: Path
) -> None:
    project.settings.path("warehouse").unlink()
    project.writer.prepare()
    assert "not on record in the warehouse" in said(look(project.settings.home_path, "model"))
    bare = project_at(tmp_path / "bare")
    bare.settings.home_path.mkdir()
    bare.writer.prepare()
    app = look(tmp_path / "bare", "model")
    assert [item.value for item in app.code] == [TRAIN]


def test_a_pointer_that_names_nobody_is_a_sentence(project: Project) -> None:
    (project.settings.path("models") / CHAMPION).write_text('{"versio": 1}')
    app = look(project.settings.home_path, "model")
    assert "does not name a champion" in app.error[0].value


def test_a_model_that_was_altered_is_not_loaded(project: Project) -> None:
    version = champion(project)
    path = project.settings.path("models") / version / MODEL_FILE
    path.write_bytes(path.read_bytes() + b" ")
    app = look(project.settings.home_path, "model")
    assert f"{version} cannot be loaded" in said(app)
    assert "weight_of_evidence" not in {name for item in app.dataframe for name in item.value.columns}


def test_a_model_of_another_contract_is_said_to_be_one(drifted: Project) -> None:
    app = look(drifted.settings.home_path, "model", LENDINGCLUB)
    assert "it was trained for another contract (its own is Application)" in said(app)


def test_a_challenger_stands_beside_the_champion_and_the_command_promotes_it(project: Project) -> None:
    models = project.settings.path("models")
    first, challenger = champion(project), second_model(project).version
    register(models, challenger)
    app = look(project.settings.home_path, "model")
    assert f"{challenger} (challenger)" in app.selectbox(key="choose-against").options
    compared = table(app, "figure", "this", "other")
    assert compared.filter(polars.col("figure") == "AUC, out of time")["difference"].to_list() == ["+0.0000"]
    assert "Both were tested on applications of the same dates and number." in said(app)
    assert table(app, "used_by")["used_by"].to_list() == ["both"] * len(project.contract.features)
    (command,) = [item.value for item in app.text if "promote" in item.value]
    assert command == f".venv/bin/python -m flows promote {challenger}"
    assert run_cli(project.settings.home_path, *shlex.split(command)[3:]).returncode == 0
    assert champion(project) == challenger
    after = look(project.settings.home_path, "model")
    assert table(after, "since", "until")["version"].to_list() == [challenger, first]
    assert "former champion" in " ".join(after.selectbox(key="choose-version").options)


def test_the_history_has_since_and_until_of_every_champion(project: Project) -> None:
    models = project.settings.path("models")
    first, second = champion(project), second_model(project).version
    at = datetime(2030, 1, 2, 3, 4, tzinfo=UTC)
    promote(models, second, at=at)
    found = champions_of(read_registry(models))
    assert found["version"].to_list() == [second, first]
    assert found["until"].to_list() == [None, datetime(2030, 1, 2, 3, 4)]  # noqa: DTZ001 - UTC, as the table has it
    assert found["since"][0] == found["until"][1]


def test_the_champion_comes_first_then_challengers_then_what_is_on_record(project: Project) -> None:
    models = project.settings.path("models")
    first, saved = champion(project), second_model(project, seed=7).version
    challenger = second_model(project).version
    register(models, challenger)
    registry = read_registry(models)
    assert registry.versions([GONE, first]) == [first, challenger, GONE, saved]
    assert [registry.role(name) for name in (first, challenger, saved)] == ["champion", "challenger", "registered"]
    assert registry.metadata(GONE) is None
    assert registry.card("../models") is None
    (models / CHAMPION).write_text("{")
    with pytest.raises(ModelError):
        read_registry(models)


def with_age(scorecard: Scorecard, edges: tuple[float, ...], points: list[int]) -> Scorecard:
    """A scorecard that is another one in its first feature."""
    other = copy.copy(scorecard)
    other.bins_ = (NumericBins(edges), *scorecard.bins_[1:])
    other.points_ = (np.array(points, dtype=np.int32), *scorecard.points_[1:])
    return other


def test_points_are_compared_bin_by_bin_whatever_the_limits(drifted: Project) -> None:
    scorecard = scorecard_of(drifted)
    name = scorecard.features[0].name
    one, other = with_age(scorecard, (30.0,), [10, 20, 15]), with_age(scorecard, (30.0, 50.0), [12, 20, 29, 15])
    found = bins_compared(one, other, name)
    assert found.rows() == [
        ("< 30", 10, 12, -2),
        ("30 to < 50", 20, 20, 0),
        (">= 50", 20, 29, -9),
        ("missing", 15, 15, 0),
    ]
    figure = points_beside(found, ("this", "that"), "Age")
    assert [item.y for item in figure.data] == [(10, 20, 20, 15), (12, 20, 29, 15)]
    assert figure.data[0].marker.symbol != figure.data[1].marker.symbol


def test_levels_that_only_one_model_knows_take_the_bin_for_others_in_the_other(lender: Project) -> None:
    scorecard = scorecard_of(lender)
    place = [item.name for item in scorecard.features].index("purpose")
    bins: Any = scorecard.bins_[place]
    other = copy.copy(scorecard)
    fewer = type(bins)(bins.levels[1:])
    other.bins_ = tuple(fewer if item is bins else item for item in scorecard.bins_)
    other.points_ = tuple(points[1:] if number == place else points for number, points in enumerate(scorecard.points_))
    found = bins_compared(scorecard, other, "purpose").rows_by_key("bin", named=True, unique=True)
    points = scorecard.points_[place]
    assert found[bins.levels[0]]["points_other"] == points[-2]
    assert found["other"]["difference"] == found["missing"]["difference"] == 0


def test_a_feature_counts_in_a_model_only_if_its_points_differ(drifted: Project) -> None:
    scorecard = scorecard_of(drifted)
    flat = points_of(with_age(scorecard, (30.0,), [9, 9, 9]))
    found = features_compared(points_of(scorecard), flat)
    assert found["used_by"][0] == "this model only"
    assert features_compared(flat, points_of(scorecard))["used_by"][0] == "the other only"
    assert features_compared(flat, flat)["used_by"][0] == "neither"
    first = flat.filter(polars.col("feature") == scorecard.features[0].name)
    assert spread_in_words(first) == "9 points in every bin: it adds nothing beside the other features."


def test_figures_are_compared_with_intervals_and_what_is_not_known_says_so(drifted: Project) -> None:
    one = read_metadata(drifted.settings.path("models"), champion(drifted))
    other = copy.deepcopy(one)
    other["metrics"]["test"]["auc"] = {"value": None, "low": None, "high": None}
    other["metrics"]["test"]["ks"] = {"value": 0.25, "low": None, "high": None}
    other["training"]["train_rows"] += 1500
    other["training"]["test_rows"] += 1

    def written(value: float | None, is_change: bool) -> str:
        return "not known" if value is None else f"{value:+}" if is_change else str(value)

    found = figures_compared(one, other, written).rows_by_key("figure", named=True, unique=True)
    assert found["AUC, out of time"]["other"] == found["AUC, out of time"]["difference"] == "not known"
    assert found["KS, out of time"]["other"] == "0.250"
    assert found["Rows, training"]["difference"] == "-1500"
    assert found["Period, training"]["this"] == found["Period, training"]["other"]
    assert same_test(one, one)
    assert not same_test(one, other)


def test_compared_figures_are_exported_unrounded_a_row_for_each_model(drifted: Project) -> None:
    one = read_metadata(drifted.settings.path("models"), champion(drifted))
    rows = figures_of({"one": one, "other": one}).rows_by_key("model_version", named=True, unique=True)
    assert rows["one"] == rows["other"]
    assert rows["one"]["auc"] == one["metrics"]["test"]["auc"]["value"]
    assert rows["one"]["ks_low"] == one["metrics"]["test"]["ks"]["low"]
    assert rows["one"]["train_first_date"] == one["training"]["train_first_date"]


def test_points_by_bin_are_labelled_and_their_names_are_text() -> None:
    rows = [("f", "a <b>barge</b>", 0, None, 0.0, 7), ("f", "1", 5, 0.2, 0.1, 9)]
    points = polars.DataFrame(rows, schema=["feature", "bin", "rows", "default_rate", "woe", "points"], orient="row")
    figure = points_by_bin(points, "F (EUR)")
    assert figure.data[0].x == ("a &lt;b&gt;barge&lt;/b&gt;", "1")
    assert figure.data[0].text == ("7", "9")
    assert figure.layout.xaxis.type == "category"
    assert figure.layout.xaxis.title.text == "F (EUR)"
