"""The page of scores, and the pure parts of it: spreads, what moved, and their pictures."""

import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars
import pytest

from dashboard.filters import Period
from dashboard.formats import visitors_formats
from dashboard.scores.charts import histogram, paired_bars, stacked_by_day
from dashboard.scores.compared import written
from dashboard.scores.mix import (
    Spread,
    bands_of,
    bars,
    before,
    by_band_and_decision,
    by_day,
    decided,
    migration,
    spread_of,
    stability,
    training_spread,
    year_earlier,
)
from model.champion import load_champion, promote
from model.policy import Policy
from model.stability import population_stability
from tasks.project import Project
from tests.body import run_day
from tests.dashboard.homes import LENDINGCLUB, PERIOD
from tests.dashboard.pages import again, look, said
from tests.flows.homes import landing_file, new_home, project_at
from tests.tasks.loans import DAYS, ROWS, second_model

FIRST, NEXT = date(2026, 6, 1), date(2026, 6, 2)
POLICY = Policy(approve_from=560, refer_from=540, bands=(("A", 580), ("B", 550), ("C", 500)))
MIX = polars.DataFrame(
    [
        (FIRST, "A", "approve", 30, 0.01),
        (FIRST, "B", "approve", 10, 0.04),
        (FIRST, "B", "refer", 10, 0.08),
        (NEXT, "A", "approve", 10, 0.03),
        (NEXT, "C", "decline", 40, 0.30),
    ],
    schema=["batch_date", "band", "decision", "row_count", "mean_probability_of_default"],
    orient="row",
)


def spread(*bands: int, scores: dict[int, int] | None = None) -> Spread:
    rows = scores or {500: 1}
    return Spread(np.array(bands), polars.DataFrame({"score": list(rows), "row_count": list(rows.values())}))


class TestMix:
    def test_shares_of_a_day_add_up_to_one_and_a_band_without_rows_has_none(self) -> None:
        shares = by_day(MIX, "band", ["A", "B", "C", "D"], shares=True)
        assert shares.rows() == [(FIRST, 0.6, 0.4, 0.0, 0.0), (NEXT, 0.2, 0.0, 0.8, 0.0)]

    def test_counts_of_a_day_are_those_of_the_decisions(self) -> None:
        counts = by_day(MIX, "decision", ["approve", "refer", "decline"], shares=False)
        assert counts.rows() == [(FIRST, 40, 10, 0), (NEXT, 10, 0, 40)]

    def test_a_band_that_a_cutoff_runs_through_has_a_row_for_each_decision(self) -> None:
        table = by_band_and_decision(MIX, ["A", "B", "C"])
        assert table.select("band", "decision", "row_count", "share", "share_of_band").rows() == [
            ("A", "approve", 40, 0.4, 1.0),
            ("B", "approve", 10, 0.1, 0.5),
            ("B", "refer", 10, 0.1, 0.5),
            ("C", "decline", 40, 0.4, 1.0),
        ]
        # Of 30 rows at 1 % and 10 at 3 %.
        assert table["mean_probability_of_default"][0] == pytest.approx(0.015)

    def test_the_figures_of_a_period_weigh_days_by_their_rows(self) -> None:
        assert decided(MIX) == pytest.approx({"approve": 0.5, "refer": 0.1, "decline": 0.4, "probability": 0.138})

    def test_bands_are_in_order_of_risk_with_the_policy_and_without(self) -> None:
        assert bands_of(MIX, POLICY) == ["A", "B", "C"]
        assert bands_of(MIX.with_columns(polars.col("band").replace("A", "Z")), None) == ["Z", "B", "C"]

    def test_scores_of_training_fall_into_the_bands_of_the_policy(self, drifted: Project) -> None:
        model = load_champion(drifted.settings.path("models"), drifted.contract).model
        found = training_spread(model)
        assert found is not None
        sample = model.reference["score"].sample
        assert found.bands.sum() == found.scores["row_count"].sum() == len(sample)
        assert found.bands[0] == (sample >= model.policy.bands[0][1]).sum()


class TestMigration:
    def test_what_the_bands_add_to_psi_adds_up_to_it(self) -> None:
        then, now = spread(40, 0, 60, 0), spread(10, 5, 85, 0)
        frame = migration(["A", "B", "C", "D"], then, now)
        assert frame["psi"].sum() == pytest.approx(population_stability(then.bands, now.bands)[0])
        assert frame["psi"].sum() == pytest.approx(stability(then, now)[0])
        assert frame["psi"][3] == 0
        assert frame["psi"][0] == pytest.approx((0.1 - 0.4) * np.log(0.1 / 0.4))

    def test_changes_are_in_percentage_points(self) -> None:
        frame = migration(["A", "B"], spread(30, 70), spread(20, 80))
        assert frame["change"].to_list() == pytest.approx([-10, 10])
        assert frame["earlier"].to_list() == [0.3, 0.7]

    def test_the_same_spread_again_has_no_psi(self) -> None:
        assert stability(spread(30, 70), spread(60, 140)) == (0.0, 1.0)

    def test_the_period_before_is_as_long_and_ends_the_day_before(self) -> None:
        assert before(Period(date(2026, 6, 3), date(2026, 6, 30))) == Period(date(2026, 5, 6), date(2026, 6, 2))
        assert before(Period(FIRST, FIRST)) == Period(FIRST - timedelta(days=1), FIRST - timedelta(days=1))

    def test_a_year_earlier_than_a_leap_day_is_the_28th(self) -> None:
        assert year_earlier(Period(date(2028, 2, 29), date(2028, 3, 1))) == Period(date(2027, 2, 28), date(2027, 3, 1))


