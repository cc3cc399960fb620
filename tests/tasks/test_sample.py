import csv
import gzip
import hashlib
import json
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import ScoringError
from schemas.sample.dirt import SPOILING
from schemas.sample.parameters import Parameters
from schemas.sample.places import Places
from tasks.sample import write_sample

PARAMETERS = Parameters(days=20, rows=150, until=date(2026, 6, 30), seed=0)
OTHER = replace(PARAMETERS, days=15, seed=1)


def places_in(folder: Path) -> Places:
    return Places(
        landing=folder / "landing",
        history=folder / "history",
        outcomes=folder / "outcomes.csv",
        manifest=folder / "sample.json",
    )


def write(folder: Path, parameters: Parameters = PARAMETERS) -> list[str]:
    return list(write_sample(places_in(folder), parameters))


def hashes(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def read_csv(path: Path) -> list[dict[str, str]]:
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    write(folder)
    return folder


@pytest.fixture(scope="module")
def manifest(sample: Path) -> Any:
    return json.loads((sample / "sample.json").read_text())


def test_the_same_seed_writes_the_same_bytes(sample: Path, tmp_path: Path) -> None:
    write(tmp_path)
    assert hashes(tmp_path) == hashes(sample)


def test_the_writer_announces_and_names_every_file_with_the_manifest_last(tmp_path: Path) -> None:
    writer = write_sample(places_in(tmp_path), PARAMETERS)
    assert hashes(tmp_path) == {}
    announced, names = len(writer), list(writer)
    assert announced == len(names) == len(hashes(tmp_path))
    assert names[-1] == "sample.json"


def test_everything_says_that_it_is_generated(sample: Path, manifest: Any) -> None:
    assert manifest["generated"] is True
    assert "real people" in manifest["notice"]
    assert manifest["parameters"] == {"days": 20, "rows": 150, "until": "2026-06-30", "seed": 0}
    for folder in ("landing", "history"):
        assert "generated" in (sample / folder / "GENERATED.md").read_text()
    files = [*sample.glob("landing/*.csv"), *sample.glob("history/*.gz"), sample / "outcomes.csv"]
    for path in files:
        ids = {row["application_id"] for row in read_csv(path)} - {"application_id"}
        assert all(identifier.startswith("GEN-") for identifier in ids)


def test_the_manifest_knows_every_file_by_its_content(sample: Path, manifest: Any) -> None:
    found = hashes(sample)
    del found["sample.json"]
    assert manifest["files"] == found


def test_the_manifest_counts_what_is_in_the_files(sample: Path, manifest: Any) -> None:
    assert len(manifest["landing"]) == 20
    for record in manifest["landing"]:
        rows = read_csv(sample / "landing" / record["file"])
        ids = Counter(row["application_id"] for row in rows)
        assert record["rows"] == len(rows)
        assert record["dirt"]["repeated_header"] == ids.pop("application_id", 0)
        assert record["dirt"]["duplicated_row"] == ids.total() - len(ids)
        assert record["dirt"]["short_line"] == sum(row["credit_score"] is None for row in rows)
        assert record["applications"] == len(ids)
        assert record["valid"] == len(ids) - sum(record["dirt"][kind] for kind in SPOILING)
    for record in manifest["history"]:
        assert record["rows"] == len(read_csv(sample / "history" / record["file"]))


def test_an_application_id_is_given_once_in_landing_zone_and_history(sample: Path, manifest: Any) -> None:
    files = [*sample.glob("landing/*.csv"), *sample.glob("history/*.gz")]
    ids = [{row["application_id"] for row in read_csv(path)} - {"application_id"} for path in files]
    assert len(set().union(*ids)) == sum(map(len, ids))


def test_outcomes_are_those_of_history_and_valid_landing_rows_and_come_late(sample: Path, manifest: Any) -> None:
    outcomes = read_csv(sample / "outcomes.csv")
    assert len({row["application_id"] for row in outcomes}) == len(outcomes)
    assert len(outcomes) == sum(record["valid"] for record in manifest["landing"] + manifest["history"])
    assert sum(int(row["defaulted"]) for row in outcomes) == sum(
        record["defaults"] for record in manifest["landing"] + manifest["history"]
    )
    spoiled = {
        row["application_id"]
        for path in sample.glob("landing/*.csv")
        for row in read_csv(path)
        if not row["credit_score"]
    }
    assert spoiled
    assert spoiled.isdisjoint(row["application_id"] for row in outcomes)
    waits = {
        date.fromisoformat(row["observed_on"]) - date.fromisoformat(row["application_id"].split("-")[1])
        for row in outcomes
    }
    assert (min(waits), max(waits)) == (timedelta(days=90), timedelta(days=180))


def test_few_days_have_no_incident_and_the_manifest_says_so(tmp_path: Path) -> None:
    write(tmp_path, replace(PARAMETERS, days=5, rows=20))
    manifest = json.loads((tmp_path / "sample.json").read_text())
    assert manifest["incidents"] == []
    assert "fewer than 14 days" in manifest["incidents_note"]


def test_a_second_run_writes_nothing(tmp_path: Path) -> None:
    write(tmp_path)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    writer = write_sample(places_in(tmp_path), PARAMETERS)
    assert writer.is_current
    assert (len(writer), list(writer)) == (0, [])
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == times


def test_a_missing_file_is_written_again(sample: Path, tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "landing" / "applications_2026-06-30.csv").unlink()
    assert write(tmp_path)
    assert hashes(tmp_path) == hashes(sample)


def test_other_parameters_replace_the_earlier_sample_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path)
    own = tmp_path / "landing" / "applications_2026-07-01.csv"
    own.write_text("mine")
    write(tmp_path, OTHER)
    left = hashes(tmp_path)
    assert own.read_text() == "mine"
    del left["landing/applications_2026-07-01.csv"], left["sample.json"]
    assert left == json.loads((tmp_path / "sample.json").read_text())["files"]


