"""The page of drift: all features by day, one of them beside training, its alerts and its report."""

import shutil
from datetime import UTC, date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars
import pytest
from babel import Locale
from streamlit.testing.v1 import AppTest

from dashboard.analysis.sides import Side
from dashboard.drift.alerts import alerts_read
from dashboard.drift.days import days_in_words, levels_by_day, levels_in_words
from dashboard.drift.feature import legacy_words, profile_of, said_of_day, said_of_period, step_for
from dashboard.drift.figures import bars_by_bin
from dashboard.drift.heat_map import heat_map
from dashboard.drift.report import served_at
from dashboard.drift.statistics import largest_of_period, statistics_of_day
from dashboard.formats import Formats
from model.profile import Profile
from tasks.project import Project
from tests.dashboard.homes import LENDINGCLUB, PERIOD
from tests.dashboard.pages import again, look, said
from tests.flows.homes import query
from tests.tasks.loans import DAYS
from warehouse.writer import Writer

FORMATS = Formats(Locale.parse("en_GB"), UTC)
FIRST = date(2026, 6, 1)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def verdicts(*rows: tuple[int, str, bool, bool, bool]) -> polars.DataFrame:
    """Day, feature, enough, exceeded, drifted."""
    return polars.DataFrame(
        [(day(number), *rest) for number, *rest in rows],
        schema=["batch_date", "feature", "enough", "exceeded", "drifted"],
        orient="row",
    )


def values_of(app: AppTest, kind: str) -> list[str]:
    return [str(element.value) for element in getattr(app, kind)]


def charts_of(app: AppTest) -> list[str]:
    """The descriptions of the figures of a page."""
    return [element.proto.alt for element in app.get("plotly_chart")]


class TestLevels:
    def test_three_features_are_critical_one_is_a_warning_and_the_score_is_none(self) -> None:
        moved = [(0, name, True, True, True) for name in "abc"]
        found = levels_by_day(verdicts(*moved, (1, "a", True, True, True), (2, "score", True, True, True)))
        assert found["level"].to_list() == ["critical", "warning", "none"]
        assert found["features_drifted"].to_list() == [3, 1, 0]

    def test_a_day_of_too_few_rows_has_no_level(self) -> None:
        found = levels_by_day(verdicts((0, "a", False, False, False), (1, "a", True, True, True)))
        assert found["level"].to_list() == ["few", "warning"]
        assert levels_in_words(found, FORMATS) == (
            "The level of drift was warning on 1 of 2 days (2 Jun 2026); 1 day of 2 had too few rows to judge."
        )

    def test_a_quiet_period_says_so(self) -> None:
        found = levels_by_day(verdicts((0, "a", True, True, False)))
        assert levels_in_words(found, FORMATS) == "No feature drifted on any day."

    def test_of_many_runs_the_last_one_is_named(self) -> None:
        days = [day(number) for number in range(10)]
        assert days_in_words(days[:2], days, FORMATS) == "2 of 10 days (1 Jun 2026 to 2 Jun 2026)"
        assert days_in_words(days[::2], days, FORMATS) == "5 of 10 days (5 times, the last one 9 Jun 2026)"


class TestTheMap:
    def test_a_day_without_a_batch_is_left_free_and_values_are_multiples_of_the_limit(self) -> None:
        found = verdicts((0, "a", True, True, True), (2, "a", True, True, False))
        measured = polars.DataFrame(
            {"batch_date": [day(0), day(2)], "feature": ["a", "a"], "value": [0.16, None], "threshold": [0.08, 0.08]}
        )
        figure = heat_map({"a": "A"}, measured, found, levels_by_day(found), "PSI")
        cells = next(trace for trace in figure.data if trace.type == "heatmap")
        assert [list(row) for row in cells.z] == [[2.0, None, None]]
        marks = {trace.name: list(trace.x) for trace in figure.data if trace.type == "scatter" and len(trace.x)}
        assert marks["drifted"] == [day(0)]
        assert marks["beyond a limit that day"] == [day(2)]
        assert marks["level warning"] == [day(0)]

    def test_a_level_that_looks_like_a_tag_is_none(self) -> None:
        profile = Profile(counts=np.array([5, 0, 0, 1]), values=np.array([]))
        labels = ["<b>x</b>", "other", "unseen", "missing"]
        figure = bars_by_bin(labels, [Side("training", profile, "#000"), Side("now", profile, "#111")], "level")
        assert list(figure.data[0].x) == ["&lt;b&gt;x&lt;/b&gt;", "other", "unseen", "missing"]


ROW = {
    "enough": True, "exceeded": True, "drifted": True, "exceeded_batches": 2, "judged_batches": 3,
    "batches_pooled": 1, "row_count": 600, "since": FIRST, "legacy_drifted": True,
}  # fmt: skip


