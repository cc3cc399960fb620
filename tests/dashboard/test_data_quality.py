"""The page on data quality: what it counts, which rows it shows and gives back, how the gate judged."""

import csv
import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
import polars
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.desk import Desk, load_desk
from dashboard.quality import explorer, quarantine
from dashboard.quality.charts import check_over_time, monitor_over_time, rules_over_time, share_over_time
from dashboard.quality.explorer import rows_to_export
from dashboard.quality.monitors import of_monitor
from dashboard.quality.quarantine import (
    Span,
    read_row_address,
    row_by_field,
    rows_for_source,
    span_of_page,
    spans_of_export,
)
from dashboard.quality.tables import quarantined_shares, rule_counts, rules_by_field
from dashboard.tables import as_csv, as_parquet
from schemas.errors import BatchBlocked
from tasks.project import Project
from tests.body import run_day
from tests.dashboard.homes import LENDINGCLUB
from tests.dashboard.pages import again, installed, look, said
from tests.flows.homes import landing_file, new_home, project_at, query
from tests.tasks.loans import DAYS

PUBLISHED, OTHER, BLOCKED = DAYS[:3]
# Of the 300 rows of a day, in words of their own: as they stand in the file.
BAD_LINES = {
    4: "x-1,{day},17,<b>45 000</b>,5000,2,700",
    9: "x-2,{day},40,50000,5000,2,=990",
    20: 'x-3,{day},40,50000,5000,"2',
}


