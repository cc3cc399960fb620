"""The page the dashboard opens on: what it says of a good day, a bad one, none at all."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars
import pytest

from dashboard.today.morning import LONG_AGO, findings_of, missing_dates, state_of
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
