"""Backups: whole or not there, and restored as they were."""

import json
import shutil
import signal
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from model.champion import champion_identity
from schemas.errors import NoWarehouse, ScoringError, WarehouseUnavailable
from schemas.prediction_log import LOADED
from schemas.pseudonyms import FILE as PSEUDONYM_KEY
from tasks import backup as module
from tasks.backup import back_up, backups_in
from tasks.load_predictions import load_predictions
from tasks.manifest import MANIFEST, WAREHOUSE, BackupError, copy, read_manifest
from tasks.project import Project
from tasks.promote import promote
from tasks.restore import restore
from tests.body import run_day
from tests.flows.homes import ROOT, contents, environment, landing_file, project_at, query
from tests.tasks.loans import DAYS, second_model
from tests.tasks.segments import holding_warehouse, lines
from warehouse.backup import copy_warehouse

FIRST, SECOND, THIRD = DAYS[:3]
KILLED = """
import os, signal, sys
from pathlib import Path
from tasks import backup
from tasks.project import load_project
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
setattr(backup, sys.argv[2], die)
backup.back_up(load_project(), Path(sys.argv[1]), 1)
"""


@pytest.fixture
def project(home: Path) -> Project:
    """Two days published, a pseudonym key, and a segment of predictions that is finished and not loaded."""
    project = project_at(home)
    for day in (FIRST, SECOND):
        run_day(project, day)
    (home / PSEUDONYM_KEY).write_text("secret\n")
    (home / "predictions").mkdir()
    (home / "predictions" / "one.jsonl").write_text(lines("one", 2))
    return project


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backups"


def clock(monkeypatch: pytest.MonkeyPatch, *, minutes: int) -> None:
    """Backups are made at whole minutes that many after noon."""
    at = datetime(2026, 7, 1, 12, tzinfo=UTC) + timedelta(minutes=minutes)
    monkeypatch.setattr(module, "utc_now", lambda: at)


def files_in(folder: Path) -> dict[str, bytes]:
    # A lock has no content: it is there as soon as somebody has changed who is champion.
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".lock"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_a_backup_has_everything_that_cannot_be_made_again_and_says_so(project: Project, folder: Path) -> None:
    home = project.settings.home_path
    made = back_up(project, folder)
    version = champion_identity(home / "models")[0]
    names = {
        WAREHOUSE,
        PSEUDONYM_KEY,
        "predictions/one.jsonl",
        "models/champion.json",
        *(f"models/{version}/{name}" for name in ("metadata.json", "model_card.md", "scorecard.joblib")),
    }
    assert set(files_in(made.path)) == names | {MANIFEST}
    assert all((made.path / name).read_bytes() == (home / name).read_bytes() for name in names)
    manifest = read_manifest(made.path)
    assert set(manifest.files) == names
    assert [name for name, file in manifest.files.items() if file.secret] == [PSEUDONYM_KEY]
    assert manifest.champion == version
    assert manifest.rows == {name: len(rows) for name, rows in contents(home).items()}
    (finished,) = query(home, "SELECT max(finished_at) FROM batches")[0]
    assert manifest.latest
    assert finished.replace(tzinfo=UTC) <= manifest.latest < manifest.made_at
    assert made.path.name == f"backup_{manifest.made_at:%Y-%m-%dT%H-%M-%SZ}"
    # Applicants' data are nobody's but the owner's.
    assert {stat.S_IMODE((made.path / name).stat().st_mode) for name in names} == {0o600}
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o700


def test_older_backups_are_removed_only_if_asked_and_nothing_else_is(
    project: Project, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir()
    (folder / "backup_of_my_own").mkdir()
    made = []
    for minute in range(3):
        clock(monkeypatch, minutes=minute)
        made.append(back_up(project, folder).path)
    assert backups_in(folder) == made
    clock(monkeypatch, minutes=3)
    last = back_up(project, folder, keep=2)
    assert last.removed == (made[0], made[1])
    assert sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")) == [
        made[2].name,
        last.path.name,
        "backup_of_my_own",
    ]
    with pytest.raises(BackupError, match="was made within this second"):
        back_up(project, folder)


