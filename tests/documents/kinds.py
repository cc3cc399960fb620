"""What becomes of each command of the documents: it is run, run by another test, or only checked for its syntax."""

import re
import shlex
from collections.abc import Iterator

from typer.main import get_command

from flows.__main__ import app
from tests.flows.homes import ROOT

# What is run as it stands there. Anything else has to be in one of the two tables below.
RUN = frozenset(
    {
        ".venv/bin/python",
        "export",
        "ls",
        "head",
        "cat",
        "mkdir",
        "mv",
        "cp",
        "df",
        "du",
        "ps",
        "curl",
        "cd",
        "sort",
        "umask",
    }
)
# Commands that run until they are ended, or for longer than a test should: what they run, and where that is tested.
ELSEWHERE = {
    "make demo": (
        ".venv/bin/python -m flows demo",
        "tests/flows/test_cli_portfolio.py::test_the_demo_goes_from_nothing_to_scored_days_and_is_done_the_second_time",
    ),
    "make prefect": (
        ".venv/bin/python -m flows prefect",
        "tests/flows/test_end_to_end.py::test_everything_is_deployed_and_described",
    ),
    "make service": (
        ".venv/bin/python -m service",
        "tests/service/test_service.py::test_a_prediction_has_everything_the_interface_names",
    ),
    "make dashboard": (
        ".venv/bin/python -m dashboard",
        "tests/dashboard/test_command.py::test_it_calls_nobody_but_its_own_machine",
    ),
    "make notebook": (
        "dashboard/drift_analysis.ipynb",
        "tests/dashboard/test_notebook.py::test_every_section_shows_something_and_nothing_is_said_on_stderr",
    ),
    # The suite cannot run itself; this is where it is run.
    "make test": (".venv/bin/python -m pytest", ".ci/run::make test"),
    "make check": (".venv/bin/mypy", ".ci/run::make check"),
}
# Programs that need what a test has not: only their syntax is checked, and what they run of this project.
CHECKED = {
    "docker": "a container engine and the base image from a registry",
    "gcloud": "an account with Google Cloud",
    "aws": "an account with AWS",
    "az": "an account with Azure",
    "kubectl": "a cluster",
    "git": "a remote repository",
    "createdb": "a PostgreSQL server that other hosts share",
    "prefect": "a Prefect server that other hosts share",
    "hf": "an account with Hugging Face",
}
_ASSIGNMENT = re.compile(r"\w+=")
_BETWEEN = frozenset({"|", "||", "&&", ";", "&"})


def kind_of(command: str) -> str:
    """`run`, `elsewhere` or `checked`; empty for a command that is in no table."""
    if command in ELSEWHERE:
        return "elsewhere"
    programs = set(programs_of(command))
    if programs and programs <= RUN:
        return "run"
    return "checked" if programs & set(CHECKED) and programs <= {*RUN, *CHECKED} else ""


def programs_of(command: str) -> Iterator[str]:
    """The programs a command starts, in a pipe or one after the other; `export` for one that only sets variables."""
    for part in parts_of(command):
        words = [word for word in part if not _ASSIGNMENT.match(word)]
        yield words[0] if words else "export"


def parts_of(command: str) -> Iterator[list[str]]:
    """The words of each part of a command, those of its pipes and lists."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars="|&;")
    lexer.whitespace_split, lexer.commenters = True, ""
    part: list[str] = []
    for word in lexer:
        if word in _BETWEEN:
            yield part
            part = []
        else:
            part.append(word)
    if part:
        yield part


def is_there(place: str) -> bool:
    """Whether a table's place, `file::name`, exists: the test of that name, or those words in another file."""
    file, _, name = place.partition("::")
    path = ROOT / file
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return bool(re.search(rf"^def {name}\(" if file.endswith(".py") else rf"^{name}$", text, flags=re.MULTILINE))


def wrong_in_flows(words: list[str]) -> str:
    """What is wrong with the words after `flows`: an unknown command or option; empty if nothing is."""
    commands = get_command(app).commands  # type: ignore[attr-defined]  # a group, which typer does not say
    if words and words[0] == "--help":
        return ""
    if not words or words[0] not in commands:
        return f"there is no command {words[:1]}"
    known = {name for item in commands[words[0]].params for name in item.opts} | {"--help"}
    unknown = [word for word in words[1:] if word.startswith("--") and word.partition("=")[0] not in known]
    return f"{words[0]} has no option {', '.join(unknown)}" if unknown else ""
