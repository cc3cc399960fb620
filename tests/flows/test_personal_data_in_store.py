"""Erasure, export, retention and backup where landing zone, reports, models and prediction log lie in a store."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from flows.personal_data import print_erased
from schemas.prediction_log import FINISHED
from tasks.backup import back_up
from tasks.erase import erase_application
from tasks.export import export_application
from tasks.manifest import BackupError
from tasks.project import Project
from tasks.restore import restore
from tasks.retention import remove_over_age
from tests.flows import planted
from tests.flows.homes import DAYS, contents, new_home, project_at
from tests.flows.planted import BLOCKED, ID, NUMBERS, OTHER, PARTS, SCORED, pseudonym
from tests.flows.searching import found_in
from tests.store import ObjectStore

SHARED = ("landing", "models", "reports", "predictions")
# Longer after the days than anything is kept.
AT_LAST = date(2040, 1, 1)


@pytest.fixture(scope="module")
def planted_home(portfolio: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be written to."""
    home = new_home(portfolio, tmp_path_factory.mktemp("planted") / "home", DAYS[:5])
    planted.plant(home, project_at(home))
    return home


@pytest.fixture
def home(planted_home: Path, tmp_path: Path, store: ObjectStore) -> Path:
    """What is left on the host when the folders are in the store."""
    for name in SHARED:
        store.put(name, planted_home / name)
    return Path(shutil.copytree(planted_home, tmp_path / "home", ignore=shutil.ignore_patterns(*SHARED)))


@pytest.fixture
def project(home: Path, store: ObjectStore) -> Project:
    return project_at(home, **store.settings())


def held(project: Project, store: ObjectStore, folder: Path) -> dict[str, set[str]]:
    """Where the applicant is found, in the home and in every object."""
    shutil.rmtree(folder, ignore_errors=True)
    for key, content in store.objects().items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    texts = [ID, "PLANTED-7781", pseudonym(project)]
    return found_in(project.settings.home_path, texts, NUMBERS) | found_in(folder, texts, NUMBERS)


def test_an_erased_application_is_in_no_object_and_no_table(
    project: Project, planted_home: Path, store: ObjectStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = set(held(project, store, tmp_path / "objects"))
    assert {f"landing/applications_{SCORED}.csv", f"landing/applications_{PARTS}/part-2.csv"} <= places
    assert sum(place.startswith("predictions/") for place in places) == 2
    assert any(place.startswith("reports/blocked_") for place in places)
    erased = erase_application(project, ID)
    assert (erased.unfinished, erased.mentions) == ([], [])
    assert held(project, store, tmp_path / "objects") == {}
    assert not list(project.settings.home_path.rglob("*.erasing"))
    # All of the others, byte by byte: the same as where the folders are on the host.
    other = project_at(Path(shutil.copytree(planted_home, tmp_path / "other")))
    erase_application(other, ID)
    of_folders = {
        path.relative_to(other.settings.home_path).as_posix(): path.read_bytes()
        for name in ("landing", "predictions", "reports")
        for path in (other.settings.home_path / name).rglob("*")
        if path.is_file()
    }
    assert {key: content for key, content in store.objects().items() if not key.startswith("models/")} == of_folders
    assert contents(project.settings.home_path)["scores"] == contents(other.settings.home_path)["scores"]
    print_erased(ID, erased)
    assert f"Of s3://{store.bucket}/landing" in capsys.readouterr().out


def test_what_is_not_shipped_yet_is_said_to_hold_it(project: Project, store: ObjectStore) -> None:
    folder = project.settings.spool
    folder.mkdir()
    waiting = folder / f"unshipped{FINISHED}"
    waiting.write_text(f'{{"application_key": "{pseudonym(project)}"}}\n')
    # Not waited for: it is finished, and no service ships it.
    project = project_at(project.settings.home_path, segment_seconds=0.5, **store.settings())
    erased = erase_application(project, ID)
    assert erased.unfinished == [f"the service still writes to {waiting}; erase it again in a minute"]


def test_an_export_has_what_the_objects_hold(project: Project, planted_home: Path, store: ObjectStore) -> None:
    found, of_folders = export_application(project, ID), export_application(project_at(planted_home), ID)
    for name in ("applications", "quarantine", "outcomes", "predictions"):
        assert found[name] == of_folders[name]
    files = [item["file"].removeprefix(f"s3://{store.bucket}/") for item in found["files"]]
    assert files == [item["file"].removeprefix(f"{planted_home}/") for item in of_folders["files"]]
    assert [item.get("rows") for item in found["files"]] == [item.get("rows") for item in of_folders["files"]]


def test_what_is_over_its_age_leaves_the_store(project: Project, planted_home: Path, store: ObjectStore) -> None:
    before = store.objects()
    would = remove_over_age(project, AT_LAST, dry_run=True)
    assert store.objects() == before
    removed = remove_over_age(project, AT_LAST)
    assert removed.problems == ()
    assert {item.store: item.count for item in would.removed} == {item.store: item.count for item in removed.removed}
    assert {item.store: item.count for item in removed.removed}["landing files"] == 5
    assert {key.partition("/")[0] for key in store.objects()} == {"models"}


def test_what_is_young_enough_stays_in_the_store(project: Project, store: ObjectStore) -> None:
    before = set(store.objects())
    # Landing files of the first four days are older than that, the blocked one is not.
    remove_over_age(project_at(project.settings.home_path, retain_landing_days=1, **store.settings()), BLOCKED)
    gone = before - set(store.objects())
    assert {key.split("/")[1][13:23] for key in gone} == {str(day) for day in DAYS[:3]}


def test_a_backup_leaves_out_what_lies_in_a_store_and_says_so(
    project: Project, planted_home: Path, tmp_path: Path, store: ObjectStore
) -> None:
    made = back_up(project, tmp_path / "backups")
    assert set(made.manifest.files) == {"warehouse.duckdb", "pseudonym.key"}
    assert any(f"s3://{store.bucket}/models. The store's own versioning" in note for note in made.manifest.notes)
    erase_application(project, OTHER)
    objects = store.objects()
    restore(project, made.path, anyway=True)
    assert store.objects() == objects
    assert contents(project.settings.home_path)["scores"] == contents(planted_home)["scores"]


def test_a_backup_of_folders_is_not_restored_over_a_store(
    project: Project, planted_home: Path, tmp_path: Path, store: ObjectStore
) -> None:
    home = Path(shutil.copytree(planted_home, tmp_path / "other"))
    made = back_up(project_at(home), tmp_path / "backups")
    objects = store.objects()
    with pytest.raises(BackupError, match="the backup has models, and SCORING_MODELS is s3://"):
        restore(project, made.path, anyway=True)
    assert store.objects() == objects
