"""What the daily flow shows of monitoring, and that its picture is not worth a batch."""

from collections.abc import Callable
from pathlib import Path

import polars
import pytest

from flows.daily_scoring import daily_scoring
from model.verdict import level
from tasks.project import load_project
from tasks.summary import LEVEL_WORDS
from tests.body import run_day
from tests.flows.homes import DAYS, landing_file, new_home, query
from tests.flows.prefect_runs import Run

BEFORE, DAY = DAYS[2:4]

pytestmark = pytest.mark.usefixtures("prefect_here")


@pytest.fixture
def home(portfolio: Path, tmp_path: Path) -> Path:
    """Two days, on both of which incomes are far lower than in training."""
    home = new_home(portfolio, tmp_path / "home", [BEFORE, DAY])
    for day in (BEFORE, DAY):
        path = landing_file(home, day)
        rows = polars.read_csv(path, infer_schema=False, truncate_ragged_lines=True)
        path.write_text(rows.with_columns(income=polars.lit("9000")).write_csv())
    return home


@pytest.fixture(autouse=True)
def here(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCORING_HOME", str(home))
    monkeypatch.setenv("SCORING_DRIFT_MIN_ROWS", "100")


@pytest.fixture
def score(prefect_api: str) -> Callable[..., Run]:
    """Runs the daily flow."""
    return lambda *given: Run(prefect_api, daily_scoring(*given, return_state=True))


@pytest.mark.usefixtures("drawn_reports")
def test_a_run_puts_on_record_what_was_monitored_and_shows_it(home: Path, score: Callable[..., Run]) -> None:
    run_day(load_project(), BEFORE)
    run = score(DAY)
    assert run.end[1] == "Published"
    of_batch = f"WHERE batch_id = '{run.result.batch_id}'"
    for table in ("drift", "drift_verdicts", "profiles", "score_counts", "group_counts", "quality"):
        assert query(home, f"SELECT count(*) > 0 FROM {table} {of_batch}") == [(True,)], table
    assert query(home, "SELECT DISTINCT basis FROM performance") == [("estimated",)]
    assert query(home, "SELECT count(*) > 0 FROM fairness") == [(True,)]

    artifacts = run.artifacts()
    page = artifacts[f"batch-{DAY}"]["data"]
    features = f"FROM drift_verdicts {of_batch} AND feature <> 'score'"
    ((drifted, legacy),) = query(home, f"SELECT count(*) FILTER (drifted), count(*) FILTER (legacy_drifted) {features}")
    assert drifted in (1, 2)
    assert "## Drift: 1 or 2 features drifted\n" in page
    usual = LEVEL_WORDS[level(legacy)]
    assert f"By p < 0.05 for each feature alone, the usual rule, the level would be: {usual}." in page
    ((message,),) = query(home, "SELECT message FROM alerts WHERE kind = 'drift' AND subject = 'income'")
    assert message.startswith("Income (income): PSI ")
    assert f"- **warning, drift**: {message}" in page
    rows = query(home, f"SELECT row_count FROM drift_verdicts {of_batch} AND feature = 'income'")[0][0]
    assert f"| income | {rows} | drifted | {BEFORE} | 2 of 2 | drifted |" in page

    report = home / "reports" / f"drift_{DAY}.html"
    assert f"[Evidently report of {DAY}]({report.as_uri()})" in artifacts[f"report-{DAY}"]["data"]
    assert "income" in report.read_text(encoding="utf-8")


def test_a_report_that_fails_leaves_the_batch_published_and_says_so(home: Path, score: Callable[..., Run]) -> None:
    (home / "reports").write_text("a file in the place of the folder")
    run = score(DAY)
    assert run.end[1] == "Published"
    assert ("report", "FAILED", 1) in run.task_runs()
    assert query(home, "SELECT status FROM batches") == [("published",)]
    note = run.artifacts()[f"report-{DAY}"]
    assert note["description"] == f"No Evidently report of {DAY}"
    assert f"The batch of {DAY} is published; its Evidently report could not be made" in note["data"]
    assert "File exists" in note["data"]
    assert f"python -m flows report --batch-date {DAY}" in note["data"]
    (line,) = [line for line in run.logged() if line.startswith(f"no Evidently report of {DAY}: ")]
    assert "File exists" in line
