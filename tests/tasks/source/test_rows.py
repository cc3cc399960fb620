from pathlib import Path

import polars
import pytest

from schemas.errors import UnreadableSource
from tasks.source.landing import source_at
from tasks.source.rows import header_of, read_rows
from tests.tasks.source.files import chunked, read, read_all, write

TOP = "application_id,b,c\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "applications_2026-06-30"
    path.mkdir()
    return path


def test_parts_of_any_format_are_one_source_with_row_numbers_running_on(folder: Path) -> None:
    write(folder / "part-1.csv", TOP + "a1,2,3\na2,2\na3,2,3\n")
    write(folder / "part-2.csv.gz", "c;b;application_id\r\n3;2;a4\r\n")
    polars.DataFrame({"b": [2, 2], "application_id": ["a5", "a6"], "c": [3, None]}).write_parquet(
        folder / "part-3.parquet"
    )
    write(folder / "part-4.csv", TOP)
    write(folder / "part-5.csv", TOP + "a7,2,3\n")
    good, bad = read_all(folder)
    assert good == {
        1: ("a1", "2", "3"),
        3: ("a3", "2", "3"),
        4: ("a4", "2", "3"),
        5: ("a5", "2", "3"),
        6: ("a6", "2", ""),
        7: ("a7", "2", "3"),
    }
    assert bad == {2: "a2,2"}
    with chunked(1):
        assert read_all(folder) == (good, bad)


def test_every_chunk_says_which_part_it_is_of(folder: Path) -> None:
    write(folder / "b.csv", TOP + "a2,2,3\n")
    write(folder / "a.csv", TOP + "a1,2,3\n")
    assert [rows.part for rows in read_rows(source_at(folder))] == ["a.csv", "b.csv"]


def test_parts_with_different_columns_are_refused_with_the_difference(folder: Path) -> None:
    write(folder / "a.csv", TOP)
    write(folder / "b.csv", "application_id,b,d\n")
    with pytest.raises(UnreadableSource, match=r"b\.csv and a\.csv do not have the same columns: c, d") as caught:
        header_of(source_at(folder))
    assert caught.value.check_name == "columns_agree"


@pytest.mark.parametrize("broken", ["", "x,y\n", "application_id,b,b,c\n", "PAR1"])
def test_a_broken_part_makes_the_source_unreadable_and_is_named(folder: Path, broken: str) -> None:
    write(folder / "a.csv", TOP + "a1,2,3\n")
    write(folder / "b.csv", broken)
    with pytest.raises(UnreadableSource, match=r"^b\.csv"):
        header_of(source_at(folder))


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("application_id,b,b", "b"),
        ("application_id,b,application_id", "application_id"),
        ('application_id,b," b "', "b"),
        ("application_id,b,b,c,c", "b, c"),
    ],
)
def test_a_name_given_twice_is_refused(tmp_path: Path, header: str, names: str) -> None:
    file = write(tmp_path / "a.csv", f"{header}\n")
    with pytest.raises(UnreadableSource, match=rf"a\.csv: the header names {names} more than once") as caught:
        header_of(source_at(file))
    assert caught.value.check_name == "columns_unique"


def test_columns_of_one_name_in_capitals_are_two_columns(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "application_id,b,B\na1,2,3\n")
    assert read(file, ["application_id", "b", "B"]) == [("a1", "2", "3")]


def test_no_chunk_holds_more_rows_than_bytes_allow(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", TOP + "a1,2,3\n" * 1_000)
    with chunked(700):
        heights = [rows.height for rows in read_rows(source_at(file))]
    assert sum(heights) == 1_000
    assert max(heights) <= 101
