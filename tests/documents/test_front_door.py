"""The README, followed by somebody who has just cloned the project."""

import pytest

from tests.documents.reading import commands_of, text_of
from tests.documents.running import run_commands
from tests.documents.workspace import Workspace

README = "README.md"


@pytest.mark.timeout(600)
def test_the_day_by_hand_goes_as_it_says(empty: Workspace) -> None:
    said = run_commands(empty, README)
    published, again = (printed for command, printed in said if "flows score" in command)
    filled = next(printed for command, printed in said if "flows backfill" in command)
    replayed = next(printed for command, printed in said if "flows replay" in command)
    answered = next(printed for command, printed in said if "/predict" in command)
    assert "published as 2026-06-30-r1-" in published
    assert "already published, nothing to do" in again
    assert "3 days: 3 published" in filled
    assert "The same to the bit." in replayed
    assert '"decision":' in answered


def test_it_begins_with_two_commands() -> None:
    assert commands_of(text_of(README))[:2] == ["make demo", "make test"]
