from pathlib import Path

import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.source.csv_rows import line_start
from tasks.source.landing import source_at
from tasks.source.pieces import GZIP_FACTOR, PIECES_PER_BUCKET, Piece, bucket_count, cut
from tasks.source.rows import read_rows, read_spans
from tests.tasks.source.files import chunked, write

TOP = "application_id,b,c\n"
Found = tuple[list[tuple[object, ...]], list[tuple[object, ...]]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "applications_2026-06-30"
    path.mkdir()
    return path


def whole(path: Path) -> Found:
    """Good rows and malformed lines of a source with part and row number, read in one go."""
    good: list[tuple[object, ...]] = []
    bad: list[tuple[object, ...]] = []
    for rows in read_rows(source_at(path)):
        good += [(rows.part, *row) for row in rows.frame.rows()]
        bad += [(rows.part, *row) for row in rows.malformed.rows()]
    return good, bad


def by_piece(pieces: tuple[Piece, ...]) -> Found:
    """The same, read piece by piece."""
    good: list[tuple[object, ...]] = []
    bad: list[tuple[object, ...]] = []
    before = 0
    for piece in pieces:
        chunks = list(read_spans(piece.spans, before=before))
        before += sum(rows.height for rows in chunks)
        good += [(rows.part, *row) for rows in chunks for row in rows.frame.rows()]
        bad += [(rows.part, *row) for rows in chunks for row in rows.malformed.rows()]
    return good, bad


LINE = st.text(alphabet='a1,"', max_size=8).map(str.encode) | st.sampled_from(
    [b"a,b,c", b"\xe9,b,c", "é,b,c".encode(), TOP.strip().encode(), b'"a,""1",b,c', b"\r", b"a,b,c\r", b"a,b"]
)


@settings(max_examples=150, deadline=None)
@given(
    files=st.lists(st.tuples(st.lists(LINE, max_size=12), st.booleans()), min_size=1, max_size=3),
    head=st.sampled_from([b"", b"\n\n", b"\xef\xbb\xbf"]),
    part_bytes=st.integers(1, 120),
    chunk=st.sampled_from([1, 7, 1000]),
)
def test_any_cut_gives_the_rows_of_the_uncut_read(
    tmp_path_factory: pytest.TempPathFactory,
    files: list[tuple[list[bytes], bool]],
    head: bytes,
    part_bytes: int,
    chunk: int,
) -> None:
    source = tmp_path_factory.mktemp("source")
    for number, (lines, ended) in enumerate(files):
        content = head + TOP.encode() + b"\n".join(lines) + (b"\n" if ended else b"")
        (source / f"{number}.csv").write_bytes(content)
    pieces = cut(source_at(source), part_bytes)
    assert [piece.number for piece in pieces] == list(range(len(pieces)))
    # Where the blank lines before the header fill a chunk by themselves, no reader finds it.
    with chunked(max(chunk, 40)):
        assert by_piece(pieces) == whole(source)


def test_a_large_file_is_cut_into_pieces_of_about_the_size(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", TOP + "".join(f"a{number},2,3\n" for number in range(1_000)))
    pieces = cut(source_at(file), 2_000)
    assert len(pieces) == -(-file.stat().st_size // 2_000)
    assert max(piece.size for piece in pieces) <= 2_000 + len("a999,2,3\n")
    assert sum(piece.size for piece in pieces) == file.stat().st_size
    assert by_piece(pieces) == whole(file)


def test_a_file_that_fits_is_one_piece_to_its_end(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", TOP + "a,2,3\n")
    (piece,) = cut(source_at(file), file.stat().st_size)
    assert [(span.start, span.end) for span in piece.spans] == [(0, None)]


def test_small_parts_are_worked_on_together_and_in_their_order(folder: Path) -> None:
    for number in range(10):
        write(folder / f"{number}.csv", TOP + f"a{number},2,3\n")
    size = (folder / "0.csv").stat().st_size
    pieces = cut(source_at(folder), 4 * size)
    assert [len(piece.spans) for piece in pieces] == [4, 4, 2]
    assert by_piece(pieces) == whole(folder)


def test_a_gzip_is_one_piece_however_large(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv.gz", TOP + "".join(f"a{number},2,3\n" for number in range(5_000)))
    (piece,) = cut(source_at(file), 100)
    assert piece.size == GZIP_FACTOR * file.stat().st_size
    # Its ids still go into as many buckets as it takes.
    assert bucket_count([piece], 100) == -(-piece.size // (100 * PIECES_PER_BUCKET)) > 1
    assert by_piece((piece,)) == whole(file)


@pytest.mark.parametrize("part_bytes", [1, 2_000, 5_000, 10_000_000])
def test_parquet_is_cut_between_row_groups(tmp_path: Path, part_bytes: int) -> None:
    file = tmp_path / "a.parquet"
    rows = polars.DataFrame({"application_id": [f"a{number}" for number in range(1_000)], "b": range(1_000)})
    rows.write_parquet(file, row_group_size=100)
    pieces = cut(source_at(file), part_bytes)
    assert len(pieces) == {1: 10, 10_000_000: 1}.get(part_bytes, len(pieces))
    assert by_piece(pieces) == whole(file)


def test_a_parquet_file_without_rows_is_a_piece_without_rows(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    polars.DataFrame(schema={"application_id": polars.String, "b": polars.Int64}).write_parquet(file)
    assert by_piece(cut(source_at(file), 100)) == ([], [])


@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_a_line_begins_behind_the_end_of_another(tmp_path: Path, chunk: int) -> None:
    file = write(tmp_path / "a.csv", "ab\ncd\n\nefg")
    with chunked(chunk):
        assert [line_start(file, place) for place in range(11)] == [0, 3, 3, 3, 6, 6, 6, 7, 10, 10, 10]


def test_the_pieces_of_a_source_that_is_cut_again_are_the_same(folder: Path) -> None:
    write(folder / "a.csv", TOP + "a,2,3\n" * 500)
    assert cut(source_at(folder), 700) == cut(source_at(folder), 700)


def test_a_cut_in_the_middle_of_a_record_of_two_bytes_a_letter_loses_none(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", TOP + "é,ü,ß\n" * 50)
    for part_bytes in range(1, 60):
        assert by_piece(cut(source_at(file), part_bytes)) == whole(file)