class TestVerdicts:
    @pytest.mark.parametrize(
        ("changed", "state", "says"),
        [
            ({}, "drifted", "Drifted: beyond a limit in 2 of the last 3 batches, since 1 Jun 2026."),
            ({"drifted": False, "exceeded_batches": 1}, "beyond", "in 1 of the last 3 batches: too few of them yet"),
            ({"drifted": False, "exceeded": False, "exceeded_batches": 0, "since": None}, "within", "that day."),
            ({"drifted": False, "exceeded": False}, "within", "which was beyond a limit in 2 of the last 3 batches"),
            ({"enough": False, "row_count": 120}, "few", "120 rows of at least 500"),
            ({"batches_pooled": 3}, "drifted", "(judged with the 2 batches before, as rows are few)"),
        ],
    )
    def test_a_day_is_told_in_a_sentence(self, changed: dict[str, object], state: str, says: str) -> None:
        found = said_of_day(ROW | changed, FORMATS, 500)
        assert found.state == state
        assert says in found.sentence

    def test_a_period_names_the_days(self) -> None:
        rows = [ROW | {"batch_date": day(number), "drifted": number == 1} for number in range(3)]
        assert said_of_period(polars.DataFrame(rows), FORMATS).sentence == (
            "Drifted on 1 of 3 days (2 Jun 2026), and beyond a limit on 3."
        )
        assert legacy_words(polars.DataFrame(rows), None).endswith("on 3 of 3 days.")


class TestStatistics:
    DRIFT = polars.DataFrame(
        {
            "batch_date": [day(0), day(0), day(1), day(1)],
            "statistic": ["wasserstein", "psi", "psi", "ks"],
            "value": [1234.5, 0.01, 0.2, None],
            "threshold": [1000.0, 0.08, 0.08, 0.1],
            "p_value": [1e-9, 0.4, 1e-9, 0.01],
            "q_value": [1e-8, 1.0, 1e-8, 0.02],
            "drifted": [True, False, True, False],
            "window_value": [None, 0.02, None, None],
            "window_p_value": [None, 0.3, None, None],
        }
    )

    def test_those_of_a_day_have_units_limits_and_both_rules(self) -> None:
        read = statistics_of_day(self.DRIFT.head(2), "a", "EUR", FORMATS)
        assert read["statistic"].to_list() == ["CSI", "Wasserstein distance"]
        assert read["value"].to_list() == ["0.01", "1,234 EUR"]
        assert read["verdict"].to_list() == ["within", "▲ beyond"]
        assert read["window_value"].to_list() == ["0.02", "-"]
        ks = statistics_of_day(self.DRIFT.tail(1), "score", "points", FORMATS).row(0, named=True)
        assert (ks["value"], ks["legacy"], ks["verdict"]) == ("-", "drift", "within")

    def test_those_of_a_period_are_the_largest_with_their_day(self) -> None:
        read = largest_of_period(self.DRIFT, "score", "points", FORMATS)
        assert read.select("statistic", "value", "batch_date", "days_beyond", "days").rows() == [
            ("PSI", "0.2", day(1), 1, 2),
            ("Wasserstein distance", "1,234 points", day(0), 1, 1),
        ]


class TestProfiles:
    def test_a_year_is_thinned_and_a_day_is_not(self) -> None:
        assert step_for(1) == 1
        assert 1_001 * 365 / step_for(365) <= 50_000

    def test_days_are_pooled_with_the_weight_of_their_rows(self) -> None:
        rows = polars.DataFrame({"counts": [[1_000, 0], [2, 1]], "sample": [[1.0, 2.0], [5.0, 6.0]]})
        found = profile_of(rows)
        assert found is not None
        assert (found.rows, found.missing, found.size) == (1_003, 1, 1_002)
        assert profile_of(rows.clear()) is None


def test_reports_are_linked_where_they_are_served() -> None:
    path = Path("/home/reports/drift_2026-06-01.html")
    assert served_at("http://files/reports/", path) == "http://files/reports/drift_2026-06-01.html"
    assert served_at("", path) == ""


