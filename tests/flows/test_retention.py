import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from prefect.client.orchestration import get_client

from flows.retention import retention
from schemas.batch import ChampionOf
from schemas.errors import ScoringError
from tasks.days import already_published
from tasks.manifest import PUT_ASIDE
from tasks.performance import update_performance
from tasks.project import Project
from tasks.replay import replay_application
from tasks.report import write_report
from tasks.retention import Retained, in_words, remove_over_age
from tasks.staging import Staging
from tests.body import run_day
from tests.flows import planted
from tests.flows.commands import assert_refused, run_here
from tests.flows.homes import DAYS, contents, landing_file, new_home, project_at, query
from tests.flows.planted import BLOCKED, ID, NUMBERS, OTHER, PARQUET, PARTS, REPEATED, SCORED, pseudonym
from tests.flows.searching import found_in

# Longer after the days than anything is kept.
AT_LAST = date(2040, 1, 1)
AGGREGATES = (
    "batches",
    "decision_counts",
    "score_counts",
    "group_counts",
    "prediction_hours",
    "performance",
    "fairness",
    "drift",
)


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


def counts(retained: Retained) -> dict[str, int]:
    return {item.store: item.count for item in retained.removed}


def files_of(home: Path) -> dict[str, bytes]:
    paths = sorted(path for path in home.rglob("*") if path.is_file() and path.suffix != ".lock")
    return {str(path.relative_to(home)): path.read_bytes() for path in paths}


def days_held(home: Path, table: str = "scores") -> list[date]:
    asked = f"SELECT DISTINCT batch_date FROM {table} JOIN batches USING (batch_id) ORDER BY batch_date"
    return [row[0] for row in query(home, asked)]


def test_of_what_is_over_its_age_nothing_is_in_any_file_or_table(project: Project, home: Path) -> None:
    texts = [ID, OTHER, pseudonym(project), "GEN-"]
    numbers = [*NUMBERS, *planted.KEPT.values()]
    # The sample's own ids and values go the same way as the planted ones.
    assert {"warehouse.duckdb", "scores.application_id", "profiles.sample"} <= set(found_in(home, texts, numbers))
    before = contents(home)
    retained = remove_over_age(project, AT_LAST)
    # A file that a command was given is not this project's, as `schemas.personal_data` says.
    assert set(found_in(home, texts, numbers)) == {"outcomes.csv"}
    assert retained.problems == ()
    assert retained.size is not None
    assert retained.size.after < retained.size.before
    after = contents(home)
    assert {name: after[name] for name in AGGREGATES} == {name: before[name] for name in AGGREGATES}
    gone = counts(retained)
    assert gone["landing files"] == 5
    assert gone["broken rows of blocked batches"] == 1
    assert gone["reports"] == 1
    assert gone["prediction segments"] == 2
    assert gone["applications"] == gone["scores"] == len(before["scores"])
    assert gone["outcomes"] == 2
    assert gone["predictions"] == 2
    assert all(item.oldest == SCORED for item in retained.removed if item.store in ("scores", "landing files"))


def test_the_profiles_that_stay_are_those_of_before_but_for_single_values(project: Project, home: Path) -> None:
    asked = "SELECT batch_date, feature, list_avg(sample), len(sample), counts FROM profiles ORDER BY ALL"
    shared = "SELECT count(*) FROM (SELECT feature, batch_id, unnest(sample) AS value FROM profiles)"
    before = query(home, asked)
    remove_over_age(project, AT_LAST)
    for old, new in zip(before, query(home, asked), strict=True):
        assert (old[:2], old[3:]) == (new[:2], new[3:])
        assert old[2] == pytest.approx(new[2])
    assert min(query(home, f"{shared} GROUP BY feature, batch_id, value"))[0] >= 10


def test_a_second_run_finds_nothing_and_leaves_the_file_alone(project: Project, home: Path) -> None:
    remove_over_age(project, AT_LAST)
    before = files_of(home)
    again = remove_over_age(project, AT_LAST)
    assert (again.removed, again.size) == ((), None)
    assert in_words(again) == f"nothing is over its age as of {AT_LAST}"
    assert files_of(home) == before


