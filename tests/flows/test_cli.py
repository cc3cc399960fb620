import re
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.__main__ import BLOCKED, ERROR
from tests.flows.commands import NOWHERE, assert_refused, flat, make_small, reporting_to, run_here, spoil
from tests.flows.homes import DAYS, contents, landing_file, query, run_cli

LAST = DAYS[-1]
USAGE = 2
COMMANDS = [
    "sample",
    "train",
    "score",
    "backfill",
    "catch-up",
    "outcomes",
    "load-predictions",
    "deploy",
    "prefect",
    "replay",
    "demo",
]

COMMAND_OF = "{0[0]}".format


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    make_small(monkeypatch)


def test_a_day_is_published_once_and_a_changed_file_as_its_next_revision(home: Path, prefect_api: str) -> None:
    first = run_cli(home, "score", "--batch-date", str(LAST), api=prefect_api)
    assert (first.returncode, "Traceback" in first.stderr) == (0, False), first.stderr
    lines = landing_file(home, LAST).read_text().count("\n") - 1
    assert re.match(rf"{LAST}: published as {LAST}-r1-[0-9a-f]{{8}}: {lines} rows received", first.stdout)
    before = contents(home)

    # What is published already is found without a server.
    with reporting_to(NOWHERE):
        again = run_here(home, "score", "--batch-date", str(LAST))
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout == flat(first.stdout.replace("published", "already published, nothing to do"))
    assert contents(home) == before

    with landing_file(home, LAST).open("a") as file:
        file.write(",".join(["late-1", str(LAST), "44", "40000", "9000", "6", "700"]) + "\n")
    with reporting_to(prefect_api):
        changed = run_here(home, "score", "--batch-date", str(LAST))
    assert changed.returncode == 0
    assert f"{LAST}: published as {LAST}-r2-" in changed.stdout
    assert f"{lines + 1} rows received" in changed.stdout
    batches = query(home, "SELECT revision, status FROM batches ORDER BY revision")
    assert batches == [(1, "superseded"), (2, "published")]


def test_a_blocked_batch_ends_with_status_3_and_names_file_row_and_rule(home: Path, prefect_api: str) -> None:
    spoil(home, LAST)
    found = run_cli(home, "score", "--batch-date", str(LAST), api=prefect_api)
    name = landing_file(home, LAST).name
    assert_refused(found, BLOCKED, f"the batch of {LAST} ({name}) is blocked", f"{name}, row 1: ", "(malformed_row)")
    assert found.stdout == ""
    assert query(home, "SELECT status FROM batches") == [("blocked",)]


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["score", "--batch-date", "2031-01-01"], ERROR, "no file for 2031-01-01"),
        (["score", "--batch-date", "30.06.2026"], USAGE, "'30.06.2026' is not a date"),
    ],
)
def test_errors_of_a_process_go_to_standard_error(
    home: Path, prefect_api: str, arguments: list[str], code: int, word: str
) -> None:
    found = run_cli(home, *arguments, api=prefect_api)
    assert_refused(found, code, word)
    assert found.stdout == ""


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"SCORING_LANDIGN": "in"}, ["unknown setting SCORING_LANDIGN", "SCORING_LANDING"]),
        ({"SCORING_GATE_MAX_QUARANTINED_SHARE": "5 %"}, ["SCORING_GATE_MAX_QUARANTINED_SHARE='5 %'"]),
        ({"SCORING_CONTRACT": "nonsense"}, ["nonsense"]),
        ({"SCORING_CONTRACT": "schemas.application:Nobody"}, ["Nobody"]),
        ({"SCORING_CONTRACT": "no.such.module:Application"}, ["no.such.module"]),
        ({"SCORING_CONTRACT": "schemas.errors:ScoringError"}, ["ScoringError"]),
        ({"SCORING_CONTRACT": "no/such/file.py:Application"}, ["no/such/file.py"]),
    ],
)
@pytest.mark.parametrize("command", [["score", "--batch-date", str(LAST)], ["backfill"], ["catch-up"], ["replay", "a"]])
@pytest.mark.usefixtures("prefect_here")
def test_a_setting_that_makes_no_sense_is_named(
    home: Path, settings: dict[str, str], words: list[str], command: list[str]
) -> None:
    assert_refused(run_here(home, *command, **settings), ERROR, "error:", *words)
    assert not (home / "warehouse.duckdb").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["score", "--batch-date", str(LAST)],
        ["backfill"],
        ["catch-up"],
        ["sample", "--days", "1", "--rows", "10"],
        ["train", "--applications", "{portfolio}/landing/*.csv", "--outcomes", "{portfolio}/outcomes.csv"],
        ["outcomes", "{portfolio}/outcomes.csv"],
        ["load-predictions"],
        ["replay", "GEN-1"],
        ["demo"],
    ],
    ids=COMMAND_OF,
)
@pytest.mark.usefixtures("prefect_here", "small")
def test_a_home_that_is_a_file_is_an_error_of_every_command(
    portfolio: Path, tmp_path: Path, arguments: list[str]
) -> None:
    (tmp_path / "home").write_text("")
    found = run_here(tmp_path / "home", *(argument.format(portfolio=portfolio) for argument in arguments))
    assert_refused(found, ERROR, "error:", str(tmp_path / "home"))


