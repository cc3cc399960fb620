import re
from pathlib import Path

import duckdb
import pytest

from flows.__main__ import ERROR
from tests.flows.commands import NOWHERE, assert_refused, make_small, reporting_to, run_here
from tests.flows.homes import DAYS, contents, landing_file, project_at, query

LAST = DAYS[-1]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    make_small(monkeypatch)


@pytest.mark.usefixtures("small")
def test_the_same_training_gives_the_same_version_and_another_one_a_challenger(portfolio: Path, tmp_path: Path) -> None:
    history = sorted((portfolio / "history").glob("*.csv.gz"))
    train = ["train", "--outcomes", str(portfolio / "outcomes.csv")]
    whole = [*train, "--applications", str(portfolio / "history" / "*.csv.gz")]
    assert run_here(tmp_path, *whole).returncode == 0
    champion = next((tmp_path / "models").glob("scorecard-*")).name
    again = run_here(tmp_path, *whole)
    assert again.returncode == 0
    assert again.stdout.startswith(f"{champion}, registered as champion")
    # One month less is another model.
    other = run_here(tmp_path, *train, "--applications", str(portfolio / "history" / f"{history[0].name[:17]}*"))
    assert other.returncode == 0
    assert re.match(r"scorecard-[0-9a-f]{12}, registered as challenger", other.stdout)
    assert champion not in other.stdout
    assert query(tmp_path, "SELECT role FROM models ORDER BY role") == [("challenger",), ("champion",)]


@pytest.mark.parametrize(
    ("applications", "outcomes", "words"),
    [
        ("nothing/*.csv", "{portfolio}/outcomes.csv", ["no file matches nothing/*.csv"]),
        ("{portfolio}/landing/*.csv", "{portfolio}/nothing.csv", ["there is no file", "nothing.csv"]),
        ("{portfolio}/outcomes.csv", "{portfolio}/outcomes.csv", ["outcomes.csv: missing columns"]),
        ("{portfolio}/landing/*.csv", "{portfolio}/landing/applications_2026-06-30.csv", ["no column defaulted"]),
        ("{portfolio}/landing/*", "{portfolio}/outcomes.csv", ["GENERATED.md is of no known kind"]),
    ],
)
def test_training_on_the_wrong_files_says_which_they_are(
    portfolio: Path, tmp_path: Path, applications: str, outcomes: str, words: list[str]
) -> None:
    places = [text.format(portfolio=portfolio) for text in (applications, outcomes)]
    found = run_here(tmp_path, "train", "--applications", places[0], "--outcomes", places[1])
    assert_refused(found, ERROR, "error:", *words)


@pytest.mark.usefixtures("prefect_here")
def test_outcomes_give_realised_performance(portfolio: Path, home: Path) -> None:
    outcomes = str(portfolio / "outcomes.csv")
    early = run_here(home, "outcomes", outcomes)
    assert early.returncode == 0
    assert "No scored application has an outcome yet" in early.stdout
    # The outcomes of this sample are those of the history.
    known = next((portfolio / "history").glob("applications_2026-05-*.csv.gz"))
    assert run_here(home, "score", "--batch-date", "2026-06-01", "--source", str(known)).returncode == 0
    found = run_here(home, "outcomes", outcomes)
    assert found.returncode == 0
    assert " outcomes loaded" in found.stdout
    assert "2026-06" in found.stdout
    metrics = query(
        home, "SELECT basis, metric, value > 0.2 FROM performance WHERE metric IN ('auc', 'gini') ORDER BY ALL"
    )
    assert metrics == [(basis, metric, True) for basis in ("estimated", "realised") for metric in ("auc", "gini")]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["a,perhaps,2026-01-01"], ["bad.csv", "row 1", "perhaps"]),
        (["a,1,2026-01-01", "b,0,soon"], ["bad.csv", "row 2", "soon"]),
        (["a,1"], ["bad.csv", "row 1", "2 fields"]),
        ([], ["bad.csv has a header and no rows"]),
    ],
)
def test_a_bad_outcome_file_is_not_loaded_at_all(tmp_path: Path, lines: list[str], words: list[str]) -> None:
    project_at(tmp_path).writer.prepare()
    (tmp_path / "bad.csv").write_text("\n".join(["application_id,defaulted,observed_on", *lines]) + "\n")
    assert_refused(run_here(tmp_path, "outcomes", str(tmp_path / "bad.csv")), ERROR, "error:", *words)
    assert query(tmp_path, "SELECT count(*) FROM outcomes") == [(0,)]


