"""The README says what the code does: its settings and commands. What it says to run is run in tests/documents."""

import re
import subprocess
import sys
from pathlib import Path

import yaml
from typer.main import get_command

from flows.__main__ import app
from flows.ends import NAMES
from schemas.settings import PREFIX, Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def listed_under(title: str) -> set[str]:
    """The names in the first column of the table of this title."""
    table = README.partition(f"| {title} |")[2].partition("\n\n")[0]
    return {name for row in table.splitlines()[2:] for name in re.findall(r"`([^`]+)`", row.split("|")[1])}


def test_every_setting_is_listed_with_its_default() -> None:
    listed = dict(re.findall(rf"^\| `{PREFIX}(\w+)` \| `([^`]+)` \|", README, flags=re.MULTILINE))
    defaults = Settings()
    assert listed == {name.upper(): str(getattr(defaults, name)) or "(none)" for name in Settings.__struct_fields__}


def test_every_command_is_listed() -> None:
    listed = set(re.findall(r"^\| `([a-z-]+)[ `]", README, flags=re.MULTILINE))
    commands = get_command(app).commands  # type: ignore[attr-defined]  # a group, which typer does not say
    assert set(commands) <= listed


def test_every_deployment_is_listed() -> None:
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    assert listed_under("deployment") == {item["name"] for item in deployments}


def test_every_state_is_listed() -> None:
    assert listed_under("state") == {*NAMES, "Crashed"}


def test_the_reader_example_runs(tmp_path: Path) -> None:
    (example,) = [block for block in blocks("python") if "Reader(" in block]
    absent = example.replace("data/warehouse.duckdb", str(tmp_path / "none.duckdb"))
    run = subprocess.run([sys.executable, "-c", absent], check=False, cwd=ROOT, capture_output=True, text=True)
    assert "there is no warehouse at" in run.stderr
