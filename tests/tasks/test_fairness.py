from collections.abc import Sequence
from datetime import date
from typing import Any

import polars
import pytest

from model.champion import champion_identity, promote
from model.evaluation import GroupOutcome
from model.performance import Measure
from schemas.alert import Alert
from tasks.fairness import approvals, fairness_alerts
from tasks.project import Project
from tests.body import run_day
from tests.flows.homes import landing_file, project_at, query
from tests.tasks.loans import COLUMNS, DAYS, ROWS, loans_of, second_model

DAY = DAYS[-1]
JULY = date(2026, 7, 1)
# Rows and approvals by age: the old are approved most often, the young half as often.
COUNTS = {"< 25": (1_000, 400), "25 to < 50": (1_000, 760), ">= 50": (1_000, 800), "missing": (99, 0)}


def groups(**changed: tuple[int, int]) -> polars.DataFrame:
    """What a vintage counted of age; `changed` by name, `young` for the first group."""
    counts = {**COUNTS, **({"< 25": changed["young"]} if "young" in changed else {})}
    return polars.DataFrame(
        [("age", place, name, *count) for place, (name, count) in enumerate(counts.items())],
        schema=["field", "group_place", "group_name", "row_count", "approved_count"],
        orient="row",
    )


def validated(rows: int, approved: float) -> Sequence[GroupOutcome]:
    """Approvals out of time at training: of the young so many, of the old four in five."""
    shares = {"< 25": approved, ">= 50": 0.8}
    return [
        GroupOutcome(feature="age", group=name, rows=rows, approved=Measure(share), default_rate=Measure())
        for name, share in shares.items()
    ]


def alerts(counted: polars.DataFrame, known: Sequence[GroupOutcome] = ()) -> list[Alert]:
    return list(fairness_alerts(approvals(counted, 100), known, 100, DAY))


def by_name(found: polars.DataFrame) -> dict[str, dict[str, Any]]:
    return {row["group_name"]: row for row in found.iter_rows(named=True)}


def test_a_group_is_compared_with_the_one_approved_most() -> None:
    found = by_name(approvals(groups(), 100))
    assert list(found) == list(COUNTS)
    young = found["< 25"]
    assert (young["field"], young["group_place"], young["row_count"]) == ("age", 0, 1_000)
    assert (young["approval_rate"], young["impact_ratio"]) == (0.4, 0.5)
    assert young["impact_low"] < 0.5 < young["impact_high"] < 0.8
    assert [row["below_four_fifths"] for row in found.values()] == [True, False, False, False]
    assert found[">= 50"]["impact_ratio"] == 1


def test_a_group_of_too_few_rows_is_counted_and_not_compared() -> None:
    for least, compared in ((99, True), (100, False)):
        missing = by_name(approvals(groups(), least))["missing"]
        assert (missing["row_count"], missing["impact_ratio"] is not None) == (99, compared)
        assert missing["approval_rate"] == 0


def test_fields_are_compared_each_within_itself() -> None:
    other = polars.DataFrame(
        {
            "field": ["origin"] * 2,
            "group_place": [0, 1],
            "group_name": ["a", "b"],
            "row_count": [500, 500],
            "approved_count": [50, 50],
        }
    )
    found = approvals(polars.concat([groups(), other]), 100)
    assert found["field"].unique(maintain_order=True).to_list() == ["age", "origin"]
    assert found.filter(field="origin")["impact_ratio"].to_list() == [1, 1]


@pytest.mark.parametrize(
    ("known", "told"),
    [
        # Nothing is known of the group out of time, or too little.
        ((), True),
        (validated(99, 0.1), True),
        # It was as it is, or worse.
        (validated(1_000, 0.4), False),
        (validated(1_000, 0.3), False),
        # It was better, surely so in many rows only.
        (validated(1_000, 0.7), True),
        (validated(100, 0.5), False),
    ],
)
def test_an_alert_needs_a_group_that_is_surely_worse_off_than_validated(
    known: Sequence[GroupOutcome], *, told: bool
) -> None:
    assert [alert.subject for alert in alerts(groups(), known)] == (["age < 25"] if told else [])


@pytest.mark.parametrize(("young", "told"), [((1_000, 640), False), ((100, 60), False), ((100, 50), True)])
def test_an_alert_needs_a_group_that_is_surely_below_four_fifths(young: tuple[int, int], *, told: bool) -> None:
    assert bool(alerts(groups(young=young))) is told


def test_an_alert_says_how_often_a_group_is_approved_and_what_to_do() -> None:
    (alert,) = alerts(groups())
    assert (alert.kind, alert.severity, alert.batch_date) == ("fairness", "warning", DAY)
    assert alert.message == (
        "age < 25: approved 0.50 times as often as the group approved most (0.46 to 0.54; 1,000 rows, 2026-06), less"
        " than four fifths and less than when the model was validated. Look at which reasons decline this group, and"
        " take it to compliance."
    )


def test_where_nothing_is_protected_nothing_is_kept() -> None:
    assert approvals(groups().clear(), 100).is_empty()
    assert alerts(groups().clear()) == []


def test_approvals_are_kept_by_vintage(scored: Project) -> None:
    home = scored.settings.home_path
    loans_of(JULY).select(COLUMNS).write_csv(landing_file(home, JULY))
    run_day(scored, JULY)
    direct = """
        SELECT date_trunc('month', batch_date)::DATE, count(*), count(*) FILTER (decision = 'approve')
        FROM current_scores GROUP BY ALL ORDER BY ALL
    """
    kept = "SELECT vintage, sum(row_count), sum(row_count * approval_rate) FROM fairness GROUP BY vintage ORDER BY 1"
    assert [(day, rows, round(approved)) for day, rows, approved in query(home, kept)] == query(home, direct)
    assert [rows for _, rows, _ in query(home, direct)] == [len(DAYS) * ROWS, ROWS]


def test_a_run_raises_what_its_vintage_calls_for(scored: Project) -> None:
    # Of the youngest too few applications were validated; the third group was then as it is.
    below = "SELECT group_name FROM fairness WHERE below_four_fifths ORDER BY group_place"
    assert query(scored.settings.home_path, below) == [("< 21",), ("21 to < 26",), ("26 to < 35",)]
    raised = "SELECT subject, status FROM alerts WHERE kind = 'fairness' ORDER BY subject"
    assert query(scored.settings.home_path, raised) == [("age 21 to < 26", "open"), ("age < 21", "open")]


def test_alerts_stay_while_a_new_vintage_has_too_few_rows_to_tell(scored: Project) -> None:
    home = scored.settings.home_path
    raised = "SELECT subject, status FROM alerts WHERE kind = 'fairness' ORDER BY subject"
    before = query(home, raised)
    assert before
    loans_of(JULY).select(COLUMNS).write_csv(landing_file(home, JULY))
    run_day(project_at(home, fairness_min_rows=10_000), JULY)
    assert query(home, raised) == before


def test_a_vintage_that_another_model_takes_over_in_part_is_summed_up_for_both(scored: Project) -> None:
    home, models = scored.settings.home_path, scored.settings.path("models")
    first, second = champion_identity(models)[0], second_model(scored).version
    promote(models, second)
    run_day(scored, DAYS[-1])
    rows = "SELECT model_version, sum(row_count) FROM fairness WHERE field = 'age' GROUP BY 1"
    assert dict(query(home, rows)) == {first: (len(DAYS) - 1) * ROWS, second: ROWS}
    estimates = "SELECT DISTINCT model_version, row_count FROM performance WHERE basis = 'estimated'"
    assert dict(query(home, estimates)) == {first: (len(DAYS) - 1) * ROWS, second: ROWS}
