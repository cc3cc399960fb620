"""The page on the service's predictions: figures, hours at the visitor's clock, the latest ones, one by its id."""

import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars
import pytest

from dashboard.desk import load_desk
from dashboard.real_time.charts import MANY_POINTS, latency_over_time, requests_over_time
from dashboard.real_time.prediction import inputs_table, reasons_of
from dashboard.real_time.traffic import (
    at_clock,
    beginning_of,
    day_of,
    instants_of,
    start_of_latest,
    traffic,
    with_inputs,
)
from schemas.contract import Contract
from schemas.loading import load_contract
from schemas.settings import Settings
from tests.dashboard.homes import LENDINGCLUB
from tests.dashboard.pages import installed, look, said
from tests.flows.homes import project_at, query
from warehouse.writer import PREDICTIONS, Writer

LAST = date(2026, 3, 20)
FIRST = LAST - timedelta(days=19)
INPUTS = {"age": 35, "income": 50_000.0, "loan_amount": 15_000.0, "employment_length": None, "credit_score": 720}
LOAN = {
    "annual_income": None,
    "loan_amount": 5_000.0,
    "employment_length": 2.0,
    "credit_history": 3.5,
    "sub_grade": 7,
    "debt_to_income": 10.0,
    "revolving_utilisation": 0.2,
    "home_ownership": "RENT",
    "purpose": "a <b>*barge*</b>",
}


