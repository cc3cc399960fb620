"""The README says what the code does: its settings, commands and example run."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import yaml
from typer.main import get_command

from flows.__main__ import app
from flows.ends import NAMES
from schemas.contract import read_contract
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


def test_every_make_target_it_names_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert set(re.findall(r"make ([a-z]+)", README)) <= targets


def test_every_file_it_points_to_exists() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if not link.startswith("https://")]
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_example_contract_is_one() -> None:
    (example,) = [block for block in blocks("python") if "class CarLoan" in block]
    # Derived features are read from their source file, so the example has to be one.
    names: dict[str, object] = {"__name__": "example"}
    exec(compile(example, "example", "exec"), names)
    contract = read_contract(names["CarLoan"])
    assert [feature.name for feature in contract.features] == ["income", "price", "fuel", "price_to_income"]


def test_the_day_by_hand_runs_as_written(tmp_path: Path) -> None:
    (example,) = [block for block in blocks("sh") if "flows sample" in block]
    environment = os.environ | {"SCORING_HOME": str(tmp_path / "data"), "PREFECT_HOME": str(tmp_path / "prefect")}
    printed = []
    for line in example.splitlines():
        command = shlex.split(line.replace("data/", f"{tmp_path}/data/"))
        run = subprocess.run(
            [sys.executable, *command[1:]], check=False, cwd=ROOT, env=environment, capture_output=True, text=True
        )
        assert run.returncode == 0, f"{line}\n{run.stdout}\n{run.stderr}"
        printed.append(run.stdout)
    assert "published as 2026-06-30-r1-" in printed[2]
    assert "already published, nothing to do" in printed[3]
    assert "10 days: 10 published" in printed[4]
    assert "The same to the bit." in printed[6]


def test_the_reader_example_runs(tmp_path: Path) -> None:
    (example,) = [block for block in blocks("python") if "Reader(" in block]
    absent = example.replace("data/warehouse.duckdb", str(tmp_path / "none.duckdb"))
    run = subprocess.run([sys.executable, "-c", absent], check=False, cwd=ROOT, capture_output=True, text=True)
    assert "there is no warehouse at" in run.stderr
