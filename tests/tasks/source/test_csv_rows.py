import csv
import gzip
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.errors import UnreadableSource
from tests.tasks.source.files import HEADER, chunked, problems, read, read_all, write

TOP = "application_id,b,c\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.csv"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_rows_are_read_in_every_usual_dialect(
    tmp_path: Path, delimiter: str, end: str, encoding: str, suffix: str
) -> None:
    rows = [HEADER, ("a1", "Zoë", "1.5"), ("a2", "", " Müller "), ("a3", "x", "")]
    text = end.join(delimiter.join(row) for row in rows) + end
    assert read(write(tmp_path / f"a{suffix}", text.encode(encoding))) == rows[1:]


def test_quoted_fields_hold_delimiters_and_doubled_quotes(file: Path) -> None:
    write(file, TOP + '"a1","1,000","say ""hi"""\na2,2,3\n"a3","",""""\n')
    assert read(file) == [("a1", "1,000", 'say "hi"'), ("a2", "2", "3"), ("a3", "", '"')]


def test_a_quote_inside_an_unquoted_field_stands_for_itself(file: Path) -> None:
    assert read(write(file, TOP + 'a1,5" pipe,3\n')) == [("a1", '5" pipe', "3")]


def test_a_header_in_quotes_and_any_order_of_columns(file: Path) -> None:
    write(file, '"c";"application_id";"b"\n3;a1;2\n')
    assert read(file) == [("a1", "2", "3")]


@pytest.mark.parametrize("content", [TOP, TOP.strip(), TOP + "\n", "\ufeff" + TOP, TOP + "\r\n\r\n"])
def test_a_file_of_a_header_has_no_rows(file: Path, content: str) -> None:
    assert read(write(file, content)) == []


def test_the_last_line_needs_no_end(file: Path) -> None:
    assert read(write(file, TOP + "a1,2,3\na2,2,3")) == [("a1", "2", "3"), ("a2", "2", "3")]
    assert read(write(file, TOP + 'a1,2,3\na2,2,"3"')) == [("a1", "2", "3"), ("a2", "2", "3")]


def test_blank_lines_are_no_rows(file: Path) -> None:
    write(file, "\n" + TOP + "\na1,2,3\n\n\r\na2,2,3\n\n")
    assert read_all(file) == ({1: ("a1", "2", "3"), 2: ("a2", "2", "3")}, {})


def test_a_row_of_empty_fields_is_a_row(file: Path) -> None:
    assert read(write(file, TOP + ",,\na2,2,3\n")) == [("", "", ""), ("a2", "2", "3")]
    assert read(write(file, "application_id\tb\tc\n\t\t\n\t2\t3\n")) == [("", "", ""), ("", "2", "3")]


@pytest.mark.parametrize("text", ["null", "NA", "NaN", "#a1", "a\0b", "a\rb", "  ", "1e400", "x" * 10_000, "日本"])
def test_no_text_is_interpreted(file: Path, text: str) -> None:
    assert read(write(file, TOP + f"{text},2,3\n")) == [(text, "2", "3")]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("a2,2", "the line has 2 fields, the header has 3"),
        ("a2", "the line has 1 fields, the header has 3"),
        ("   ", "the line has 1 fields, the header has 3"),
        ("a2,2,3,4", "the line has 4 fields, the header has 3"),
        ("a2,2,3,", "the line has 4 fields, the header has 3"),
        ('a2,"2,3', "a quote is opened on this line and never closed; a record has to be on one line"),
        ('a2,"2,3,4', "a quote is opened on this line and never closed; a record has to be on one line"),
        ('a2,"2"x,3', "the quotes on this line do not fit"),
        ('a2,"2,3"', "the line has 2 fields, the header has 3"),
    ],
)
def test_a_malformed_line_costs_itself_only(file: Path, line: str, problem: str) -> None:
    write(file, TOP + f"a1,2,3\n{line}\na3,2,3\n")
    assert read_all(file) == ({1: ("a1", "2", "3"), 3: ("a3", "2", "3")}, {2: line})
    assert problems(file)[0].startswith(problem)


def test_a_record_over_two_lines_costs_both(file: Path) -> None:
    write(file, TOP + 'a1,"two\nlines",3\na3,2,3\n')
    good, bad = read_all(file)
    assert good == {3: ("a3", "2", "3")}
    assert bad == {1: 'a1,"two', 2: 'lines",3'}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a1,2", "a2,2,3,4"),
        ("a1,2,3,4", "a2,2"),
        # The field too many is empty.
        ("a1,2,3,", "a2,2"),
        ("a1,2", "a2,2,3,"),
        ("a1,2,3,,", "a2"),
        # Two fields too many, the first of them empty.
        ("a1,2,3,,5", "a2"),
        ("a1", "a2,2,3,4,5"),
        ("a1,2,3,4,5", "a2"),
    ],
)
def test_lines_that_balance_each_other_are_both_malformed(file: Path, end: str, first: str, second: str) -> None:
    lines = [first, second, "a3,2,3"]
    for number, ordered in enumerate((lines, lines[::-1])):
        write(file, TOP + end.join([*ordered, ""]))
        good, bad = read_all(file)
        assert good == {(3, 1)[number]: ("a3", "2", "3")}
        assert sorted(bad.values()) == sorted([first, second])


