import json
import math
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import LandingError
from schemas.settings import Settings
from tasks.gate import judge_source
from tasks.project import Project
from tasks.staging import staging_for
from tests.contracts.everything import ROW
from tests.tasks.batches import COLUMNS, CONTRACT, DAY, batch_at, judge_file, new_project, publish_file, write_rows
from tests.tasks.source.files import chunked


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "applications_2026-06-30.csv"


def test_good_rows_are_accepted_and_typed(project: Project, file: Path) -> None:
    found = judge_file(project, write_rows(file, [{}, {"savings": "12.5", "owns_home": "no"}]))
    assert found.verdict.failures == []
    assert (found.verdict.rows.received, found.verdict.rows.scored, found.verdict.rows.quarantined) == (2, 2, 0)
    assert found.ids == ["a1", "a2"]
    row = found.accepted.row(1, named=True)
    assert (row["income"], row["savings"], row["dependants"], row["owns_home"]) == (30000.5, 12.5, 2, False)
    assert (row["customer_since"], row["region"]) == (date(2020, 2, 29), "north")


def test_the_batch_date_stands_for_an_application_date_that_a_source_does_not_have(
    project: Project, file: Path
) -> None:
    assert judge_file(project, write_rows(file, [{}])).accepted["application_date"].to_list() == [DAY]
    rows = [{"application_date": "2026-06-29"}, {"application_date": "2026-07-01"}]
    found = judge_file(project, write_rows(file, rows, [*COLUMNS, "application_date"]))
    assert found.accepted["application_date"].to_list() == [date(2026, 6, 29)]
    assert found.rules == [(2, "application_date", "after_batch_date")]


def test_every_bad_row_is_quarantined_with_part_rule_value_and_raw_row(project: Project, file: Path) -> None:
    write_rows(file, [{}] * 60 + [{"age": "17", "region": "west"}, {"income": "1e400"}])
    with file.open("a") as end:
        end.write("short,line\n")
    found = judge_file(project, file)
    assert found.verdict.failures == []
    assert found.rules == [
        (61, "age", "below_minimum"),
        (61, "region", "unknown_category"),
        (62, "income", "not_finite"),
        (63, None, "malformed_row"),
    ]
    assert found.quarantined["source"].unique().to_list() == [file.name]
    assert found.quarantined["value"].to_list() == ["17", "west", "1e400", "short,line"]
    assert json.loads(found.quarantined["row"][0]) == {"application_id": "a61", **ROW, "age": "17", "region": "west"}
    assert found.verdict.rows.quarantined == 3


def test_broken_rules_are_counted_by_rows(project: Project, file: Path) -> None:
    write_rows(file, [{}] * 60 + [{"age": "17"}, {"age": "17"}, {"application_id": "a1"}])
    found = {item.check_name: item for item in judge_file(project, file).verdict.results if item.severity == "info"}
    assert {name: item.observed for name, item in found.items()} == {
        "below_minimum:age": 2,
        "duplicate_id:application_id": 1,
    }


def test_too_many_bad_rows_block_the_batch_with_examples(project: Project, file: Path) -> None:
    found = judge_file(project, write_rows(file, [{}] * 10 + [{"age": "x"}]))
    assert found.verdict.failures == [
        "1 of 11 rows quarantined (9.09%); at most 5.00% allowed",
        f"{file.name}, row 11: age is 'x'; expected a whole number with nothing between the thousands (wrong_type)",
    ]


def test_a_file_of_a_header_is_blocked(project: Project, file: Path) -> None:
    found = judge_file(project, write_rows(file, []))
    assert found.verdict.rows.received == 0
    assert found.verdict.failures == ["the file has a header and no rows; at least 1 accepted rows are needed"]


def test_a_file_of_a_header_is_blocked_when_other_dates_are_published(project: Project, file: Path) -> None:
    publish_file(project, write_rows(file, [{}]), date(2026, 6, 29))
    found = judge_file(project, write_rows(file, []))
    assert found.verdict.failures == ["the file has a header and no rows; at least 1 accepted rows are needed"]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\x00\x01\x02", b"PAR1", "application_id".encode("utf-16")])
def test_a_file_that_cannot_be_read_is_refused_as_a_whole(project: Project, file: Path, content: bytes) -> None:
    file.write_bytes(content)
    found = judge_file(project, file)
    assert [(item.check_name, item.severity) for item in found.verdict.results] == [("readable", "critical")]
    assert (found.verdict.rows.received, found.accepted.height) == (0, 0)
    assert file.name in found.verdict.failures[0]


