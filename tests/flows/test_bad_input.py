"""Files as they should never arrive, through a whole day: what is published of them, and what is on the record."""

import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import polars
import pytest

from flows.__main__ import BLOCKED
from schemas.batch import Published
from schemas.errors import BatchBlocked, LandingError
from tasks.project import Project
from tests.body import run_day
from tests.flows.commands import assert_refused, run_here
from tests.flows.homes import DAYS, landing_file, new_home, project_at, query

DAY = DAYS[-1]
HEADER = "application_id,application_date,age,income,loan_amount,employment_length,credit_score"
# As many that two bad ones among them are less than the 5 % at which a batch is blocked.
GOOD = [
    f"a{number},{DAY},{20 + number},{20_000 + 900 * number},9000,{number / 4},{500 + number}" for number in range(60)
]
GOOD_BYTES = "\n".join([HEADER, *GOOD, ""]).encode()

# Rows received are rows scored and quarantined, and the tables hold as many of each; of a blocked batch they hold none.
UNBALANCED = """
SELECT
    batches,
    (SELECT count(*) FROM applications WHERE applications.batch_id = batches.batch_id) AS applications,
    (SELECT count(*) FROM scores WHERE scores.batch_id = batches.batch_id) AS scores,
    (SELECT count(*) FROM quarantine WHERE quarantine.batch_id = batches.batch_id) AS quarantine,
    (SELECT count(DISTINCT row_number) FROM quarantine WHERE quarantine.batch_id = batches.batch_id) AS quarantined
FROM batches
WHERE
    rows_received <> rows_scored + rows_quarantined
    OR status = 'blocked' AND (applications > 0 OR scores > 0 OR quarantine > 0)
    OR status <> 'blocked' AND (applications <> rows_scored OR scores <> rows_scored OR quarantined <> rows_quarantined)
"""

Rule = tuple[int, str, str | None]


@dataclass(frozen=True)
class Found:
    """What became of a file, with the words of the error if it was not published."""

    home: Path
    published: Published | None
    message: str = ""

    @property
    def rules(self) -> list[Rule]:
        """Row number, rule and field of every record in the quarantine."""
        question = "SELECT row_number, rule, field FROM quarantine ORDER BY row_number, rule, field"
        return [(number, rule, field) for number, rule, field in query(self.home, question)]


@pytest.fixture
def home(portfolio: Path, tmp_path: Path) -> Path:
    return new_home(portfolio, tmp_path / "home", days=[])


@pytest.fixture
def project(portfolio: Path, home: Path) -> Project:
    """The project in the test's own home, with a model that all tests here load once."""
    return project_at(home, models=str(portfolio / "models"))


def run(project: Project) -> Found:
    """Runs the day, and checks what holds whatever the file was."""
    home = project.settings.home_path
    try:
        found = Found(home, run_day(project, DAY))
    except BatchBlocked as error:
        found = Found(home, None, str(error))
        assert ("blocked",) in query(home, f"SELECT status FROM batches WHERE batch_date = '{DAY}'")
    assert query(home, UNBALANCED) == []
    assert list((home / "staging").iterdir()) == []
    return found


def run_lines(project: Project, lines: Sequence[str], header: str = HEADER) -> Found:
    path = landing_file(project.settings.home_path, DAY)
    path.write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    return run(project)


def parquet(path: Path) -> Path:
    polars.read_csv(GOOD_BYTES, infer_schema=False).write_parquet(path, row_group_size=20)
    return path


def line(**values: str) -> str:
    """A good line, with other values in some columns."""
    whole = dict(zip(HEADER.split(","), ["bad", str(DAY), "40", "40000", "9000", "5", "650"], strict=True))
    return ",".join((whole | values).values())


LONG = "x" * 10_000
TOMORROW = str(DAY + timedelta(days=1))