def test_a_blank_line_balances_nothing(file: Path) -> None:
    # Two separators too many, and a blank line that has two too few.
    write(file, TOP + "a1,2,3,,\n\na3,2,3\n")
    assert read_all(file) == ({2: ("a3", "2", "3")}, {1: "a1,2,3,,"})


def test_a_latin_1_line_does_not_spoil_the_utf_8_lines_around_it(file: Path) -> None:
    write(file, (TOP + "a1,Zoë,3\n").encode() + "a2,Zoë,3\n".encode("latin-1") + "a3,Zoë,3\n".encode())
    assert [name for _, name, _ in read(file)] == ["Zoë"] * 3


@pytest.mark.parametrize("name", ["row_number", "line", "problem", "position", "row", "rule", "value", "literal", ""])
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_column_may_have_any_name_beside_the_id(file: Path, name: str, quote: str) -> None:
    write(file, f"application_id,b,{name}\na1,2,{quote}x{quote}\na2\n")
    assert read_all(file, ("application_id", "b")) == ({1: ("a1", "2")}, {2: "a2"})


def test_a_truncated_gzip_is_refused_with_how_far_it_went(tmp_path: Path) -> None:
    rows = "".join(f"a{number},{number * 7919 % 1000},3\n" for number in range(2_000))
    file = write(tmp_path / "a.csv.gz", TOP + rows)
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(UnreadableSource, match=r"a\.csv\.gz: the gzip data breaks off .*ask for the file again"):
        read(file)
    # The first chunks are fine then, and rows of them have been seen when it breaks off.
    with chunked(64), pytest.raises(UnreadableSource, match=r"after [1-9][0-9,]* bytes"):
        read(file)


def test_a_damaged_gzip_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv.gz", TOP + "a1,2,3\n" * 1_000)
    data = bytearray(file.read_bytes())
    data[-8] ^= 0xFF  # the checksum
    file.write_bytes(data)
    with pytest.raises(UnreadableSource, match="breaks off or is damaged"):
        read(file)


def test_a_plain_file_named_gz_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_text(TOP)
    with pytest.raises(UnreadableSource, match="Not a gzipped file"):
        read(tmp_path / "a.csv.gz")


def test_a_gzip_of_several_members_is_one_file(tmp_path: Path) -> None:
    file = tmp_path / "a.csv.gz"
    file.write_bytes(gzip.compress(TOP.encode()) + gzip.compress(b"a1,2,3\n") + gzip.compress(b"a2,2,3\n"))
    assert [row[0] for row in read(file)] == ["a1", "a2"]


def test_a_gzip_named_csv_is_refused_with_its_right_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(gzip.compress(TOP.encode()))
    with pytest.raises(UnreadableSource, match=r"name it \.csv\.gz"):
        read(tmp_path / "a.csv")


CELL = st.text(alphabet="ab1.- ,;\t\"'éüß", max_size=6)
ROWS = st.lists(st.tuples(CELL, CELL, CELL), max_size=12)


@settings(max_examples=60, deadline=None)
@given(
    rows=ROWS,
    dialect=st.builds(
        dict,
        delimiter=st.sampled_from(",;\t"),
        lineterminator=st.sampled_from(["\n", "\r\n"]),
        quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    ),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "latin-1"]),
    suffix=st.sampled_from([".csv", ".csv.gz"]),
    size=st.integers(1, 40),
)
def test_any_rows_come_back_identical_from_any_dialect_whatever_the_chunk_size(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, str]],
    dialect: dict[str, Any],
    encoding: str,
    suffix: str,
    size: int,
) -> None:
    plain = tmp_path_factory.mktemp("rows") / "plain.csv"
    with plain.open("w", encoding=encoding, newline="") as text:
        csv.writer(text, **dialect).writerows([HEADER, *rows])
    file = write(plain.with_name(f"a{suffix}"), plain.read_bytes())
    assert read(file) == rows
    with chunked(size):
        assert read(file) == rows


@settings(max_examples=150, deadline=None)
@given(lines=st.lists(st.text(alphabet='a1,"', min_size=1, max_size=8), max_size=8), size=st.integers(1, 40))
@example(lines=["a,b,c,", "a,b"], size=1)
@example(lines=["a,b,c,,d", "a"], size=1)
def test_every_line_is_a_row_or_malformed_as_the_standard_reader_has_it_whatever_the_chunk_size(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], size: int
) -> None:
    expected_good: dict[int, tuple[str, ...]] = {}
    expected_bad: dict[int, str] = {}
    for number, line in enumerate(lines, 1):
        try:
            fields: tuple[str, ...] = tuple(next(csv.reader([line], strict=True)))
        except csv.Error:
            fields = ()
        if len(fields) == 3:
            expected_good[number] = fields
        else:
            expected_bad[number] = line
    file = write(tmp_path_factory.mktemp("lines") / "a.csv", TOP + "\n".join([*lines, ""]))
    assert read_all(file) == (expected_good, expected_bad)
    with chunked(size):
        assert read_all(file) == (expected_good, expected_bad)
