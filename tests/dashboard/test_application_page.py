"""The page of one application: what was decided, why, what would have changed it, and its record."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars
import pytest

from dashboard.application.charts import points_by_feature, scale
from dashboard.application.dossier import Dossier
from dashboard.application.explanation import (
    better_in_words,
    change_in_words,
    inputs_table,
    left_out,
    points_of,
    range_of,
    reasons_of,
    value_in_words,
)
from dashboard.formats import visitors_formats
from dashboard.labels import Labels
from model.champion import load_champion
from model.counterfactual import BetterDecision, Change, Setting
from model.policy import Policy
from model.trained import Model
from schemas.loading import load_contract
from tasks.project import Project
from tests.body import run_day
from tests.dashboard.homes import LENDINGCLUB
from tests.dashboard.pages import again, look, said
from tests.flows.homes import landing_file, project_at, query
from tests.tasks.loans import DAYS

LAST = DAYS[-1]
ODD, NEVER_SCORED = "a&b <i>", "q_<b>*x*</b>"
# Scored by the first revision of the last day, and in the second one dropped, or quarantined.
DROPPED, SPOILT = f"{LAST}-1", f"{LAST}-2"
FORMATS = visitors_formats()
POLICY = Policy(approve_from=560, refer_from=540, bands=(("A", 580), ("B", 500)))


@pytest.fixture(scope="module")
def home(drifted: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The drifted home with a second revision of its last day, and an outcome. Not to be written to."""
    home = Path(shutil.copytree(drifted.settings.home_path, tmp_path_factory.mktemp("revised") / "home"))
    loans = polars.read_csv(landing_file(home, LAST), infer_schema=False)
    number = polars.int_range(polars.len())
    changed = loans.with_columns(
        application_id=polars.when(number == 0).then(polars.lit(ODD)).otherwise("application_id"),
        income=polars.when(number == 2).then(polars.lit("-5")).otherwise("income"),
    ).filter(number != 1)
    spoilt = changed.head(1).with_columns(application_id=polars.lit(NEVER_SCORED), income=polars.lit("*much*"))
    polars.concat([changed, spoilt]).write_csv(landing_file(home, LAST))
    run_day(project_at(home), LAST)
    outcome = {"application_id": [ODD], "defaulted": [True], "observed_on": [date(2026, 9, 30)]}
    project_at(home).writer.load_outcomes(polars.DataFrame(outcome))
    return home


@pytest.fixture
def copied(home: Path, tmp_path: Path) -> Path:
    """A copy of the home that may be written to."""
    return Path(shutil.copytree(home, tmp_path / "home"))


def change(home: Path, statement: str) -> None:
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute(statement)


def scored(home: Path, decision: str) -> str:
    """An application of the first day with a decision: the one with the lowest score."""
    question = (
        "SELECT application_id FROM current_scores"
        f" WHERE batch_date = '{DAYS[0]}' AND decision = '{decision}' ORDER BY score, application_id"
    )
    return str(query(home, question)[0][0])


def labels(project: Project) -> Labels:
    return Labels(project.contract, FORMATS)


def champion(project: Project) -> Model:
    return load_champion(project.settings.path("models"), project.contract).model


