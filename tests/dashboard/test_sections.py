"""The sections on warehouses that leave something out: other models, one day, no days, no profiles."""

import re
import shutil
from pathlib import Path

import duckdb
import pytest

from dashboard.analysis import sections
from dashboard.analysis.analysis import Analysis
from dashboard.analysis.movement import estimated_of
from model.champion import promote
from tasks.project import Project
from tests.body import run_day
from tests.dashboard.homes import PERIOD
from tests.flows.homes import new_home, project_at
from tests.tasks.loans import DAYS, second_model

EVERY = (
    sections.what_is_compared,
    sections.overview,
    sections.statistics,
    sections.further_tests,
    sections.over_time,
    sections.each_feature,
    sections.alerts,
    sections.recommendations,
)


@pytest.fixture
def project(drifted: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of the drifted home that the environment names."""
    home = shutil.copytree(drifted.settings.home_path, tmp_path / "home")
    monkeypatch.setenv("SCORING_HOME", str(home))
    return project_at(Path(home))


def change(project: Project, statement: str) -> None:
    with duckdb.connect(str(project.settings.path("warehouse"))) as connection:
        connection.execute(statement)


def said(start: str = "", end: str = "") -> str:
    """All that the sections say, each of which has to show something."""
    analysis = sections.prepare(start, end)
    shown = [sections.Shown(analysis, section).parts for section in EVERY]
    assert all(shown)
    return re.sub(r"<[^>]+>", " ", " ".join(str(part) for parts in shown for part in parts if isinstance(part, str)))


@pytest.mark.usefixtures("project")
def test_a_day_alone_is_analysed_and_says_so() -> None:
    assert "One batch alone" in said(str(DAYS[-1]))


@pytest.mark.usefixtures("project")
def test_the_first_days_have_nothing_before_them() -> None:
    assert "no batches of this model before the period" in said()


@pytest.mark.usefixtures("project")
def test_a_day_of_few_rows_gets_no_verdict() -> None:
    text = said(str(DAYS[-1]))
    # 300 rows a day, 500 for a verdict.
    assert "too few rows" in text
    assert "too few rows for a verdict: choose a longer period" in text


@pytest.mark.usefixtures("project")
def test_a_period_without_batches_is_a_sentence_in_every_section() -> None:
    analysis = sections.prepare("2030-01-01")
    assert isinstance(analysis, str)
    assert "no batch is published from 2030-01-01" in analysis
    assert [sections.Shown(analysis, section).parts for section in EVERY] == [
        sections.Shown(analysis, sections.overview).parts
    ] * len(EVERY)


def test_a_setting_that_is_wrong_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCORING_HOM", "x")
    assert sections.prepare() == "Nothing to analyse: unknown setting SCORING_HOM; did you mean SCORING_HOME?"


def test_days_of_other_models_are_left_out_and_counted(
    drifted: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = project_at(new_home(drifted.settings.home_path, tmp_path / "home", DAYS))
    for day in DAYS[:2]:
        run_day(project, day)
    successor = second_model(project).version
    promote(project.settings.path("models"), successor)
    for day in DAYS[2:4]:
        run_day(project, day)
    monkeypatch.setenv("SCORING_HOME", str(project.settings.home_path))
    text = said()
    assert "2 batches of the period left out: scored by other models" in text
    assert f"cannot be taken together with those of {successor}" in text
    assert f"{DAYS[2]}" in text


def test_days_without_profiles_are_left_out(project: Project) -> None:
    change(project, f"DELETE FROM profiles WHERE batch_date = '{PERIOD[0]}'")
    assert "1 batch of the period left out: published by a release that kept no profiles" in said(str(PERIOD[0]))
    change(project, "DELETE FROM profiles")
    assert "have no profiles" in str(sections.prepare())


def test_without_alerts_or_judged_days_it_says_so(project: Project) -> None:
    change(project, "DELETE FROM alerts; DELETE FROM drift; DELETE FROM drift_verdicts")
    text = said()
    assert "No alert was open in the period" in text
    assert "No batch had rows enough to be judged by itself" in text


def test_an_alert_that_was_resolved_before_the_period_is_none_of_it(project: Project) -> None:
    change(
        project,
        f"UPDATE alerts SET batch_date = '{DAYS[0]}', status = 'resolved', resolved_by_batch_date = '{DAYS[1]}'",
    )
    assert "No alert was open in the period" in said(str(DAYS[2]))
    assert "resolved" in said(str(DAYS[1]), str(DAYS[1]))


def test_a_model_that_is_gone_is_a_sentence(project: Project) -> None:
    shutil.rmtree(project.settings.path("models"))
    assert str(sections.prepare()).startswith("Nothing to analyse: there is no model scorecard-")


@pytest.mark.usefixtures("project")
def test_the_estimate_is_that_of_the_period_and_of_its_model() -> None:
    analysis = sections.prepare()
    assert isinstance(analysis, Analysis)
    estimated = estimated_of(analysis)
    assert estimated is not None
    assert estimated.vintage == DAYS[0].replace(day=1)
    assert estimated.test == analysis.record.model.model.evaluation.test.auc
