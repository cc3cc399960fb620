"""Cuts a source into pieces that can be worked on one by one, on any machine that reads the same files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tasks.source.csv_rows import line_start
from tasks.source.landing import Source
from tasks.source.parquet_rows import ParquetRows

# What a byte of a gzipped file comes to as text, roughly: numbers and ids compress five- to sevenfold.
GZIP_FACTOR = 6
# How many pieces' ids go into one bucket. Of an id 8 bytes are compared, a fraction of what its row takes as text; and
# each piece writes a file for each bucket, so that with a bucket for each piece files would grow by the square.
PIECES_PER_BUCKET = 8


@dataclass(frozen=True)
class Span:
    """A stretch of a part: bytes of CSV between line starts, or row groups of Parquet; `end` None is its end.

    `size` is about what it comes to in memory as text, in bytes.
    """

    part: Path
    size: int
    start: int = 0
    end: int | None = None


@dataclass(frozen=True)
class Piece:
    """Consecutive spans of a source; the pieces of a source in their order are all of its rows in their order."""

    number: int
    spans: tuple[Span, ...]

    @property
    def size(self) -> int:
        """About what it comes to in memory as text, in bytes."""
        return sum(span.size for span in self.spans)


def cut(source: Source, part_bytes: int) -> tuple[Piece, ...]:
    """The source in pieces of up to about `part_bytes`: large files cut, small ones together; gzip is never cut.

    Raises UnreadableSource if a Parquet part has no readable footer.
    """
    groups: list[list[Span]] = []
    room = 0
    for span in (span for part in source.parts for span in _spans(part, part_bytes)):
        if not groups or span.size > room:
            groups.append([])
            room = part_bytes
        groups[-1].append(span)
        room -= span.size
    return tuple(Piece(number, tuple(spans)) for number, spans in enumerate(groups))


def _spans(part: Path, part_bytes: int) -> Iterator[Span]:
    if part.name.endswith(".parquet"):
        yield from _spans_of_parquet(part, part_bytes)
    elif part.name.endswith(".gz"):
        yield Span(part, part.stat().st_size * GZIP_FACTOR)
    else:
        yield from _spans_of_csv(part, part_bytes)


def _spans_of_csv(part: Path, part_bytes: int) -> Iterator[Span]:
    size = part.stat().st_size
    count = max(1, -(-size // part_bytes))
    wanted = [size * number // count for number in range(1, count)]
    # A line longer than a piece leaves nothing between two cuts.
    cuts = sorted({line_start(part, place) for place in wanted} - {0, size})
    for start, end in pairwise([0, *cuts, size]):
        # The last one goes to the end, wherever that is when it is read.
        yield Span(part, end - start, start, None if end == size else end)


def _spans_of_parquet(part: Path, part_bytes: int) -> Iterator[Span]:
    sizes = ParquetRows(part).row_group_bytes()
    start = held = 0
    for place, size in enumerate(sizes):
        if place > start and held + size > part_bytes:
            yield Span(part, held, start, place)
            start, held = place, 0
        held += size
    yield Span(part, held, start, None if start == 0 else len(sizes))


def bucket_count(pieces: Sequence[Piece], part_bytes: int) -> int:
    """Into how many buckets the ids of a source go, so that comparing one takes about the memory of one piece."""
    return max(1, -(-sum(piece.size for piece in pieces) // (PIECES_PER_BUCKET * part_bytes)))