def predictions_of(days: int, inputs: dict[str, Any], codes: list[str]) -> polars.DataFrame:
    """Ten requests a day until the last, from 08:00 UTC on, every hour one; the later days by a second model."""
    rows = []
    for number in range(days * 10):
        day, place = LAST - timedelta(days=days - 1 - number // 10), number % 10
        outputs = {
            "probability_of_default": 0.01 * (place + 1),
            "score": 600 - place,
            "band": "B",
            "decision": "approve" if place < 5 else "refer" if place < 8 else "decline",
            "reason_codes": codes[: place % 3],
        }
        rows.append(
            {
                "prediction_id": f"p-{day}-{place}",
                "predicted_at": datetime(day.year, day.month, day.day, 8 + place, 30),  # noqa: DTZ001 - UTC
                "request_id": "r",
                "application_key": None,
                "inputs": json.dumps(inputs),
                "outputs": json.dumps(outputs),
                "latency_ms": 1.0 + place,
                "model_version": "scorecard-b" if day > LAST - timedelta(days=5) else "scorecard-a",
            }
        )
    return polars.DataFrame(rows, schema=PREDICTIONS)


def home_of(home: Path, contract: Contract, predictions: polars.DataFrame) -> Path:
    writer = Writer(home / "warehouse.duckdb", contract, 30)
    writer.load_predictions("first", "1" * 64, predictions)
    return home


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty days of the default contract. Not to be written to."""
    home = tmp_path_factory.mktemp("served")
    return home_of(home, load_contract(Settings().contract), predictions_of(20, INPUTS, ["INCOME", "LOAN_AMOUNT"]))


@pytest.fixture(scope="module")
def lent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One day of a contract with categories. Not to be written to."""
    home = tmp_path_factory.mktemp("lent")
    return home_of(home, load_contract(LENDINGCLUB), predictions_of(1, LOAN, ["PURPOSE"]))


@pytest.fixture
def hours(served: Path) -> Iterator[polars.DataFrame]:
    start, end = instants_of(FIRST, LAST, ZoneInfo("UTC"))
    with installed(served):
        yield load_desk().ask("prediction_hours_of_period", start=start, end=end)


def test_without_predictions_the_page_says_how_to_have_some(tmp_path: Path) -> None:
    project_at(tmp_path).writer.prepare()
    app = look(tmp_path, "real-time")
    assert "No prediction of the service is on record" in said(app)
    assert app.code[0].value == "make service\npython -m flows load-predictions"


def test_the_figures_are_exact_for_the_latest_day(served: Path) -> None:
    app = look(served, "real-time")
    assert f"Friday, 20 March {LAST.year}, the latest day" in said(app)
    shown = {item.label: item.value for item in app.metric}
    assert (shown["Requests"], shown["Approval rate"]) == ("10", "50.0%")
    latencies = np.arange(1.0, 11.0)
    for name, quantile in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        value = float(shown[f"Latency, {name}"].removesuffix(" ms"))
        assert value == pytest.approx(float(np.quantile(latencies, quantile)), rel=0.01)


def test_the_latest_predictions_have_their_inputs_as_columns(served: Path) -> None:
    shown = look(served, "real-time").dataframe[0].value
    assert len(shown) == 200
    assert shown["prediction_id"][0] == f"p-{LAST}-9"
    assert shown["input income"].tolist() == [50_000.0] * 200
    assert shown["input employment_length"].isna().all()
    assert shown["decision"][:3].tolist() == ["decline", "decline", "refer"]


def test_a_contract_with_categories_is_shown_by_its_own_fields(lent: Path) -> None:
    app = look(lent, "real-time", LENDINGCLUB, prediction=f"p-{LAST}-4")
    inputs, latest = (table.value for table in app.dataframe)
    values = dict(zip(inputs["field"], inputs["value"], strict=True))
    assert values["Annual income"] == "not given"
    assert values["Loan amount"] == "5,000 USD"
    assert values["Purpose"] == "a <b>*barge*</b>"
    assert "1. Loans for the purpose you gave show a raised risk." in said(app)
    assert latest["input home_ownership"].unique().tolist() == ["RENT"]
    # There is one model only.
    assert not app.multiselect


def test_one_prediction_is_shown_as_the_applicant_reads_it(served: Path) -> None:
    app = look(served, "real-time", prediction=f" p-{LAST}-2 ")
    shown = {item.label: item.value for item in app.metric}
    assert (shown["Decision"], shown["Score (points)"]) == ("approve", "598")
    assert shown["Probability of default"] == "3.00%"
    words = said(app)
    assert "1. Your income is low for a loan of this kind." in words
    assert "2. The amount you asked for is high." in words
    assert "Scored by scorecard-b, answered in 3 ms" in words


def test_a_prediction_that_is_not_on_record_is_said_to_be_none(served: Path) -> None:
    app = look(served, "real-time", prediction="<b>none</b>")
    assert "No prediction of this id is on record" in said(app)
    assert "<b>none</b>" in [item.value for item in app.text]
    assert app.code[0].value == "python -m flows load-predictions"
    # The rest of the page is there.
    assert app.metric


def test_what_was_asked_is_shown_with_every_digit(served: Path) -> None:
    with installed(served):
        table = inputs_table(load_desk(), {"income": 50_000.55, "age": 35})
    values = dict(table.rows())
    assert values["Income"].startswith("50,000.55 ")
    assert values["Age"].startswith("35")


def test_a_code_of_another_contract_stands_for_itself(served: Path) -> None:
    with installed(served):
        assert reasons_of(load_desk(), ["OLD_CODE"]) == ["OLD_CODE"]


def test_the_models_of_the_address_choose_the_predictions(served: Path) -> None:
    shown = look(served, "real-time", model="scorecard-a").dataframe[0].value
    assert set(shown["model_version"]) == {"scorecard-a"}
    assert len(shown) == 150
    wrong = look(served, "real-time", model="scorecard-z")
    assert "The address asks for a model version that is not there" in said(wrong)
    assert len(wrong.dataframe[0].value) == 200


def test_days_and_models_without_predictions_are_said_to_have_none(served: Path) -> None:
    days = {"span": "Dates", "from": str(FIRST), "to": str(FIRST)}
    assert "The service has predicted nothing in this period" in said(
        look(served, "real-time", **days, model="scorecard-b")
    )
    one = look(served, "real-time", **days)
    assert len(one.dataframe[0].value) == 10
    backwards = look(served, "real-time", **(days | {"from": str(LAST)}))
    assert "choose dates the other way round" in said(backwards)


def test_days_begin_and_end_at_the_visitors_clock() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    start, end = instants_of(LAST, LAST, tokyo)
    assert (start, end) == (datetime(2026, 3, 19, 15), datetime(2026, 3, 20, 15))  # noqa: DTZ001 - UTC
    assert day_of(start, tokyo) == day_of(end - timedelta(seconds=1), tokyo) == LAST
    # Clocks go forward on this day, which has 23 hours.
    start, end = instants_of(date(2026, 3, 29), date(2026, 3, 29), ZoneInfo("Europe/Paris"))
    assert end - start == timedelta(hours=23)


def test_days_at_half_an_hour_off_have_the_same_figures_in_bars_and_numbers(
    served: Path, hours: polars.DataFrame
) -> None:
    # Half past ten hours before UTC in March: midnight lies within an hour that is counted as one, and has requests.
    adelaide = ZoneInfo("Australia/Adelaide")
    assert beginning_of(LAST, adelaide) == time(0, 30)
    assert beginning_of(LAST, ZoneInfo("Asia/Tokyo")) == time()
    days = traffic(at_clock(hours, adelaide), by_day=True)
    assert days.height > 2
    with installed(served):
        desk = load_desk()
        for day, requests in days.select(polars.col("time").dt.date(), "request_count").rows():
            start, end = instants_of(day, day, adelaide)
            figures = desk.ask("prediction_figures", start=start, end=end, models=[]).row(0, named=True)
            assert figures["request_count"] == requests, day
            hourly = desk.ask("prediction_hours_of_period", start=start, end=end)
            assert hourly["request_count"].sum() == requests, day
    # An hour is named by when it begins at the clock, which is half past.
    assert set(traffic(at_clock(hours, adelaide), by_day=False)["time"].dt.minute()) == {30}


def test_hours_are_shown_at_the_visitors_clock(hours: polars.DataFrame) -> None:
    moved = at_clock(hours, ZoneInfo("Asia/Tokyo"))
    assert (moved["hour"] - hours["hour"]).unique().to_list() == [timedelta(hours=9)]
    assert moved["hour"].dtype.time_zone is None  # type: ignore[attr-defined]


def test_days_sum_up_the_requests_of_all_models(hours: polars.DataFrame) -> None:
    days = traffic(hours, by_day=True)
    assert days.height == 20
    assert days["request_count"].to_list() == [10] * 20
    assert days["approval_rate"].to_list() == [0.5] * 20
    assert days["mean_probability_of_default"].to_list() == pytest.approx([0.055] * 20)
    assert traffic(hours, by_day=False).height == 200


def test_a_mean_weighs_each_hour_by_its_requests_and_leaves_out_unknown_ones() -> None:
    hour = datetime(2026, 3, 20, 8)  # noqa: DTZ001 - UTC
    counts = {"approved_count": 0, "referred_count": 0, "declined_count": 0}
    rows = [
        {"hour": hour, "request_count": count, "mean_probability_of_default": mean, **counts}
        for count, mean in ((1, 0.4), (3, 0.2), (6, None))
    ]
    frame = traffic(polars.DataFrame(rows), by_day=True)
    assert frame["mean_probability_of_default"].to_list() == pytest.approx([0.25])
    assert frame["request_count"].to_list() == [10]


def test_no_more_is_read_than_the_hours_of_the_latest_predictions(hours: polars.DataFrame) -> None:
    assert start_of_latest(hours, 3) == datetime(2026, 3, 20, 15)  # noqa: DTZ001 - UTC
    assert start_of_latest(hours, 10_000) == hours["hour"].min()


def test_pictures_tell_models_and_percentiles_apart(hours: polars.DataFrame) -> None:
    figure = latency_over_time(hours, "UTC", lines=True)
    assert len({trace.name for trace in figure.data}) == 6
    assert len({trace.marker.symbol for trace in figure.data}) == 6
    assert figure.layout.yaxis.title.text == "latency (ms)"
    one = latency_over_time(hours.filter(polars.col("model_version") == "scorecard-a"), "UTC", lines=False)
    assert [trace.name for trace in one.data] == ["p50", "p95", "p99"]
    many = polars.concat([hours] * (MANY_POINTS // hours.height))
    assert {trace.type for trace in latency_over_time(many, "UTC", lines=False).data} == {"scattergl"}
    bars = requests_over_time(traffic(hours, by_day=True), "Asia/Tokyo", by_day=True)
    assert [bar.name for bar in bars.data] == ["approve", "refer", "decline"]
    assert bars.layout.xaxis.title.text == "day (Asia/Tokyo)"


def test_what_was_logged_under_another_contract_is_missing_not_wrong() -> None:
    frame = predictions_of(1, {"age": "old", "income": 7, "credit_score": 1.5, "other": 1}, [])[:1]
    row = with_inputs(frame, load_contract(Settings().contract)).row(0, named=True)
    assert (row["input age"], row["input income"], row["input credit_score"]) == (None, 7.0, None)
    assert row["reason_codes"] == []


def test_the_answers_are_those_on_record(served: Path) -> None:
    ((requests, approved),) = query(
        served, "SELECT sum(request_count), sum(approved_count) FROM prediction_hours WHERE hour >= DATE '2026-03-20'"
    )
    shown = {item.label: item.value for item in look(served, "real-time", span="1 year").metric}
    assert (shown["Requests"], shown["Approval rate"]) == (str(requests), f"{approved / requests:.1%}")