def test_a_file_that_breaks_off_behind_good_rows_is_refused_as_a_whole(project: Project, tmp_path: Path) -> None:
    whole = write_rows(tmp_path / "a.csv", [{"employer": f"E{number * 7919}"} for number in range(500)])
    truncated = tmp_path / "applications_2026-06-30.parquet"
    polars.read_csv(whole, infer_schema=False).write_parquet(truncated, row_group_size=100)
    data = bytearray(truncated.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 500] = b"\xff" * 500
    truncated.write_bytes(data)
    with chunked(10):
        found = judge_file(project, truncated)
    assert [item.check_name for item in found.verdict.results] == ["readable"]
    assert found.verdict.rows.received == 0


def test_missing_columns_are_all_named(project: Project, file: Path) -> None:
    columns = [name for name in COLUMNS if name not in ("age", "region")]
    found = judge_file(project, write_rows(file, [{}], columns))
    assert [item.check_name for item in found.verdict.results] == ["columns_present"]
    assert "missing columns: age, region; the file has application_id, income" in found.verdict.failures[0]


def test_unknown_columns_are_kept_out_and_reported(project: Project, file: Path) -> None:
    found = judge_file(project, write_rows(file, [{"colour": "red"}], [*COLUMNS, "colour"]))
    assert found.verdict.failures == []
    assert "columns the contract does not know, kept out: colour" in found.verdict.warnings
    assert "colour" not in found.accepted.columns


@pytest.mark.parametrize("name", ["row_number", "position", "line", "source", "rule", "batch_id", "score", "first", ""])
def test_an_unknown_column_may_have_any_name(project: Project, file: Path, name: str) -> None:
    write_rows(file, [{}, {"age": "x"}, {"application_id": "a1"}, {"employer": '"'}], [*COLUMNS, name])
    found = judge_file(project, file)
    assert found.rules == [
        (2, "age", "wrong_type"),
        (3, "application_id", "duplicate_id"),
        (4, "employer", "wrong_pattern"),
    ]
    assert found.ids == ["a1"]


def test_columns_may_stand_in_any_order(project: Project, file: Path) -> None:
    found = judge_file(project, write_rows(file, [{"age": "44"}], COLUMNS[::-1]))
    assert (found.ids, found.accepted["age"].to_list()) == (["a1"], [44])