@pytest.mark.parametrize("step", ["copy_warehouse", "_model_files", "write_file", "move_into_place"])
def test_a_backup_that_is_killed_is_none_and_the_next_one_clears_up(project: Project, folder: Path, step: str) -> None:
    env = environment(SCORING_HOME=str(project.settings.home_path))
    command = [sys.executable, "-c", KILLED, str(folder), step]
    died = subprocess.run(command, cwd=ROOT, env=env, check=False, capture_output=True, text=True, timeout=60)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert backups_in(folder) == []
    (left,) = folder.glob(".making-*")
    assert (left / MANIFEST).exists() == (step == "move_into_place")
    made = back_up(project, folder)
    assert list(folder.glob(".making-*")) == []
    assert backups_in(folder) == [made.path]


def test_a_backup_that_fails_leaves_nothing(project: Project, folder: Path) -> None:
    impatient = project_at(project.settings.home_path, lock_wait_seconds=0.1)
    with holding_warehouse(project.settings.path("warehouse")), pytest.raises(WarehouseUnavailable):
        back_up(impatient, folder)
    assert [path.name for path in folder.iterdir() if path.name != ".backup.lock"] == []
    with pytest.raises(NoWarehouse):
        back_up(project_at(folder / "empty"), folder)


def test_two_backups_at_once_do_not_get_into_each_others_way(
    project: Project, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*_: object) -> None:
        with pytest.raises(BackupError, match="another backup is being made"):
            back_up(project, folder)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "copy_warehouse", meanwhile)
    with pytest.raises(KeyboardInterrupt):
        back_up(project, folder)


