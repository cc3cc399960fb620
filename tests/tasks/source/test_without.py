import gzip
from pathlib import Path

import polars
import pytest

from schemas.errors import UnreadableSource
from tasks.source.without import Rewritten, rows_in, without_application, without_lines

ID = "A-17"


def rewrite(path: Path, application_id: str = ID, *, any_header: bool = False) -> int:
    """Rows taken out of a file; nothing is left aside."""
    found = without_application(path, application_id, any_header=any_header)
    if isinstance(found, Rewritten):
        found.move_into_place()
    assert not list(path.parent.glob(".*"))
    return found.rows if found else 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"application_id,x\nA-1,1\nA-17,2\nA-2,3\n", b"application_id,x\nA-1,1\nA-2,3\n"),
        # Line ends and a last line without one stay as they are.
        (b"application_id,x\r\nA-1,1\r\nA-17,2\r\nA-2,3", b"application_id,x\r\nA-1,1\r\nA-2,3"),
        (b"application_id,x\nA-1,1\nA-17,2", b"application_id,x\nA-1,1\n"),
        (b"\xef\xbb\xbf\napplication_id;x\n A-17 ;2\nA-1;1\n", b"\xef\xbb\xbf\napplication_id;x\nA-1;1\n"),
        # The id of one is the value of another, or begins like it.
        (b"x\tapplication_id\nA-17\tA-1\nA-17\tA-17\nz\tA-170\n", b"x\tapplication_id\nA-17\tA-1\nz\tA-170\n"),
        (b'application_id,x\n"A-17","a,""b"""\n"A-1","A-17"\n', b'application_id,x\n"A-1","A-17"\n'),
        # Lines that are no rows: too many fields, a quote that never closes; as often as it is there.
        (b'application_id,x\nA-17,1,2\n"A-17,1\nA-17\nA-1,1\n', b"application_id,x\nA-1,1\n"),
        (b"application_id,x\nA-17,\xe9\nA-1,\xe9\n", b"application_id,x\nA-1,\xe9\n"),
    ],
)
def test_every_other_byte_of_a_csv_file_stays(tmp_path: Path, before: bytes, after: bytes) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(before)
    assert rows_in(path, ID)
    assert rewrite(path) == before.count(b"\n") + (not before.endswith(b"\n")) - after.count(b"\n") - (
        not after.endswith(b"\n")
    )
    assert path.read_bytes() == after
    assert rewrite(path) == 0
    assert rows_in(path, ID) == []


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_an_id_is_found_in_the_encoding_of_its_file(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes("application_id,x\né-1,1\nè-1,2\n".encode(encoding))
    assert rewrite(path, "é-1") == 1
    assert path.read_bytes() == "application_id,x\nè-1,2\n".encode(encoding)


def test_the_same_rows_give_the_same_gzip_file(tmp_path: Path) -> None:
    content = []
    for name in ("one", "other"):
        path = tmp_path / name / "file.csv.gz"
        path.parent.mkdir()
        path.write_bytes(gzip.compress(b"application_id,x\nA-17,1\nA-1,2\n"))
        assert rewrite(path) == 1
        assert gzip.decompress(path.read_bytes()) == b"application_id,x\nA-1,2\n"
        content.append(path.read_bytes())
    assert content[0] == content[1]


@pytest.mark.parametrize("ids", [["17", " 17", "170", None], [17, 17, 170, None]])
def test_parquet_keeps_its_columns_and_other_rows(tmp_path: Path, ids: list[str | int | None]) -> None:
    path = tmp_path / "file.parquet"
    frame = polars.DataFrame({"application_id": ids, "x": [1.5, None, 3.5, 17.0]})
    frame.write_parquet(path, row_group_size=1, compression="zstd")
    assert len(rows_in(path, "17")) == 2
    assert rewrite(path, "17") == 2
    assert polars.read_parquet(path).equals(frame[2:])
    assert rewrite(path, "17") == 0


def test_a_file_whose_header_names_no_ids_is_looked_through_only_if_asked(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"A-1;1\nA-17;2\n")
    assert rewrite(path) == 0
    assert rewrite(path, any_header=True) == 1
    assert path.read_bytes() == b"A-1;1\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cut.csv.gz", gzip.compress(b"application_id,x\n" + b"A-17,2\n" * 10_000)[:-20]),
        ("not.csv.gz", b"application_id,x\nA-17,2\n"),
        ("no.parquet", b"application_id,x\nA-17,2\n"),
        ("wide.csv", "application_id,x\nA-17,2\n".encode("utf-16")),
    ],
)
def test_a_file_that_cannot_be_read_to_its_end_is_an_error_and_stays(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnreadableSource):
        without_application(path, ID)
    assert path.read_bytes() == content
    assert [item.name for item in tmp_path.iterdir()] == [name]


def test_lines_with_a_text_go_and_the_end_that_a_crash_cut_off_stays(tmp_path: Path) -> None:
    path = tmp_path / "segment.jsonl"
    path.write_bytes(b'{"key":"abc"}\n{"key":"def"}\n{"key":"g')
    found = without_lines(path, [b"abc"])
    assert found is not None
    found.move_into_place()
    assert path.read_bytes() == b'{"key":"def"}\n{"key":"g'
    assert without_lines(path, [b"abc"]) is None
