from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest

from model.champion import champion_identity, promote
from tasks.outcomes import load_outcomes
from tasks.performance import Performances, in_words, update_performance
from tasks.project import Project
from tests.body import run_day
from tests.flows.homes import landing_file, project_at, query
from tests.tasks.loans import COLUMNS, DAYS, OUTCOMES, ROWS, loans_of, second_model

VINTAGE = date(2026, 6, 1)
LAST = DAYS[-1]
# The default of 90 days after the last batch date of June.
RIPE = date(2026, 9, 28)
FIGURES = {"auc", "gini", "ks", "brier"}


def known_on(project: Project, latest: date) -> polars.DataFrame:
    """The true outcomes, all observed in September and the last of them on a date."""
    outcomes = polars.read_csv(project.settings.home_path / OUTCOMES, try_parse_dates=True)
    observed = [date(2026, 9, 1)] * (outcomes.height - 1) + [latest]
    return outcomes.with_columns(defaulted=polars.col("defaulted").cast(bool), observed_on=polars.Series(observed))


def realise(project: Project, outcomes: polars.DataFrame) -> Performances:
    project.writer.load_outcomes(outcomes)
    return update_performance(project)


def champion(project: Project) -> str:
    return champion_identity(project.settings.path("models"))[0]


def whole(frame: polars.DataFrame) -> dict[str, dict[str, Any]]:
    """Rows of a vintage that are not of a band, by metric."""
    return {row["metric"]: row for row in frame.filter(polars.col("band").is_null()).iter_rows(named=True)}


def test_a_vintage_is_realised_once_an_outcome_is_observed_late_enough(scored: Project) -> None:
    young = realise(scored, known_on(scored, RIPE - timedelta(days=1)))
    assert young.too_young == [(VINTAGE, RIPE)]
    assert young.realised.is_empty()
    assert in_words(young) == "performance of 0 vintages, 1 too young"
    ripe = realise(scored, known_on(scored, RIPE))
    assert ripe.too_young == []
    assert ripe.realised["vintage"].unique().to_list() == [VINTAGE]
    assert in_words(ripe) == "performance of 1 vintages"


def test_how_long_outcomes_take_is_a_setting(scored: Project) -> None:
    patient = project_at(scored.settings.home_path, outcome_days=91)
    assert realise(patient, known_on(scored, RIPE)).too_young == [(VINTAGE, RIPE + timedelta(days=1))]


def test_figures_need_so_many_rows_and_rates_do_not(scored: Project) -> None:
    outcomes = known_on(scored, RIPE)
    for least, enough in ((outcomes.height, True), (outcomes.height + 1, False)):
        found = realise(project_at(scored.settings.home_path, performance_min_rows=least), outcomes)
        rows = whole(found.realised)
        assert {rows[name]["value"] is not None for name in FIGURES} == {enough}
        assert rows["default_rate"]["value"] == pytest.approx(outcomes["defaulted"].mean())
        assert {row["row_count"] for row in rows.values()} == {outcomes.height}


def test_default_rates_are_kept_by_band_beside_those_expected(scored: Project) -> None:
    outcomes = known_on(scored, RIPE)
    realise(scored, outcomes)
    home = scored.settings.home_path
    scores = polars.DataFrame(
        query(home, "SELECT application_id, band, probability_of_default FROM current_scores"),
        schema=["application_id", "band", "expected"],
        orient="row",
    )
    joined = scores.join(outcomes, on="application_id").group_by("band")
    direct = joined.agg(polars.col("defaulted").mean(), polars.col("expected").mean(), polars.len())
    pivoted = """
        PIVOT (SELECT band, metric, value, row_count FROM performance WHERE basis = 'realised' AND band IS NOT NULL)
        ON metric IN ('default_rate', 'expected_default_rate') USING first(value) GROUP BY band, row_count ORDER BY band
    """
    kept = query(home, pivoted)
    assert [row[0] for row in kept] == ["A", "B", "C", "D", "E"]
    for (band, rows, rate, expected), row in zip(kept, direct.sort("band").iter_rows(), strict=True):
        assert (band, pytest.approx(rate), pytest.approx(expected), rows) == row