class TestExplanation:
    @pytest.mark.parametrize("fixture", ["drifted", "lender"])
    def test_points_add_up_to_the_score_of_every_application(
        self, fixture: str, request: pytest.FixtureRequest
    ) -> None:
        project: Project = request.getfixturevalue(fixture)
        model = champion(project)
        rows = project.reader.frame("batch_sample", batch_id=project.reader.published(LAST).batch_id, rows=20)  # type: ignore[union-attr]  # it is published
        names = [field.name for field in project.contract.fields]
        for row in rows.iter_rows(named=True):
            frame = points_of(model, project.contract, {name: row[name] for name in names}, labels(project))
            assert frame["points"].sum() == row["score"]
            assert (frame["lost"] == frame["most"] - frame["points"]).all()
            assert (frame["lost"] >= 0).all()

    def test_a_category_shows_its_level_and_the_bin_it_fell_into(self, lender: Project) -> None:
        row = lender.reader.frame("batch_sample", batch_id=lender.reader.published(LAST).batch_id, rows=300)  # type: ignore[union-attr]  # it is published
        unseen = row.filter(polars.col("purpose") == "a <b>barge</b>").row(0, named=True)
        frame = points_of(champion(lender), lender.contract, unseen, labels(lender))
        assert frame.filter(polars.col("feature") == "Purpose").row(0)[1:3] == ("a <b>barge</b>", "other")

    def test_what_is_derived_is_written_with_every_digit(self) -> None:
        contract = load_contract("tests.contracts.everything:Everything")
        features = {"price_to_income": np.array([123.456789])}
        written = value_in_words(contract, "price_to_income", {}, features, Labels(contract, FORMATS))
        assert written == "123.456789"

    def test_the_range_is_that_of_the_scorecard(self, drifted: Project) -> None:
        model = champion(drifted)
        lowest, highest = range_of(model)
        scores = model.reference["score"].sample
        assert ((lowest <= scores) & (scores <= highest)).all()

    def test_reasons_are_the_contracts_sentences(self, drifted: Project) -> None:
        features = drifted.contract.features
        (known, gone) = reasons_of([features[1].name.upper(), "GONE"], features)
        assert known == features[1].characteristic.reason
        assert gone == "no sentence is known for it"

    def test_a_change_reads_with_titles_units_and_every_digit(self, drifted: Project) -> None:
        settings = (Setting("loan_amount", 17_100.0, 16_499.25), Setting("employment_length", None, 6.5))
        change = Change(settings, 0.5, 549, "approve", 0.105)
        assert change_in_words(change, labels(drifted), FORMATS) == (
            "Loan amount 16,499.25 EUR instead of 17,100 EUR, and Employment length 6.5 years instead of not given:"
            " score 549, approve, probability of default 10.5%"
        )

    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            (0, "Neither one field nor two together would have sufficed."),
            (1, "Any of these alone would have sufficed"),
            (2, "No field alone would have sufficed; any of these two together would"),
        ],
    )
    def test_what_was_missing_is_said_with_how_many_fields_it_takes(self, fields: int, says: str) -> None:
        setting = Setting("income", 1.0, 2.0)
        changes = (Change((setting,) * fields, 0.1, 560, "approve", 0.1),) if fields else ()
        words = better_in_words(BetterDecision("approve", 560, 1, changes))
        assert words.startswith("To be approved, 1 point was missing (from 560 on).")
        assert says in words

    def test_protected_fields_are_named_as_left_out(self, drifted: Project, lender: Project) -> None:
        assert left_out(drifted.contract).startswith("Protected fields (Age) are left out, dates stay as they are")
        assert left_out(lender.contract).startswith("Protected fields are left out")

    def test_inputs_are_shown_to_the_last_digit(self, drifted: Project) -> None:
        frame = inputs_table({"income": 40_100.55, "gone": "x"}, labels(drifted), ["income"])
        assert frame["value"].to_list() == ["40,100.55 EUR/year", "x"]
        assert frame["scored"].to_list() == [True, False]

    def test_fields_of_another_contract_follow_those_of_this_one(self, drifted: Project) -> None:
        inputs = {"batch_id": "b", "row_number": 1, "gone": 7, "empty": None, "income": 1.0, "age": 40}
        dossier = Dossier(application_id="x", results=polars.DataFrame(), inputs=inputs, quarantined=polars.DataFrame())
        assert dossier.fields(drifted.contract) == {"age": 40, "income": 1.0, "gone": 7}


class TestPictures:
    def test_the_scale_is_cut_where_the_decisions_are(self) -> None:
        figure = scale(553, POLICY, 400, 700)
        bars = {trace.name: (trace.base[0], trace.base[0] + trace.x[0]) for trace in figure.data[:3]}
        assert bars == {"decline": (400, 540), "refer": (540, 560), "approve": (560, 700)}
        assert list(figure.layout.xaxis.tickvals) == [400, 540, 560, 700]
        assert (figure.data[3].x[0], figure.data[3].text[0]) == (553, "score 553")

    def test_points_stand_in_front_of_the_most_there_are(self) -> None:
        frame = polars.DataFrame({"feature": ["F"], "value": ["1"], "bin": ["< 2"], "points": [-3], "most": [10]})
        most, points = points_by_feature(frame).data
        assert (most.x[0], points.x[0]) == (10, -3)
        assert most.text[0] == "-3 of 10"

    def test_what_an_applicant_wrote_is_no_markup_of_a_picture(self) -> None:
        row = {"feature": ["F"], "value": ["<b>barge</b>"], "bin": ["<i>"], "points": [1], "most": [2]}
        most, points = points_by_feature(polars.DataFrame(row)).data
        said = "&lt;b&gt;barge&lt;/b&gt;, bin &lt;i&gt;: 1 of 2 points"
        assert (most.customdata[0], points.customdata[0]) == (said, said)