class TestPictures:
    def test_a_bar_begins_at_the_cutoff_and_no_application_is_lost(self) -> None:
        scores = dict.fromkeys(range(400, 700), 1)
        width, (frame,) = bars([spread(1, scores=scores)], [543, 527])
        assert width == 5
        assert 543 in frame["lowest"]
        assert frame["share"].sum() == pytest.approx(1)

    def test_few_scores_have_a_bar_each(self) -> None:
        width, (frame,) = bars([spread(1, scores={500: 3, 510: 1})], [])
        assert (width, frame.rows()) == (1, [(500, 0.75), (510, 0.25)])

    def test_the_cutoffs_are_labelled_and_the_axes_have_titles(self) -> None:
        width, (now, then) = bars([spread(1, scores={500: 1, 580: 3}), spread(1, scores={540: 1})], [560, 540])
        figure = histogram(width, now, then, {"approve": 560, "refer": 540}, ["June", "May"])
        assert [note.text for note in figure.layout.annotations] == ["approve from 560", "refer from 540"]
        assert figure.layout.shapes[0].x0 == 559.5
        assert [trace.name for trace in figure.data] == ["June", "May"]
        assert figure.layout.xaxis.title.text == "score (points; higher is safer)"
        assert figure.layout.yaxis.title.text == "share of applications"

    def test_paired_bars_name_both_periods_and_tell_them_apart_without_colour(self) -> None:
        frame = migration(["A", "B"], spread(30, 70), spread(20, 80))
        earlier, now = paired_bars(frame, ["June", "May"]).data
        assert (earlier.name, now.name) == ("May", "June")
        assert earlier.marker.pattern.shape != now.marker.pattern.shape
        assert list(now.y) == [0.2, 0.8]

    def test_one_day_alone_is_a_bar_of_half_a_day(self) -> None:
        frame = by_day(MIX.head(3), "band", ["A"], shares=True)
        figure = stacked_by_day(frame, {"A": "#000000"}, "share", ".0%")
        assert figure.data[0].width == 12 * 3_600_000
        assert figure.layout.xaxis.title.text == "batch date"


def test_spreads_of_a_published_day_count_every_application_once(drifted: Project) -> None:
    version = load_champion(drifted.settings.path("models"), drifted.contract).version
    values: dict[str, Any] = {"model_version": version, "start": DAYS[0], "end": DAYS[0]}
    rows = drifted.reader.frame("decisions_by_day", **values)
    scores = drifted.reader.frame("scores_of_period", **values)
    found = spread_of(rows, scores, bands_of(rows, None))
    assert found.bands.sum() == found.scores["row_count"].sum() == ROWS