def test_a_dry_run_says_what_would_go_and_changes_no_byte(project: Project, home: Path) -> None:
    before = files_of(home)
    would = remove_over_age(project, AT_LAST, dry_run=True)
    assert files_of(home) == before
    assert "would go" in in_words(would)
    assert counts(remove_over_age(project, AT_LAST)) == counts(would)


def test_on_the_last_day_of_its_age_a_day_is_kept_and_on_the_next_it_goes(home: Path) -> None:
    days = {f"retain_{name}_days": 30 for name in ("applications", "declined", "quarantine", "landing")}
    project = project_at(home, **days)
    remove_over_age(project, SCORED + timedelta(days=30))
    assert days_held(home) == [SCORED, REPEATED, PARQUET, PARTS]
    assert landing_file(home, SCORED).exists()
    remove_over_age(project, SCORED + timedelta(days=31))
    assert days_held(home) == days_held(home, "applications") == [REPEATED, PARQUET, PARTS]
    assert not landing_file(home, SCORED).exists()
    assert SCORED not in days_held(home, "quarantine")


def test_declined_applications_go_before_the_others(home: Path) -> None:
    asked = "SELECT decision, count(*) FROM scores GROUP BY ALL ORDER BY ALL"
    before = dict(query(home, asked))
    retained = remove_over_age(project_at(home), PARTS + timedelta(days=184))
    assert before["decline"] > 0
    assert dict(query(home, asked)) == {name: count for name, count in before.items() if name != "decline"}
    assert counts(retained)["scores"] == before["decline"]
    keys = "SELECT count(*) FROM application_keys"
    assert query(home, keys) == query(home, "SELECT count(*) FROM applications")


def test_each_batch_adds_up_with_what_was_removed_from_it(home: Path) -> None:
    remove_over_age(project_at(home), PARTS + timedelta(days=184))
    asked = """
    SELECT
        rows_scored,
        (SELECT count(*) FROM scores WHERE scores.batch_id = batches.batch_id) AS kept,
        (SELECT sum(row_count)::BIGINT FROM removals
            WHERE removals.batch_id = batches.batch_id AND table_name = 'scores' AND reason = 'retention') AS removed
    FROM batches
    WHERE status = 'published'
    """
    found = query(home, asked)
    assert found
    assert all(scored == kept + removed and removed > 0 for scored, kept, removed in found)


def test_with_the_defaults_nothing_of_half_a_year_goes(project: Project, home: Path) -> None:
    before = files_of(home)
    assert remove_over_age(project, SCORED + timedelta(days=183)).removed == ()
    assert files_of(home) == before


def test_realised_performance_stays_as_it_was_worked_out(home: Path) -> None:
    project = project_at(home, outcome_days=0, performance_min_rows=1)
    ids = query(home, "SELECT application_id, decision FROM scores")
    rows = [f"{name},{'true' if place % 3 == 0 else 'false'},2026-09-30" for place, (name, _) in enumerate(ids)]
    file = home / "known.csv"
    file.write_text("\n".join(["application_id,defaulted,observed_on", *rows]) + "\n")
    run_here(home, "outcomes", str(file), SCORING_OUTCOME_DAYS="0", SCORING_PERFORMANCE_MIN_ROWS="1")
    asked = "SELECT * EXCLUDE (computed_at) FROM performance WHERE basis = 'realised' ORDER BY ALL"
    before = query(home, asked)
    assert before
    remove_over_age(project, PARTS + timedelta(days=184))
    update_performance(project)
    assert query(home, asked) == before


def test_what_is_asked_of_a_day_that_is_gone_is_answered_in_words(project: Project) -> None:
    remove_over_age(project, AT_LAST)
    with pytest.raises(ScoringError, match="gone for its age"):
        replay_application(project, ID)
    with pytest.raises(ScoringError, match="have gone for their age"):
        write_report(project, SCORED)


def test_a_new_day_is_scored_and_monitored_after_days_that_are_gone(
    project: Project, home: Path, portfolio: Path
) -> None:
    remove_over_age(project, AT_LAST)
    new = DAYS[6]
    shutil.copy2(landing_file(portfolio, new), landing_file(home, new))
    assert run_day(project, new).new
    assert days_held(home) == [new]
    assert [day.batch_date for day in already_published(project, [new], ChampionOf.TODAY)] == [new]