class TestPage:
    def test_a_declined_application_is_explained(self, home: Path) -> None:
        app = look(home, "application", id=scored(home, "decline"))
        words = said(app)
        points, inputs, history = (item.value for item in app.dataframe)
        score = next(item.value for item in app.metric if item.label == "Score (points)")
        assert f"The points add up to **{points['points'].sum()}**, the score that is stored." in words
        assert str(points["points"].sum()) == score
        assert "As the applicant reads them, the strongest first." in words
        assert any(item.value.startswith("1. Your ") or item.value.startswith("1. The ") for item in app.text)
        assert "To be approved, " in words
        assert any(" instead of " in item.value and "approve" in item.value for item in app.text)
        assert "Protected fields (Age) are left out" in words
        assert inputs["title"].iloc[0] == "Age"
        assert list(history["status"]) == ["in force"]

    def test_an_approved_one_has_no_better_decision(self, home: Path) -> None:
        words = said(look(home, "application", id=scored(home, "approve")))
        assert "It is approved: there is no better decision." in words

    def test_an_id_with_odd_characters_is_found_and_its_outcome_told(self, home: Path) -> None:
        app = look(home, "application", id=ODD)
        assert app.text_input(key="id").value == ODD
        assert "**Defaulted**, observed on 30 Sept 2026" in said(app)
        assert "python -m flows replay 'a&b <i>'" in [item.value for item in app.text]

    def test_spaces_around_an_id_are_not_part_of_it(self, home: Path) -> None:
        assert "add up" in said(look(home, "application", id=f" {ODD} "))

    def test_one_that_was_typed_in_is_held_by_the_address(self, home: Path) -> None:
        app = look(home, "application")
        assert "Enter the id of an application" in said(app)
        app.text_input(key="id").set_value(ODD)
        assert "add up" in said(again(app, home))

    def test_a_superseded_revision_is_shown_as_such(self, home: Path) -> None:
        app = look(home, "application", id=DROPPED)
        assert "a later revision replaced the one shown here" in said(app)
        assert [list(item.value.get("status", [])) for item in app.dataframe][-1] == ["superseded"]
        # Only what is in force can be replayed.
        assert "flows replay" not in said(app)

    def test_every_revision_is_in_the_history_the_one_in_force_first(self, home: Path) -> None:
        app = look(home, "application", id=f"{LAST}-3")
        history = app.dataframe[2].value
        assert list(history["status"]) == ["in force", "superseded"]
        assert list(history["revision"]) == [2, 1]

    def test_one_that_was_only_quarantined_shows_what_was_wrong(self, home: Path) -> None:
        app = look(home, "application", id=NEVER_SCORED)
        assert "It was quarantined and never scored" in said(app)
        (records,) = (item.value for item in app.dataframe)
        assert list(records["title"]) == ["Income"]
        assert list(records["value"]) == ["*much*"]
        assert NEVER_SCORED in app.code[0].value
        # What stands in the data is no Markdown of the page.
        assert all("*much*" not in item.value for item in app.markdown)

    def test_scored_once_and_quarantined_later_shows_both(self, home: Path) -> None:
        app = look(home, "application", id=SPOILT)
        assert "a later revision replaced the one shown here" in said(app)
        assert list(app.dataframe[-1].value["rule"]) == ["below_minimum"]

    @pytest.mark.parametrize("unknown", [f"{LAST}-999999", ODD.upper(), "*x* <b>"])
    def test_an_unknown_id_is_a_clear_sentence(self, home: Path, unknown: str) -> None:
        app = look(home, "application", id=unknown)
        assert "No batch has scored or quarantined an application with this id" in said(app)
        assert "capital and small letters" in said(app)
        assert app.code[0].value == unknown
        assert all(unknown not in item.value for item in (*app.markdown, *app.warning))

    def test_points_that_do_not_give_the_stored_score_are_an_error(self, copied: Path) -> None:
        change(copied, f"UPDATE scores SET score = score + 1 WHERE application_id = '{ODD}'")
        app = look(copied, "application", id=ODD)
        assert "was changed after scoring" in app.error[0].value
        assert "What would have changed the decision" not in [item.value for item in app.subheader]

    def test_without_the_model_what_is_stored_is_shown(self, copied: Path) -> None:
        shutil.rmtree(copied / "models")
        app = look(copied, "application", id=scored(copied, "decline"))
        assert "is not in the models folder any more" in said(app)
        assert any(item.value.startswith("1. ") for item in app.text)
        assert [item.value.columns[0] for item in app.dataframe] == ["title", "batch_date"]

    def test_with_another_contract_in_force_the_fields_that_were_stored_are_shown(self, home: Path) -> None:
        app = look(home, "application", contract=LENDINGCLUB, id=scored(home, "decline"))
        assert "was trained for another contract" in said(app)
        assert {"age", "credit_score"} <= set(app.dataframe[0].value["name"])

    def test_the_lenders_contract_has_its_page(self, lender: Project) -> None:
        home = lender.settings.home_path
        app = look(home, "application", contract=LENDINGCLUB, id=scored(home, "decline"))
        assert "add up to" in said(app)
        assert any(" instead of " in item.value for item in app.text)
        assert "Home ownership" in set(app.dataframe[1].value["title"])

    def test_an_empty_warehouse_says_what_to_do(self, tmp_path: Path) -> None:
        (tmp_path / "home").mkdir()
        project_at(tmp_path / "home").writer.prepare()
        app = look(tmp_path / "home", "application", id="x")
        assert "No batch has been judged yet" in said(app)


def test_the_questions_answer_for_the_batches_that_are_named_only(home: Path) -> None:
    reader = project_at(home).reader
    found = reader.frame("batches_of_application", application_id=f"{LAST}-3")["batch_id"].to_list()
    assert len(found) == 2
    asked: dict[str, Any] = {"application_id": f"{LAST}-3", "batch_ids": found[:1]}
    assert reader.frame("results_of_application", **asked)["batch_id"].to_list() == found[:1]
    one = reader.frame("inputs_of_application", application_id=f"{LAST}-3", batch_id=found[0])
    assert one["application_date"].to_list() == [LAST]
