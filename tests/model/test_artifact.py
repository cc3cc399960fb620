import errno
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import pytest

from model.artifact import ModelVersion, load_version, read_metadata, save_model
from model.atomic import move_into_place
from model.champion import challengers, champion_identity, load_champion, promote, register
from model.scorer import Scorer
from model.serialise import load_model
from model.trained import Model
from schemas.application import Application
from schemas.contract import read_contract
from schemas.errors import ModelError
from tests.model.portfolio import BORROWER, Portfolio

ROOT = Path(__file__).parents[2]
PRINT_VERSION = """
from collections.abc import Callable
from pathlib import Path
import sys
from model.artifact import save_model
from model.training import train
from tests.model.portfolio import BORROWER, make_portfolio

portfolio = make_portfolio(900)
model = train(BORROWER, portfolio.columns, portfolio.defaulted, portfolio.dates)
print(save_model(Path(sys.argv[1]), model, "card").sha256)
"""


@pytest.fixture
def saved(tmp_path: Path, model: Model) -> ModelVersion:
    saved = save_model(tmp_path, model, "# Card\n")
    register(tmp_path, saved.version)
    return saved


def another(model: Model) -> Model:
    return replace(model, training=replace(model.training, seed=model.training.seed + 1))


def test_what_is_loaded_scores_as_what_was_saved(
    tmp_path: Path, saved: ModelVersion, scorer: Scorer, portfolio: Portfolio
) -> None:
    loaded = load_champion(tmp_path, BORROWER)
    assert (loaded.version, loaded.sha256) == (saved.version, saved.sha256) == champion_identity(tmp_path)
    expected = scorer.score(portfolio.columns).to_frame()
    assert Scorer(loaded.model, BORROWER).score(portfolio.columns).to_frame().equals(expected)


def test_the_folder_holds_model_metadata_and_card_and_nothing_else(
    tmp_path: Path, saved: ModelVersion, model: Model
) -> None:
    folder = tmp_path / saved.version
    assert sorted(path.name for path in folder.iterdir()) == ["metadata.json", "model_card.md", "scorecard.joblib"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".champion.lock", "champion.json", saved.version]
    assert (folder / "model_card.md").read_text() == "# Card\n"
    assert isinstance(joblib.load(folder / "scorecard.joblib"), Model)
    metadata = read_metadata(tmp_path, saved.version)
    assert metadata["sha256"] == saved.sha256
    assert metadata["contract"] == {"name": "Borrower", "hash": BORROWER.hash}
    assert metadata["metrics"]["test"]["auc"]["value"] == model.evaluation.test.auc.value
    assert set(metadata["versions"]) == {"python", "scikit-learn", "numpy"}


def test_the_same_model_again_changes_nothing(tmp_path: Path, saved: ModelVersion) -> None:
    written = (tmp_path / saved.version / "metadata.json").stat()
    again = load_champion(tmp_path, BORROWER).model
    assert save_model(tmp_path, again, "another card") == saved
    assert (tmp_path / saved.version / "metadata.json").stat() == written
    assert register(tmp_path, saved.version) == "champion"


