"""Drift day after day, with what the warehouse holds of the days before."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import polars

from model.champion import promote
from tasks.project import Project
from tests.body import run_day
from tests.flows.homes import landing_file, project_at, query
from tests.tasks.loans import DAYS, ROWS, second_model

FEATURES = 5
VERDICT = (
    "SELECT batch_date, {} FROM drift_verdicts JOIN batches USING (batch_id, batch_date) WHERE status = 'published'"
)
ALERT = "SELECT status, batch_date, last_batch_date, batches, resolved_by_batch_date FROM alerts WHERE kind = 'drift'"


def shift(project: Project, *days: date, factor: float = 2.0) -> None:
    """Makes the incomes of some days larger."""
    for day in days:
        path = landing_file(project.settings.home_path, day)
        frame = polars.read_csv(path)
        frame.with_columns((polars.col("income") * factor).round(2)).write_csv(path)


def lenient(project: Project, least: int = 100) -> Project:
    """The project with another number of rows that a batch needs."""
    return project_at(project.settings.home_path, drift_min_rows=least)


def run(project: Project, days: Iterable[date] = DAYS) -> None:
    for day in days:
        run_day(project, day)


def verdicts(project: Project, columns: str, feature: str = "income") -> list[tuple[Any, ...]]:
    question = f"{VERDICT.format(columns)} AND feature = '{feature}' ORDER BY batch_date"
    return query(project.settings.home_path, question)


def alerts(project: Project) -> list[tuple[Any, ...]]:
    return query(project.settings.home_path, f"{ALERT} AND subject = 'income' ORDER BY raised_at")


def test_days_of_few_rows_are_judged_with_the_days_before(scored: Project) -> None:
    pooled = [(day, 2 * ROWS, 2, True) for day in DAYS[1:]]
    for feature in ("income", "score"):
        assert verdicts(scored, "row_count, batches_pooled, enough", feature) == [(DAYS[0], ROWS, 1, False), *pooled]
    # What is not judged is not measured; the window takes two days more until it has rows enough.
    measured = (
        "SELECT batch_date, bool_and(window_value IS NULL), count(DISTINCT feature) FROM drift GROUP BY 1 ORDER BY 1"
    )
    assert query(scored.settings.home_path, measured) == [
        (day, alone, FEATURES + 1) for day, alone in zip(DAYS[1:], [True, True, False, False, False], strict=True)
    ]


def test_what_cannot_be_judged_leaves_an_alert_as_it_is(project: Project) -> None:
    shift(project, *DAYS[:2])
    run(lenient(project), DAYS[:2])
    opened = [("open", DAYS[1], DAYS[1], 1, None)]
    assert alerts(project) == opened
    run(lenient(project, 1_000), DAYS[2:3])
    assert verdicts(project, "enough, row_count")[-1] == (DAYS[2], False, 3 * ROWS)
    assert alerts(project) == opened
    # It ends when three judged days in a row are fine, the unjudged one not being among them.
    run(lenient(project), DAYS[3:5])
    assert alerts(project) == opened
    run(lenient(project), DAYS[5:])
    assert verdicts(project, "judged_batches, exceeded_batches")[-1] == (DAYS[5], 3, 0)
    assert alerts(project) == [("resolved", DAYS[1], DAYS[1], 1, DAYS[5])]


def test_days_of_another_model_are_not_pooled(project: Project) -> None:
    run(project, DAYS[:2])
    promote(project.settings.path("models"), second_model(project).version)
    run(project, DAYS[2:4])
    assert verdicts(project, "row_count, batches_pooled")[2:] == [(DAYS[2], ROWS, 1), (DAYS[3], 2 * ROWS, 2)]


def test_an_earlier_revision_of_a_day_no_longer_counts(project: Project, tmp_path: Path) -> None:
    judged = lenient(project)
    fine = tmp_path / "fine.csv"
    fine.write_bytes(landing_file(project.settings.home_path, DAYS[1]).read_bytes())
    shift(project, *DAYS[:3])
    run(judged, DAYS[:2])
    assert verdicts(project, "exceeded_batches, drifted") == [(DAYS[0], 1, False), (DAYS[1], 2, True)]
    assert run_day(judged, DAYS[1], fine).revision == 2
    run(judged, DAYS[2:3])
    # Of the three days the first and the last.
    expected = [(DAYS[0], 1, False), (DAYS[1], 1, False), (DAYS[2], 2, True)]
    assert verdicts(project, "exceeded_batches, drifted") == expected
    assert {since for _, since in verdicts(project, "since")} == {DAYS[0]}


def test_a_day_published_again_is_compared_with_the_days_before_it_alone(project: Project) -> None:
    judged = lenient(project)
    shift(project, *DAYS[2:4])
    run(judged, DAYS[:4])
    before = verdicts(project, "exceeded, exceeded_batches, judged_batches")
    shift(project, DAYS[1], factor=1.0001)
    assert run_day(judged, DAYS[1]).revision == 2
    assert verdicts(project, "exceeded, exceeded_batches, judged_batches") == before


def test_a_day_of_the_past_moves_no_alert(project: Project) -> None:
    judged = lenient(project)
    shift(project, *DAYS[1:3])
    run(judged, [DAYS[0], DAYS[4]])
    # Both are on record as they are, and neither is what is so today.
    run(judged, DAYS[1:3])
    assert [day for day, drifted in verdicts(project, "drifted") if drifted] == [DAYS[2]]
    assert alerts(project) == []


def test_an_alert_goes_on_as_long_as_its_cause(project: Project) -> None:
    shift(project, *DAYS[:4])
    run(lenient(project), DAYS[:4])
    assert alerts(project) == [("open", DAYS[1], DAYS[3], 3, None)]