@pytest.mark.parametrize(
    ("bad", "rules", "value"),
    [
        (line(income="NaN"), [("not_finite", "income")], "NaN"),
        (line(income="inf"), [("not_finite", "income")], "inf"),
        (line(loan_amount="-Infinity"), [("not_finite", "loan_amount")], "-Infinity"),
        (line(income="1e400"), [("not_finite", "income")], "1e400"),
        (line(age="nan"), [("not_finite", "age")], "nan"),
        (line(age="1e400"), [("not_finite", "age")], "1e400"),
        (line(income='"40,000"'), [("wrong_type", "income")], "40,000"),
        (line(income="40 000"), [("wrong_type", "income")], "40 000"),
        (line(income="40\u202f000"), [("wrong_type", "income")], "40\u202f000"),
        (line(income="40'000"), [("wrong_type", "income")], "40'000"),
        (line(income="40_000"), [("wrong_type", "income")], "40_000"),
        (line(income="0x10"), [("wrong_type", "income")], "0x10"),
        (line(income="\u0664\u0660\u0660\u0660\u0660"), [("wrong_type", "income")], "\u0664\u0660\u0660\u0660\u0660"),
        (line(age="40.5"), [("wrong_type", "age")], "40.5"),
        (line(age="9" * 400), [("not_finite", "age")], "9" * 400),
        (line(application_date=TOMORROW), [("after_batch_date", "application_date")], TOMORROW),
        (line(application_date="9999-12-31"), [("after_batch_date", "application_date")], "9999-12-31"),
        (line(application_date="30/06/2026"), [("wrong_type", "application_date")], "30/06/2026"),
        (line(application_date=""), [("missing", "application_date")], ""),
        (line(credit_score=LONG), [("wrong_type", "credit_score")], LONG),
        (line(application_id=LONG), [("too_long", "application_id")], LONG),
        (line(application_id=""), [("missing", "application_id")], ""),
        (line(application_id=" \t "), [("missing", "application_id")], " \t "),
        (line(application_id="b\0ad"), [("invalid_text", "application_id")], "b\0ad"),
        (line(income="4\x00000"), [("wrong_type", "income")], "4\x00000"),
        (line(age="17"), [("below_minimum", "age")], "17"),
        (line(age="17", income="-1"), [("below_minimum", "age"), ("below_minimum", "income")], "17"),
        (line(application_id="a7"), [("duplicate_id", "application_id")], "a7"),
        (line(application_id=" a7 "), [("duplicate_id", "application_id")], " a7 "),
        (HEADER, [("repeated_header", "application_id")], "application_id"),
        ('bad,"never closed,40', [("malformed_row", None)], 'bad,"never closed,40'),
        (line() + ",more", [("malformed_row", None)], line() + ",more"),
        ("bad", [("malformed_row", None)], "bad"),
        ("\0" * 40, [("malformed_row", None)], "\0" * 40),
        ("=cmd|' /C calc'!A0", [("malformed_row", None)], "=cmd|' /C calc'!A0"),
    ],
    ids=lambda value: value[:40].encode("unicode_escape").decode() if isinstance(value, str) else "",
)
def test_a_bad_row_is_quarantined_with_number_rule_and_raw_row_and_the_others_are_scored(
    project: Project, bad: str, rules: list[tuple[str, str | None]], value: str
) -> None:
    found = run_lines(project, [*GOOD[:30], bad, *GOOD[30:]])
    assert found.published is not None, found.message
    rows = found.published.rows
    assert (rows.received, rows.scored, rows.quarantined) == (61, 60, 1)
    assert found.rules == [(31, rule, field) for rule, field in rules]
    values, raw = query(found.home, "SELECT list(value ORDER BY field), any_value(row) FROM quarantine")[0]
    assert values[0] == value
    # The raw row is JSON of the columns, or of the line if it is not a row at all.
    held = json.loads(raw)
    assert held["line"] == bad if "line" in held else list(held) == HEADER.split(",")
    assert value in held.values()
    assert query(found.home, "SELECT count(*) FROM scores WHERE application_id LIKE '%bad%'") == [(0,)]


def test_an_open_quote_costs_its_own_row_and_not_those_behind_it(project: Project) -> None:
    found = run_lines(project, ['b1,"open', *GOOD, 'b2,2026-06-30,40,"40'])
    assert found.published is not None
    assert found.rules == [(1, "malformed_row", None), (62, "malformed_row", None)]
    assert found.published.rows.scored == 60


def test_an_application_of_another_day_is_not_scored_twice(project: Project) -> None:
    earlier = DAYS[-2]
    moved = [row.replace(str(DAY), str(earlier)) for row in GOOD]
    landing_file(project.settings.home_path, earlier).write_text("\n".join([HEADER, *moved[:2], ""]))
    assert run_day(project, earlier).rows.scored == 2
    found = run_lines(project, GOOD)
    assert found.rules == [(1, "already_scored", "application_id"), (2, "already_scored", "application_id")]
    messages = query(found.home, "SELECT DISTINCT message FROM quarantine")
    assert messages == [(f"the application is scored in the batch of {earlier}",)]


def test_unknown_columns_are_kept_out_and_reported_and_the_batch_is_published(project: Project) -> None:
    found = run_lines(project, [f"{row},blue" for row in GOOD], f"{HEADER},colour")
    assert found.published is not None
    reported = "SELECT severity, passed, message FROM gate_results WHERE check_name = 'unknown_columns'"
    assert query(found.home, reported) == [
        ("warning", False, "columns the contract does not know, kept out: colour"),
    ]
    columns = {name for (name, *_) in query(found.home, "DESCRIBE applications")}
    assert "colour" not in columns