class TestThePage:
    def test_it_opens_on_the_worst_feature_and_the_latest_day(self, drifted: Project) -> None:
        app = look(drifted.settings.home_path, "drift")
        words = said(app)
        assert "#### Income" in words or "#### Employment length" in words
        assert "Drifted: beyond a limit in" in words
        assert "make notebook" in words
        assert len(charts_of(app)) == 6
        table = app.dataframe[0].value
        assert "▲ beyond" in set(table["verdict"])

    def test_the_address_chooses_feature_statistic_and_day(self, drifted: Project) -> None:
        home = drifted.settings.home_path
        app = look(home, "drift", feature="loan_amount", statistic="ks", day=str(DAYS[0]))
        words = said(app)
        assert "#### Loan amount" in words
        assert "Too few rows for a verdict" in words
        assert app.selectbox(key="choose-statistic").value == "ks"
        assert f"drift_{DAYS[0]}" not in " ".join(values_of(app, "warning"))
        assert f"python -m flows report --batch-date {DAYS[0]}" in [item.value for item in app.text]

    def test_the_whole_period_has_its_own_verdict_and_table(self, drifted: Project) -> None:
        app = look(drifted.settings.home_path, "drift", feature="income", beside="Whole period")
        assert "Drifted on" in said(app)
        assert "days_beyond" in app.dataframe[0].value.columns

    def test_levels_of_a_category_stand_beside_training(self, lender: Project) -> None:
        app = look(lender.settings.home_path, "drift", LENDINGCLUB, feature="purpose", statistic="chi_squared")
        assert "**Share of all rows by level**" in values_of(app, "markdown")
        # What came with the data is shown as it is, never as markup.
        assert any("<b>barge</b>" in text for text in values_of(app, "text"))
        assert not any("<b>barge</b>" in text for text in values_of(app, "markdown"))

    def test_a_number_of_another_contract_is_drawn_too(self, lender: Project) -> None:
        app = look(lender.settings.home_path, "drift", LENDINGCLUB, feature="annual_income")
        assert any(text.startswith("Histograms of") for text in charts_of(app))

    def test_alerts_come_with_their_events(self, drifted: Project) -> None:
        home = drifted.settings.home_path
        app = look(home, "drift", feature="income")
        messages = query(home, "SELECT message FROM alerts WHERE kind = 'drift' AND subject = 'income'")
        assert messages[0][0] in values_of(app, "text")
        events = app.dataframe[-1].value
        assert events["event"].to_list()[-1] == "opened"

    def test_a_feature_without_alerts_says_so(self, drifted: Project) -> None:
        assert "None in this period." in said(look(drifted.settings.home_path, "drift", feature="loan_amount"))

    def test_one_day_alone_is_shown(self, drifted: Project) -> None:
        one = str(PERIOD[-1])
        app = look(drifted.settings.home_path, "drift", **{"span": "Dates", "from": one, "to": one})
        assert len(charts_of(app)) == 6
        assert not app.warning

    @pytest.mark.parametrize(
        ("filters", "says"),
        [
            ({"feature": "shoe_size"}, "The address asks for what is no feature of this model"),
            ({"statistic": "mood"}, "The address asks for what is no statistic of these features"),
            ({"day": "2020-01-01"}, "The day in the address is not from"),
            ({"span": "Dates", "from": str(PERIOD[-1]), "to": str(DAYS[0])}, "choose dates the other way round"),
        ],
    )
    def test_a_wrong_filter_is_told(self, drifted: Project, filters: dict[str, str], says: str) -> None:
        app = look(drifted.settings.home_path, "drift", **filters)
        assert any(says in warning for warning in values_of(app, "warning"))

    def test_without_its_model_rows_by_bin_are_left(self, drifted: Project, tmp_path: Path) -> None:
        home = copied(drifted, tmp_path)
        shutil.rmtree(home / "models")
        app = look(home, "drift", feature="income")
        assert any("is not in the models folder any more" in text for text in values_of(app, "info"))
        assert any("by bin of" in text for text in charts_of(app))
        assert not any(text.startswith("Histograms of") for text in charts_of(app))

    def test_of_several_models_the_latest_is_the_reference_until_another_is_chosen(
        self, drifted: Project, tmp_path: Path
    ) -> None:
        home = copied(drifted, tmp_path)
        with duckdb.connect(home / "warehouse.duckdb") as connection:
            connection.execute("UPDATE batches SET model_version = 'older' WHERE batch_date < $day", {"day": PERIOD[0]})
        app = look(home, "drift", feature="income")
        assert len(app.selectbox(key="choose-model").options) == 2
        assert app.date_input(key="day").min == PERIOD[0]
        assert look(home, "drift", model="older").date_input(key="day").max < PERIOD[0]

    def test_the_report_is_shown_when_asked_for(self, drifted: Project, tmp_path: Path) -> None:
        home = copied(drifted, tmp_path)
        report = home / "reports" / f"drift_{PERIOD[-1]}.html"
        report.parent.mkdir(exist_ok=True)
        report.write_text("<h1>The report</h1>")
        app = look(home, "drift")
        assert not app.get("iframe")
        app.button(key="open-report").click()
        again(app, home)
        assert "The report" in app.get("iframe")[0].proto.srcdoc

    def test_a_warehouse_without_batches_says_what_to_do(self, drifted: Project, tmp_path: Path) -> None:
        home = tmp_path / "home"
        home.mkdir()
        Writer(home / "warehouse.duckdb", drifted.contract, 10).prepare()
        app = look(home, "drift")
        assert "No batch is published yet" in said(app)
        assert app.code[0].value == "python -m flows score --batch-date DATE"


def copied(project: Project, tmp_path: Path) -> Path:
    """A home of one's own with the warehouse and the models of another."""
    home, source = tmp_path / "home", project.settings.home_path
    home.mkdir()
    shutil.copy2(source / "warehouse.duckdb", home / "warehouse.duckdb")
    shutil.copytree(source / "models", home / "models")
    return home


def test_alerts_read_who_acknowledged_them() -> None:
    alerts = polars.DataFrame(
        {"alert_id": ["a" * 32, "b" * 32], "acknowledged_by": ["Ann", None], "acknowledged_until": [FIRST, None]}
    )
    assert alerts_read(alerts)["acknowledged"].to_list() == ["by Ann until 2026-06-01", ""]
