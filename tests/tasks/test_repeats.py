from datetime import date
from pathlib import Path

import polars
import pytest

from tasks.project import Project
from tests.tasks.batches import DAY, Outcome, judge_file, new_project, publish_file, write_rows
from tests.tasks.source.files import chunked

DAY_BEFORE, DAY_AFTER = date(2026, 6, 29), date(2026, 7, 1)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.csv"


def with_ids(path: Path, *ids: str) -> Path:
    return write_rows(path, [{"application_id": identifier} for identifier in ids])


def repeats(found: Outcome) -> list[tuple[int, str, str]]:
    return found.quarantined.select("row_number", "rule", "message").rows()


def test_the_first_row_of_an_id_counts(project: Project, file: Path) -> None:
    found = judge_file(project, with_ids(file, "a", "b", "a", "c", "a", "b"))
    assert found.accepted["row_number"].to_list() == [1, 2, 4]
    assert repeats(found) == [
        (3, "duplicate_id", "row 1 of the file has the same application_id"),
        (5, "duplicate_id", "row 1 of the file has the same application_id"),
        (6, "duplicate_id", "row 2 of the file has the same application_id"),
    ]


@pytest.mark.parametrize("size", [1, 250])
def test_the_first_row_counts_across_chunks_too(project: Project, file: Path, size: int) -> None:
    with_ids(file, *(f"a{number % 12}" for number in range(30)))
    whole = judge_file(project, file)
    with chunked(size):
        found = judge_file(project, file)
    assert found.accepted["row_number"].to_list() == list(range(1, 13))
    assert repeats(found) == repeats(whole)


def test_the_first_row_counts_across_parts_and_formats_too(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    with_ids(folder / "1.csv", "1", "2")
    polars.read_csv(with_ids(tmp_path / "2.csv", "2", "3")).write_parquet(folder / "2.parquet")
    with_ids(folder / "3.csv", "3", "1", "4")
    found = judge_file(project, folder)
    assert found.ids == ["1", "2", "3", "4"]
    assert [(number, rule) for number, rule, _ in repeats(found)] == [
        (3, "duplicate_id"),
        (5, "duplicate_id"),
        (6, "duplicate_id"),
    ]


def test_ids_are_compared_without_spaces_around_them_and_with_their_capitals(project: Project, file: Path) -> None:
    found = judge_file(project, with_ids(file, "a", " a ", "A", "a\u00a0", "á"))
    assert found.accepted["row_number"].to_list() == [1, 3, 5]


def test_the_first_row_counts_even_if_it_is_bad(project: Project, file: Path) -> None:
    found = judge_file(project, write_rows(file, [{"application_id": "a", "age": "x"}, {"application_id": "a"}]))
    assert found.ids == []
    assert [rule for _, _, rule in found.rules] == ["wrong_type", "duplicate_id"]


def test_rows_without_an_id_and_malformed_lines_repeat_nothing(project: Project, file: Path) -> None:
    with_ids(file, "", "", " ")
    with file.open("a") as end:
        end.write("a\na\n")
    found = judge_file(project, file)
    assert [rule for _, _, rule in found.rules] == ["missing"] * 3 + ["malformed_row"] * 2


def test_headers_repeated_in_a_file_are_not_duplicates_of_each_other(project: Project, file: Path) -> None:
    with_ids(file, "a", "application_id", "application_id")
    assert [rule for _, _, rule in judge_file(project, file).rules] == ["repeated_header"] * 2


def test_an_application_scored_on_another_date_is_quarantined_with_that_date(project: Project, file: Path) -> None:
    publish_file(project, with_ids(file, "a", "b"), DAY_BEFORE)
    publish_file(project, with_ids(file, "c"), DAY_AFTER)
    found = judge_file(project, with_ids(file, "a", "d", " c "))
    assert found.ids == ["d"]
    assert repeats(found) == [
        (1, "already_scored", "the application is scored in the batch of 2026-06-29"),
        (3, "already_scored", "the application is scored in the batch of 2026-07-01"),
    ]


def test_an_application_scored_and_repeated_breaks_both_rules_on_its_second_row(project: Project, file: Path) -> None:
    publish_file(project, with_ids(file, "a"), DAY_BEFORE)
    found = judge_file(project, with_ids(file, "a", "a"))
    assert sorted((number, rule) for number, rule, _ in repeats(found)) == [
        (1, "already_scored"),
        (2, "already_scored"),
        (2, "duplicate_id"),
    ]
    assert found.verdict.rows.quarantined == 2


def test_a_date_may_be_scored_again(project: Project, file: Path) -> None:
    publish_file(project, with_ids(file, "a", "b"))
    assert judge_file(project, with_ids(file, "a", "b", "c")).ids == ["a", "b", "c"]


def test_an_application_of_a_superseded_batch_does_not_count_as_scored(project: Project, file: Path) -> None:
    publish_file(project, with_ids(file, "a", "b"), DAY_BEFORE)
    publish_file(project, with_ids(file, "b"), DAY_BEFORE)
    found = judge_file(project, with_ids(file, "a", "b"))
    assert found.ids == ["a"]
    assert [rule for _, rule, _ in repeats(found)] == ["already_scored"]


def test_an_application_that_was_quarantined_on_another_date_does_not_count_as_scored(
    project: Project, file: Path
) -> None:
    rows = [{"application_id": f"b{number}"} for number in range(30)] + [{"application_id": "a", "age": "x"}]
    publish_file(project, write_rows(file, rows), DAY_BEFORE)
    assert judge_file(project, with_ids(file, "a")).ids == ["a"]


def test_scored_applications_are_found_across_chunks(project: Project, file: Path) -> None:
    publish_file(project, with_ids(file, *(f"a{number}" for number in range(30))), DAY_BEFORE)
    with chunked(150):
        found = judge_file(project, with_ids(file, *(f"a{number}" for number in range(20, 40))))
    assert found.ids == [f"a{number}" for number in range(30, 40)]
    assert DAY_BEFORE < DAY
