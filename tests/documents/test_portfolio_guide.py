"""The guide on portfolios of one's own, followed to the letter: its files are written, its commands are run."""

import json
import shutil
from pathlib import Path

import pytest

from schemas.characteristic import Characteristic
from schemas.contract import BOUNDS, KINDS, Contract
from schemas.loading import load_contract
from tests.documents.kinds import kind_of
from tests.documents.lender import write_loans
from tests.documents.reading import blocks_of, commands_of, headings_of, section_of, text_of
from tests.documents.running import run, run_commands
from tests.documents.workspace import Workspace, new_workspace
from tests.flows.homes import ROOT, query

GUIDE = "schemas/README.md"
LENDINGCLUB = ROOT.parent / "shared" / "data" / "lendingclub"
HOME = "loans"


def write_files(folder: Path) -> None:
    """Writes each Python block of the guide to the file that its first line names."""
    for block in blocks_of(text_of(GUIDE), "python"):
        name = block.text.splitlines()[0].removeprefix("# ")
        assert name.endswith(".py")
        (folder / name).write_text(block.text)


def follow(work: Workspace) -> list[tuple[str, str]]:
    """What each command printed, once the guide's files are written."""
    write_files(work.folder)
    # A folder that is there is no trouble to `mkdir -p`, and somebody else's data is in it by the time it is asked for.
    return run_commands(work, GUIDE)


def assert_published_and_predicted(work: Workspace, said: list[tuple[str, str]]) -> None:
    trained, scored, filled, loaded, answered = (
        next(printed for command, printed in said if part in command)
        for part in ("flows train", "flows score", "flows backfill", "flows outcomes", "/predict")
    )
    assert "registered as champion" in trained
    assert "2011-12-01: published as 2011-12-01-r1-" in scored
    assert "2 published" in filled
    assert "outcomes loaded" in loaded
    prediction = json.loads(answered)
    assert prediction["decision"] in ("approve", "refer", "decline")
    assert prediction["model_version"] in trained
    batches = query(work.folder / HOME, "SELECT batch_date, status, rows_scored > 0 FROM batches ORDER BY 1")
    assert [(str(day), status, some) for day, status, some in batches] == [
        (day, "published", True) for day in ("2011-01-01", "2011-02-01", "2011-12-01")
    ]


@pytest.mark.timeout(600)
def test_who_follows_it_ends_with_a_published_batch_and_a_prediction(empty: Workspace) -> None:
    write_loans(empty.folder / HOME)
    assert_published_and_predicted(empty, follow(empty))


@pytest.mark.timeout(600)
@pytest.mark.skipif(not LENDINGCLUB.exists(), reason=f"the LendingClub data is not at {LENDINGCLUB}")
def test_who_follows_it_with_the_real_loans_ends_there_too(empty: Workspace) -> None:
    shutil.copytree(LENDINGCLUB, empty.folder / HOME)
    assert_published_and_predicted(empty, follow(empty))


@pytest.fixture
def contract(tmp_path: Path) -> Contract:
    write_files(tmp_path)
    return load_contract(f"{tmp_path / 'portfolio.py'}:PersonalLoan")


def test_the_files_it_shows_have_the_columns_of_its_contract(contract: Contract) -> None:
    applications, outcomes = blocks_of(text_of(GUIDE), "csv")
    header = applications.text.splitlines()[0].split(",")
    assert header == ["application_id", "application_date", *(field.name for field in contract.fields)]
    assert outcomes.text.splitlines()[0] == "application_id,defaulted,observed_on"


def test_the_protected_field_it_shows_is_watched_and_not_scored(tmp_path: Path) -> None:
    work = new_workspace(tmp_path / "checkout", "")
    write_files(work.folder)
    (work.folder / "shown.py").write_text(
        "from tasks.project import load_project\n"
        "contract = load_project().contract\n"
        "print([field.name for field in contract.fields if field.characteristic.protected])\n"
        "print('age' in [feature.name for feature in contract.features])\n"
    )
    said = run(work, 'SCORING_CONTRACT="$PWD/with_age.py:WithAge" .venv/bin/python shown.py')
    assert said.split("\n")[:2] == ["['age']", "False"]


def test_every_option_of_a_characteristic_and_every_type_is_in_a_table() -> None:
    options, types = (section_of(text_of(GUIDE), name) for name in ("What each option changes", "What a field may be"))
    named = {*BOUNDS, *Characteristic.__dataclass_fields__}
    assert {name for name in named if f"`{name}" not in options} == set()
    assert {kind.__name__ for kind in KINDS if f"`{kind.__name__}" not in types} == set()


def test_it_leaves_no_command_to_other_tests() -> None:
    assert {kind_of(command) for command in commands_of(text_of(GUIDE))} == {"run"}
    assert len(headings_of(text_of(GUIDE), 2)) > 5
