"""The guides for who runs the desk, followed on a morning on which much is wrong."""

import pytest

from tests.documents.kinds import kind_of
from tests.documents.reading import GUIDES, commands_of, text_of
from tests.documents.running import run_commands
from tests.documents.workspace import Workspace
from tests.flows.homes import DAYS, query

RUNBOOK = "flows/README.md"
# Two begin with nothing and have modules of their own; of others there may be nothing to run here.
APART = ("README.md", "schemas/README.md", RUNBOOK)
OTHERS = [
    name for name in GUIDES if name not in APART and any(kind_of(item) == "run" for item in commands_of(text_of(name)))
]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("document", OTHERS)
def test_every_command_does_what_it_is_for(desk: Workspace, document: str) -> None:
    run_commands(desk, document)


@pytest.mark.timeout(600)
def test_every_command_of_the_runbook_does_what_it_is_for(desk: Workspace) -> None:
    said = run_commands(desk, RUNBOOK)
    blocked = next(printed for command, printed in said if "QUARANTINED_SHARE" in command)
    assert f"published as {DAYS[-1]}-r" in blocked
    assert "is acknowledged until" in next(printed for command, printed in said if "acknowledge" in command)
    assert "The same to the bit." in next(printed for command, printed in said if "replay" in command)
    alerts = query(desk.home, "SELECT kind, status FROM alerts WHERE kind IN ('gate', 'missing_file') ORDER BY kind")
    assert alerts == [("gate", "resolved"), ("missing_file", "acknowledged")]
    assert '"application_id"' in (desk.folder / "export.json").read_text()
    assert (desk.home / "predictions" / "damaged" / "damaged-by-hand.jsonl").exists()
