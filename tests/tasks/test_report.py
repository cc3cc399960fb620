from datetime import date
from pathlib import Path

import polars
import pytest

from model.reference import SCORE
from schemas.errors import ScoringError
from tasks import report
from tasks.evidently_report import ReportNote
from tasks.project import Project
from tasks.report import write_report
from tests.flows.homes import project_at, query
from tests.tasks.loans import DAYS, ROWS

LAST = DAYS[-1]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[polars.DataFrame]:
    """The batches that reports are drawn of, instead of the reports, which take seconds."""
    frames: list[polars.DataFrame] = []

    def note(path: Path, title: str, reference: object, current: polars.DataFrame, rows: int, seed: int) -> ReportNote:
        frames.append(current)
        return ReportNote(path=path, compared=tuple(current.columns), left_out={})

    monkeypatch.setattr(report, "write_drift_report", note)
    return frames


def test_a_report_has_every_feature_and_the_score(scored: Project) -> None:
    note = write_report(scored, LAST)
    assert note.path == scored.settings.home_path / "reports" / f"drift_{LAST}.html"
    assert note.compared == (*(feature.name for feature in scored.contract.features), SCORE)
    assert note.left_out == {}
    ((version,),) = query(scored.settings.home_path, f"SELECT model_version FROM batches WHERE batch_date = '{LAST}'")
    page = note.path.read_text(encoding="utf-8")
    assert f"Application: batch of {LAST} against the training of {version}" in page
    assert [path.name for path in note.path.parent.iterdir()] == [note.path.name]


def test_a_date_without_a_published_batch_has_no_report(scored: Project) -> None:
    with pytest.raises(
        ScoringError, match=r"nothing is published for 2026-05-01; score it first: python -m flows score"
    ):
        write_report(scored, date(2026, 5, 1))
    assert not scored.settings.path("reports").exists()


def test_the_same_batch_gives_the_same_rows(scored: Project, drawn: list[polars.DataFrame]) -> None:
    few = project_at(scored.settings.home_path, report_rows=100)
    for _ in range(2):
        write_report(few, LAST)
    assert drawn[0].equals(drawn[1])
    assert drawn[0].height == 100
    # They are not just the first ones.
    question = f"""
        SELECT applications.income, scores.score FROM applications JOIN scores USING (batch_id, application_id)
        JOIN batches USING (batch_id) WHERE batch_date = '{LAST}' ORDER BY row_number
    """
    batch = query(scored.settings.home_path, question)
    sample = drawn[0].select("income", SCORE).rows()
    assert len(batch) == ROWS
    assert set(sample) <= set(batch)
    assert not set(sample) <= set(batch[:200])


def test_a_small_batch_is_drawn_whole(scored: Project, drawn: list[polars.DataFrame]) -> None:
    write_report(scored, LAST)
    assert drawn[0].height == ROWS
    missing = "SELECT count(*) FROM applications JOIN batches USING (batch_id) WHERE employment_length IS NULL"
    ((blank,),) = query(scored.settings.home_path, f"{missing} AND batch_date = '{LAST}'")
    assert drawn[0]["employment_length"].null_count() == blank > 0
