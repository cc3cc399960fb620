"""The page the dashboard opens on: what it says of a good day, a bad one, none at all."""

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars
import pytest

from dashboard.charts import COUNT, stacked_over_time
from dashboard.filters import Period
from dashboard.today.compared import against_last_week, alerts_by_day, figures_by_day, verdicts_of
from dashboard.today.findings import as_found
from dashboard.today.morning import LONG_AGO, findings_of, missing_dates, state_of
from dashboard.words import as_text
from schemas.calendar import calendar_of
from schemas.errors import BatchBlocked
from schemas.settings import Settings
from tasks.project import Project
from tests.body import run_day
from tests.dashboard.homes import LENDINGCLUB
from tests.dashboard.pages import look, said
from tests.flows.homes import landing_file, new_home, project_at, query
from tests.tasks.loans import DAYS


@pytest.fixture(scope="module")
def blocked(drifted: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A home with two published days, and a third whose file the gate refused."""
    home = new_home(drifted.settings.home_path, tmp_path_factory.mktemp("blocked") / "home", DAYS[:3])
    project = project_at(home)
    rows = polars.read_csv(landing_file(home, DAYS[2]))
    rows.with_columns(age=polars.lit(17)).write_csv(landing_file(home, DAYS[2]))
    for day in DAYS[:2]:
        run_day(project, day)
    with pytest.raises(BatchBlocked):
        run_day(project, DAYS[2])
    return project


def test_without_a_warehouse_the_page_says_how_to_make_one(tmp_path: Path) -> None:
    app = look(tmp_path, "today")
    assert "There is no warehouse yet" in said(app)
    assert "python -m flows score --batch-date DATE" in app.code[0].value


def test_an_empty_warehouse_says_how_to_score_a_day(tmp_path: Path) -> None:
    project_at(tmp_path).writer.prepare()
    app = look(tmp_path, "today")
    assert "No batch has been judged yet" in said(app)
    assert not app.metric


def test_the_figures_are_those_of_the_latest_batch(drifted: Project) -> None:
    home, day = drifted.settings.home_path, DAYS[-1]
    ((received, scored, approved, risk),) = query(
        home,
        "SELECT rows_received, rows_scored, rows_approved, mean_probability_of_default FROM batches"
        f" WHERE batch_date = DATE '{day}' AND status = 'published'",
    )
    shown = {item.label: item.value for item in look(home, "today").metric}
    ((warnings,),) = query(
        home,
        "SELECT count(*) FROM gate_results JOIN batches USING (batch_id) WHERE severity = 'warning' AND NOT passed"
        f" AND status = 'published' AND batch_date = DATE '{day}'",
    )
    assert warnings == 1
    assert shown["Gate"] == "passed, 1 warning"
    assert (shown["Received"], shown["Scored"]) == (str(received), str(scored))
    assert shown["Approval rate"] == f"{approved / scored:.1%}"
    assert shown["Mean probability of default"] == f"{risk:.2%}"
    ((features,),) = query(
        home, f"SELECT count(*) FROM drift_verdicts WHERE drifted AND feature <> 'score' AND batch_date = DATE '{day}'"
    )
    assert features
    assert shown["Drift level"] == ("warning" if features < 3 else "critical")
    ((alerts,),) = query(home, "SELECT count(*) FROM alerts WHERE status <> 'resolved'")
    assert shown["Open alerts"] == str(alerts)


def test_alerts_are_told_by_the_titles_of_the_contract(drifted: Project) -> None:
    words = said(look(drifted.settings.home_path, "today"))
    assert "**Drift: Income**" in words
    assert "**Drift: Employment length**" in words


def test_a_day_of_the_address_is_shown_as_it_was(drifted: Project) -> None:
    app = look(drifted.settings.home_path, "today", day=str(DAYS[0]))
    assert "All right" in app.success[0].value
    assert "Drift: Income" not in said(app)


def test_a_date_that_is_none_or_has_no_batch_is_left_aside(drifted: Project) -> None:
    for wrong in ("yesterday", "2001-01-01"):
        app = look(drifted.settings.home_path, "today", day=wrong)
        assert "is published" in said(app)


def test_a_blocked_batch_is_not_all_right(blocked: Project) -> None:
    app = look(blocked.settings.home_path, "today")
    assert "Not all right" in app.error[0].value
    assert "nothing is published of" in app.error[0].value
    assert {item.label: item.value for item in app.metric}["Gate"] == "blocked"
    assert "The batch is blocked" in said(app)


def test_a_date_without_a_batch_says_whether_one_was_expected(drifted: Project, tmp_path: Path) -> None:
    home = new_home(drifted.settings.home_path, tmp_path / "home", DAYS)
    for day in (DAYS[0], DAYS[2]):
        run_day(project_at(home), day)
    app = look(home, "today", day=str(DAYS[1]))
    assert "There is no batch of" in app.info[0].value
    assert "A file was expected" in app.info[0].value
    assert not app.metric


def test_one_day_alone_has_nothing_to_be_compared_with(drifted: Project, tmp_path: Path) -> None:
    home = new_home(drifted.settings.home_path, tmp_path / "home", DAYS[:1])
    run_day(project_at(home), DAYS[0])
    app = look(home, "today")
    assert "There is no published batch" in said(app)
    assert all(not item.delta or "last week" not in item.delta for item in app.metric)


def test_every_figure_of_the_day_can_be_followed_up_and_drift_on_its_day(drifted: Project) -> None:
    day = DAYS[-1]
    asked = {link.label: link.proto.query_string for link in look(drifted.settings.home_path, "today").page_link}
    assert asked["Gate and quarantine of the day"] == f"day={day}"
    assert f"from={day}" in asked["Decisions of the day"]
    followed = [link.proto.query_string for link in look(drifted.settings.home_path, "today").page_link]
    (income,) = (filters for filters in followed if filters.startswith("feature=income"))
    assert income == f"feature=income&day={day}&span=Dates&from={day - timedelta(days=27)}&to={day}"


def test_a_subject_with_marks_of_markdown_is_read_as_text(blocked: Project, tmp_path: Path) -> None:
    home = Path(shutil.copytree(blocked.settings.home_path, tmp_path / "home"))
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute("UPDATE alerts SET subject = '<b>*x*</b> :red[y]' WHERE kind = 'gate'")
    titles = [item.value for item in look(home, "today").markdown]
    assert r"**Gate: \<b\>\*x\*\</b\> \:red\[y\]**" in titles
    assert as_text("a\n  $b$") == r"a \$b\$"


def test_another_contract_has_the_same_page(lender: Project) -> None:
    app = look(lender.settings.home_path, "today", LENDINGCLUB)
    assert "**Drift: Purpose**" in said(app)


def test_dates_and_figures_are_written_as_the_visitor_writes_them(drifted: Project) -> None:
    day = DAYS[-1]
    app = look(drifted.settings.home_path, "today", locale="de-DE")
    shown = {item.label: item.value for item in app.metric}
    assert "," in shown["Approval rate"]
    assert f"{day:%d.%m.%Y}" in [column for table in app.dataframe for column in table.value.columns] or any(
        f"{day:%d}. " in item.value for item in (*app.success, *app.warning, *app.error)
    )


def test_a_published_batch_without_alerts_is_all_right() -> None:
    assert state_of(findings_of(_published(), DAYS[0], _no_alerts(), [])) == "right"


def test_files_that_are_overdue_need_a_person_and_those_of_long_ago_a_look() -> None:
    overdue = [DAYS[0] + timedelta(days=number) for number in range(1, LONG_AGO + 2)]
    for missing, state in ((overdue[:1], "wrong"), (overdue[:LONG_AGO], "wrong"), (overdue, "look")):
        assert state_of(findings_of(_published(), DAYS[0], _no_alerts(), missing)) == state


def test_a_file_is_missing_from_its_deadline_on_and_only_on_business_dates() -> None:
    calendar = calendar_of(Settings(timezone="Europe/Paris", file_deadline="07:00", weekdays="mon tue wed thu fri"))
    friday = date(2026, 6, 26)

    def at(day: int, hour: int) -> list[date]:
        return missing_dates(calendar, friday, datetime(2026, 6, day, hour, tzinfo=UTC))

    # 07:00 in Paris is 05:00 UTC in June.
    assert at(28, 12) == []
    assert at(29, 4) == []
    assert at(29, 5) == [date(2026, 6, 29)]
    assert at(30, 5) == [date(2026, 6, 29), date(2026, 6, 30)]


@pytest.mark.parametrize(
    ("blocked_at", "published_at", "state"),
    [
        # A corrected file came after the refused one.
        (8, 9, "right"),
        # A later file was refused; it may be one that was refused before, under the revision it has had since.
        (9, 8, "look"),
    ],
)
def test_only_a_file_refused_after_the_one_in_force_is_worth_a_look(
    blocked_at: int, published_at: int, state: str
) -> None:
    hours = {"blocked": blocked_at, "published": published_at}
    finished = [datetime(2026, 6, 25, hour) for hour in hours.values()]  # noqa: DTZ001 - UTC
    days = polars.DataFrame({"batch_date": [DAYS[0]] * 2, "status": list(hours), "finished_at": finished})
    assert state_of(findings_of(days, DAYS[0], _no_alerts(), [])) == state


def test_a_day_whose_corrected_file_was_published_is_all_right(blocked: Project, tmp_path: Path) -> None:
    home = Path(shutil.copytree(blocked.settings.home_path, tmp_path / "home"))
    rows = polars.read_csv(landing_file(home, DAYS[2]))
    rows.with_columns(age=polars.lit(40)).write_csv(landing_file(home, DAYS[2]))
    run_day(project_at(home), DAYS[2])
    words = said(look(home, "today", day=str(DAYS[2])))
    assert "A later file was blocked" not in words
    assert f"{DAYS[2].day} June 2026 is published (revision 2" in words


@pytest.mark.parametrize(("until", "state"), [(DAYS[3], "look"), (DAYS[2], "wrong")])
def test_an_acknowledgement_keeps_an_alert_quiet_up_to_its_date(until: date, state: str) -> None:
    (finding,) = findings_of(_published(), DAYS[0], _alert(acknowledged_until=until), [], today=DAYS[3])
    assert finding.state == state
    assert finding.alert_id == ("" if state == "look" else "a1b2c3d4")
    assert f"cknowledged by Ann until {until}." in finding.message


def test_findings_are_exported_by_the_names_on_record() -> None:
    row = as_found(findings_of(_published(), DAYS[0], _alert(), [])).row(0, named=True)
    assert (row["subject"], row["since"], row["state"]) == ("income", DAYS[0], "look")


def test_last_week_is_compared_figure_by_figure() -> None:
    days = _days({0: (100, 60), 3: (100, 40), 6: (100, 90), 7: (200, 100)})
    found = against_last_week(days, DAYS[0] + timedelta(days=7))
    assert found is not None
    by_name = found.rows_by_key("figure", unique=True)
    assert by_name["rows_received"] == (200, 100, 100, 100, 100)
    # Now, before, the change, and what the seven days between, the first of them included, have had.
    assert by_name["approval_rate"] == pytest.approx((0.5, 0.6, -0.1, 0.4, 0.9))
    assert by_name["mean_score"] == (None, None, None, None, None)
    assert against_last_week(days, DAYS[0] + timedelta(days=6)) is None


def test_figures_over_time_are_those_of_the_published_batches() -> None:
    figures = figures_by_day(_days({0: (100, 60), 1: (50, 10)}))
    assert figures["approval_rate"].to_list() == [0.6, 0.2]
    assert figures["quarantined_share"].to_list() == [0.0, 0.0]
    assert figures["features_drifted"].to_list() == [1, 1]


def test_verdicts_over_time_have_the_days_that_were_blocked(blocked: Project) -> None:
    days = blocked.reader.frame("days", start=DAYS[0], end=DAYS[2])
    found = verdicts_of(days)
    assert found["batch_date"].to_list() == list(DAYS[:3])
    assert found["blocked"].to_list() == [0, 0, 1]
    warned = [bool(row["warnings"]) for row in days.iter_rows(named=True) if row["status"] == "published"]
    assert found["warned"].to_list() == [*map(int, warned), 0]
    assert (found["passed"] + found["warned"] + found["blocked"]).to_list() == [1, 1, 1]


def test_alerts_over_time_are_as_many_as_were_in_force_after_each_day(drifted: Project) -> None:
    period = Period(DAYS[0] - timedelta(days=1), DAYS[-1])
    alerts = drifted.reader.frame("alerts_in_force", start=period.start, end=period.end)
    found = alerts_by_day(alerts, period)
    assert found.height == len(DAYS) + 1
    assert found[-1].select(polars.sum_horizontal("warning", "critical")).item()
    for day, *counts in found.rows():
        in_force = drifted.reader.frame("alerts_on", batch_date=day)["severity"].to_list()
        assert counts == [in_force.count("warning"), in_force.count("critical")], day


def test_no_alert_at_all_is_none_on_every_day() -> None:
    alerts = alerts_by_day(
        _no_alerts().with_columns(opened_on="batch_date", resolved_on="batch_date"), Period(*DAYS[:2])
    )
    assert alerts.rows() == [(DAYS[0], 0, 0), (DAYS[1], 0, 0)]


@pytest.mark.parametrize(("most", "mark"), [(1, 1), (5, 1), (6, None)])
def test_an_axis_of_few_batches_has_a_mark_for_each_and_none_between(most: int, mark: int | None) -> None:
    days = polars.DataFrame({"batch_date": DAYS[:2], "a": [1, most - 1], "b": [0, 1]})
    parts = {"a": ("a", "#000000"), "b": ("b", "#ffffff")}
    assert stacked_over_time(days, parts, "batches", COUNT).layout.yaxis.dtick == mark
    assert stacked_over_time(days, parts, "share", ".0%").layout.yaxis.dtick is None
    assert stacked_over_time(days.clear(), parts, "batches", COUNT).layout.yaxis.dtick == 1


def _days(figures: dict[int, tuple[int, int]]) -> polars.DataFrame:
    """Published days as `days.sql` gives them: by place from the first day the rows scored and those approved."""
    return polars.DataFrame(
        [
            {
                "batch_date": DAYS[0] + timedelta(days=place),
                "status": "published",
                "rows_received": scored,
                "rows_scored": scored,
                "rows_quarantined": 0,
                "rows_approved": approved,
                "rows_referred": 0,
                "mean_probability_of_default": 0.1,
                "mean_score": None,
                "drifted_features": ["income"],
            }
            for place, (scored, approved) in figures.items()
        ]
    )


def _alert(acknowledged_until: date | None = None) -> polars.DataFrame:
    """A critical alert on drift, acknowledged until a date, else one that is a warning."""
    row: dict[str, Any] = {
        "alert_id": "a1b2c3d4" * 4,
        "kind": "drift",
        "severity": "critical" if acknowledged_until else "warning",
        "status": "acknowledged" if acknowledged_until else "open",
        "subject": "income",
        "message": "Income has moved.",
        "batch_date": DAYS[0],
        "last_batch_date": DAYS[0],
        "acknowledged_by": "Ann",
        "acknowledged_until": acknowledged_until,
    }
    return polars.DataFrame([row])


def _published() -> polars.DataFrame:
    return polars.DataFrame({"batch_date": [DAYS[0]], "status": ["published"]})


def _no_alerts() -> polars.DataFrame:
    return polars.DataFrame(
        schema={
            "alert_id": polars.String,
            "kind": polars.String,
            "severity": polars.String,
            "status": polars.String,
            "subject": polars.String,
            "message": polars.String,
            "batch_date": polars.Date,
        }
    )