def test_what_killed_runs_left_goes_whatever_its_age(project: Project, home: Path) -> None:
    folder = home / "staging" / f"{SCORED}-abandoned"
    folder.mkdir(parents=True)
    Staging(folder).part("accepted", 0).write_text(ID)
    folder.with_name(f"{folder.name}.lock").touch()
    aside = home / "landing" / f".applications_{SCORED}.csv.erasing"
    aside.write_text(ID)
    remove_over_age(project, SCORED)
    assert not folder.exists()
    assert not aside.exists()


def test_what_a_restore_put_aside_goes_by_its_own_date_and_what_it_left_half_done_at_once(
    project: Project, home: Path
) -> None:
    asides = [home / f"{name}{PUT_ASIDE}{SCORED}T10-00-00Z" for name in ("warehouse.duckdb", "models")]
    asides[0].write_text(ID)
    asides[1].mkdir()
    left = [home / ".warehouse.duckdb.restoring", home / "predictions" / ".one.jsonl.restoring"]
    for path in left:
        path.write_text(ID)
    (home / ".models.restoring").mkdir()
    with FileLock(home / ".restore.lock"):
        remove_over_age(project, SCORED)
    # A restore goes on.
    assert all(path.exists() for path in left)
    assert remove_over_age(project, SCORED + timedelta(days=183)).removed == ()
    assert all(path.exists() for path in asides)
    assert list(home.rglob(".*.restoring")) == []
    assert counts(remove_over_age(project, SCORED + timedelta(days=184)))["copies put aside by a restore"] == 2
    assert not any(path.exists() for path in asides)


def test_a_damaged_segment_that_was_put_aside_goes_by_its_age(project: Project, home: Path) -> None:
    [segment] = (home / "predictions").glob("*.jsonl")
    (home / "predictions" / "damaged").mkdir()
    aside = segment.rename(home / "predictions" / "damaged" / segment.name)
    remove_over_age(project, AT_LAST)
    assert not aside.exists()


def test_a_file_that_cannot_be_removed_is_told_and_the_others_go(
    project: Project, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.unlink

    def unlink(path: Path, *given: Any, **more: Any) -> None:
        if path.name == f"drift_{SCORED}.html":
            raise PermissionError("not yours")
        real(path, *given, **more)

    monkeypatch.setattr(Path, "unlink", unlink)
    retained = remove_over_age(project, AT_LAST)
    assert len(retained.problems) == 1
    assert "cannot be removed: not yours" in retained.problems[0]
    assert "landing files" in counts(retained)


def test_the_command_counts_from_a_date_that_is_past(home: Path) -> None:
    days = {f"SCORING_RETAIN_{name}_DAYS": "5" for name in ("LANDING", "DECLINED", "QUARANTINE")}
    ended = run_here(home, "retention", "--as-of", str(BLOCKED + timedelta(days=5)), **days)
    assert ended.returncode == 0, ended.stderr
    assert "landing files" in ended.stdout
    assert f"as of {BLOCKED + timedelta(days=5)} removed" in ended.stdout
    assert "written anew" in ended.stdout
    assert_refused(run_here(home, "retention", "--as-of", "2400-01-01"), 1, "still to come", "--dry-run")
    before = files_of(home)
    assert "would go" in run_here(home, "retention", "--as-of", "2400-01-01", "--dry-run").stdout
    assert files_of(home) == before


def test_a_home_without_a_warehouse_has_nothing_to_remove(tmp_path: Path) -> None:
    assert remove_over_age(project_at(tmp_path / "new"), AT_LAST).removed == ()
    assert not (tmp_path / "new" / "warehouse.duckdb").exists()


def test_the_flow_ends_with_a_table_of_what_it_removed(
    home: Path, prefect_here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCORING_HOME", str(home))
    for name in ("LANDING", "DECLINED", "QUARANTINE"):
        monkeypatch.setenv(f"SCORING_RETAIN_{name}_DAYS", "5")
    state = retention(as_of=BLOCKED + timedelta(days=5), return_state=True)
    assert state.is_completed()
    assert "landing files" in str(state.message)
    with get_client(sync_client=True) as client:
        tables = [item for item in client.read_artifacts() if item.key == "retention"]
    assert "landing files" in str(tables[0].data)
    assert ID not in str(tables[0].data)