class TestPage:
    def test_a_period_is_compared_with_the_one_before(self, drifted: Project) -> None:
        home = drifted.settings.home_path
        dates = {"span": "Dates", "from": str(PERIOD[0]), "to": str(PERIOD[-1])}
        app = look(home, "scores", **dates)
        words = said(app)
        assert "900 applications in 3 batches from 28 Jun 2026 to 30 Jun 2026" in words
        assert "Compared with 900 applications in 3 batches from 25 Jun 2026 to 27 Jun 2026." in words
        assert "PSI of the bands" in words
        moved, table = (item.value for item in app.dataframe)
        assert list(moved["band"]) == ["A", "B", "C", "D", "E"]
        assert moved["now"].sum() == pytest.approx(1)
        # Incomes have doubled in the later days.
        assert moved["change"].iloc[0] > 0
        assert table["row_count"].sum() == 900

    def test_training_is_compared_with_by_the_address(self, drifted: Project) -> None:
        app = look(drifted.settings.home_path, "scores", against="training")
        assert "of its scores, which the model keeps" in said(app)
        assert app.dataframe[0].value["earlier"].sum() == pytest.approx(1)

    @pytest.mark.parametrize("against", ["before", "year-earlier"])
    def test_where_nothing_is_to_compare_with_it_says_so(self, drifted: Project, against: str) -> None:
        app = look(drifted.settings.home_path, "scores", against=against)
        assert "Nothing to compare with" in said(app)
        assert len(app.dataframe) == 1

    def test_counts_in_place_of_shares_are_chosen_and_kept_in_the_address(self, drifted: Project) -> None:
        home = drifted.settings.home_path
        app = look(home, "scores", shown="counts")
        assert app.selectbox(key="choose-shown").value == "counts"
        assert app.query_params["shown"] == "counts"
        app.selectbox(key="choose-shown").set_value("shares")
        assert again(app, home).query_params["shown"] == "shares"

    def test_one_day_alone(self, drifted: Project) -> None:
        day = str(DAYS[1])
        words = said(look(drifted.settings.home_path, "scores", **{"span": "Dates", "from": day, "to": day}))
        assert "300 applications in 1 batch on 26 Jun 2026" in words
        assert "in 1 batch on 25 Jun 2026" in words

    def test_the_lenders_contract_has_its_page(self, lender: Project) -> None:
        app = look(lender.settings.home_path, "scores", contract=LENDINGCLUB, against="training")
        assert app.dataframe[1].value["row_count"].sum() == 600 * len(DAYS)
        assert not app.warning or all("PSI" in item.value for item in app.warning)

    def test_wrong_filters_are_told_and_the_rest_is_shown(self, drifted: Project) -> None:
        app = look(drifted.settings.home_path, "scores", against="a*b*", model="scorecard-x", shown="pie")
        words = " ".join(item.value for item in app.warning)
        assert "“Compare with” does not offer: `against` may be before, year-earlier, training" in words
        assert "“Over time” does not offer" in words
        assert "The model that the address asks for scored no batch" in words
        # What stands in the address is not repeated as a part of the page.
        assert "a*b*" not in words
        assert app.dataframe

    def test_an_empty_warehouse_says_what_to_do(self, drifted: Project, tmp_path: Path) -> None:
        home = new_home(drifted.settings.home_path, tmp_path / "home", [])
        project_at(home).writer.prepare()
        app = look(home, "scores")
        assert "No batch is published yet" in said(app)
        assert app.code[0].value == "python -m flows score --batch-date DATE"

    def test_a_period_without_a_batch_is_a_sentence(self, drifted: Project, tmp_path: Path) -> None:
        home = new_home(drifted.settings.home_path, tmp_path / "home", [DAYS[0], DAYS[2]])
        for day in (DAYS[0], DAYS[2]):
            run_day(project_at(home), day)
        between = str(DAYS[1])
        words = said(look(home, "scores", **{"span": "Dates", "from": between, "to": between}))
        assert "No batch is published on 26 Jun 2026. Choose a longer period." in words

    def test_superseded_revisions_do_not_count(self, drifted: Project, tmp_path: Path) -> None:
        home = new_home(drifted.settings.home_path, tmp_path / "home", DAYS[:1])
        run_day(project_at(home), DAYS[0])
        rows = polars.read_csv(landing_file(home, DAYS[0]))
        rows.head(200).write_csv(landing_file(home, DAYS[0]))
        run_day(project_at(home), DAYS[0])
        assert "200 applications in 1 batch" in said(look(home, "scores"))

    def test_two_models_are_not_added_up(self, drifted: Project, tmp_path: Path) -> None:
        home = new_home(drifted.settings.home_path, tmp_path / "home", DAYS[:2])
        project = project_at(home)
        run_day(project, DAYS[0])
        first = project.reader.frame("published_days")["model_version"][0]
        second = second_model(project).version
        promote(project.settings.path("models"), second)
        run_day(project, DAYS[1])
        app = look(home, "scores")
        assert list(app.selectbox(key="choose-model").options) == [second, first]
        assert f"300 applications in 1 batch from 25 Jun 2026 to 26 Jun 2026, scored by {second}" in said(app)
        assert "1 batch of the period, scored by other models, left out" in said(app)
        assert f"scored by {first}" in said(look(home, "scores", model=first))

    def test_without_the_model_there_are_bands_and_no_cutoffs(self, drifted: Project, tmp_path: Path) -> None:
        home = Path(shutil.copytree(drifted.settings.home_path, tmp_path / "home"))
        shutil.rmtree(home / "models")
        app = look(home, "scores", against="training")
        assert "its cutoffs are not known here" in said(app)
        assert list(dict.fromkeys(app.dataframe[0].value["band"])) == ["A", "B", "C", "D", "E"]

    def test_batches_without_rows_by_score_say_so(self, drifted: Project, tmp_path: Path) -> None:
        home = Path(shutil.copytree(drifted.settings.home_path, tmp_path / "home"))
        with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
            connection.execute("DELETE FROM score_counts")
        assert "no rows by score are kept" in said(look(home, "scores"))


def test_a_period_in_words() -> None:
    formats = visitors_formats()
    assert written(formats, Period(FIRST, NEXT)) == "1 Jun 2026 to 2 Jun 2026"
    assert written(formats, Period(FIRST, FIRST)) == "1 Jun 2026"