def test_too_many_bad_rows_block_the_batch_and_a_csv_names_every_one(project: Project) -> None:
    bad = [line(application_id=f"b{number}", age="17" if number % 2 else "x") for number in range(40)]
    broken = [*bad, "short,line", line(application_id="a1")]
    found = run_lines(project, [*GOOD, *broken])
    assert found.published is None
    name = landing_file(found.home, DAY).name
    for words in (name, "42 of 102 rows quarantined (41.18%)", f"{name}, row 61: age is 'x'", "(wrong_type)"):
        assert words in found.message
    (saved,) = (found.home / "reports").glob("blocked_*.csv")
    assert str(saved) in found.message
    listed = polars.read_csv(saved, infer_schema=False)
    assert listed["row_number"].cast(polars.Int64).to_list() == list(range(61, 103))
    assert listed["rule"].unique().sort().to_list() == ["below_minimum", "duplicate_id", "malformed_row", "wrong_type"]
    assert listed.row(-2, named=True)["row"] == '{"line":"short,line"}'
    assert query(found.home, "SELECT rows_received, rows_scored, rows_quarantined FROM batches") == [(102, 0, 102)]


def test_a_corrected_file_is_published_beside_the_verdict_on_the_bad_one(project: Project) -> None:
    assert run_lines(project, ["?"] * 10).published is None
    found = run_lines(project, GOOD)
    assert found.published is not None
    assert found.published.revision == 2
    statuses = query(found.home, "SELECT revision, status FROM batches ORDER BY revision")
    assert statuses == [(1, "blocked"), (2, "published")]


def test_a_bad_correction_leaves_the_published_revision_in_force(project: Project) -> None:
    assert run_lines(project, GOOD).published is not None
    assert run_lines(project, ["?"] * 10).published is None
    scored = query(project.settings.home_path, "SELECT count(*), min(batch_id) FROM current_scores")
    assert scored[0][0] == 60
    assert "-r1-" in scored[0][1]


def without(*names: str) -> bytes:
    frame = polars.read_csv(GOOD_BYTES, infer_schema=False).drop(names)
    return frame.write_csv().encode()