@pytest.mark.parametrize("name", ["SCORING_LANDING", "SCORING_MODELS", "SCORING_WAREHOUSE", "SCORING_STAGING"])
@pytest.mark.usefixtures("prefect_here")
def test_a_folder_that_is_a_file_is_an_error(home: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("not what it should be")
    found = run_here(home, "score", "--batch-date", str(LAST), **{name: str(tmp_path / "file")})
    assert_refused(found, ERROR, "error:", str(tmp_path / "file"))


@pytest.mark.usefixtures("prefect_here")
def test_reports_that_cannot_be_written_do_not_hide_the_verdict(home: Path, tmp_path: Path) -> None:
    spoil(home, LAST)
    (tmp_path / "file").write_text("")
    found = run_here(home, "score", "--batch-date", str(LAST), SCORING_REPORTS=str(tmp_path / "file"))
    assert_refused(found, BLOCKED, f"the batch of {LAST}", "row 1: ", str(tmp_path / "file"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["score"],
        ["score", "--batch-date", "2026-02-30"],
        ["score", "--batch-date", ""],
        ["score", "--batch-day", str(LAST)],
        ["score", "--batch-date", str(LAST), "--champion-of", "yesterday"],
        ["backfill", "--start", "yesterday"],
        ["backfill", "--champion-of", str(LAST)],
        ["catch-up", "--days-back", "-1"],
        ["catch-up", "--batch-date", str(LAST)],
        ["deploy", "here"],
        ["prefect", "--port", "0"],
        ["train", "--applications", "x"],
        ["train", "--applications", "x", "--outcomes", "y", "--before", "1"],
        ["sample", "--days", "0"],
        ["sample", "--rows", "many"],
        ["outcomes"],
        ["load-predictions", "first.jsonl"],
        ["replay"],
        ["replay", "a", "b"],
        ["publish"],
        ["--batch-date", str(LAST)],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_status_2(tmp_path: Path, arguments: list[str]) -> None:
    found = run_here(tmp_path, *arguments)
    assert_refused(found, USAGE, "Usage: flows")
    assert found.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(tmp_path: Path, command: str) -> None:
    assert command in run_here(tmp_path, "--help").stdout
    found = run_here(tmp_path, command, "--help")
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.strip().startswith(f"Usage: flows {command}")


def test_deploying_without_a_server_says_how_to_get_one(tmp_path: Path) -> None:
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        found = run_here(tmp_path, "deploy")
    assert_refused(found, ERROR, "error: PREFECT_API_URL names no server to deploy to", "make prefect")
    assert found.stdout == ""


def test_deploying_to_an_address_where_nobody_listens_is_an_error(tmp_path: Path) -> None:
    with reporting_to(NOWHERE):
        found = run_here(tmp_path, "deploy")
    assert_refused(found, ERROR, f"error: no Prefect server answers at {NOWHERE}", "mend PREFECT_API_URL")
    assert found.stdout == ""