@pytest.mark.parametrize("content", [b"", b"\x00\xff" * 500, b"PAR1", b"application_id\n", b"\x1f\x8b\x08\x00"])
@pytest.mark.parametrize("name", ["bad.csv", "bad.csv.gz", "bad.parquet"])
def test_an_outcome_file_that_cannot_be_read_is_an_error(tmp_path: Path, content: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert_refused(run_here(tmp_path, "outcomes", str(tmp_path / name)), ERROR, "error:", name)


@pytest.mark.usefixtures("prefect_here")
def test_a_replay_agrees_to_the_bit_until_the_stored_score_is_tampered_with(home: Path) -> None:
    assert run_here(home, "score", "--batch-date", str(LAST)).returncode == 0
    ids = [row[0] for row in query(home, "SELECT application_id FROM scores ORDER BY score")]
    for application in (ids[0], ids[len(ids) // 2], ids[-1]):
        found = run_here(home, "replay", application)
        assert found.returncode == 0
        assert "The same to the bit." in found.stdout
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        change = (
            "UPDATE scores SET probability_of_default = nextafter(probability_of_default, 1) WHERE application_id = ?"
        )
        connection.execute(change, [ids[0]])
    found = run_here(home, "replay", ids[0])
    assert found.returncode == ERROR
    assert "They differ" in found.stdout
    assert run_here(home, "replay", ids[-1]).returncode == 0
    unknown = run_here(home, "replay", "nobody")
    assert_refused(unknown, ERROR, "no published batch has the application nobody")


def test_a_replay_without_a_warehouse_says_what_to_do(home: Path) -> None:
    assert_refused(run_here(home, "replay", "a"), ERROR, "there is no warehouse", "score a day first")


def test_the_sample_is_refused_for_another_contract(tmp_path: Path) -> None:
    foreign = "tests.contracts.everything:Everything"
    found = run_here(tmp_path, "sample", "--days", "1", "--rows", "10", SCORING_CONTRACT=foreign)
    assert_refused(found, ERROR, foreign, "unset it")
    assert list(tmp_path.iterdir()) == []


def test_the_sample_leaves_files_of_others_alone(tmp_path: Path) -> None:
    sample = ["sample", "--days", "1", "--rows", "10", "--until", str(LAST)]
    (tmp_path / "landing").mkdir()
    mine = landing_file(tmp_path, LAST)
    mine.write_text("mine")
    assert_refused(run_here(tmp_path, *sample), ERROR, "is in the way of the generated sample")
    assert mine.read_text() == "mine"
    mine.unlink()
    assert "Generated 1 days" in run_here(tmp_path, *sample).stdout
    assert "already in" in run_here(tmp_path, *sample).stdout


@pytest.mark.usefixtures("prefect_here", "small")
def test_the_demo_goes_from_nothing_to_scored_days_and_is_done_the_second_time(tmp_path: Path) -> None:
    first = run_here(tmp_path, "demo")
    assert first.returncode == 0, first.stderr
    for words in ("registered as champion", "3 days: 3 published", "nobody in it is real", "3 of 3", "flows replay"):
        assert words in first.stdout
    assert "Traceback" not in first.stderr
    before = contents(tmp_path)
    with reporting_to(NOWHERE):
        second = run_here(tmp_path, "demo")
    assert (second.returncode, second.stderr) == (0, "")
    assert "The generated portfolio is already in" in second.stdout
    assert "3 days already published; nothing to do" in second.stdout
    assert contents(tmp_path) == before