def test_a_segment_that_is_loaded_while_the_backup_is_made_is_in_one_place_or_both(
    project: Project, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load_first(path: Path, target: Path, wait: float) -> None:
        load_predictions(project, print)
        copy_warehouse(path, target, wait)

    monkeypatch.setattr(module, "copy_warehouse", load_first)
    made = back_up(project, folder)
    assert "predictions/one.jsonl" in made.manifest.files
    assert made.manifest.rows["predictions"] == 2
    restored = restore(project, made.path)
    assert restored.segments == 0
    assert load_predictions(project, print).predictions == 0


def test_what_is_restored_is_what_was_there_and_what_was_there_since_is_put_aside(
    project: Project, folder: Path
) -> None:
    home, models = project.settings.home_path, project.settings.path("models")
    load_predictions(project, print)
    (home / "predictions" / "two.jsonl").write_text(lines("two", 1))
    made = back_up(project, folder)
    before, models_before = contents(home), files_in(models)
    (home / "predictions" / "three.jsonl").write_text(lines("three", 1))
    load_predictions(project, print)
    second = second_model(project).version
    promote(project, second)
    run_day(project, THIRD)
    since, models_since = contents(home), files_in(models)
    (home / PSEUDONYM_KEY).write_text("another\n")

    with pytest.raises(BackupError, match=r"(?s)nothing was restored.*was written to at.*is here.*is champion here"):
        restore(project, made.path)
    assert contents(home) == since

    restored = restore(project, made.path, anyway=True)
    assert contents(home) == before
    assert (home / WAREHOUSE).read_bytes() == (made.path / WAREHOUSE).read_bytes()
    assert files_in(models) == models_before
    assert (home / PSEUDONYM_KEY).read_text() == "secret\n"
    aside = {path.name.partition(".before-restore-")[0]: path for path in restored.put_aside}
    assert set(aside) == {"models", WAREHOUSE, PSEUDONYM_KEY}
    assert files_in(aside["models"]) == models_since
    (folder / "since").mkdir()
    shutil.copy(aside[WAREHOUSE], folder / "since" / WAREHOUSE)
    assert contents(folder / "since") == since
    assert restored.champion_before == second
    assert restored.pending == DAYS[2:]
    # Segments loaded since are to be loaded again; what is on record already is not.
    assert restored.segments == 2
    assert sorted(path.name for path in (home / "predictions" / LOADED).iterdir()) == ["one.jsonl"]
    assert load_predictions(project, print).predictions == 2
    assert len(contents(home)["predictions"]) == 4
    assert [path.name for path in home.rglob(".*restoring*")] == []


def test_the_same_backup_again_changes_nothing_but_names(project: Project, folder: Path) -> None:
    made = back_up(project, folder)
    before = contents(project.settings.home_path)
    aside = {path for _ in range(3) for path in restore(project, made.path).put_aside}
    # Nothing that was put aside takes the place of what was put aside within the same second.
    assert len([path for path in aside if path.exists()]) == 9
    assert contents(project.settings.home_path) == before


def test_an_empty_machine_gets_all_of_it(project: Project, folder: Path, tmp_path: Path) -> None:
    made = back_up(project, folder)
    new = project_at(tmp_path / "new")
    restored = restore(new, made.path)
    assert restored.put_aside == ()
    assert contents(tmp_path / "new") == contents(project.settings.home_path)
    assert restored.segments == 1
    shutil.copytree(project.settings.path("landing"), new.settings.path("landing"))
    assert run_day(new, THIRD).new
    # Whoever runs the service need not be who restored.
    assert stat.S_IMODE((tmp_path / "new" / "models" / "champion.json").stat().st_mode) & 0o444 == 0o444
    assert stat.S_IMODE((tmp_path / "new" / PSEUDONYM_KEY).stat().st_mode) == 0o600


@pytest.mark.parametrize("name", [WAREHOUSE, "models/champion.json", PSEUDONYM_KEY])
@pytest.mark.parametrize("damage", ["altered", "cut off", "gone"])
def test_a_damaged_backup_is_refused_by_the_name_of_the_file(
    project: Project, folder: Path, name: str, damage: str
) -> None:
    path = back_up(project, folder).path / name
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(content[:-1] if damage == "cut off" else bytes([content[0] ^ 1]) + content[1:])
    home = project.settings.home_path
    before = files_in(home)
    with pytest.raises(BackupError, match=rf"is damaged(?s:.*){path}"):
        restore(project, path.parents[len(Path(name).parts) - 1], anyway=True)
    assert files_in(home) == before


@pytest.mark.parametrize(
    ("change", "because"),
    [
        (lambda facts: facts["files"].pop(WAREHOUSE), "names no warehouse"),
        (lambda facts: facts["files"].update({"../outside": facts["files"][WAREHOUSE]}), "lies outside the backup"),
        (lambda facts: facts["files"].update({"/etc/passwd": facts["files"][WAREHOUSE]}), "lies outside the backup"),
        (lambda facts: facts.update(format=2), "is damaged"),
        (lambda facts: facts.update(layout=1_000), "layout 1000, this release knows"),
    ],
)
def test_a_manifest_that_cannot_be_is_refused(project: Project, folder: Path, change: object, because: str) -> None:
    assert callable(change)
    made = back_up(project, folder).path
    facts = json.loads((made / MANIFEST).read_text())
    change(facts)
    (made / MANIFEST).write_text(json.dumps(facts))
    with pytest.raises(ScoringError, match=because):
        restore(project, made)
    (made / MANIFEST).write_text("{")
    with pytest.raises(BackupError, match=r"manifest\.json is damaged"):
        restore(project, made)


def test_a_folder_that_is_no_backup_is_refused(project: Project, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent", landing_file(project.settings.home_path, FIRST)):
        with pytest.raises(BackupError, match="is no backup"):
            restore(project, path)


def test_a_warehouse_that_cannot_be_read_keeps_nobody_from_restoring(project: Project, folder: Path) -> None:
    made = back_up(project, folder)
    before = contents(project.settings.home_path)
    project.settings.path("warehouse").write_bytes(b"no database any more")
    (project.settings.path("models") / "champion.json").write_text("{")
    restored = restore(project, made.path)
    assert restored.champion_before is None
    assert contents(project.settings.home_path) == before


def test_a_restore_that_fails_on_its_last_step_undoes_the_others(project: Project, folder: Path) -> None:
    made = back_up(project, folder)
    home = project.settings.home_path
    (home / PSEUDONYM_KEY).write_text("another\n")
    project.settings.path("warehouse").unlink()
    # No file can take the place of a folder.
    project.settings.path("warehouse").mkdir()
    before = {name: content for name, content in files_in(home).items() if "restor" not in name}
    with pytest.raises(ScoringError):
        restore(project, made.path, anyway=True)
    after = {name: content for name, content in files_in(home).items() if "restor" not in name}
    assert after == before
    assert list(project.settings.path("warehouse").iterdir()) == []
    # What was brought beside the places is personal data.
    assert list(home.rglob(".*.restoring")) == []


def test_what_cannot_be_copied_is_no_file_of_the_backup(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        copy(tmp_path / "gone", tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []
