"""The whole product on real loans: another contract is named in one setting, and nothing else is changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars
import pytest

from model.performance import Measure
from tasks.outcomes import load_outcomes
from tasks.performance import update_performance
from tasks.project import Project, load_project
from tasks.replay import replay_application
from tasks.source.landing import dates_in
from tasks.train import Trained, train_model
from tests.body import run_day
from tests.flows.disturbed import torn
from tests.flows.homes import query, run_cli
from warehouse.writer import PERFORMANCE

DATA = Path(__file__).parents[2] / ".." / "shared" / "data" / "lendingclub"
LANDING = DATA / "landing"
MONTHS = 55
BEFORE = date(2011, 1, 1)
SETTINGS = {
    "SCORING_CONTRACT": "tests/contracts/lendingclub.py:LendingClub",
    "SCORING_LANDING": str(LANDING.resolve()),
}

pytestmark = pytest.mark.skipif(not DATA.exists(), reason=f"the LendingClub data is not at {DATA.resolve()}")


@dataclass(frozen=True)
class Lender:
    """A home that has trained on the loans before 2011 and scored every month there is."""

    home: Path
    project: Project
    trained: Trained
    performance: polars.DataFrame

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        return query(self.home, question)


@pytest.fixture(scope="module")
def lender(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lender]:
    home = tmp_path_factory.mktemp("lender")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"SCORING_HOME": str(home), **SETTINGS}.items():
            patch.setenv(name, value)
        project = load_project()
        trained = train_model(project, str(LANDING / "applications_*.csv"), DATA / "outcomes.csv", BEFORE)
        for day in dates_in(project.settings.path("landing")):
            assert run_day(project, day).new
        load_outcomes(project, DATA / "outcomes.csv")
        yield Lender(home, project, trained, update_performance(project).realised)


def known(measure: Measure) -> float:
    assert measure.value is not None
    return measure.value


def test_the_scorecard_is_level_with_gradient_boosting_on_later_loans(lender: Lender) -> None:
    trained = lender.trained
    scorecard, boosting = known(trained.model.evaluation.test.auc), known(trained.model.evaluation.boosting.auc)
    print(f"AUC on 2011: scorecard {scorecard:.4f}, gradient boosting {boosting:.4f}")
    print(f"{trained.rows_read:,} rows read, {trained.rows_refused} refused, {trained.rows_without_outcome} unknown")
    assert trained.rows_read == 42_535
    assert trained.role == "champion"
    assert scorecard == pytest.approx(boosting, abs=0.01)
    assert scorecard > 0.67


def test_every_month_is_published_whole(lender: Lender) -> None:
    batches = lender.ask("SELECT count(*), sum(rows_received), sum(rows_scored), sum(rows_quarantined) FROM batches")
    quarantined = lender.ask("SELECT rule, field, count(*) FROM quarantine GROUP BY ALL ORDER BY ALL")
    warned = lender.ask(
        "SELECT check_name, count(*) FROM gate_results WHERE NOT passed AND severity = 'warning' GROUP BY ALL"
    )
    print(f"batches, received, scored, quarantined: {batches}; by rule: {quarantined}; warnings: {warned}")
    assert lender.ask("SELECT status, revision, count(*) FROM batches GROUP BY ALL") == [("published", 1, MONTHS)]
    assert batches[0][1] == 42_535
    assert torn(lender.home) == []


def test_every_month_has_a_verdict_on_every_feature_and_on_the_score(lender: Lender) -> None:
    features = {feature.name for feature in lender.project.contract.features}
    judged = lender.ask(
        "SELECT batch_date, list(feature), bool_and(enough), max(row_count) FROM drift_verdicts GROUP BY 1 ORDER BY 1"
    )
    drifted = lender.ask("SELECT feature, count(*) FROM drift_verdicts WHERE drifted GROUP BY ALL ORDER BY ALL")
    few = sum(not enough for _, _, enough, _ in judged)
    print(f"months in which a feature drifted: {drifted}; months without enough rows: {few}")
    assert len(judged) == MONTHS
    for _, names, enough, rows in judged:
        assert sorted(names) == sorted(features | {"score"})
        # The first months are small, and are judged together until there are enough.
        assert enough == (rows >= lender.project.settings.drift_min_rows)
    assert [enough for _, _, enough, _ in judged] == [False] * few + [True] * (MONTHS - few)


def test_results_stored_are_results_again_to_the_bit(lender: Lender) -> None:
    chosen = lender.ask("SELECT min(application_id), max(application_id) FROM current_scores GROUP BY batch_date")
    # The first and the last of every ninth month, and one row with a missing value in each field that allows it.
    ids = [name for pair in sorted(chosen)[::9] for name in pair]
    for field in lender.project.contract.fields:
        missing = f'SELECT min(application_id) FROM applications WHERE "{field.name}" IS NULL'
        ids += [name for (name,) in lender.ask(missing) if name]
    assert len(ids) > 14
    for name in ids:
        replayed = replay_application(lender.project, name)
        assert replayed.agrees, replayed


def test_a_result_is_whole_and_explained_by_at_most_four_reasons(lender: Lender) -> None:
    odd = """
        SELECT * FROM scores
        WHERE len(reason_codes) > 4 OR len(list_distinct(reason_codes)) <> len(reason_codes)
            OR probability_of_default NOT BETWEEN 0 AND 1 OR score IS NULL OR band IS NULL
            OR decision NOT IN ('approve', 'refer', 'decline')
            OR (decision = 'decline' AND len(reason_codes) = 0)
    """
    assert lender.ask(odd) == []
    print(lender.ask("SELECT decision, count(*), avg(len(reason_codes)) FROM scores GROUP BY ALL ORDER BY ALL"))


def test_realised_performance_of_2011_is_known_with_intervals(lender: Lender) -> None:
    vintages = lender.performance.filter((polars.col("metric") == "auc") & (polars.col("vintage") >= BEFORE))
    print(vintages.select("vintage", "value", "low", "high", "row_count").rows())
    assert vintages.height == 12
    assert vintages["row_count"].sum() == lender.trained.model.training.test_rows
    assert (
        vintages.filter((polars.col("low") < polars.col("value")) & (polars.col("value") < polars.col("high"))).height
        == 12
    )
    assert vintages["low"].min() > 0.5  # type: ignore[operator]
    stored = lender.ask(f"SELECT {', '.join(PERFORMANCE)} FROM performance WHERE basis = 'realised'")
    assert sorted(stored, key=str) == sorted(lender.performance.rows(), key=str)


def test_the_command_line_scores_real_loans_as_the_body_does(lender: Lender, prefect_api: str, tmp_path: Path) -> None:
    settings = {**SETTINGS, "SCORING_MODELS": str(lender.home / "models")}
    for month in ("2011-11-01", "2011-12-01"):
        ran = run_cli(tmp_path, "score", "--batch-date", month, api=prefect_api, env=settings)
        assert ran.returncode == 0, ran.stderr
        question = f"SELECT * FROM current_scores WHERE batch_date = '{month}' ORDER BY ALL"
        assert query(tmp_path, question) == lender.ask(question)