@pytest.mark.parametrize(
    "name",
    ["landing/applications_2026-06-30.csv", "landing/applications_2026-06-30.parquet", "outcomes.csv"],
)
def test_a_file_of_the_users_is_never_overwritten(tmp_path: Path, name: str) -> None:
    own = tmp_path / name
    own.parent.mkdir(exist_ok=True)
    own.write_text("mine")
    with pytest.raises(ScoringError, match=rf"{own.name} is in the way.*Move it away"):
        write(tmp_path)
    assert list(hashes(tmp_path)) == [name]
    assert own.read_text() == "mine"


def test_a_generated_file_that_the_user_changed_is_the_users(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "landing" / "applications_2026-06-30.csv").write_text("mine")
    with pytest.raises(ScoringError, match="2026-06-30"):
        write(tmp_path, OTHER)


def test_an_interrupted_run_leaves_whole_files_and_no_manifest_and_is_made_good(sample: Path, tmp_path: Path) -> None:
    for place, _ in enumerate(write_sample(places_in(tmp_path), OTHER)):
        if place == 20:
            break
    assert not (tmp_path / "sample.json").exists()
    assert write(tmp_path)
    assert hashes(tmp_path) == hashes(sample)


def test_a_sample_is_not_current_after_another_one_was_begun_over_it(sample: Path, tmp_path: Path) -> None:
    write(tmp_path)
    for place, _ in enumerate(write_sample(places_in(tmp_path), replace(PARAMETERS, seed=1))):
        if place == 25:
            break
    assert write(tmp_path)
    assert hashes(tmp_path) == hashes(sample)


def test_a_manifest_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "sample.json").write_text('{"mine": 1}')
    with pytest.raises(ScoringError, match="not the manifest"):
        write(tmp_path)


def test_history_and_landing_zone_need_folders_of_their_own(tmp_path: Path) -> None:
    places = replace(places_in(tmp_path), history=tmp_path / "landing")
    with pytest.raises(ScoringError, match="folder of its own"):
        write_sample(places, PARAMETERS)
