"""That a document is run as it stands there, and that a command which fails is noticed."""

from pathlib import Path

import pytest

from tests.documents.reading import Block, anchors_of, blocks_of, commands_of
from tests.documents.running import run
from tests.documents.workspace import Workspace, new_workspace


@pytest.fixture
def work(tmp_path: Path) -> Workspace:
    return new_workspace(tmp_path / "checkout", "", {"ID": lambda _: "7f", "APPLICATION_ID": lambda _: "a-1"})


def test_a_command_that_fails_is_noticed(work: Workspace) -> None:
    with pytest.raises(AssertionError, match="nowhere"):
        run(work, "ls nowhere | cat")


def test_a_wrong_command_of_the_project_is_noticed(work: Workspace) -> None:
    with pytest.raises(AssertionError, match="ended with 2"):
        run(work, ".venv/bin/python -m flows score")


def test_what_is_exported_holds_for_the_next_command(work: Workspace) -> None:
    run(work, 'export SCORING_HOME="$PWD/loans"')
    assert run(work, 'echo "$SCORING_HOME"').strip() == f"{work.folder}/loans"
    assert work.home == work.folder / "loans"


def test_words_in_capitals_are_filled_in_and_settings_are_not(work: Workspace) -> None:
    assert work.filled_in("replay APPLICATION_ID") == "replay a-1"
    assert work.filled_in("ack ID x_ID_y.csv") == "ack 7f x_7f_y.csv"
    assert work.filled_in("SCORING_ID=1 $ID ID=2 VOID") == "SCORING_ID=1 $ID ID=2 VOID"


def test_commands_are_read_as_a_shell_reads_them() -> None:
    text = "```sh\nmake demo     # some minutes\n\n# a remark\nls \\\n  data\n```\n```python\nx\n```\n"
    assert commands_of(text) == ["make demo", "ls data"]
    assert commands_of("- so:\n\n  ```console\n  $ ls\n  data\n  ```\n") == ["ls"]
    assert blocks_of(text, "python") == [Block("python", "x\n")]


def test_anchors_are_those_of_github() -> None:
    assert anchors_of("# `a_b`\n## What, then?\n## What then\n") == {"a_b", "what-then", "what-then-1"}