def test_joined_parts_are_one_batch_and_a_header_between_them_is_quarantined(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "applications_2026-06-30"
    folder.mkdir()
    rows = [{"application_id": f"b{number}"} for number in range(30)]
    write_rows(folder / "1.csv", rows)
    first = write_rows(tmp_path / "first.csv", [{"application_id": f"c{number}"} for number in range(15)]).read_text()
    second = write_rows(tmp_path / "second.csv", [{"application_id": f"d{number}"} for number in range(15)]).read_text()
    (folder / "2.csv").write_text(first + second)
    found = judge_file(project, folder)
    assert found.verdict.failures == []
    assert found.rules == [(46, "application_id", "repeated_header")]
    assert found.quarantined["source"].to_list() == ["2.csv"]
    assert found.verdict.rows.scored == 60


def test_mostly_old_applications_and_missing_values_warn(project: Project, file: Path) -> None:
    old = str(DAY - timedelta(days=32))
    edge = str(DAY - timedelta(days=31))  # exactly as old as an application may be
    columns = [*COLUMNS, "application_date"]
    row = {"savings": "1", "owns_home": "1"}
    found = judge_file(
        project, write_rows(file, [row | {"application_date": old}, row | {"application_date": edge}], columns)
    )
    assert found.verdict.warnings == []
    found = judge_file(project, write_rows(file, [{"application_date": old}] * 1, columns))
    assert [warning.split(" ")[0] for warning in found.verdict.warnings] == ["savings", "owns_home", "100.0%"]


def test_row_counts_are_compared_with_the_published_batches_before_the_date(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for number in range(10):
        day = DAY - timedelta(days=10 - number)
        rows = [{"application_id": f"{number}-{row}"} for row in range(20)]
        publish_file(project, write_rows(path, rows), day)
    few = judge_file(project, write_rows(path, [{}])).verdict
    assert few.failures == ["1 rows; the median of the last 10 published batches is 20, at least 2 expected"]
    # Two rows are a tenth; and on the day of the last of the ten, only nine lie before.
    assert judge_file(project, write_rows(path, [{}, {}])).verdict.failures == []
    assert judge_file(project, write_rows(path, [{}]), DAY - timedelta(days=1)).verdict.failures == []


def test_the_verdict_names_the_batches_it_was_compared_with(project: Project, file: Path) -> None:
    published = publish_file(project, write_rows(file, [{}]), date(2026, 6, 29))
    other = write_rows(file, [{"application_id": "b1"}])
    assert judge_file(project, other).verdict.compared_with == {published.batch_id}
    assert judge_file(project, other, date(2026, 6, 29)).verdict.compared_with == frozenset()


def judged_after(project: Project, file: Path, change: Any) -> None:
    """Judges a file that was changed after its content was hashed."""
    batch = batch_at(write_rows(file, [{}]))
    change(file)
    with staging_for(project.settings.path("staging"), DAY) as staging:
        judge_source(project, batch, staging)


@pytest.mark.parametrize(
    "change",
    [
        lambda path: write_rows(path, [{}, {}]),
        lambda path: path.write_text(path.read_text().replace("35", "36")),
        # What is left is no file of applications; the verdict would be on other bytes than were hashed.
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("application_id\n"),
        lambda path: path.unlink(),
    ],
    ids=["longer", "as long", "emptied", "other columns", "gone"],
)
def test_a_file_that_was_changed_while_it_was_read_is_an_error_and_no_verdict(
    project: Project, file: Path, change: Any
) -> None:
    with pytest.raises(LandingError, match=file.name):
        judged_after(project, file, change)


def test_a_part_that_joins_the_folder_while_it_is_read_is_an_error_and_no_verdict(
    project: Project, tmp_path: Path
) -> None:
    folder = tmp_path / f"applications_{DAY}"
    folder.mkdir()
    write_rows(folder / "part-1.csv", [{}])
    batch = batch_at(folder)
    write_rows(folder / "part-2.csv", [{"application_id": "b1"}])
    with staging_for(project.settings.path("staging"), DAY) as staging, pytest.raises(LandingError, match=folder.name):
        judge_source(project, batch, staging)


def test_the_limits_of_the_settings_apply(tmp_path: Path, file: Path) -> None:
    new_project(tmp_path)
    lenient = Project(Settings(home=str(tmp_path), gate_max_quarantined_share=0.5), CONTRACT)
    write_rows(file, [{}, {"age": "x"}])
    assert judge_file(lenient, file).verdict.failures == []


# Cells with what they are read as; those of `BAD` break a rule.
GOOD: dict[str, dict[str, object]] = {
    "income": {"30000.5": 30000.5, "5e-324": 5e-324, " 1 ": 1.0, "999999.99": 999999.99},
    "price": {"1": 1.0, "50000": 50000.0, "1e3": 1000.0},
    "savings": {"": None, "0": 0.0, "12.50": 12.5, "\u00a07": 7.0},
    "dependants": {"0": 0, "20.0": 20, "+3": 3},
    "age": {"18": 18, "100": 100, "35.0": 35},
    "has_account": {"yes": True, "FALSE": False, "1": True},
    "owns_home": {"": None, "no": False},
    "customer_since": {"2024-02-29": date(2024, 2, 29), "2026-06-30": DAY},
    "due_on": {"": None, "2099-12-31": date(2099, 12, 31), "2027-01-01 00:00:00": date(2027, 1, 1)},
    "region": {"north": "north", " overseas ": "overseas"},
    "employer": {"": None, "É": "É", "A" * 20: "A" * 20, 'Ann "A", Ltd': 'Ann "A", Ltd'},
    "channel": {"web": "web", "ab": "ab", "0123456789": "0123456789"},
}
GOOD["employer"].pop("É")  # outside A to Z
BAD: dict[str, list[str]] = {
    "income": ["0", "1000000", "", "nan", "1e400", "1,5", "x", "1 000"],
    "price": ["0.99", "50000.01", "", "-inf", "1'000"],
    "savings": ["-0.01", "some", "NaN"],
    "dependants": ["-1", "21", "", "1.5", "9223372036854775808"],
    "age": ["17", "101", "", "x", "18,0", "17.9999"],
    "has_account": ["", "2", "maybe"],
    "owns_home": ["?", "2"],
    "customer_since": ["", "2026-07-01", "2023-02-29", "30/06/2026"],
    "due_on": ["soon", "2027-01-01 12:00:00"],
    "region": ["", "West", "NORTH", "é"],
    "employer": ["ann", "A" * 21, "A\0", "9"],
    "channel": ["", "x", "01234567890", "a\x85b"],
}
NO_LINES = ["", "a,b", "," * (len(COLUMNS) - 2), "," * len(COLUMNS), 'a,"b' + "," * (len(COLUMNS) - 2), '"', "x"]


def cell(name: str) -> st.SearchStrategy[str]:
    good = st.sampled_from(sorted(GOOD[name]))
    return st.one_of([good] * 12 + [st.sampled_from(BAD[name])])


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if "," in text or '"' in text else text


ROWS = st.fixed_dictionaries(
    {"application_id": st.sampled_from(["a1", "a2", "a3", "a4", "a5", "a6", " a1 ", ""])}
    | {name: cell(name) for name in ROW}
)
LINES = st.lists(st.one_of([ROWS] * 5 + [st.sampled_from(NO_LINES)]), max_size=10)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that nothing is published to."""
    return new_project(tmp_path_factory.mktemp("shared"))


def test_the_good_cells_are_good_and_each_of_the_bad_ones_is_bad(shared: Project, tmp_path: Path) -> None:
    good = [{name: text} for name, texts in GOOD.items() for text in texts]
    found = judge_file(shared, write_rows(tmp_path / "a.csv", good))
    assert found.rules == []
    bad = [{name: text} for name, texts in BAD.items() for text in texts]
    found = judge_file(shared, write_rows(tmp_path / "a.csv", bad))
    assert sorted({(number, field) for number, field, _ in found.rules}) == [
        (number, next(iter(row))) for number, row in enumerate(bad, 1)
    ]


@settings(max_examples=60, deadline=None)
@given(lines=LINES, size=st.sampled_from([300, 1 << 24]))
def test_every_row_is_either_accepted_within_every_bound_or_quarantined(
    shared: Project, tmp_path_factory: pytest.TempPathFactory, lines: list[dict[str, str] | str], size: int
) -> None:
    texts = [line if isinstance(line, str) else ",".join(quoted(line[name]) for name in COLUMNS) for line in lines]
    file = tmp_path_factory.mktemp("lines") / "a.csv"
    file.write_text("\n".join([",".join(COLUMNS), *texts]), encoding="utf-8")
    with chunked(size):
        found = judge_file(shared, file)
    received = [line for line in lines if line != ""]  # blank lines are no rows
    accepted = found.accepted["row_number"].to_list()
    quarantined = set(found.quarantined["row_number"].to_list())
    counts = found.verdict.rows
    assert (counts.received, counts.scored, counts.quarantined) == (len(received), len(accepted), len(quarantined))
    assert sorted([*accepted, *quarantined]) == list(range(1, len(received) + 1))
    assert found.quarantined.height == len(set(found.rules))
    assert accepted == [number for number in range(1, len(received) + 1) if is_good(received, number)]
    for row in found.accepted.iter_rows(named=True):
        assert_within_bounds(row)
        written = received[row["row_number"] - 1]
        assert isinstance(written, dict)
        assert row["application_id"] == written["application_id"].strip()
        assert {name: row[name] for name in ROW} == {name: GOOD[name][written[name]] for name in ROW}


def is_good(lines: list[dict[str, str] | str], number: int) -> bool:
    """Whether a line is a row of good cells whose id no earlier row has."""
    line, *earlier = reversed(lines[:number])
    if isinstance(line, str):
        return False
    identifier = line["application_id"].strip()
    known = {other["application_id"].strip() for other in earlier if isinstance(other, dict)}
    return identifier not in ("", *known) and all(line[name] in GOOD[name] for name in ROW)


def assert_within_bounds(row: dict[str, Any]) -> None:
    """The bounds of the contract, written out once more."""
    assert 1 <= len(row["application_id"]) <= 100
    assert row["application_date"] == DAY
    assert 0 < row["income"] < 1_000_000
    assert 1 <= row["price"] <= 50_000
    assert row["savings"] is None or (row["savings"] >= 0 and math.isfinite(row["savings"]))
    assert 0 <= row["dependants"] <= 20
    assert 18 <= row["age"] <= 100
    assert row["has_account"] in (True, False)
    assert row["owns_home"] in (True, False, None)
    assert row["customer_since"] <= DAY
    assert row["due_on"] is None or isinstance(row["due_on"], date)
    assert row["region"] in ("north", "south", "overseas")
    assert row["employer"] is None or (len(row["employer"]) <= 20 and "A" <= row["employer"][0] <= "Z")
    assert 2 <= len(row["channel"]) <= 10
