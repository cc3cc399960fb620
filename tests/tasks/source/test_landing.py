import os
from datetime import date
from pathlib import Path

import pytest

from schemas.errors import LandingError
from tasks.source.landing import dates_in, find_source, fingerprint, hash_source, source_at
from tests.tasks.source.files import write

DAY = date(2026, 6, 30)


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
def test_the_file_of_a_date_is_found_by_its_name(tmp_path: Path, suffix: str) -> None:
    file = write(tmp_path / f"applications_2026-06-30{suffix}", "x")
    write(tmp_path / "applications_2026-06-29.csv", "x")
    source = find_source(tmp_path, DAY)
    assert (source.path, source.parts, source.name) == (file, (file,), file.name)


def test_a_folder_of_a_date_is_its_part_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    folder = tmp_path / "applications_2026-06-30"
    folder.mkdir()
    for name in ("b.csv", "a.parquet", "c.csv.gz", "_SUCCESS", ".a.csv.crc", "_b.csv", ".hidden.csv", "README.md"):
        write(folder / name, "x")
    (folder / "d.csv").mkdir()
    assert [part.name for part in find_source(tmp_path, DAY).parts] == ["a.parquet", "b.csv", "c.csv.gz"]


def test_a_date_without_a_file_is_refused_with_the_names_expected(tmp_path: Path) -> None:
    for name in (
        "applications_2026-06-30.csv.tmp",
        "applications_2026-06-30.xlsx",
        "applications_2026-06-30",
        "applications_2026-06-30_2.csv",
        "old_applications_2026-06-30.csv",
        "applications_2026-6-30.csv",
    ):
        write(tmp_path / name, "x")
    with pytest.raises(
        LandingError, match=r"no file for 2026-06-30 .*expected applications_2026-06-30\.csv, \.csv\.gz"
    ):
        find_source(tmp_path, DAY)


def test_a_landing_zone_that_does_not_exist_has_no_file(tmp_path: Path) -> None:
    with pytest.raises(LandingError, match="no file for 2026-06-30"):
        find_source(tmp_path / "nowhere", DAY)
    assert dates_in(tmp_path / "nowhere") == []


def test_more_than_one_file_for_a_date_is_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path / "applications_2026-06-30.csv", "x")
    write(tmp_path / "applications_2026-06-30.parquet", "x")
    (tmp_path / "applications_2026-06-30").mkdir()
    names = r"applications_2026-06-30, applications_2026-06-30\.csv, applications_2026-06-30\.parquet"
    with pytest.raises(LandingError, match=f"more than one file for 2026-06-30 .*{names}; keep the one that counts"):
        find_source(tmp_path, DAY)


def test_the_dates_of_a_landing_zone_are_listed_once_and_oldest_first(tmp_path: Path) -> None:
    for name in ("2026-07-01.csv", "2026-06-30.parquet", "2026-06-30.csv", "2026-02-30.csv", "today.csv", "2026-01-01"):
        write(tmp_path / f"applications_{name}", "x")
    (tmp_path / "applications_2026-05-31").mkdir()
    assert dates_in(tmp_path) == [date(2026, 5, 31), date(2026, 6, 30), date(2026, 7, 1)]


def test_a_source_may_be_given_by_path(tmp_path: Path) -> None:
    file = write(tmp_path / "export.csv", "x")
    assert source_at(file).parts == (file,)
    assert source_at(tmp_path).parts == (file,)


@pytest.mark.parametrize("name", ["export.xlsx", "export.txt", "export", "csv"])
def test_a_file_of_an_unknown_kind_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(LandingError, match=r"is of no known kind; expected \.csv, \.csv\.gz, \.parquet"):
        source_at(write(tmp_path / name, "x"))


def test_a_path_where_nothing_is_and_a_folder_without_parts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LandingError, match="there is no file"):
        source_at(tmp_path / "a.csv")
    with pytest.raises(LandingError, match="has no part files"):
        source_at(tmp_path)


def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    one = hash_source(source_at(write(tmp_path / "a.csv", "abc")))
    assert one == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert hash_source(source_at(write(tmp_path / "b.csv", "abc"))) == one
    assert hash_source(source_at(write(tmp_path / "b.csv", "abd"))) != one


def test_the_hash_of_a_folder_depends_on_names_and_contents_of_its_parts_and_on_nothing_else(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "1")
    write(tmp_path / "b.csv", "2")
    first = hash_source(source_at(tmp_path))
    write(tmp_path / "_SUCCESS", "")
    os.utime(tmp_path / "a.csv", (0, 0))
    assert hash_source(source_at(tmp_path)) == first
    write(tmp_path / "b.csv", "3")
    other = hash_source(source_at(tmp_path))
    write(tmp_path / "a.csv", "3")
    write(tmp_path / "b.csv", "1")
    assert len({first, other, hash_source(source_at(tmp_path))}) == 3


def test_a_fingerprint_tells_that_a_file_was_written_to(tmp_path: Path) -> None:
    source = source_at(write(tmp_path / "a.csv", "abc"))
    before = fingerprint(source)
    assert fingerprint(source) == before
    os.utime(source.path, ns=(0, 1))
    touched = fingerprint(source)
    write(source.path, "abcd")
    assert len({before, touched, fingerprint(source)}) == 3