@pytest.fixture(scope="module")
def dirty(drifted: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A home with two published days of three broken rows each, and a third that the gate blocked."""
    home = new_home(drifted.settings.home_path, tmp_path_factory.mktemp("dirty") / "home", DAYS[:3])
    project = project_at(home)
    for day in (PUBLISHED, OTHER):
        path = landing_file(home, day)
        lines = path.read_text().splitlines()
        for number, line in BAD_LINES.items():
            lines[number] = line.format(day=day)
        path.write_text("\n".join(lines) + "\n")
        run_day(project, day)
    path = landing_file(home, BLOCKED)
    polars.read_csv(path).with_columns(age=polars.lit(17)).write_csv(path)
    with pytest.raises(BatchBlocked):
        run_day(project, BLOCKED)
    return project


@contextmanager
def desk_of(project: Project) -> Iterator[Desk]:
    with installed(project.settings.home_path):
        yield load_desk()


def checks_of(desk: Desk) -> polars.DataFrame:
    return desk.ask("gate_of_period", start=PUBLISHED, end=BLOCKED)


def downloads_of(app: AppTest) -> list[str]:
    return [str(getattr(item, "label", "")) for item in app.get("download_button")]


def counted(*rows: tuple[date, int]) -> polars.DataFrame:
    return polars.DataFrame(rows, schema={"batch_date": polars.Date, "rows": polars.Int64}, orient="row")


def test_an_empty_warehouse_says_how_to_score_a_day(tmp_path: Path) -> None:
    project_at(tmp_path).writer.prepare()
    app = look(tmp_path, "data-quality")
    assert "No batch has been judged yet" in said(app)
    assert "python -m flows score" in app.code[0].value


def test_the_figures_are_those_of_the_published_batches(dirty: Project) -> None:
    app = look(dirty.settings.home_path, "data-quality")
    shown = {item.label: item.value for item in app.metric}
    assert (shown["Batches published"], shown["Batches blocked"]) == ("2", "1")
    # The first bad row breaks two rules.
    assert (shown["Rows quarantined"], shown["Rules broken"]) == ("6", "8")
    assert shown["Share of the rows received"] == "1.00%"


def test_the_counts_by_rule_are_those_of_the_quarantine(dirty: Project) -> None:
    with desk_of(dirty) as desk:
        counts = rule_counts(checks_of(desk))
    held = query(
        dirty.settings.home_path,
        "SELECT batch_date, rule, coalesce(field, ''), count(*) FROM quarantine JOIN batches USING (batch_id)"
        " GROUP BY ALL",
    )
    assert sorted(counts.rows()) == sorted(held)
    table = rules_by_field(counts, received=600)
    malformed = table.row(by_predicate=polars.col("rule") == "malformed_row", named=True)
    assert (malformed["rows"], malformed["days"]) == (2, 2)
    assert malformed["share"] == pytest.approx(2 / 600)
    assert (malformed["first_day"], malformed["last_day"]) == (PUBLISHED, OTHER)


def test_the_pictures_have_every_rule_and_mark_what_was_blocked(dirty: Project) -> None:
    with desk_of(dirty) as desk:
        checks = checks_of(desk)
    figure = rules_over_time(rule_counts(checks))
    assert {bar.name for bar in figure.data} == {"below_minimum", "wrong_type", "malformed_row"}
    shares = {trace.name: trace for trace in share_over_time(quarantined_shares(checks)).data}
    assert list(shares["quarantined"].y) == [0.01, 0.01]
    assert list(shares["batch blocked"].x) == [BLOCKED]
    assert set(shares["allowed"].y) == {0.05}
    marks = {trace.name: trace for trace in check_over_time(checks, "quarantined_share").data}
    assert list(marks["not passed"].y) == [1.0]


def test_the_export_has_each_row_once_as_it_came_with_all_that_it_broke(dirty: Project) -> None:
    with desk_of(dirty) as desk:
        counts = rule_counts(checks_of(desk))
        rows = rows_to_export(desk, counts, [], [])
        by_rule = rows_to_export(desk, counts, ["wrong_type"], ["income"])
    header = landing_file(dirty.settings.home_path, OTHER).read_text().splitlines()[0].split(",")
    assert rows.columns == [*header, "line", "row_number", "broken_rules"]
    assert rows.height == 6
    first = rows.row(0, named=True)
    expected = dict(zip(header, BAD_LINES[4].format(day=OTHER).split(","), strict=True))
    assert {name: first[name] for name in header} == expected
    assert first["row_number"] == 4
    assert first["broken_rules"].count("; below_minimum") + first["broken_rules"].count("below_minimum: age") == 1
    assert "wrong_type: income" in first["broken_rules"]
    assert rows["line"].drop_nulls().to_list() == [BAD_LINES[20].format(day=day) for day in (OTHER, PUBLISHED)]
    # Also what the row broke beside the rule that was chosen.
    assert by_rule["broken_rules"].str.contains("below_minimum: age").all()
    assert by_rule.height == 2


def test_a_file_of_the_export_gives_every_value_back_unaltered(dirty: Project) -> None:
    with desk_of(dirty) as desk:
        rows = rows_to_export(desk, rule_counts(checks_of(desk)), [], [])
    again = list(csv.DictReader(io.StringIO(as_csv(rows).decode())))
    # CSV has no word for nothing; in Parquet it stays apart from an empty value.
    assert again == [{name: str(value or "") for name, value in row.items()} for row in rows.to_dicts()]
    assert {"<b>45 000</b>", ""} == {row["income"] for row in again if row["row_number"] in ("4", "20")}
    assert polars.read_parquet(io.BytesIO(as_parquet(rows))).equals(rows)


def test_a_corrected_file_that_comes_back_with_our_columns_keeps_them_apart() -> None:
    row = '{"application_id":"a","broken_rules":"old"}'
    rows = polars.DataFrame(
        {"row": [row], "columns": [["application_id", "broken_rules"]], "row_number": [7], "broken_rules": ["new"]}
    )
    assert rows_for_source(rows).to_dicts() == [
        {"application_id": "a", "broken_rules": "old", "row_number": 7, "broken_rules_": "new"}
    ]


def test_columns_of_days_that_differ_are_all_exported() -> None:
    rows = polars.DataFrame(
        {
            "row": ['{"b":"1","a":""}', '{"a":null,"c":"é"}'],
            "columns": [["b", "a"], ["a", "c"]],
            "row_number": [1, 2],
            "broken_rules": ["x", "y"],
        }
    )
    exported = rows_for_source(rows)
    assert exported.columns == ["b", "a", "c", "row_number", "broken_rules"]
    assert exported.select("a", "b", "c").rows() == [("", "1", None), (None, None, "é")]


@pytest.mark.parametrize(
    ("page", "span"),
    [
        (1, Span(date(2026, 1, 3), date(2026, 1, 3))),
        # 200 records end within the second newest day, of which the first 50 are on the page before.
        (2, Span(date(2026, 1, 1), date(2026, 1, 2), 50)),
        (3, Span(date(2026, 1, 1), date(2026, 1, 1), 150)),
    ],
)
def test_a_page_is_read_from_the_days_it_is_made_of(page: int, span: Span) -> None:
    first = page == 1
    counts = counted((date(2026, 1, 1), 300), (date(2026, 1, 2), 100), (date(2026, 1, 3), 200 if first else 150))
    assert span_of_page(counts, page) == span


def test_an_export_is_read_in_spans_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "MOST_AT_ONCE", 10)
    days = [date(2026, 1, number) for number in range(1, 5)]
    counts = counted((days[0], 4), (days[1], 6), (days[2], 50), (days[3], 5))
    assert list(spans_of_export(counts)) == [Span(days[3], days[3]), Span(days[2], days[2]), Span(days[0], days[1])]


def test_pages_have_every_record_once_in_order(dirty: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "PAGE_ROWS", 3)
    with desk_of(dirty) as desk:
        counts = rule_counts(checks_of(desk))
        seen = []
        for page in (1, 2, 3):
            span = span_of_page(counts, page)
            values = {"rules": [], "fields": [], "rows": 3, "skipped": span.skipped}
            seen += desk.ask("quarantine_page", start=span.start, end=span.end, **values).to_dicts()
    keys = [(row["batch_date"], row["row_number"], row["rule"]) for row in seen]
    assert [len(keys), len(set(keys))] == [8, 8]
    assert [key[:2] for key in keys] == [(day, number) for day in (OTHER, PUBLISHED) for number in (4, 4, 9, 20)]


def test_filters_of_the_address_choose_the_rows(dirty: Project) -> None:
    app = look(
        dirty.settings.home_path,
        "data-quality",
        view="Quarantined rows",
        rule="wrong_type",
        field="income",
        day=str(OTHER),
    )
    shown = app.dataframe[-1].value
    assert shown[["rule", "field", "value"]].values.tolist() == [["wrong_type", "income", "<b>45 000</b>"]]
    assert shown["row_number"].tolist() == [4]
    assert "Broken rules 1 to 1 of 1" in said(app)


def test_a_rule_nobody_broke_is_said_to_be_none_and_left_out(dirty: Project) -> None:
    app = look(dirty.settings.home_path, "data-quality", view="Quarantined rows", rule="<b>no_such_rule</b>")
    assert "The address asks for a rule that is not there" in said(app)
    assert len(app.dataframe[0].value) == 8


def test_a_row_of_the_address_is_shown_field_by_field_with_its_rules(dirty: Project) -> None:
    home = dirty.settings.home_path
    ((batch_id,),) = query(home, f"SELECT batch_id FROM batches WHERE batch_date = DATE '{OTHER}'")
    app = look(home, "data-quality", view="Quarantined rows", row=f"{batch_id}:4")
    fields = app.dataframe[-1].value.set_index("field")
    assert fields.loc["income", "title"] == "Income"
    assert fields.loc["income", "value"] == "<b>45 000</b>"
    assert fields.loc["income", "broken_rules"].startswith("wrong_type: income is")
    assert fields.loc["age", "broken_rules"].startswith("below_minimum")
    assert fields.loc["loan_amount", "broken_rules"] == ""


@pytest.mark.parametrize("row", ["nonsense", "2026-06-25-r1-0:4", "x:99999999999999999999999", ":3", "x:²"])
def test_a_row_there_is_not_is_said_to_be_none(dirty: Project, row: str) -> None:
    if row != "2026-06-25-r1-0:4":
        assert read_row_address(row) is None
        return
    app = look(dirty.settings.home_path, "data-quality", view="Quarantined rows", row=row)
    assert "There is no quarantined row of this name" in said(app)


def test_a_choice_among_rows_is_none_among_others(dirty: Project) -> None:
    home = dirty.settings.home_path

    def key(**filters: str) -> str | None:
        return look(home, "data-quality", view="Quarantined rows", **filters).dataframe[-1].key

    # As many rows either way, and the first of them is another one.
    assert key(rule="malformed_row") != key(rule="wrong_type")
    assert key(field="age") != key(field="the line")
    assert key(day=str(OTHER)) != key(day=str(PUBLISHED))
    assert key(rule="malformed_row") == key(rule="malformed_row")


def test_a_row_links_to_all_that_is_known_of_its_application(dirty: Project) -> None:
    home = dirty.settings.home_path
    ((batch_id,),) = query(home, f"SELECT batch_id FROM batches WHERE batch_date = DATE '{OTHER}'")
    app = look(home, "data-quality", view="Quarantined rows", row=f"{batch_id}:4")
    (link,) = app.page_link
    assert link.proto.query_string == "id=x-1"
    assert "It was quarantined and never scored" in said(look(home, "application", id="x-1"))
    # A line that is no row has no id that could be read.
    assert not look(home, "data-quality", view="Quarantined rows", row=f"{batch_id}:20").page_link


def test_several_pages_are_turned_by_their_number(dirty: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "PAGE_ROWS", 3)
    monkeypatch.setattr(explorer, "PAGE_ROWS", 3)
    home = dirty.settings.home_path
    first = look(home, "data-quality", view="Quarantined rows")
    assert first.pagination[0].num_pages == 3
    assert "Broken rules 1 to 3 of 8" in said(first)
    first.pagination[0].set_value(3)
    last = again(first, home)
    assert "Broken rules 7 to 8 of 8" in said(last)
    assert last.dataframe[0].value["row_number"].tolist() == [9, 20]


@pytest.fixture
def removed(dirty: Project, tmp_path: Path) -> Path:
    """The dirty home without what one application, with two broken rules a day, left in the quarantine."""
    home = Path(shutil.copytree(dirty.settings.home_path, tmp_path / "home"))
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute("DELETE FROM quarantine WHERE application_id = 'x-1'")
    return home


def test_after_a_removal_totals_pages_and_export_have_what_is_kept(
    removed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "PAGE_ROWS", 3)
    monkeypatch.setattr(explorer, "PAGE_ROWS", 3)
    app = look(removed, "data-quality", view="Quarantined rows")
    assert "4 of the 8 broken rules that the gate found are not kept any more" in said(app)
    shown = app.dataframe[0].value["row_number"].tolist()
    app.pagination[0].set_value(2)
    app = again(app, removed)
    assert "Broken rules 4 to 4 of 4" in said(app)
    assert [*shown, *app.dataframe[0].value["row_number"]] == [9, 20, 9, 20]
    with installed(removed):
        desk = load_desk()
        counts = desk.ask("quarantine_counts", start=PUBLISHED, end=BLOCKED)
        assert rows_to_export(desk, counts, [], [])["row_number"].to_list() == [9, 20, 9, 20]


def test_a_quarantine_that_is_gone_for_its_age_says_so(removed: Path) -> None:
    with duckdb.connect(str(removed / "warehouse.duckdb")) as connection:
        connection.execute("DELETE FROM quarantine")
    app = look(removed, "data-quality", view="Quarantined rows")
    assert "8 of the 8 broken rules that the gate found are not kept any more" in said(app)
    assert not app.dataframe


def test_a_line_that_is_no_row_is_shown_whole() -> None:
    broken = polars.DataFrame(
        {"rule": ["malformed_row"], "field": [None], "message": ["2 fields"], "row": ['{"line":"a;b"}']}
    )
    assert row_by_field(broken).rows() == [("line", "a;b", "malformed_row: 2 fields")]


def test_the_day_of_the_address_shows_its_failed_checks_first(dirty: Project) -> None:
    app = look(dirty.settings.home_path, "data-quality", day=str(BLOCKED))
    assert "**Blocked**" in app.error[0].value
    checks = app.dataframe[0].value
    assert checks["verdict"].tolist()[:2] == ["✗ blocks the batch", "✗ blocks the batch"]
    assert {"Quarantined share", "Accepted rows"} == set(checks["check"][:2])
    share = checks[checks["check"] == "Quarantined share"].iloc[0]
    assert (share["found"], share["limit"], share["severity"]) == ("100.00%", "at most 5.00%", "critical")
    assert checks["verdict"].tolist()[-2:] == ["✓ passed", "counted"]


def test_the_broken_rows_of_a_blocked_batch_are_offered_or_said_to_be_gone(dirty: Project) -> None:
    home = dirty.settings.home_path
    (path,) = (home / "reports").glob("blocked_*.csv")
    app = look(home, "data-quality", view="Gate")
    assert "Broken rows with their rules (CSV)" in downloads_of(app)
    aside = path.rename(path.with_suffix(".aside"))
    try:
        app = look(home, "data-quality", view="Gate")
    finally:
        aside.rename(path)
    assert "Broken rows with their rules (CSV)" not in downloads_of(app)
    assert str(path) in said(app)


def test_a_published_day_without_warnings_is_said_to_be_published(lender: Project) -> None:
    app = look(lender.settings.home_path, "data-quality", LENDINGCLUB, day=str(DAYS[0]))
    assert "**Published**" in app.success[0].value
    assert "No row of a published batch broke a rule" in said(app)


def test_only_what_was_not_passed_is_listed_if_wanted(dirty: Project) -> None:
    home = dirty.settings.home_path
    every = look(home, "data-quality", view="Gate").dataframe[-1].value
    failed = look(home, "data-quality", view="Gate", failed="true").dataframe[-1].value
    assert "✓ passed" in set(every["verdict"])
    assert set(failed["verdict"]) == {"✗ blocks the batch", "counted"}
    counts = look(home, "data-quality", view="Gate", severity="info").dataframe[-1].value
    assert set(counts["verdict"]) == {"counted"}


@pytest.mark.parametrize(("view", "name"), [("Gate", "check"), ("Gate", "severity"), ("Monitors", "monitor")])
def test_what_there_is_not_to_choose_is_said_to_be_none(dirty: Project, view: str, name: str) -> None:
    app = look(dirty.settings.home_path, "data-quality", **{"view": view, name: "nonsense"})
    assert f"The address asks for a {name} that is not there" in said(app)


def test_monitors_are_chosen_by_the_titles_of_the_contract(lender: Project) -> None:
    app = look(lender.settings.home_path, "data-quality", LENDINGCLUB, view="Monitors", monitor="unseen_share:purpose")
    assert app.selectbox[0].value == "unseen_share:purpose"
    assert "Unseen share: Purpose" in app.selectbox[0].options
    assert "Nothing." in said(app)


def test_what_monitors_flagged_is_drawn_and_listed() -> None:
    seen = polars.DataFrame(
        {
            "batch_date": [PUBLISHED, OTHER, OTHER],
            "name": ["quarantined_share:missing:income", "volume", "quarantined_share:missing:age"],
            "value": [0.5, 100.0, 0.1],
            "expected": [0.1, None, None],
            "threshold": [0.2, None, None],
            "flagged": [True, False, False],
        }
    )
    # A rule that nothing broke on a day leaves no record of it.
    own = of_monitor(seen, "quarantined_share:missing:income")
    assert own.select("batch_date", "value", "flagged").rows() == [(PUBLISHED, 0.5, True), (OTHER, 0.0, False)]
    traces = {trace.name: trace for trace in monitor_over_time(own, "quarantined_share").data}
    assert list(traces["flagged"].x) == [PUBLISHED]
    assert list(traces["observed"].y) == [0.5, 0.0]
    assert of_monitor(seen, "volume").height == 1


def test_a_day_on_which_nothing_was_judged_is_said_to_be_one(drifted: Project, dirty: Project) -> None:
    home = dirty.settings.home_path
    app = look(home, "data-quality", **{"span": "Dates", "from": str(BLOCKED), "to": str(PUBLISHED)})
    assert "choose dates the other way round" in said(app)
    only = look(home, "data-quality", **{"span": "Dates", "from": str(OTHER), "to": str(OTHER)})
    assert {item.label: item.value for item in only.metric}["Batches published"] == "1"
    quiet = look(home, "data-quality", view="Quarantined rows", day=str(BLOCKED))
    assert "No row of a published batch is quarantined on" in said(quiet)


@pytest.mark.parametrize("day", ["2020-01-01", "nonsense"])
def test_a_day_of_the_address_that_is_none_is_said_to_be_none(dirty: Project, day: str) -> None:
    home = dirty.settings.home_path
    app = look(home, "data-quality", day=day)
    assert "The address asks for a day that is none from" in said(app)
    assert app.metric
    with_day = look(home, "data-quality", day=str(BLOCKED))
    with_day.date_input[0].set_value(None)
    cleared = again(with_day, home)
    assert "The gate on" not in said(cleared)
    assert "The address asks for" not in said(cleared)
