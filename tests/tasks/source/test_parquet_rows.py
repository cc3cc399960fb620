import decimal
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from schemas.errors import UnreadableSource
from tests.tasks.source.files import chunked, read, write


def write_parquet(path: Path, ids: list[Any] | None = None, **columns: Any) -> Path:
    arrays = {name: pyarrow.array(column) for name, column in columns.items()}
    length = len(next(iter(arrays.values())))
    table = pyarrow.table({"application_id": ids or [f"a{number}" for number in range(length)], **arrays})
    pyarrow.parquet.write_table(table, path)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.parquet"


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (pyarrow.array(["x", " y ", None, ""]), ["x", " y ", "", ""]),
        (pyarrow.array([35, -1, None, 2**63 - 1]), ["35", "-1", "", "9223372036854775807"]),
        (pyarrow.array([200, None], pyarrow.uint8()), ["200", ""]),
        (pyarrow.array([2**64 - 1], pyarrow.uint64()), ["18446744073709551615"]),
        (pyarrow.array([35.0, 0.1, None]), ["35.0", "0.1", ""]),
        # Not missing: a number that is none has to be seen.
        (pyarrow.array([float("nan"), float("inf")]), ["NaN", "inf"]),
        (pyarrow.array([0.1, None], pyarrow.float32()), ["0.1", ""]),
        (pyarrow.array([True, False, None]), ["true", "false", ""]),
        (pyarrow.array([date(2026, 6, 30), None]), ["2026-06-30", ""]),
        (pyarrow.array([decimal.Decimal("35.00"), None]), ["35.00", ""]),
        (pyarrow.array(["north", None, "south"]).dictionary_encode(), ["north", "", "south"]),
        (pyarrow.array([1, None]).dictionary_encode(), ["1", ""]),
        (pyarrow.array([time(13, 45), None]), ["13:45:00", ""]),
        (pyarrow.array(["x", None], pyarrow.string_view()), ["x", ""]),
        (pyarrow.array(["x", None], pyarrow.large_string()), ["x", ""]),
        (pyarrow.nulls(2), ["", ""]),
    ],
)
def test_typed_columns_become_the_text_a_csv_would_hold(file: Path, column: Any, texts: list[str]) -> None:
    assert [text for (text,) in read(write_parquet(file, x=column), ["x"])] == texts


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps_keep_their_time_of_day(file: Path, unit: str) -> None:
    days = [datetime(2026, 6, 30), datetime(2026, 6, 30, 13, 45), None]  # noqa: DTZ001 - a column without a zone
    texts = [text for (text,) in read(write_parquet(file, x=pyarrow.array(days, pyarrow.timestamp(unit))), ["x"])]
    assert texts[0].startswith("2026-06-30 00:00:00")
    assert texts[1].startswith("2026-06-30 13:45:00")
    assert texts[2] == ""


def test_a_timestamp_with_a_zone_keeps_it(file: Path) -> None:
    column = pyarrow.array([datetime(2026, 6, 30, tzinfo=UTC)], pyarrow.timestamp("us", tz="UTC"))
    assert read(write_parquet(file, x=column), ["x"]) == [("2026-06-30 00:00:00.000000+00:00",)]


@pytest.mark.parametrize("ids", [[1, 2], ["1", "2"], pyarrow.array(["1", "2"]).dictionary_encode()])
def test_ids_may_be_numbers(file: Path, ids: Any) -> None:
    assert read(write_parquet(file, ids, x=[0, 0]), ["application_id"]) == [("1",), ("2",)]


@pytest.mark.parametrize(
    "nested",
    [pyarrow.array([[1, 2]]), pyarrow.array([{"a": 1}]), pyarrow.array([[("k", 1)]], pyarrow.map_("string", "int64"))],
)
def test_nested_columns_are_refused_by_name(file: Path, nested: Any) -> None:
    with pytest.raises(UnreadableSource, match=r"a\.parquet: nested columns cannot be read: x"):
        read(write_parquet(file, x=nested, y=[1]), ["y"])


@pytest.mark.parametrize(
    "column",
    [
        pyarrow.array([timedelta(days=1)]),
        pyarrow.array([b"\xff\xfe"]),
        pyarrow.array([decimal.Decimal("35.00")], pyarrow.decimal256(50, 2)),
    ],
    ids=["duration", "binary", "decimal256"],
)
def test_columns_that_cannot_be_written_as_text_are_refused_by_name(file: Path, column: Any) -> None:
    with pytest.raises(UnreadableSource, match=r"a\.parquet.* x"):
        read(write_parquet(file, x=column), ["application_id"])


@pytest.mark.parametrize("name", ["row_number", "line", "position", "literal"])
def test_a_column_may_have_any_name_beside_the_id(file: Path, name: str) -> None:
    assert read(write_parquet(file, **{name: ["x"], "b": ["2"]}), ["application_id", "b"]) == [("a0", "2")]


def test_a_file_without_rows_has_columns(file: Path) -> None:
    assert read(write_parquet(file, x=pyarrow.array([], "int64")), ["application_id", "x"]) == []


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_rows_are_the_same_whatever_the_chunk_size(file: Path, size: int) -> None:
    write_parquet(file, x=[1, None, 3, 4, 5], y=pyarrow.array(["a", "b", None, "a", "c"]).dictionary_encode())
    whole = read(file, ["application_id", "x", "y"])
    assert whole[2] == ("a2", "3", "")
    with chunked(size):
        assert read(file, ["application_id", "x", "y"]) == whole


@pytest.mark.parametrize("keep", [0, 3, 100, -1, -100])
def test_a_truncated_file_is_refused(file: Path, keep: int) -> None:
    data = write_parquet(file, x=list(range(1_000))).read_bytes()
    file.write_bytes(data[:keep])
    with pytest.raises(UnreadableSource, match=r"a\.parquet cannot be read as Parquet .*; ask for it again"):
        read(file, ["x"])


def test_damage_inside_a_file_is_refused(file: Path) -> None:
    data = bytearray(write_parquet(file, x=[f"text {number}" for number in range(10_000)]).read_bytes())
    data[1_000:3_000] = b"\xff" * 2_000
    file.write_bytes(data)
    with pytest.raises(UnreadableSource, match="cannot be read as Parquet"):
        read(file, ["x"])


def test_csv_named_parquet_is_refused(file: Path) -> None:
    with pytest.raises(UnreadableSource, match="cannot be read as Parquet"):
        read(write(file, "application_id,x\n1,2\n"), ["x"])


def test_parquet_named_csv_is_refused_with_its_right_name(file: Path) -> None:
    with pytest.raises(UnreadableSource, match=r"name it \.parquet"):
        read(write_parquet(file, x=[1]).rename(file.with_suffix(".csv")), ["x"])
