import re
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import httpx
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

import flows.demo
from flows.__main__ import BLOCKED, ERROR, app, main
from tests.flows.homes import DAYS, contents, landing_file, project_at, query, run_cli
from tests.tasks.loans import make_champions

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
# Nobody listens there: a flow would fail.
NOWHERE = "http://127.0.0.1:9/api"
# The files are of June 2026, whenever the tests are run.
ALWAYS = ["--days-back", "3650"]

COMMAND_OF = "{0[0]}".format

Cli = Callable[..., Any]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command within this process; an error that no command foresees is raised here."""

    def run(home: Path, *arguments: str, **settings: str) -> Any:
        with monkeypatch.context() as patched:
            patched.setenv("SCORING_HOME", str(home))
            for name, value in settings.items():
                patched.setenv(name, value)
            capsys.readouterr()
            try:
                code = main(lambda: app(args=list(arguments), prog_name="flows"))
            except SystemExit as exited:
                code = int(exited.code or 0)
        printed = capsys.readouterr()
        return SimpleNamespace(returncode=code, stdout=_flat(printed.out), stderr=_flat(printed.err))

    return run


@pytest.fixture
def small_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows.demo, "DAYS", 3)
    monkeypatch.setattr(flows.demo, "ROWS", 60)


def _flat(text: str) -> str:
    """Without the line ends that the width of the terminal puts in."""
    return re.sub(r"\s+", " ", text)


def spoil(home: Path, day: date) -> None:
    """Makes half of a day's rows bad."""
    path = landing_file(home, day)
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *(row if place % 2 else "?" for place, row in enumerate(rows))]) + "\n")


def keep_days(home: Path, *days: date) -> None:
    for day in set(DAYS) - set(days):
        landing_file(home, day).unlink()


def runs_named(api: str, name: str) -> list[Any]:
    """What the server knows of the flow runs of this name."""
    chosen = {"flow_runs": {"name": {"any_": [name]}}}
    found: list[Any] = httpx.post(f"{api}/flow_runs/filter", json=chosen).raise_for_status().json()
    return found


def assert_refused(found: Any, code: int, *words: str) -> None:
    """The exit status, and a message that says these words on standard error, without a traceback."""
    assert found.returncode == code, found.stderr
    for word in words:
        assert word in found.stderr
    assert "Traceback" not in found.stdout + found.stderr


def test_a_day_is_published_once_and_a_changed_file_as_its_next_revision(home: Path, prefect_api: str) -> None:
    first = run_cli(home, "score", "--batch-date", str(LAST), api=prefect_api)
    assert (first.returncode, "Traceback" in first.stderr) == (0, False), first.stderr
    lines = landing_file(home, LAST).read_text().count("\n") - 1
    assert re.match(rf"{LAST}: published as {LAST}-r1-[0-9a-f]{{8}}: {lines} rows received", first.stdout)
    before = contents(home)

    # No server is named: what is published already is found without one.
    again = run_cli(home, "score", "--batch-date", str(LAST))
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout == first.stdout.replace("published", "already published, nothing to do")
    assert contents(home) == before

    with landing_file(home, LAST).open("a") as file:
        file.write(",".join(["late-1", str(LAST), "44", "40000", "9000", "6", "700"]) + "\n")
    changed = run_cli(home, "score", "--batch-date", str(LAST), api=prefect_api)
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


@pytest.mark.usefixtures("prefect_here")
def test_a_missing_file_is_an_error_and_an_alert_and_a_run_on_the_record(
    home: Path, cli: Cli, prefect_api: str
) -> None:
    score = ["score", "--batch-date", "2026-02-03"]
    for _ in range(2):
        assert_refused(cli(home, *score), ERROR, "error: no file for 2026-02-03")
    (state,) = {(run["state_type"], run["state_name"]) for run in runs_named(prefect_api, "2026-02-03")}
    assert state == ("FAILED", "MissingFile")
    alerts = query(home, "SELECT kind, severity, batch_date, status FROM alerts")
    assert alerts == [("missing_file", "critical", date(2026, 2, 3), "open")]


@pytest.mark.usefixtures("prefect_here")
def test_a_closed_day_without_a_file_is_no_error(home: Path, cli: Cli) -> None:
    score = ["score", "--batch-date", "2026-05-14"]
    found = cli(home, *score, SCORING_HOLIDAYS="FR")
    assert (found.returncode, "Traceback" in found.stderr) == (0, False), found.stderr
    assert found.stdout.strip() == "2026-05-14 has no file, and need not have one: Ascension"
    assert not (home / "warehouse.duckdb").exists()


