import gzip
import shutil
from pathlib import Path
from threading import Timer
from typing import Any

import duckdb
import polars
import pytest

from schemas.batch import ChampionOf
from schemas.errors import ScoringError
from schemas.pseudonyms import FILE
from service.prediction_log import PredictionLog
from tasks import erase as module
from tasks.days import already_published
from tasks.erase import erase_application
from tasks.load_predictions import load_predictions
from tasks.manifest import PUT_ASIDE
from tasks.project import Project
from tasks.source.landing import find_source, hash_source
from tasks.staging import Staging, staging_for
from tests.flows import planted
from tests.flows.commands import assert_refused, run_here
from tests.flows.homes import DAYS, contents, new_home, project_at, query
from tests.flows.planted import BLOCKED, ID, NUMBERS, OTHER, PARQUET, PARTS, REPEATED, SCORED, pseudonym
from tests.flows.searching import found_in
from warehouse import custodian
from warehouse.custodian import Custodian

PUBLISHED = (SCORED, REPEATED, PARQUET, PARTS)


@pytest.fixture(scope="module")
def planted_home(portfolio: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be written to."""
    home = new_home(portfolio, tmp_path_factory.mktemp("planted") / "home", DAYS[:5])
    planted.plant(home, project_at(home))
    return home


@pytest.fixture
def home(planted_home: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(planted_home, tmp_path / "home"))


@pytest.fixture
def project(home: Path) -> Project:
    return project_at(home)


def held(project: Project) -> dict[str, set[str]]:
    home = project.settings.home_path
    return found_in(home, [ID, "PLANTED-7781", pseudonym(project)], NUMBERS)


def sources(project: Project) -> dict[Any, str]:
    landing = project.settings.path("landing")
    return {day: hash_source(find_source(landing, day)) for day in (*PUBLISHED, BLOCKED)}


def test_an_erased_application_is_in_no_file_and_no_table(project: Project) -> None:
    places = set(held(project))
    assert places >= {
        f"landing/applications_{SCORED}.csv",
        f"landing/applications_{REPEATED}.csv.gz (decompressed)",
        f"landing/applications_{PARQUET}.parquet (decoded)",
        f"landing/applications_{PARTS}/part-2.csv",
        f"landing/applications_{BLOCKED}.csv",
        "outcomes.csv",
        "applications.application_id",
        "applications.income",
        "scores.application_id",
        "quarantine.application_id",
        "quarantine.row",
        "outcomes.application_id",
        "predictions.application_key",
        "predictions.inputs",
        "profiles.sample",
        "warehouse.duckdb",
    }
    assert any(place.startswith("reports/blocked_") for place in places)
    assert any(place.startswith("predictions/loaded/") for place in places)
    assert any(place.startswith("predictions/predictions_") for place in places)
    erased = erase_application(project, ID)
    assert erased.unfinished == []
    assert erased.mentions == []
    assert held(project) == {}
    assert erased.reports == [project.settings.path("reports") / f"drift_{SCORED}.html"]


def test_nothing_of_others_is_erased(project: Project, home: Path, planted_home: Path) -> None:
    erase_application(project, ID)
    before, after = contents(planted_home), contents(home)
    for table, column in {"applications": 1, "scores": 1, "outcomes": 0}.items():
        names = [
            name for (name,) in query(home, f"SELECT column_name FROM duckdb_columns() WHERE table_name = '{table}'")
        ]
        place = names.index("application_id")
        assert after[table] == [row for row in before[table] if row[place] != ID], column
    quarantine = [row for row in before["quarantine"] if ID not in str(row)]
    assert quarantine != before["quarantine"]
    assert after["quarantine"] == quarantine
    assert len(after["predictions"]) == 1
    for path in (f"landing/applications_{SCORED}.csv", f"landing/applications_{PARTS}/part-1.csv"):
        old = (planted_home / path).read_bytes().splitlines(keepends=True)
        assert (home / path).read_bytes() == b"".join(row for row in old if ID.encode() not in row)
    parquet = f"landing/applications_{PARQUET}.parquet"
    rows = polars.read_parquet(planted_home / parquet)
    assert polars.read_parquet(home / parquet).equals(rows.filter(polars.col("application_id") != ID))


def test_what_was_removed_from_which_batch_is_on_record_and_adds_up(project: Project, home: Path) -> None:
    erase_application(project, ID)
    open_counts = query(
        home,
        """
        SELECT batches.batch_id
        FROM batches
        WHERE status = 'published' AND (
            rows_scored <> (SELECT count(*) FROM scores WHERE scores.batch_id = batches.batch_id)
                + (SELECT coalesce(sum(row_count), 0) FROM removals
                    WHERE removals.batch_id = batches.batch_id AND table_name = 'scores')
            OR rows_quarantined <>
                (SELECT count(DISTINCT row_number) FROM quarantine WHERE quarantine.batch_id = batches.batch_id)
                + (SELECT coalesce(sum(row_count), 0) FROM removals
                    WHERE removals.batch_id = batches.batch_id AND table_name = 'quarantine'))
        """,
    )
    assert open_counts == []
    removed = (
        "SELECT table_name, sum(row_count)::BIGINT FROM removals WHERE reason = 'erasure' AND purged_at IS NOT NULL"
    )
    counts = dict(query(home, f"{removed} GROUP BY ALL"))
    # Of the quarantine: once repeated, once malformed, once in Parquet, once in a part.
    assert {name: counts[name] for name in counts if name != "details"} == {
        "applications": 1,
        "scores": 1,
        "quarantine": 4,
        "outcomes": 1,
        "predictions": 1,
    }


def test_a_rerun_finds_every_day_published_and_brings_nothing_back(project: Project, home: Path) -> None:
    erase_application(project, ID)
    before = contents(home)
    days = already_published(project, PUBLISHED, ChampionOf.TODAY)
    assert [day.batch_date for day in days] == list(PUBLISHED)
    assert dict(query(home, "SELECT batch_date, source_sha256 FROM batches")) == sources(project)
    ended = run_here(home, "backfill", "--start", str(SCORED), "--end", str(PARTS))
    assert ended.returncode == 0
    assert "nothing to do" in ended.stdout
    assert contents(home) == before


def test_the_log_can_be_loaded_again_after_an_erasure(project: Project, home: Path) -> None:
    erase_application(project, ID)
    loaded = load_predictions(project, lambda _: None)
    assert (loaded.segments, loaded.predictions, loaded.refused) == (1, 1, ())
    for path in (home / "predictions" / "loaded").iterdir():
        path.rename(home / "predictions" / path.name)
    again = load_predictions(project, lambda _: None)
    assert (again.segments, again.on_record, again.refused) == (0, 2, ())


def test_a_second_erasure_says_that_there_is_nothing(home: Path) -> None:
    first = run_here(home, "erase", ID, "--yes")
    assert first.returncode == 0, first.stderr
    assert "scores 1" in first.stdout
    assert f"applications_{SCORED}.csv 1" in first.stdout
    assert "backups" in first.stdout
    before = contents(home)
    assert_refused(run_here(home, "erase", ID, "--yes"), 1, "nothing is held about the application", ID)
    assert contents(home) == before


def test_without_a_yes_nothing_is_erased(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(home)
    assert run_here(home, "erase", ID).returncode == 1
    assert contents(home) == before


POINTS = {
    "before anything": (module, "remove_abandoned"),
    "files are aside, nothing is changed": (custodian.Custodian, "erase"),
    "out of the tables": (custodian.Custodian, "settle_changes"),
    "hashes on record, not yet written anew": (custodian.Custodian, "purge"),
}


class Killed(BaseException):
    """Nothing of the run goes on."""


@pytest.mark.parametrize("point", POINTS)
def test_an_erasure_cut_off_anywhere_is_completed_by_the_next(
    point: str, project: Project, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(*POINTS[point], die)
        with pytest.raises(Killed):
            erase_application(project, ID)
    erase_application(project, ID)
    assert held(project) == {}
    assert dict(query(home, "SELECT batch_date, source_sha256 FROM batches")) == sources(project)
    assert query(home, "SELECT * FROM file_changes") == []
    assert list(home.rglob("*.erasing")) == []


def test_a_rerun_between_the_tables_and_the_files_does_not_bring_it_back(
    project: Project, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("tasks.source.without.Rewritten.move_into_place", die)
        with pytest.raises(Killed):
            erase_application(project, ID)
    assert "nothing to do" in run_here(home, "backfill", "--start", str(SCORED), "--end", str(PARTS)).stdout
    assert query(home, f"SELECT * FROM scores WHERE application_id = '{ID}'") == []


def test_an_unknown_application_is_an_error_and_an_erased_one_cannot_be_replayed(home: Path) -> None:
    assert_refused(run_here(home, "erase", "NOBODY-1", "--yes"), 1, "nothing is held about the application NOBODY-1")
    run_here(home, "erase", ID, "--yes")
    assert_refused(run_here(home, "replay", ID), 1, "it was erased")


def test_others_files_that_name_it_are_named(project: Project, home: Path) -> None:
    (home / "prefect").mkdir()
    (home / "prefect" / "prefect.db").write_bytes(b"\0\1 a run of " + ID.encode())
    assert erase_application(project, ID).mentions == [home / "prefect" / "prefect.db"]


def test_an_application_that_a_run_has_staged_is_not_all_erased(project: Project) -> None:
    with staging_for(project.settings.path("staging"), SCORED) as staging:
        polars.DataFrame({"application_id": [ID]}).write_parquet(staging.part("accepted", 0))
        unfinished = erase_application(project, ID).unfinished
    assert len(unfinished) == 1
    assert "a run that goes on holds it" in unfinished[0]


def test_the_service_is_waited_for_while_it_still_writes_the_segment(project: Project, home: Path) -> None:
    quick = project_at(home, segment_seconds=0.5)
    log = PredictionLog(home / "predictions", max_bytes=1_000, max_seconds=60)
    log.append(f'{{"application_key":"{pseudonym(project)}"}}\n'.encode())
    assert "the service still writes" in erase_application(quick, ID).unfinished[0]
    log.close()
    assert erase_application(quick, ID).unfinished == []
    assert held(project) == {}


def test_a_segment_that_the_service_finishes_meanwhile_is_erased_too(project: Project, home: Path) -> None:
    log = PredictionLog(home / "predictions", max_bytes=1_000, max_seconds=60)
    log.append(f'{{"application_key":"{pseudonym(project)}"}}\n'.encode())
    finishing = Timer(1.0, log.close)
    finishing.start()
    assert erase_application(project, ID).unfinished == []
    finishing.join()
    assert held(project) == {}


def test_a_run_that_publishes_meanwhile_does_not_bring_it_back(
    project: Project, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day was judged before the erasure, and is published once the tables have been cleared."""
    real = custodian.Custodian.settle_changes
    row = "INSERT INTO scores (batch_id, application_id) SELECT batch_id, ? FROM batches LIMIT 1"

    def publish(self: Custodian, done: Any) -> None:
        real(self, done)
        monkeypatch.setattr(custodian.Custodian, "settle_changes", real)
        with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
            connection.execute(row, [ID])

    monkeypatch.setattr(custodian.Custodian, "settle_changes", publish)
    assert erase_application(project, ID).unfinished == []
    assert held(project) == {}


def test_a_file_that_cannot_be_looked_into_is_told_and_all_else_is_erased(project: Project, home: Path) -> None:
    cut = home / "landing" / "applications_2026-06-01.csv"
    cut.write_bytes("application_id,x".encode("utf-16"))
    (home / "reports" / "blocked_notes.csv").write_text("a,b\n1,2\n")
    (home / "empty.csv").touch()
    ended = run_here(home, "erase", ID, "--yes")
    assert_refused(ended, 1, "not all is erased", f"{cut} cannot be looked into", "blocked_notes.csv")
    assert "empty.csv" not in ended.stderr
    assert held(project) == {}


@pytest.mark.parametrize("name", [FILE, f"{FILE}{PUT_ASIDE}2026-07-01T10-00-00Z"])
def test_predictions_that_were_logged_under_a_former_key_are_erased_too(
    project: Project, home: Path, name: str
) -> None:
    hashed = pseudonym(project)
    (home / FILE).rename(home / name)
    assert erase_application(project_at(home, pseudonym_key="from the vault"), ID).unfinished == []
    assert found_in(home, [ID, hashed], NUMBERS) == {}


def test_a_damaged_segment_that_was_put_aside_is_looked_into(project: Project, home: Path) -> None:
    [segment] = (home / "predictions").glob("*.jsonl")
    segment.write_bytes(segment.read_bytes() + b"{cut off\n")
    aside = home / "predictions" / "damaged" / segment.name
    aside.parent.mkdir()
    segment.rename(aside)
    erase_application(project, ID)
    assert held(project) == {}
    assert aside.read_bytes().endswith(b"{cut off\n")


def test_a_file_of_others_that_is_damaged_is_told_once(project: Project, home: Path) -> None:
    packed = bytearray(gzip.compress(ID.encode() * 9))
    packed[12] ^= 0xFF
    for name in ("old.log.gz", "kept.csv.gz"):
        (home / name).write_bytes(packed)
    unfinished = erase_application(project, ID).unfinished
    assert [Path(problem.partition(" cannot be looked into: ")[0]).name for problem in unfinished] == [
        "kept.csv.gz",
        "old.log.gz",
    ]


def test_a_warehouse_that_a_restore_has_put_aside_is_named_as_it_may_hold_it(project: Project, home: Path) -> None:
    aside = home / f"warehouse.duckdb{PUT_ASIDE}2026-07-01T10-00-00Z"
    shutil.copy2(home / "warehouse.duckdb", aside)
    [told] = erase_application(project, ID).unfinished
    assert told.startswith(f"{aside} was put aside by a restore")
    aside.unlink()
    assert held(project) == {}


def test_what_only_a_killed_run_had_is_not_told_as_held_by_one_that_goes_on(project: Project, home: Path) -> None:
    folder = home / "staging" / f"{SCORED}-abandoned"
    folder.mkdir(parents=True)
    polars.DataFrame({"application_id": ["STAGED-1"]}).write_parquet(Staging(folder).part("accepted", 0))
    folder.with_name(f"{folder.name}.lock").touch()
    with pytest.raises(ScoringError, match="nothing is held"):
        erase_application(project, "STAGED-1")
    assert not folder.exists()


def test_what_killed_processes_left_is_cleared(home: Path, tmp_path: Path) -> None:
    outside = tmp_path / "predictions"
    (home / "predictions").rename(outside)
    folder = home / "staging" / f"{SCORED}-abandoned"
    folder.mkdir(parents=True)
    polars.DataFrame({"application_id": [ID]}).write_parquet(Staging(folder).part("accepted", 0))
    folder.with_name(f"{folder.name}.lock").touch()
    left = [outside / ".one.jsonl.erasing", outside / ".two.jsonl.restoring", home / ".warehouse.duckdb.restoring"]
    for path in left:
        path.write_text(ID)
    assert erase_application(project_at(home, predictions=str(outside)), ID).unfinished == []
    assert [path for path in (folder, *left) if path.exists()] == []


def test_a_blank_id_is_no_application(project: Project) -> None:
    with pytest.raises(ScoringError, match="not blank"):
        erase_application(project, "  ")


def test_another_applicant_of_the_same_day_is_still_replayed_to_the_bit(home: Path) -> None:
    run_here(home, "erase", ID, "--yes")
    assert "The same to the bit." in run_here(home, "replay", OTHER).stdout