def truncated_parquet(tmp_path: Path) -> bytes:
    data = parquet(tmp_path / "whole.parquet").read_bytes()
    return data[: len(data) * 2 // 3]


RUBBISH = bytes(range(256)) * 64
WHOLE_FILES: list[tuple[str, str, Callable[[Path], bytes], list[str]]] = [
    ("empty", ".csv", lambda _: b"", ["is empty"]),
    ("empty gzip", ".csv.gz", lambda _: gzip.compress(b""), ["is empty"]),
    ("no bytes of gzip", ".csv.gz", lambda _: b"", ["is empty"]),
    ("empty Parquet", ".parquet", lambda _: b"", ["cannot be read as Parquet"]),
    ("blank lines", ".csv", lambda _: b"\n \r\n\n", ["is empty"]),
    ("header", ".csv", lambda _: HEADER.encode(), ["the file has a header and no rows"]),
    ("no header", ".csv", lambda _: "\n".join(GOOD).encode(), ["the first line has no column application_id"]),
    ("missing columns", ".csv", lambda _: without("age", "income"), ["missing columns: age, income"]),
    ("missing id", ".csv", lambda _: without("application_id"), ["the first line has no column application_id"]),
    ("column twice", ".csv", lambda _: f"{HEADER},age\n".encode(), ["the header names age more than once"]),
    ("delimiter", ".csv", lambda _: GOOD_BYTES.replace(b",", b"|"), ["separated by comma, semicolon or tab"]),
    ("rubbish", ".csv", lambda _: RUBBISH, ["not text"]),
    ("rubbish gzip", ".csv.gz", lambda _: RUBBISH, ["gzip"]),
    ("rubbish Parquet", ".parquet", lambda _: RUBBISH, ["cannot be read as Parquet"]),
    ("NUL bytes", ".csv", lambda _: b"\0" * 5_000, ["NUL bytes"]),
    ("UTF-16", ".csv", lambda _: GOOD_BYTES.decode().encode("utf-16"), ["UTF-16"]),
    ("truncated gzip", ".csv.gz", lambda _: gzip.compress(GOOD_BYTES)[:-40], ["breaks off or is damaged"]),
    ("damaged gzip", ".csv.gz", lambda _: gzip.compress(GOOD_BYTES)[:-8] + b"\0" * 8, ["breaks off or is damaged"]),
    ("truncated Parquet", ".parquet", truncated_parquet, ["cannot be read as Parquet"]),
    ("text named Parquet", ".parquet", lambda _: GOOD_BYTES, ["cannot be read as Parquet"]),
    ("gzip named CSV", ".csv", lambda _: gzip.compress(GOOD_BYTES), ["gzip data; name it .csv.gz"]),
    ("text named gzip", ".csv.gz", lambda _: GOOD_BYTES, ["gzip"]),
    ("Parquet named CSV", ".csv", lambda path: parquet(path / "p.parquet").read_bytes(), ["Parquet data"]),
    ("open quote in the header", ".csv", lambda _: b'application_id,"age\n', ["the quotes of the header line"]),
]


@pytest.mark.parametrize(
    ("suffix", "content", "words"),
    [pytest.param(*case, id=name) for name, *case in WHOLE_FILES],
)
def test_a_file_that_is_no_file_of_applications_is_blocked_by_name(
    project: Project, tmp_path: Path, suffix: str, content: Callable[[Path], bytes], words: list[str]
) -> None:
    path = project.settings.path("landing") / f"applications_{DAY}{suffix}"
    path.write_bytes(content(tmp_path))
    found = run(project)
    assert found.published is None
    for word in (f"the batch of {DAY} ({path.name}) is blocked", *words):
        assert word in found.message
    # Judged again the verdict is the same, and is on the record once.
    assert run(project).message == found.message


@pytest.mark.parametrize("suffix", [".csv.gz", ".parquet"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_of_a_folder_with_a_part_that_breaks_off_nothing_is_published(
    project: Project, tmp_path: Path, suffix: str, share: float
) -> None:
    folder = project.settings.path("landing") / f"applications_{DAY}"
    folder.mkdir()
    (folder / "1.csv").write_bytes(GOOD_BYTES)
    whole = gzip.compress(GOOD_BYTES)
    if suffix == ".parquet":
        whole = parquet(tmp_path / "whole.parquet").read_bytes()
    (folder / f"2{suffix}").write_bytes(whole[: int(len(whole) * share)])
    found = run(project)
    assert found.published is None
    assert f"({folder.name}) is blocked" in found.message
    assert f"2{suffix}" in found.message


def test_a_part_damaged_behind_bad_rows_does_not_pass_a_part_of_them_off_as_all(
    project: Project, tmp_path: Path
) -> None:
    folder = project.settings.path("landing") / f"applications_{DAY}"
    folder.mkdir()
    (folder / "1.csv").write_text("\n".join([HEADER, *GOOD[:30], line(age="17"), ""]))
    frame = polars.read_csv(GOOD_BYTES, infer_schema=False)[30:]
    frame.write_parquet(folder / "2.parquet", compression="uncompressed", statistics=False)
    data = (folder / "2.parquet").read_bytes()
    # The page header of the column income, which is not read before the rows are judged.
    place = data.index(b"47000") - 40
    (folder / "2.parquet").write_bytes(data[:place] + b"\xff" * 36 + data[place + 36 :])
    found = run(project)
    assert found.published is None
    assert "2.parquet cannot be read as Parquet" in found.message
    assert "all broken rows" not in found.message


def test_a_folder_without_parts_is_an_error_and_leaves_no_batch(project: Project) -> None:
    folder = project.settings.path("landing") / f"applications_{DAY}"
    folder.mkdir()
    (folder / "readme.txt").write_text("nothing yet")
    with pytest.raises(LandingError, match=f"the folder {folder} has no part files"):
        run_day(project, DAY)
    assert not (project.settings.home_path / "warehouse.duckdb").exists()


@pytest.mark.parametrize(
    ("suffix", "content", "words"),
    [
        (".csv", GOOD_BYTES.replace(b",", b"|"), ["separated by comma, semicolon or tab"]),
        (".csv.gz", gzip.compress(GOOD_BYTES)[:-40], ["breaks off or is damaged"]),
        (".parquet", RUBBISH, ["cannot be read as Parquet"]),
        (".csv", GOOD_BYTES + b"\0\xff\n" * 20, [", row 61: ", "(malformed_row)"]),
    ],
    ids=["wrong delimiter", "truncated gzip", "rubbish", "binary lines"],
)
@pytest.mark.usefixtures("prefect_here")
def test_the_command_line_says_what_is_wrong_and_ends_with_status_3(
    home: Path, suffix: str, content: bytes, words: list[str]
) -> None:
    name = f"applications_{DAY}{suffix}"
    (home / "landing" / name).write_bytes(content)
    assert_refused(run_here(home, "score", "--batch-date", str(DAY)), BLOCKED, name, *words)
