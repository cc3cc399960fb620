"""A disk that fails, by the commands: days are published, backed up while others are, lost, restored and run again."""

from datetime import date
from pathlib import Path

from tests.flows.commands import assert_refused, keep_days, reporting_to, run_here
from tests.flows.forked import Forked
from tests.flows.homes import DAYS, contents, project_at, query, run_cli

BEFORE, MEANWHILE, AFTER = DAYS[:2], DAYS[2], DAYS[3:5]
TORN = """
SELECT batch_id FROM batches
WHERE rows_scored != (SELECT count(*) FROM scores WHERE scores.batch_id = batches.batch_id)
    OR rows_scored != (SELECT count(*) FROM applications WHERE applications.batch_id = batches.batch_id)
    OR NOT EXISTS (FROM gate_results WHERE gate_results.batch_id = batches.batch_id)
"""
SCORES = """
SELECT batch_date, application_id, probability_of_default, score, band, decision, reason_codes, model_version
FROM current_scores WHERE batch_date >= '{}' ORDER BY ALL
"""


def backfill(home: Path, *days: date) -> str:
    run = run_here(home, "backfill", "--start", str(days[0]), "--end", str(days[-1]))
    assert run.returncode == 0, run.stderr
    return run.stdout


def back_up(home: Path, folder: Path) -> Path:
    run = run_here(home, "backup", str(folder))
    assert run.returncode == 0, run.stderr
    return Path(run.stdout.partition(": ")[0])


def test_a_lost_warehouse_comes_back_and_the_days_since_with_the_same_scores(
    home: Path, tmp_path: Path, prefect_api: str
) -> None:
    keep_days(home, *DAYS[:5])
    folder = tmp_path / "backups"
    with reporting_to(prefect_api):
        backfill(home, *BEFORE)
        # While a process publishes: the backup has its day, or not.
        publishing = Forked(home, MEANWHILE)
        first = back_up(home, folder)
        assert publishing.end().status == 0
        restored = tmp_path / "elsewhere"
        assert run_here(restored, "restore", str(first)).returncode == 0
        assert query(restored, TORN) == []
        batches = query(restored, "SELECT batch_date FROM batches ORDER BY ALL")
        assert batches in ([(day,) for day in BEFORE], [(day,) for day in (*BEFORE, MEANWHILE)])

        kept = back_up(home, folder)
        at_backup, file = contents(home), (home / "warehouse.duckdb").read_bytes()
        backfill(home, *AFTER)
        since = query(home, SCORES.format(AFTER[0]))
        assert {row[0] for row in since} == set(AFTER)

        (home / "warehouse.duckdb").write_bytes(file[: len(file) // 2])
        run = run_here(home, "restore", str(kept))
        assert run.returncode == 0, run.stderr
        assert contents(home) == at_backup
        assert (home / "warehouse.duckdb").read_bytes() == file
        command = f"backfill --start {AFTER[0]} --end {AFTER[-1]}"
        assert f"next: `python -m flows {command}`: files of 2 days" in run.stdout
        assert "2 published" in run_here(home, *command.split()).stdout
        assert query(home, SCORES.format(AFTER[0])) == since


def test_commands_refuse_what_would_lose_something_and_say_what_to_do(home: Path, tmp_path: Path) -> None:
    assert_refused(run_here(home, "restore", str(tmp_path)), 1, "manifest.json is missing")
    assert_refused(run_here(home, "backup", str(tmp_path / "backups")), 1, "there is no warehouse at")
    project_at(home).writer.prepare()
    kept = back_up(home, tmp_path / "backups")
    (home / "models" / "scorecard-0123456789ab").mkdir()
    (home / "models" / "scorecard-0123456789ab" / "metadata.json").write_text("{}")
    refused = run_cli(home, "restore", str(kept))
    assert_refused(refused, 1, "With --yes it is put aside", "the model scorecard-0123456789ab is here")
    forced = run_cli(home, "restore", str(kept), "--yes")
    assert forced.returncode == 0, forced.stderr
    assert "put aside: " in forced.stdout
    assert_refused(run_here(home, "backup", str(kept / "manifest.json")), 1, "File exists")
    assert run_here(home, "backup", str(tmp_path), "--keep", "0").returncode == 2
