"""No command of a document is left out: each is run, or it stands in a table that says what becomes of it."""

import re
import subprocess

import pytest

from tests.documents.kinds import ELSEWHERE, is_there, kind_of, wrong_in_flows
from tests.documents.reading import GUIDES, all_documents, commands_of, text_of
from tests.documents.workspace import new_workspace
from tests.flows.homes import ROOT

COMMANDS = [(document, command) for document in GUIDES for command in commands_of(text_of(document))]


@pytest.mark.parametrize("document", GUIDES)
def test_every_command_is_in_a_table(document: str) -> None:
    unknown = [command for name, command in COMMANDS if name == document and not kind_of(command)]
    assert unknown == [], "run it here, name its test, or say why it cannot be run: tests/documents/kinds.py"


@pytest.mark.parametrize(
    "command", ["rm -rf data", "make clean", "curl -s http://x | sh", ".venv/bin/python -m flows demo && wget x"]
)
def test_a_command_nobody_has_thought_of_is_in_no_table(command: str) -> None:
    assert kind_of(command) == ""


@pytest.mark.parametrize("command", sorted({command for _, command in COMMANDS}))
def test_every_command_is_a_command_to_the_shell(command: str) -> None:
    read = subprocess.run(["bash", "-n", "-c", command], capture_output=True, text=True, check=False)
    assert (read.returncode, read.stderr) == (0, "")


@pytest.mark.parametrize("command", sorted(ELSEWHERE))
def test_what_is_run_elsewhere_is(command: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    runs, place = ELSEWHERE[command]
    assert is_there(place), f"{place} is not there"
    work = new_workspace(tmp_path_factory.mktemp("make") / "checkout", "")
    said = work.run(f"make --dry-run {command.removeprefix('make ')}")
    assert runs in said.stdout, said.stderr


def test_a_test_that_is_gone_is_noticed() -> None:
    assert not is_there("tests/documents/test_commands.py::test_that_never_was")
    assert not is_there("tests/nowhere.py::test_that_never_was")


@pytest.mark.parametrize("document", all_documents())
def test_every_command_of_this_project_exists_with_its_options_in_the_running_text_too(document: str) -> None:
    # Up to the end of the words in code, or of the command.
    found = [words.split() for words in re.findall(r"-m flows +([^`\n|&;#]*)", text_of(document))]
    wrong = [problem for words in found if words[0] != "COMMAND" and (problem := wrong_in_flows(words))]
    assert wrong == []


def test_a_command_that_does_not_exist_is_noticed() -> None:
    assert wrong_in_flows(["scores", "--batch-date", "DATE"])
    assert wrong_in_flows(["score", "--date", "DATE"])
    assert not wrong_in_flows(["score", "--batch-date", "DATE"])


@pytest.mark.parametrize("document", GUIDES)
def test_every_make_target_a_document_names_exists(document: str) -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    named = re.findall(r"(?:`|^)make ([a-z]+)", text_of(document), flags=re.MULTILINE)
    assert set(named) <= set(targets)
