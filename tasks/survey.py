"""Survey: how many rows each piece of a source has, and its application ids, staged by bucket of their hash."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars

from schemas.parsing import APPLICATION_ID, ROW_NUMBER
from tasks.source.pieces import Piece
from tasks.source.rows import read_spans
from tasks.staging import Staging, write_part

HASH = "hash"
# Ids held in memory before they are staged: few enough for any machine, many enough for few files.
HELD_IDS = 500_000
# A place is the number of a piece and the row's number in it, which is known before the rows of earlier pieces are.
PLACE_BITS = 40


@dataclass(frozen=True, kw_only=True)
class Surveyed:
    """Rows of a piece, malformed ones included, and what this machine's hash of a known text is."""

    rows: int
    probe: int


@dataclass(frozen=True)
class Numbered:
    """A piece with the number of rows that stand before it in the source."""

    piece: Piece
    before: int


def survey_piece(staging: Staging, buckets: int, piece: Piece) -> Surveyed:
    """Stages the ids of a piece's rows with their places and hashes, bucket by bucket, and counts its rows.

    Raises UnreadableSource where a file breaks off or is not what its name says.
    """
    rows, written = 0, 0
    held: list[polars.DataFrame] = []
    for chunk in read_spans(piece.spans, [APPLICATION_ID], piece.number << PLACE_BITS):
        held.append(_ids(chunk.frame))
        rows += chunk.height
        if sum(map(len, held)) >= HELD_IDS:
            _stage(staging, held, buckets, piece.number, written)
            written, held = written + 1, []
    if held:
        _stage(staging, held, buckets, piece.number, written)
    return Surveyed(rows=rows, probe=int(polars.Series([APPLICATION_ID]).hash()[0]))


def rows_before(surveyed: list[Surveyed]) -> list[int]:
    """By piece, the rows of the source that stand before it."""
    before = [0]
    for item in surveyed:
        before.append(before[-1] + item.rows)
    return before[:-1]


def piece_of(place: polars.Expr) -> polars.Expr:
    """The numbers of the pieces from places."""
    return place // (1 << PLACE_BITS)


def numbered(place: polars.Expr, before: list[int]) -> polars.Expr:
    """Row numbers in the source from places, given the rows that stand before each piece."""
    earlier = polars.lit(polars.Series(before, dtype=polars.Int64)).gather(piece_of(place))
    return earlier + place % (1 << PLACE_BITS)


def _ids(frame: polars.DataFrame) -> polars.DataFrame:
    ids = frame.select(ROW_NUMBER, polars.col(APPLICATION_ID).str.strip_chars())
    # A row without an id repeats nothing.
    return ids.filter(polars.col(APPLICATION_ID) != "").with_columns(polars.col(APPLICATION_ID).hash().alias(HASH))


def _stage(staging: Staging, held: list[polars.DataFrame], buckets: int, piece: int, number: int) -> None:
    for bucket, ids in _by_bucket(polars.concat(held), buckets):
        write_part(ids, staging.part("ids", bucket, piece, number), compression="uncompressed", statistics=False)


def _by_bucket(ids: polars.DataFrame, buckets: int) -> Iterator[tuple[int, polars.DataFrame]]:
    if buckets == 1:
        yield 0, ids
        return
    split = ids.with_columns((polars.col(HASH) % buckets).alias("bucket"))
    for (bucket,), part in split.partition_by("bucket", as_dict=True, include_key=False).items():
        yield int(bucket), part