def test_without_a_champion_the_message_says_how_to_get_one(home: Path, cli: Cli) -> None:
    shutil.rmtree(home / "models")
    assert_refused(cli(home, "score", "--batch-date", str(LAST)), ERROR, "champion", "flows train")


@pytest.mark.usefixtures("prefect_here")
def test_more_than_one_file_for_a_date_is_an_error(home: Path, cli: Cli) -> None:
    shutil.copy(landing_file(home, LAST), landing_file(home, LAST).with_suffix(".parquet"))
    found = cli(home, "score", "--batch-date", str(LAST))
    assert_refused(found, ERROR, f"more than one file for {LAST}", f"applications_{LAST}.parquet")


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
    home: Path, cli: Cli, settings: dict[str, str], words: list[str], command: list[str]
) -> None:
    assert_refused(cli(home, *command, **settings), ERROR, "error:", *words)
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
@pytest.mark.usefixtures("prefect_here", "small_demo")
def test_a_home_that_is_a_file_is_an_error_of_every_command(
    portfolio: Path, tmp_path: Path, cli: Cli, arguments: list[str]
) -> None:
    (tmp_path / "home").write_text("")
    found = cli(tmp_path / "home", *(argument.format(portfolio=portfolio) for argument in arguments))
    assert_refused(found, ERROR, "error:", str(tmp_path / "home"))


@pytest.mark.parametrize("name", ["SCORING_LANDING", "SCORING_MODELS", "SCORING_WAREHOUSE", "SCORING_STAGING"])
@pytest.mark.usefixtures("prefect_here")
def test_a_folder_that_is_a_file_is_an_error(home: Path, tmp_path: Path, cli: Cli, name: str) -> None:
    (tmp_path / "file").write_text("not what it should be")
    found = cli(home, "score", "--batch-date", str(LAST), **{name: str(tmp_path / "file")})
    assert_refused(found, ERROR, "error:", str(tmp_path / "file"))


@pytest.mark.usefixtures("prefect_here")
def test_reports_that_cannot_be_written_do_not_hide_the_verdict(home: Path, tmp_path: Path, cli: Cli) -> None:
    spoil(home, LAST)
    (tmp_path / "file").write_text("")
    found = cli(home, "score", "--batch-date", str(LAST), SCORING_REPORTS=str(tmp_path / "file"))
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
def test_wrong_usage_ends_with_status_2(tmp_path: Path, cli: Cli, arguments: list[str]) -> None:
    found = cli(tmp_path, *arguments)
    assert_refused(found, USAGE, "Usage: flows")
    assert found.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(tmp_path: Path, cli: Cli, command: str) -> None:
    assert command in cli(tmp_path, "--help").stdout
    found = cli(tmp_path, command, "--help")
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.strip().startswith(f"Usage: flows {command}")


@pytest.mark.usefixtures("prefect_here")
def test_a_backfill_goes_on_behind_a_bad_day_and_prints_the_days_that_need_a_person(home: Path, cli: Cli) -> None:
    good, bad, last = DAYS[:3]
    keep_days(home, good, bad, last)
    spoil(home, bad)
    found = cli(home, "backfill")
    assert_refused(found, BLOCKED)
    assert f"{bad}: blocked: the batch of {bad} ({landing_file(home, bad).name}) is blocked" in found.stdout
    assert "3 days: 1 blocked, 2 published" in found.stdout
    assert str(good) not in found.stdout
    assert query(home, "SELECT batch_date, status FROM batches ORDER BY ALL") == [
        (good, "published"),
        (bad, "blocked"),
        (last, "published"),
    ]


@pytest.mark.usefixtures("prefect_here")
def test_a_day_that_fails_counts_for_more_than_one_that_is_blocked(home: Path, cli: Cli) -> None:
    blocked, failed, good = DAYS[:3]
    keep_days(home, blocked, failed, good)
    spoil(home, blocked)
    shutil.copy(landing_file(home, failed), landing_file(home, failed).with_suffix(".parquet"))
    found = cli(home, "backfill", "--start", str(blocked), "--end", str(good))
    assert_refused(found, ERROR)
    assert f"{failed}: failed: more than one file for {failed}" in found.stdout
    assert "3 days: 1 blocked, 1 failed, 1 published" in found.stdout


def test_a_second_backfill_finds_everything_published_without_starting_prefect(
    home: Path, cli: Cli, prefect_api: str
) -> None:
    keep_days(home, *DAYS[:2])
    with temporary_settings({PREFECT_API_URL: prefect_api}):
        assert cli(home, "backfill", "--end", str(DAYS[1])).returncode == 0
    before = contents(home)
    with temporary_settings({PREFECT_API_URL: NOWHERE}):
        found = cli(home, "backfill")
    assert (found.returncode, found.stderr) == (0, "")
    assert "2 days already published; nothing to do" in found.stdout
    assert contents(home) == before


