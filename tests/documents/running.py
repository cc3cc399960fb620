"""Runs what a document says to run, in its order."""

from tests.documents.kinds import kind_of
from tests.documents.reading import commands_of, text_of
from tests.documents.workspace import Workspace


def run_commands(work: Workspace, document: str) -> list[tuple[str, str]]:
    """Each command of a document that is to be run here with what it printed; fails on the first that fails."""
    return [(command, run(work, command)) for command in commands_of(text_of(document)) if kind_of(command) == "run"]


def run(work: Workspace, command: str) -> str:
    """What a command printed; fails if it fails."""
    ran = work.run(command)
    assert ran.returncode == 0, f"{command}\nended with {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran.stdout
