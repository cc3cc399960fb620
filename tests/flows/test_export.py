import gzip
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.errors import ScoringError
from tasks.erase import erase_application
from tasks.export import export_application, to_json
from tasks.manifest import PUT_ASIDE
from tasks.project import Project
from tests.flows import planted
from tests.flows.commands import assert_refused, run_here
from tests.flows.homes import DAYS, new_home, project_at, query
from tests.flows.planted import (
    AGAIN,
    ASKED,
    BLOCKED,
    ID,
    KEPT,
    OTHER,
    PARQUET,
    PARTS,
    REPEATED,
    SCORED,
    VALUES,
    pseudonym,
)


@pytest.fixture(scope="module")
def planted_home(portfolio: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be written to."""
    home = new_home(portfolio, tmp_path_factory.mktemp("planted") / "home", DAYS[:5])
    planted.plant(home, project_at(home))
    return home


@pytest.fixture(scope="module")
def exported(planted_home: Path) -> Any:
    return msgspec.json.decode(to_json(export_application(project_at(planted_home), ID)))


def test_the_export_has_inputs_result_and_reasons_in_words(exported: Any, planted_home: Path) -> None:
    (scored,) = exported["applications"]
    assert VALUES.items() <= scored["inputs"].items()
    stored = query(planted_home, f"SELECT score, decision, reason_codes FROM scores WHERE application_id = '{ID}'")[0]
    assert (scored["score"], scored["decision"]) == stored[:2]
    assert [reason["code"] for reason in scored["reasons"]] == stored[2]
    assert all(reason["sentence"].endswith(".") for reason in scored["reasons"])
    assert scored["batch_date"] == str(SCORED)
    assert scored["kept_until"]["setting"].startswith("SCORING_RETAIN_")


def test_the_export_has_every_broken_row_with_what_stood_in_it(exported: Any) -> None:
    found = {(record["batch_date"], record["rule"]) for record in exported["quarantine"]}
    repeated = {(str(day), "already_scored") for day in (REPEATED, PARQUET, PARTS)}
    assert found == {*repeated, (str(REPEATED), "malformed_row")}
    raw = next(record for record in exported["quarantine"] if record["batch_date"] == str(REPEATED))["row"]
    assert str(AGAIN["income"]) in str(raw)


def test_the_export_has_outcome_predictions_and_files(exported: Any) -> None:
    assert [outcome["defaulted"] for outcome in exported["outcomes"]] == [True]
    # One is loaded, one waits in its segment.
    assert [prediction["prediction_id"] for prediction in exported["predictions"]] == ["first-PLANT", "waiting-PLANT"]
    assert all(ASKED.items() <= prediction["inputs"].items() for prediction in exported["predictions"])
    names = [Path(item["file"]).name for item in exported["files"]]
    assert {f"applications_{SCORED}.csv", f"applications_{PARQUET}.parquet", "part-2.csv"} <= set(names)
    assert any(name.startswith(f"blocked_{BLOCKED}") for name in names)
    assert any(name.startswith("predictions_") for name in names)
    assert str(Path("outcomes.csv")) in {Path(item).name for item in exported["mentioned_in"]}


def test_the_export_has_nothing_of_others(planted_home: Path, exported: Any) -> None:
    text = to_json(exported).decode()
    ids = [
        row[0]
        for row in query(
            planted_home, "SELECT application_id FROM applications UNION FROM quarantine SELECT application_id"
        )
    ]
    others = [name for name in ids if name and name.strip() not in (ID, "application_id")]
    assert OTHER in others
    assert [name for name in others if name in text] == []
    assert [value for value in KEPT.values() if str(value) in text] == []


def test_the_command_writes_a_file_that_only_its_owner_reads_or_to_standard_output(
    planted_home: Path, tmp_path: Path
) -> None:
    home = Path(shutil.copytree(planted_home, tmp_path / "home"))
    target = tmp_path / "export.json"
    assert run_here(home, "export", ID, "--output", str(target)).returncode == 0
    assert target.stat().st_mode & 0o777 == 0o600
    written = msgspec.json.decode(target.read_bytes())
    printed = msgspec.json.decode(run_here(home, "export", ID).stdout)
    assert {**written, "exported_at": ""} == {**printed, "exported_at": ""}


def test_predictions_under_a_former_key_and_in_a_damaged_segment_are_exported_too(
    planted_home: Path, tmp_path: Path
) -> None:
    home = Path(shutil.copytree(planted_home, tmp_path / "home"))
    [segment] = (home / "predictions").glob("*.jsonl")
    (home / "predictions" / "damaged").mkdir()
    hashed = pseudonym(project_at(home)).encode()
    aside = segment.rename(home / "predictions" / "damaged" / segment.name)
    aside.write_bytes(aside.read_bytes() + b'{"application_key": "' + hashed + b'"}\n')
    exported = export_application(project_at(home, pseudonym_key="from the vault"), ID)
    assert [item["prediction_id"] for item in exported["predictions"]] == ["first-PLANT", "waiting-PLANT"]
    assert {"file": str(aside)} in exported["files"]


def test_a_warehouse_put_aside_and_a_damaged_file_of_others_are_told(planted_home: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(planted_home, tmp_path / "home"))
    aside = home / f"warehouse.duckdb{PUT_ASIDE}2026-07-01T10-00-00Z"
    shutil.copy2(home / "warehouse.duckdb", aside)
    packed = bytearray(gzip.compress(ID.encode() * 9))
    packed[12] ^= 0xFF
    (home / "old.log.gz").write_bytes(packed)
    exported = export_application(project_at(home), ID)
    told = [item["file"] for item in exported["files"] if "cannot_be_looked_into" in item]
    assert told == [str(home / "old.log.gz"), str(aside)]
    with pytest.raises(ScoringError, match="nothing is held"):
        export_application(project_at(home), "NOBODY-1")


def test_of_an_unknown_or_erased_application_nothing_is_held(planted_home: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(planted_home, tmp_path / "home"))
    project: Project = project_at(home)
    assert_refused(run_here(home, "export", "NOBODY-1"), 1, "nothing is held about the application NOBODY-1")
    erase_application(project, ID)
    with pytest.raises(ScoringError, match="nothing is held"):
        export_application(project, ID)


def test_a_file_that_cannot_be_looked_into_is_told_and_is_nothing_held(planted_home: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(planted_home, tmp_path / "home"))
    (home / "landing" / "applications_2026-06-01.parquet").write_bytes(b"cut off")
    told = [item for item in export_application(project_at(home), ID)["files"] if "cannot_be_looked_into" in item]
    assert [Path(item["file"]).name for item in told] == ["applications_2026-06-01.parquet"]
    with pytest.raises(ScoringError, match="nothing is held"):
        export_application(project_at(home), "NOBODY-1")