def test_a_backfill_of_a_period_without_files_is_an_error(home: Path, cli: Cli) -> None:
    after = str(LAST + timedelta(days=1))
    assert_refused(cli(home, "backfill", "--start", after), ERROR, "no file in", after)
    turned = cli(home, "backfill", "--start", str(LAST), "--end", str(DAYS[0]))
    assert_refused(turned, ERROR, f"the period starts on {LAST} and ends before it, on {DAYS[0]}")


def test_a_backfill_counts_the_days_of_its_period_without_a_file(home: Path, cli: Cli, prefect_api: str) -> None:
    first, missing, last = DAYS[:3]
    keep_days(home, first, last)
    period = ["backfill", "--start", str(first), "--end", str(last)]
    with temporary_settings({PREFECT_API_URL: prefect_api}):
        found = cli(home, *period)
    assert (found.returncode, "3 days: 1 no file, 2 published" in found.stdout) == (0, True), found.stderr
    with temporary_settings({PREFECT_API_URL: NOWHERE}):
        assert "3 days: 2 already published, 1 no file" in cli(home, *period).stdout
        closed = cli(home, *period, SCORING_HOLIDAYS=str(missing))
    assert "2 days already published; nothing to do" in closed.stdout


def test_a_backfill_scores_with_the_champion_of_each_day_if_it_is_asked_to(
    home: Path, cli: Cli, prefect_api: str
) -> None:
    days = DAYS[:3]
    keep_days(home, *days)
    first, second = make_champions(project_at(home), days[0], days[2])
    by_day = ["backfill", "--champion-of", "that-day"]
    in_force = "SELECT model_version FROM batches WHERE status = 'published' ORDER BY batch_date"
    with temporary_settings({PREFECT_API_URL: prefect_api}):
        assert "3 days: 3 published" in cli(home, *by_day).stdout
        assert query(home, in_force) == [(first,), (first,), (second,)]
    before = contents(home)
    with temporary_settings({PREFECT_API_URL: NOWHERE}):
        assert "3 days already published; nothing to do" in cli(home, *by_day).stdout
    assert contents(home) == before
    # Today's champion is another one for two of the days.
    with temporary_settings({PREFECT_API_URL: prefect_api}):
        assert "3 days: 1 already published, 2 published" in cli(home, "backfill").stdout
    assert query(home, in_force) == [(second,)] * 3


def test_a_day_is_scored_with_its_own_champion_if_it_is_asked_for(home: Path, cli: Cli, prefect_api: str) -> None:
    score = ["score", "--batch-date", str(DAYS[1]), "--champion-of", "that-day"]
    with temporary_settings({PREFECT_API_URL: NOWHERE}):
        # The portfolio's champion is one since the test session began.
        assert_refused(cli(home, *score), ERROR, f"there was no champion on {DAYS[1]}", "score with today's champion")
    first, second = make_champions(project_at(home), DAYS[1], DAYS[2])
    with temporary_settings({PREFECT_API_URL: prefect_api}):
        assert f"published as {DAYS[1]}-r1-" in cli(home, *score).stdout
    with temporary_settings({PREFECT_API_URL: NOWHERE}):
        assert "already published, nothing to do" in cli(home, *score).stdout
    with temporary_settings({PREFECT_API_URL: prefect_api}):
        assert f"published as {DAYS[1]}-r2-" in cli(home, *score[:3]).stdout
    versions = query(home, "SELECT model_version, status FROM batches ORDER BY revision")
    assert versions == [(first, "superseded"), (second, "published")]


@pytest.mark.usefixtures("prefect_here")
def test_catching_up_takes_what_no_run_has_judged_and_then_nothing(home: Path, cli: Cli) -> None:
    keep_days(home, *DAYS[:3])
    assert cli(home, "backfill", "--end", str(DAYS[0])).returncode == 0
    found = cli(home, "catch-up", *ALWAYS)
    assert (found.returncode, "2 days: 2 published" in found.stdout) == (0, True), found.stderr
    assert "Traceback" not in found.stderr
    before = contents(home)
    for days_back in (ALWAYS, ["--days-back", "0"]):
        again = cli(home, "catch-up", *days_back)
        assert (again.returncode, again.stdout.strip()) == (0, "No file is waiting; nothing to do.")
    assert contents(home) == before


