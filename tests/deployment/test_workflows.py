"""The workflows name what is there, pin what is not ours, and their scripts do what they say."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deployment.compose import ROOT, roles

FOLDER = ROOT / ".github" / "workflows"
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.yml"))}
WORKFLOWS: dict[str, Any] = {name: yaml.safe_load(text) for name, text in TEXTS.items()}
# YAML 1.1 reads the key `on` as a truth value.
ON = True
STEPS = [step for workflow in WORKFLOWS.values() for job in workflow["jobs"].values() for step in job.get("steps", [])]
SCRIPTS = [step["run"] for step in STEPS if "run" in step]


def script(workflow: str, beginning: str) -> str:
    """The script of the step whose name begins so."""
    steps = [step for job in WORKFLOWS[workflow]["jobs"].values() for step in job["steps"]]
    [found] = [step["run"] for step in steps if str(step.get("name", "")).startswith(beginning)]
    return str(found)


def run(text: str, folder: Path, fakes: dict[str, str], **environment: str) -> str:
    """What a step's script prints, as a runner calls it; programs it must not reach stand in a folder of their own."""
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    for name, body in fakes.items():
        (programs / name).write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        (programs / name).chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text],
        cwd=folder,
        env={"PATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_one_pipeline_runs_on_pushes_and_pull_requests_and_calls_the_others() -> None:
    assert WORKFLOWS["ci"][ON] == {
        "push": {"branches": ["main", "develop"]},
        "pull_request": {"branches": ["main"]},
        # Every Monday: holes in what is locked become known without a push.
        "schedule": [{"cron": "23 5 * * 1"}],
    }
    called = {job["uses"] for job in WORKFLOWS["ci"]["jobs"].values()}
    assert called == {f"./.github/workflows/{name}.yml" for name in WORKFLOWS if name != "ci"}
    assert all(set(workflow[ON]) == {"workflow_call"} for name, workflow in WORKFLOWS.items() if name != "ci")
    assert WORKFLOWS["ci"]["concurrency"]["group"]


def test_only_what_passed_on_main_is_deployed() -> None:
    deploy = WORKFLOWS["ci"]["jobs"]["deploy"]
    assert deploy["needs"] == ["test", "build"]
    assert deploy["if"] == "github.event_name == 'push' && github.ref == 'refs/heads/main'"


def test_a_failure_is_told_unless_somebody_looks_at_it_anyway() -> None:
    notify = WORKFLOWS["ci"]["jobs"]["notify"]
    assert notify["needs"] == ["test", "build", "deploy"]
    assert notify["if"] == "failure() && github.event_name != 'pull_request'"


def test_what_the_linter_of_workflows_is_made_of_is_kept_up_to_date_too() -> None:
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text(encoding="utf-8"))["updates"]
    folders = {update["package-ecosystem"]: ROOT / update["directory"].lstrip("/") for update in updates}
    assert (folders["npm"] / "package-lock.json").is_file()
    assert (folders["docker"] / "Dockerfile").is_file()


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_not_ours_is_pinned_by_its_commit_and_says_its_version(name: str) -> None:
    used = re.findall(r"uses: (?!\./)(.*)$", TEXTS[name], re.MULTILINE)
    assert [line for line in used if not re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v[\d.]+", line)] == []


@pytest.mark.parametrize("name", TEXTS)
def test_every_job_has_few_permissions_and_an_end(name: str) -> None:
    workflow = WORKFLOWS[name]
    assert workflow["permissions"] in ({}, {"contents": "read"})
    for job in workflow["jobs"].values():
        assert "timeout-minutes" in job or "uses" in job


def test_every_python_that_is_supported_is_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    tested = WORKFLOWS["test"]["jobs"]["test"]["strategy"]["matrix"]["python"]
    classified = [item.rpartition(" :: ")[2] for item in project["classifiers"] if re.search(r" :: 3\.\d+$", item)]
    assert tested == classified
    assert project["requires-python"] == f">={tested[0]}"


def test_what_the_steps_call_is_there() -> None:
    everything = "\n".join(SCRIPTS)
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"^make (\w+)", everything, re.MULTILINE)) <= set(targets)
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    started = re.findall(r"--scale (\w+)=|compose run --rm (\w+)", everything)
    assert {name for pair in started for name in pair if name} <= set(roles())
    published = {port.split(":")[1] for role in roles().values() for port in role.ports}
    assert set(re.findall(r"http://127\.0\.0\.1:(\d+)", everything)) <= published


@pytest.mark.parametrize("text", SCRIPTS)
def test_every_script_is_one_to_the_shell(text: str) -> None:
    subprocess.run(["bash", "-n", "-c", re.sub(r"\$\{\{.*?\}\}", "x", text)], check=True)


@pytest.fixture
def space(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / ".github" / "spaces" / "service", tmp_path / "space")
    return tmp_path


def test_a_space_is_given_the_image_of_the_revision(space: Path) -> None:
    fakes = {"pipx": 'echo "$@" > called'}
    settings = {"HF_TOKEN": "x", "SPACE": "owner/name", "FOLDER": "space", "GITHUB_SHA": "abc"}
    run(script("deploy", "Put the space"), space, fakes, IMAGE="ghcr.io/owner/name:abc", **settings)
    dockerfile = (space / "space" / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"^ARG IMAGE=(.*)$", dockerfile, re.MULTILINE) == ["ghcr.io/owner/name:abc"]
    called = (space / "called").read_text(encoding="utf-8")
    assert "hf upload owner/name space . --repo-type space" in called


def test_without_a_token_nothing_is_deployed_and_the_run_says_so(space: Path) -> None:
    fakes = {"pipx": "touch called"}
    said = run(script("deploy", "Put the space"), space, fakes, HF_TOKEN="", SPACE="", FOLDER="space", IMAGE="x")
    assert "::notice::" in said
    assert not (space / "called").exists()


def test_the_image_has_a_name_that_registries_take(tmp_path: Path) -> None:
    output = tmp_path / "output"
    run(script("deploy", "Registries"), tmp_path, {}, REPOSITORY="Owner/Credit-Express", GITHUB_OUTPUT=str(output))
    assert output.read_text(encoding="utf-8") == "name=ghcr.io/owner/credit-express\n"


@pytest.mark.parametrize(("open_issue", "expected"), [("", "issue create"), ("7", "issue comment 7")])
def test_a_failure_opens_an_issue_or_adds_to_the_one_that_is_open(
    open_issue: str, expected: str, tmp_path: Path
) -> None:
    fakes = {"gh": f'if [ "$2" = list ]; then echo "{open_issue}"; else echo "$@"; fi'}
    settings = {"BRANCH": "main", "REPOSITORY": "owner/name", "ADDRESS": "https://x", "GITHUB_SHA": "abc"}
    said = run(script("notify", "An issue"), tmp_path, fakes, **settings)
    assert said.startswith(expected)
    assert "abc: https://x" in said


def test_a_message_goes_to_the_webhook_if_there_is_one(tmp_path: Path) -> None:
    fakes = {"curl": "cat > sent", "jq": 'shift 3; printf \'{"text": "%s"}\' "$1"'}
    settings = {"BRANCH": "main", "ADDRESS": "https://x", "GITHUB_SHA": "abc"}
    run(script("notify", "A message"), tmp_path, fakes, WEBHOOK="", **settings)
    assert not (tmp_path / "sent").exists()
    run(script("notify", "A message"), tmp_path, fakes, WEBHOOK="https://hook", **settings)
    assert "CI failed on main at abc: https://x" in (tmp_path / "sent").read_text(encoding="utf-8")
