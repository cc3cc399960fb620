"""The performance page: realised beside estimated, calibration and fairness, on real homes and on frames."""

import json
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars
import pytest

from dashboard.performance.fairness import why_no_groups
from dashboard.performance.group_charts import RATIO, approval_by_group, groups_over_vintages, impact_by_group
from dashboard.performance.groups import with_states
from dashboard.performance.page import figures_table
from dashboard.performance.vintage_charts import calibration_by_band, performance_over_vintages, places_of
from dashboard.performance.vintages import METRICS, at_training, calibration_of, figures_of, states_of
from model.artifact import read_metadata
from model.champion import champion_identity
from tasks.performance import update_performance
from tasks.project import Project
from tests.dashboard.homes import LENDINGCLUB
from tests.dashboard.pages import look, said
from tests.flows.homes import project_at
from tests.tasks.loans import OUTCOMES

MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)
# 90 days after the last batch date of June.
RIPE = date(2026, 9, 28)


@pytest.fixture(scope="module")
def realised(drifted: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A home whose only vintage is realised. Not to be written to."""
    return realise(copy_of(drifted, tmp_path_factory.mktemp("realised")), RIPE)


def copy_of(project: Project, folder: Path) -> Project:
    return project_at(Path(shutil.copytree(project.settings.home_path, folder / "home")))


def realise(project: Project, latest: date) -> Project:
    outcomes = polars.read_csv(project.settings.home_path / OUTCOMES, try_parse_dates=True)
    known = outcomes.with_columns(defaulted=polars.col("defaulted").cast(bool), observed_on=polars.lit(latest))
    project.writer.load_outcomes(known)
    update_performance(project)
    return project


def change(project: Project, statement: str) -> None:
    with duckdb.connect(str(project.settings.path("warehouse"))) as connection:
        connection.execute(statement)


def table(app: Any, *columns: str) -> polars.DataFrame:
    """The first table of a page that has these columns."""
    found = next(item.value for item in app.dataframe if set(columns) <= set(item.value.columns))
    return polars.from_pandas(found)


def test_estimated_stands_beside_realised_with_rows_and_intervals(realised: Project) -> None:
    app = look(realised.settings.home_path, "performance")
    shown = table(app, "figure", "estimated", "realised")
    recorded = realised.reader.frame("performance_by_vintage").filter(polars.col("band").is_null())
    for basis in ("realised", "estimated"):
        expected = recorded.filter(polars.col("basis") == basis, polars.col("metric") == "auc").row(0, named=True)
        row = shown.filter(polars.col("figure") == "AUC").row(0, named=True)
        assert (row[basis], row[f"{basis}_low"], row[f"{basis}_high"]) == tuple(
            expected[name] for name in ("value", "low", "high")
        )
        assert row[f"{basis}_rows"] == expected["row_count"]
    assert shown["figure"].to_list() == [metric.title for metric in METRICS.values()]
    assert table(app, "state", "rows_scored")["state"].to_list() == ["realised"]
    kinds = polars.col("kind").is_in(["performance", "fairness"])
    assert (
        sorted(item.value for item in app.text)
        == realised.reader.open_alerts().filter(kinds)["message"].sort().to_list()
    )
    assert "defaulted (" in said(app)


def test_before_there_are_outcomes_estimates_are_shown_and_when_they_will_be_realised(drifted: Project) -> None:
    app = look(drifted.settings.home_path, "performance", metric="ks")
    words = said(app)
    assert "KS by vintage" in words
    assert "No vintage is realised yet." in words
    assert "too young: realised once outcomes observed on 28 Sept 2026 or later are loaded" in words
    assert [item.value for item in app.code] == ["python -m flows outcomes FILE"]
    shown = table(app, "figure", "estimated", "realised")
    assert shown["realised"].is_null().all()
    assert shown["estimated"].is_not_null().all()


def test_without_any_batch_it_says_what_to_do(tmp_path: Path) -> None:
    project = project_at(tmp_path / "home")
    project.settings.home_path.mkdir()
    project.writer.prepare()
    app = look(tmp_path / "home", "performance")
    assert "Nothing is known of performance yet" in said(app)
    assert [item.value for item in app.code] == ["python -m flows outcomes FILE"]


def test_a_contract_without_protected_fields_has_all_but_fairness(lender: Project) -> None:
    app = look(lender.settings.home_path, "performance", LENDINGCLUB)
    assert "AUC by vintage" in said(app)
    assert "No field of the contract is protected" in said(app)
    assert "No alert on performance or fairness is open." in said(app)


def test_filters_of_the_address_that_are_not_there_are_said_to_be_wrong(realised: Project) -> None:
    home = realised.settings.home_path
    (version, _) = champion_identity(realised.settings.path("models"))
    right = look(home, "performance", version=version, metric="brier", vintage="2026-06", field="age")
    assert "Brier by vintage" in said(right)
    assert not right.warning
    wrong = look(home, "performance", version="scorecard-x", metric="x", vintage="2020-01", field="x", group="x")
    asked = ["model", "figure", "vintage", "protected field", "group"]
    assert [item.value for item in wrong.warning] == [
        f"The address asks for a {what} that is not there; what can be chosen is shown instead." for what in asked
    ]
    assert "AUC by vintage" in said(wrong)


def test_open_alerts_of_both_kinds_stand_on_top_as_plain_text(drifted: Project, tmp_path: Path) -> None:
    project = copy_of(drifted, tmp_path)
    for kind, status in (("performance", "open"), ("fairness", "acknowledged"), ("fairness", "resolved")):
        change(
            project,
            "INSERT INTO alerts (alert_id, kind, severity, subject, message, status, raised_at) VALUES"
            f" ('{kind}', '{kind}', 'warning', 's', '{kind} {status} <b>*x*</b>', '{status}', '2026-06-30 06:00:00')",
        )
    app = look(project.settings.home_path, "performance")
    texts = [item.value for item in app.text]
    assert sorted(text for text in texts if "<b>" in text) == [
        "fairness acknowledged <b>*x*</b>",
        "performance open <b>*x*</b>",
    ]


def test_a_group_of_too_few_rows_is_marked_as_not_compared(drifted: Project, tmp_path: Path) -> None:
    project = copy_of(drifted, tmp_path)
    change(
        project,
        "UPDATE fairness SET row_count = 7, impact_ratio = NULL, impact_low = NULL, impact_high = NULL,"
        " below_four_fifths = FALSE WHERE group_place = 0",
    )
    app = look(project.settings.home_path, "performance")
    shown = table(app, "group_name", "state")
    assert shown["state"][0] == "not compared: fewer than 100 rows"
    assert "compared with: approved most often" in shown["state"].to_list()
    assert "29 CFR 1607.4(D)" in said(app)


def rows_of(*rows: tuple[Any, ...]) -> polars.DataFrame:
    """Rows as `performance_by_vintage.sql` gives them."""
    columns = ("vintage", "model_version", "basis", "band", "metric", "value", "low", "high", "row_count")
    kinds = dict(zip(columns, (polars.Date, *[polars.String] * 4, *[polars.Float64] * 3, polars.Int64), strict=True))
    return polars.DataFrame(list(rows), schema=kinds, orient="row")


PERFORMANCE = rows_of(
    (MAY, "model-a111", "realised", None, "auc", 0.75, 0.70, 0.80, 900),
    (MAY, "model-a111", "realised", None, "default_rate", 0.10, 0.08, 0.12, 900),
    (MAY, "model-a111", "realised", None, "expected_default_rate", 0.11, None, None, 900),
    (MAY, "model-a111", "realised", "B", "default_rate", 0.20, 0.15, 0.25, 300),
    (MAY, "model-a111", "realised", "B", "expected_default_rate", 0.30, None, None, 300),
    (MAY, "model-a111", "realised", "A", "default_rate", 0.05, 0.04, 0.06, 600),
    (MAY, "model-a111", "realised", "A", "expected_default_rate", 0.05, None, None, 600),
    (MAY, "model-a111", "realised", "E", "default_rate", None, None, None, 0),
    (MAY, "model-a111", "realised", "E", "expected_default_rate", None, None, None, 0),
    (JUNE, "model-a111", "estimated", None, "auc", 0.76, 0.74, 0.78, 500),
    (JUNE, "model-b222", "estimated", None, "auc", 0.77, 0.75, 0.79, 400),
)


def test_a_figure_that_is_known_on_one_side_only_has_none_on_the_other() -> None:
    figures = figures_of(PERFORMANCE).filter(polars.col("metric") == "auc")
    assert figures.select("vintage", "model_version", "realised", "estimated").rows() == [
        (MAY, "model-a111", 0.75, None),
        (JUNE, "model-a111", None, 0.76),
        (JUNE, "model-b222", None, 0.77),
    ]
    exported = figures_table(figures_of(PERFORMANCE))
    assert exported["vintage"].to_list() == [JUNE, JUNE, MAY, MAY]
    assert exported["figure"].to_list() == ["AUC", "AUC", "AUC", "Default rate"]


def test_no_groups_are_explained_by_the_contract_or_by_what_was_chosen(drifted: Project, lender: Project) -> None:
    assert "of the chosen model" in why_no_groups(drifted.contract)
    assert why_no_groups(lender.contract) == "No field of the contract is protected, so no groups are compared."


def test_calibration_has_the_bands_with_rows_and_the_whole_last() -> None:
    found = calibration_of(PERFORMANCE, MAY, "model-a111")
    assert found.select("band", "row_count", "expected", "observed").rows() == [
        ("A", 600, 0.05, 0.05),
        ("B", 300, 0.30, 0.20),
        ("all", 900, 0.11, 0.10),
    ]
    assert calibration_of(PERFORMANCE, JUNE, "model-a111").is_empty()


@pytest.mark.parametrize(
    ("realised_rows", "latest", "state"),
    [
        (200, RIPE, "realised"),
        (199, RIPE, "realised, with too few rows for more than the default rate (at least 200)"),
        # The day before the vintage is old enough, and that day.
        (
            None,
            RIPE - timedelta(days=1),
            "too young: realised once outcomes observed on 2026-09-28 or later are loaded",
        ),
        (None, None, "too young: realised once outcomes observed on 2026-09-28 or later are loaded"),
        (None, RIPE, "old enough, and none of its outcomes is loaded"),
    ],
)
def test_what_is_known_of_a_vintage_is_said_in_words(
    realised_rows: int | None, latest: date | None, state: str
) -> None:
    vintages = polars.DataFrame(
        [(JUNE, "m", date(2026, 6, 30), 1000, latest)],
        schema={
            "vintage": polars.Date,
            "model_version": polars.String,
            "last_batch_date": polars.Date,
            "rows_scored": polars.Int64,
            "latest_outcome": polars.Date,
        },
        orient="row",
    )
    rows = (
        [] if realised_rows is None else [(JUNE, "m", "realised", None, "default_rate", 0.1, 0.0, 0.2, realised_rows)]
    )
    assert states_of(vintages, figures_of(rows_of(*rows)), 90, 200, str)["state"].to_list() == [state]


def test_what_a_model_did_at_training_is_taken_from_its_record(drifted: Project) -> None:
    version, _ = champion_identity(drifted.settings.path("models"))
    test = read_metadata(drifted.settings.path("models"), version)["metrics"]["test"]
    found = at_training(drifted.reader.frame("registered_models"))[version]
    assert found["auc"] == test["auc"]["value"]
    assert found["default_rate"] == test["defaults"] / test["rows"]
    unknown = {"rows": 0, "defaults": 0, "auc": {"value": None}}
    record = polars.DataFrame({"model_version": ["m"], "metrics": [json.dumps({"test": unknown})]})
    assert at_training(record) == {"m": {}}


def test_marks_tell_estimated_and_realised_apart_without_colour() -> None:
    rows = figures_of(PERFORMANCE).filter(polars.col("metric") == "auc")
    figure = performance_over_vintages(rows, METRICS["auc"], [0.7, None, 0.72])
    estimated, realised, trained = figure.data
    assert (estimated.name, realised.name, trained.name) == ("estimated", "realised", "out of time at training")
    assert estimated.marker.symbol != realised.marker.symbol
    assert realised.y == (0.75, None, None)
    assert [round(value, 6) for value in (realised.error_y.array[0], realised.error_y.arrayminus[0])] == [0.05, 0.05]
    assert trained.y[:2] == (0.7, 0.7)
    assert trained.y[3:5] == (None, None)
    assert trained.line.dash == "dash"
    # A month that two models scored has a place for each of them.
    assert list(figure.layout.xaxis.ticktext) == ["May 2026", "Jun 2026 · a111", "Jun 2026 · b222"]
    assert places_of(rows.head(1)) == ["May 2026"]
    assert figure.layout.yaxis.title.text == "AUC (0.5 to 1)"


def test_expected_and_observed_have_marks_of_their_own() -> None:
    expected, observed = calibration_by_band(calibration_of(PERFORMANCE, MAY, "model-a111")).data
    assert expected.marker.symbol != observed.marker.symbol
    assert expected.y == (0.05, 0.30, 0.11)
    assert observed.customdata[1] == "15.0% to 25.0%"


GROUPS = polars.DataFrame(
    {
        "vintage": [JUNE] * 4,
        "model_version": ["m"] * 4,
        "group_place": [0, 1, 2, 3],
        "group_name": ["a <b>barge</b>", "car", "house", "tent"],
        "row_count": [500, 400, 300, 20],
        "approval_rate": [0.9, 0.6, 0.71, 0.5],
        "approval_low": [0.8, 0.5, 0.6, 0.3],
        "approval_high": [1.0, 0.7, 0.8, 0.7],
        "impact_ratio": [1.0, 0.67, 0.79, None],
        "impact_low": [None, 0.6, 0.7, None],
        "impact_high": [None, 0.7, 0.9, None],
        "below_four_fifths": [False, True, False, False],
    }
)


def test_groups_are_described_by_their_ratio_and_its_certainty() -> None:
    assert with_states(GROUPS, 100)["state"].to_list() == [
        "compared with: approved most often",
        "below four fifths, with its whole interval",
        "below four fifths, perhaps by chance",
        "not compared: fewer than 100 rows",
    ]
    assert with_states(GROUPS, 20)["state"][3].startswith("not compared: no second group")


def test_groups_that_are_below_or_not_compared_have_marks_and_names_of_their_own() -> None:
    below = impact_by_group(GROUPS, "Purpose")
    assert [item.name for item in below.data] == ["not surely below", "surely below four fifths"]
    assert below.data[1].y == (None, 0.67, None, None)
    assert below.layout.shapes[0].y0 == 0.8
    assert below.layout.annotations[0].text == "four fifths"
    approvals = approval_by_group(GROUPS, "Purpose")
    assert [item.name for item in approvals.data] == ["not compared", "compared"]
    assert approvals.data[0].y == (None, None, None, 0.5)
    # A level as it stands in the data does not become part of the page.
    assert approvals.layout.xaxis.ticktext[0] == "a &lt;b&gt;barge&lt;/b&gt;"


def test_a_group_has_a_gap_where_a_vintage_has_none_of_it() -> None:
    earlier = GROUPS.filter(polars.col("group_name") == "car").with_columns(vintage=polars.lit(MAY))
    figure = groups_over_vintages(polars.concat([earlier, GROUPS]), RATIO, "impact ratio", ".2f")
    by_name = {item.name: item for item in figure.data}
    assert by_name["house"].y == (None, 0.79)
    assert by_name["car"].y == (0.67, 0.67)
    assert len({item.marker.symbol for item in figure.data}) == 4