def test_outcomes_that_come_again_replace_what_was_realised(scored: Project) -> None:
    outcomes = known_on(scored, RIPE)
    before = realise(scored, outcomes).realised
    after = realise(scored, outcomes.with_columns(~polars.col("defaulted"))).realised
    stored = query(scored.settings.home_path, "SELECT count(*) FROM performance WHERE basis = 'realised'")
    assert stored == [(before.height,)] == [(after.height,)]
    assert whole(after)["auc"]["value"] == pytest.approx(1 - whole(before)["auc"]["value"])


def test_every_batch_brings_the_estimate_of_its_vintage_up_to_date(project: Project) -> None:
    question = "SELECT vintage, model_version, metric, row_count FROM performance WHERE basis = 'estimated'"
    for number, day in enumerate(DAYS[:2], 1):
        run_day(project, day)
        expected = {(VINTAGE, champion(project), name, number * ROWS) for name in (*FIGURES, "default_rate")}
        found = query(project.settings.home_path, question)
        assert (set(found), len(found)) == (expected, len(expected))


def test_what_is_realised_leaves_estimates_alone(scored: Project) -> None:
    before = scored.reader.frame("estimated_performance")
    found = realise(scored, known_on(scored, RIPE))
    assert found.estimated.equals(before)
    assert before.height == len(FIGURES) + 1


def test_two_models_in_one_vintage_are_kept_apart(scored: Project) -> None:
    first, second = champion(scored), second_model(scored).version
    promote(scored.settings.path("models"), second)
    for day in DAYS[4:]:
        assert run_day(scored, day).revision == 2
    # A vintage is young as long as one of its models is.
    assert realise(scored, known_on(scored, date(2026, 9, 20))).too_young == [(VINTAGE, RIPE)]
    found = realise(scored, known_on(scored, RIPE)).realised.filter(polars.col("band").is_null())
    rows = {version: set(group["row_count"]) for (version,), group in found.group_by("model_version")}
    assert rows == {first: {4 * ROWS}, second: {2 * ROWS}}
    of_second = scored.reader.frame("estimated_performance").filter(polars.col("model_version") == second)
    assert set(of_second["row_count"]) == {2 * ROWS}


@pytest.mark.timeout(900)
def test_the_estimate_is_close_to_what_is_realised(demo: Path, tmp_path: Path) -> None:
    project = project_at(tmp_path, models=str(demo / "models"))
    project.settings.path("warehouse").write_bytes((demo / "warehouse.duckdb").read_bytes())
    load_outcomes(project, demo / "outcomes.csv")
    found = update_performance(project)
    assert found.realised["vintage"].unique().sort().to_list() == [date(2026, 5, 1), VINTAGE]
    for vintage in (date(2026, 5, 1), VINTAGE):
        realised, estimated = (
            whole(frame.filter(polars.col("vintage") == vintage))["auc"] for frame in (found.realised, found.estimated)
        )
        # Chance moves both: the estimate's interval, wider by the realised one's.
        assert estimated["low"] - (realised["high"] - realised["value"]) <= realised["value"]
        assert realised["value"] <= estimated["high"] + (realised["value"] - realised["low"])
        assert estimated["row_count"] == realised["row_count"] > 25_000


def test_alerts_end_with_the_next_vintage_that_is_fine(scored: Project) -> None:
    home, version = scored.settings.home_path, champion(scored)
    outcomes = known_on(scored, RIPE)
    # What happened has nothing to do with what was predicted.
    chance = np.random.default_rng(0).random(outcomes.height) < 0.5
    realise(scored, outcomes.with_columns(defaulted=polars.Series(chance)))
    alerts = "SELECT kind, severity, subject, status FROM alerts WHERE kind = 'performance' ORDER BY subject"
    subjects = (f"auc of {version}", f"default rate of {version}")
    assert query(home, alerts) == [("performance", "warning", subject, "open") for subject in subjects]
    # Again the same is no news.
    update_performance(scored)
    assert len(query(home, alerts)) == 2

    july = date(2026, 7, 1)
    loans = loans_of(july)
    loans.select(COLUMNS).write_csv(landing_file(home, july))
    run_day(scored, july)
    known = loans.select("application_id", polars.col("defaulted").cast(bool), observed_on=july + timedelta(days=90))
    found = realise(scored, known)
    assert sorted(found.realised["vintage"].unique()) == [VINTAGE, july]
    assert query(home, alerts) == [("performance", "warning", subject, "resolved") for subject in subjects]