@pytest.mark.usefixtures("prefect_here")
def test_catching_up_leaves_a_blocked_file_alone_until_it_is_corrected(portfolio: Path, home: Path, cli: Cli) -> None:
    bad, good = DAYS[:2]
    keep_days(home, bad, good)
    spoil(home, bad)
    found = cli(home, "catch-up", *ALWAYS)
    assert_refused(found, BLOCKED)
    assert f"{bad}: blocked: the batch of {bad} ({landing_file(home, bad).name}) is blocked" in found.stdout
    assert "2 days: 1 blocked, 1 published" in found.stdout
    assert "No file is waiting" in cli(home, "catch-up", *ALWAYS).stdout
    shutil.copy(landing_file(portfolio, bad), landing_file(home, bad))
    assert "1 day: 1 published" in cli(home, "catch-up", *ALWAYS).stdout


@pytest.mark.usefixtures("prefect_here")
def test_catching_up_with_a_day_that_fails_ends_with_status_1(home: Path, cli: Cli) -> None:
    blocked, failed = DAYS[:2]
    keep_days(home, blocked, failed)
    spoil(home, blocked)
    shutil.copy(landing_file(home, failed), landing_file(home, failed).with_suffix(".parquet"))
    for words in ("2 days: 1 blocked, 1 failed", "1 day: 1 failed"):
        found = cli(home, "catch-up", *ALWAYS)
        assert_refused(found, ERROR)
        assert f"{failed}: failed: more than one file for {failed}" in found.stdout
        assert words in found.stdout


def test_a_file_that_came_late_is_taken_up_by_a_process_of_its_own(home: Path, prefect_api: str) -> None:
    keep_days(home, LAST)
    found = run_cli(home, "catch-up", *ALWAYS, api=prefect_api)
    assert (found.returncode, found.stdout) == (0, "1 day: 1 published\n"), found.stderr
    assert "Traceback" not in found.stderr


def test_deploying_without_a_server_says_how_to_get_one(tmp_path: Path, cli: Cli) -> None:
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        found = cli(tmp_path, "deploy")
    assert_refused(found, ERROR, "error: PREFECT_API_URL names no server to deploy to", "make prefect")
    assert found.stdout == ""


def test_deploying_to_an_address_where_nobody_listens_is_an_error(tmp_path: Path) -> None:
    found = run_cli(tmp_path, "deploy", api=NOWHERE)
    assert_refused(found, ERROR, f"error: no Prefect server answers at {NOWHERE}", "mend PREFECT_API_URL")
    assert found.stdout == ""


def test_the_same_training_gives_the_same_version_and_another_one_a_challenger(
    portfolio: Path, home: Path, cli: Cli
) -> None:
    history = sorted((portfolio / "history").glob("*.csv.gz"))
    train = ["train", "--outcomes", str(portfolio / "outcomes.csv")]
    champion = next((home / "models").glob("scorecard-*")).name
    again = cli(home, *train, "--applications", str(portfolio / "history" / "*.csv.gz"))
    assert again.returncode == 0
    assert again.stdout.startswith(f"{champion}, registered as champion")
    # One month less is another model.
    other = cli(home, *train, "--applications", str(portfolio / "history" / f"{history[0].name[:17]}*"))
    assert other.returncode == 0
    assert re.match(r"scorecard-[0-9a-f]{12}, registered as challenger", other.stdout)
    assert champion not in other.stdout
    assert query(home, "SELECT role FROM models ORDER BY role") == [("challenger",), ("champion",)]


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
    portfolio: Path, tmp_path: Path, cli: Cli, applications: str, outcomes: str, words: list[str]
) -> None:
    places = [text.format(portfolio=portfolio) for text in (applications, outcomes)]
    found = cli(tmp_path, "train", "--applications", places[0], "--outcomes", places[1])
    assert_refused(found, ERROR, "error:", *words)