def test_the_same_data_gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    def train_elsewhere(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", PRINT_VERSION, str(tmp_path / seed)]
        return subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout

    assert train_elsewhere("1") == train_elsewhere("2")


def test_a_second_model_is_a_challenger_until_it_is_promoted(tmp_path: Path, saved: ModelVersion, model: Model) -> None:
    second = save_model(tmp_path, another(model), "card")
    assert register(tmp_path, second.version) == "challenger"
    assert register(tmp_path, second.version) == "challenger"
    assert challengers(tmp_path) == [second.version]
    assert champion_identity(tmp_path)[0] == saved.version
    promote(tmp_path, second.version)
    assert champion_identity(tmp_path) == (second.version, second.sha256)
    assert challengers(tmp_path) == []
    assert load_version(tmp_path, saved.version, BORROWER).sha256 == saved.sha256
    promote(tmp_path, saved.version)
    assert load_champion(tmp_path, BORROWER).version == saved.version


def test_an_altered_file_is_never_unpickled(tmp_path: Path, saved: ModelVersion) -> None:
    path = tmp_path / saved.version / "scorecard.joblib"
    joblib.dump(Bomb(tmp_path / "exploded"), path)
    with pytest.raises(ModelError, match="was altered"):
        load_champion(tmp_path, BORROWER)
    with pytest.raises(ModelError, match="was altered"):
        load_version(tmp_path, saved.version, BORROWER)
    assert not (tmp_path / "exploded").exists()


class Bomb:
    """Leaves a trace when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.trace,)


def test_a_model_for_another_contract_is_refused(tmp_path: Path, saved: ModelVersion) -> None:
    with pytest.raises(ModelError, match=r"trained for the contract Borrower .* SCORING_CONTRACT"):
        load_champion(tmp_path, read_contract(Application))


def test_a_model_of_another_scikit_learn_is_refused(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("sklearn.base.__version__", "1.8.0")
        saved = save_model(tmp_path, model, "card")
    with pytest.raises(ModelError, match=r"trained with scikit-learn 1\.8\.0 and this is"):
        load_version(tmp_path, saved.version, BORROWER)


def test_a_model_of_code_that_is_gone_is_refused(tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = save_model(tmp_path, model, "card")
    monkeypatch.delattr("model.trained.TrainingFacts")
    with pytest.raises(ModelError, match="another version of this code"):
        load_version(tmp_path, saved.version, BORROWER)


def test_a_file_that_holds_something_else_is_refused() -> None:
    content = io.BytesIO()
    joblib.dump({"weights": [1, 2]}, content)
    with pytest.raises(ModelError, match="holds a dict, not a model"):
        load_model(content.getvalue(), "scorecard-0123456789ab")


def test_a_missing_model_says_how_to_get_one(tmp_path: Path, saved: ModelVersion) -> None:
    with pytest.raises(ModelError, match=r"there is no champion in .*python -m flows train"):
        load_champion(tmp_path / "nowhere", BORROWER)
    with pytest.raises(ModelError, match="there is no model scorecard-000000000000"):
        load_version(tmp_path, "scorecard-000000000000", BORROWER)
    (tmp_path / saved.version / "scorecard.joblib").unlink()
    with pytest.raises(ModelError, match="is missing; restore it"):
        load_champion(tmp_path, BORROWER)


@pytest.mark.parametrize("content", ["{", "[]", "{}"])
def test_a_broken_pointer_says_so(tmp_path: Path, content: Any) -> None:
    (tmp_path / "champion.json").write_text(content)
    with pytest.raises(ModelError, match=r"champion\.json"):
        champion_identity(tmp_path)


def test_a_pointer_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "champion.json").write_text(json.dumps({"version": "../elsewhere", "sha256": "0"}))
    with pytest.raises(ModelError, match="is not the name of a model"):
        load_champion(tmp_path, BORROWER)


def test_a_failure_while_saving_leaves_nothing_behind(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr("model.artifact.move_into_place", full)
    with pytest.raises(OSError, match="no space"):
        save_model(tmp_path, model, "card")
    assert list(tmp_path.iterdir()) == []


def test_of_two_processes_that_save_the_same_model_both_succeed(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def beaten(aside: Path, folder: Path) -> None:
        other = tmp_path / "other"
        shutil.copytree(aside, other)
        other.rename(folder)
        move_into_place(aside, folder)

    monkeypatch.setattr("model.artifact.move_into_place", beaten)
    saved = save_model(tmp_path, model, "card")
    assert load_version(tmp_path, saved.version, BORROWER).sha256 == saved.sha256
    assert [path.name for path in tmp_path.iterdir()] == [saved.version]


def test_a_folder_that_cannot_be_moved_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "aside").mkdir()
    with pytest.raises(FileNotFoundError):
        move_into_place(tmp_path / "aside", tmp_path / "absent" / "folder")