@pytest.mark.usefixtures("prefect_here")
def test_outcomes_give_realised_performance(portfolio: Path, home: Path, cli: Cli) -> None:
    outcomes = str(portfolio / "outcomes.csv")
    early = cli(home, "outcomes", outcomes)
    assert early.returncode == 0
    assert "No scored application has an outcome yet" in early.stdout
    # The outcomes of this sample are those of the history.
    known = next((portfolio / "history").glob("applications_2026-05-*.csv.gz"))
    assert cli(home, "score", "--batch-date", "2026-06-01", "--source", str(known)).returncode == 0
    found = cli(home, "outcomes", outcomes)
    assert found.returncode == 0
    assert " outcomes loaded" in found.stdout
    assert "2026-06" in found.stdout
    metrics = query(home, "SELECT metric, value > 0.2 FROM performance WHERE metric IN ('auc', 'gini') ORDER BY metric")
    assert metrics == [("auc", True), ("gini", True)]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["a,perhaps,2026-01-01"], ["bad.csv", "row 1", "perhaps"]),
        (["a,1,2026-01-01", "b,0,soon"], ["bad.csv", "row 2", "soon"]),
        (["a,1"], ["bad.csv", "row 1", "2 fields"]),
        ([], ["bad.csv has a header and no rows"]),
    ],
)
def test_a_bad_outcome_file_is_not_loaded_at_all(tmp_path: Path, cli: Cli, lines: list[str], words: list[str]) -> None:
    project_at(tmp_path).writer.prepare()
    (tmp_path / "bad.csv").write_text("\n".join(["application_id,defaulted,observed_on", *lines]) + "\n")
    assert_refused(cli(tmp_path, "outcomes", str(tmp_path / "bad.csv")), ERROR, "error:", *words)
    assert query(tmp_path, "SELECT count(*) FROM outcomes") == [(0,)]


@pytest.mark.parametrize("content", [b"", b"\x00\xff" * 500, b"PAR1", b"application_id\n", b"\x1f\x8b\x08\x00"])
@pytest.mark.parametrize("name", ["bad.csv", "bad.csv.gz", "bad.parquet"])
def test_an_outcome_file_that_cannot_be_read_is_an_error(tmp_path: Path, cli: Cli, content: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert_refused(cli(tmp_path, "outcomes", str(tmp_path / name)), ERROR, "error:", name)


@pytest.mark.usefixtures("prefect_here")
def test_a_replay_agrees_to_the_bit_until_the_stored_score_is_tampered_with(home: Path, cli: Cli) -> None:
    assert cli(home, "score", "--batch-date", str(LAST)).returncode == 0
    ids = [row[0] for row in query(home, "SELECT application_id FROM scores ORDER BY score")]
    for application in (ids[0], ids[len(ids) // 2], ids[-1]):
        found = cli(home, "replay", application)
        assert found.returncode == 0
        assert "The same to the bit." in found.stdout
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        change = (
            "UPDATE scores SET probability_of_default = nextafter(probability_of_default, 1) WHERE application_id = ?"
        )
        connection.execute(change, [ids[0]])
    found = cli(home, "replay", ids[0])
    assert found.returncode == ERROR
    assert "They differ" in found.stdout
    assert cli(home, "replay", ids[-1]).returncode == 0
    unknown = cli(home, "replay", "nobody")
    assert_refused(unknown, ERROR, "no published batch has the application nobody")


def test_a_replay_without_a_warehouse_says_what_to_do(home: Path, cli: Cli) -> None:
    assert_refused(cli(home, "replay", "a"), ERROR, "there is no warehouse", "score a day first")


def test_the_sample_is_refused_for_another_contract(tmp_path: Path, cli: Cli) -> None:
    foreign = "tests.contracts.everything:Everything"
    found = cli(tmp_path, "sample", "--days", "1", "--rows", "10", SCORING_CONTRACT=foreign)
    assert_refused(found, ERROR, foreign, "unset it")
    assert list(tmp_path.iterdir()) == []


def test_the_sample_leaves_files_of_others_alone(tmp_path: Path, cli: Cli) -> None:
    sample = ["sample", "--days", "1", "--rows", "10", "--until", str(LAST)]
    (tmp_path / "landing").mkdir()
    mine = landing_file(tmp_path, LAST)
    mine.write_text("mine")
    assert_refused(cli(tmp_path, *sample), ERROR, "is in the way of the generated sample")
    assert mine.read_text() == "mine"
    mine.unlink()
    assert "Generated 1 days" in cli(tmp_path, *sample).stdout
    assert "already in" in cli(tmp_path, *sample).stdout


@pytest.mark.usefixtures("prefect_here", "small_demo")
def test_the_demo_goes_from_nothing_to_scored_days_and_is_done_the_second_time(tmp_path: Path, cli: Cli) -> None:
    first = cli(tmp_path, "demo")
    assert first.returncode == 0, first.stderr
    for words in ("registered as champion", "3 days: 3 published", "nobody in it is real", "3 of 3", "flows replay"):
        assert words in first.stdout
    assert "Traceback" not in first.stderr
    before = contents(tmp_path)
    with temporary_settings({PREFECT_API_URL: NOWHERE}):
        second = cli(tmp_path, "demo")
    assert (second.returncode, second.stderr) == (0, "")
    assert "The generated portfolio is already in" in second.stdout
    assert "3 days already published; nothing to do" in second.stdout
    assert contents(tmp_path) == before
