"""Finds the applications of a source that are there already: earlier in the source, or in the batch of another date."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import polars
from numpy.typing import NDArray

from schemas.errors import ScoringError
from schemas.parsing import APPLICATION_ID, ROW_NUMBER
from tasks.parallel import Over
from tasks.source.pieces import Piece, bucket_count
from tasks.staging import Staging, read_part, write_part
from tasks.survey import HASH, Numbered, Surveyed, numbered, piece_of, rows_before, survey_piece
from warehouse.reader import Reader

# Suspects are looked at by so many hashes at a time: a file that was appended to itself is nothing but suspects.
SUSPECTED_HASHES = 1_000_000
REPEATS = {ROW_NUMBER: polars.Int64, "rule": polars.String, "message": polars.String}


def find_repeats(
    pieces: Sequence[Piece], part_bytes: int, staging: Staging, reader: Reader, batch_date: date, over: Over
) -> list[Numbered]:
    """Stages what `repeats_of` reads, and returns the pieces with the numbers of their rows.

    The first row of an id counts, whatever else is wrong with it. Memory: 8 bytes for each id of one bucket,
    which is about the memory of a piece, whatever the size of the source.
    """
    buckets = bucket_count(pieces, part_bytes)
    surveyed = over("read", partial(survey_piece, staging, buckets), pieces)
    _refuse_other_hashes(surveyed)
    before = rows_before(surveyed)
    over("compare", partial(compare_bucket, staging, before), range(buckets))
    # A file of a header has no ids to ask for.
    if staging.pieces("ids") and reader.published_elsewhere(batch_date):
        for bucket in staging.pieces("ids"):
            _stage_scored_elsewhere(staging, before, reader, batch_date, bucket)
    # As large as all that is published, and not needed again.
    staging.clear("ids")
    return [Numbered(piece, first) for piece, first in zip(pieces, before, strict=True)]


def compare_bucket(staging: Staging, before: list[int], bucket: int) -> None:
    """Stages row_number, rule (`duplicate_id`) and message of the rows of a bucket whose id an earlier row has.

    `before`: by piece, the rows that stand before it.
    """
    parts = staging.parts("ids", bucket)
    repeated = polars.Series(_repeated(parts))
    for number, hashes in enumerate(repeated.to_frame(HASH).iter_slices(SUSPECTED_HASHES)):
        # Equal hashes only select candidates; equal ids decide.
        wanted = polars.col(HASH).is_in(hashes[HASH].implode())
        suspects = polars.concat([read_part(part).filter(wanted) for part in parts])
        first = polars.col(ROW_NUMBER).min().over(APPLICATION_ID)
        repeats = suspects.with_columns(first.alias("first")).filter(polars.col(ROW_NUMBER) > polars.col("first"))
        message = polars.format("row {} of the file has the same application_id", numbered(polars.col("first"), before))
        _stage(repeats, before, "duplicate_id", message, staging, (bucket, 0, number))


def repeats_of(staging: Staging, piece: Numbered) -> polars.DataFrame:
    """row_number, rule (`duplicate_id` or `already_scored`) and message of the rows of a piece that repeat one."""
    found = [read_part(part) for part in staging.parts("repeats", piece.piece.number)]
    return polars.concat([polars.DataFrame(schema=REPEATS), *found])


def _repeated(parts: Sequence[Path]) -> NDArray[np.uint64]:
    """The hashes that more than one row of these parts has, each once."""
    hashes = [read_part(part, [HASH])[HASH].to_numpy() for part in parts]
    ordered = np.concatenate([*hashes, np.empty(0, np.uint64)])
    ordered.sort()
    return np.unique(ordered[1:][ordered[1:] == ordered[:-1]])


def _stage_scored_elsewhere(staging: Staging, before: list[int], reader: Reader, batch_date: date, bucket: int) -> None:
    with staging.on_disk(staging.parts("ids", bucket)) as files:
        found = reader.scored_elsewhere(files, batch_date)
    message = polars.format("the application is scored in the batch of {}", "scored_on")
    _stage(found, before, "already_scored", message, staging, (bucket, 1))


def _stage(
    found: polars.DataFrame,
    before: list[int],
    rule: str,
    message: polars.Expr,
    staging: Staging,
    place: tuple[int, ...],
) -> None:
    """Stages what was found in a bucket by the pieces that will ask for it."""
    if found.is_empty():
        return
    repeats = found.select(
        piece_of(polars.col(ROW_NUMBER)).alias("piece"),
        numbered(polars.col(ROW_NUMBER), before).alias(ROW_NUMBER),
        polars.lit(rule).alias("rule"),
        message.alias("message"),
    )
    for (piece,), part in repeats.partition_by("piece", as_dict=True, include_key=False).items():
        write_part(part, staging.part("repeats", int(piece), *place))


def _refuse_other_hashes(surveyed: Sequence[Surveyed]) -> None:
    """Where two machines hash the same id differently, a duplicate would be in two buckets and not be found."""
    if len({item.probe for item in surveyed}) > 1:
        raise ScoringError(
            "the workers of this batch run different releases of polars, whose hashes differ; install the same"
            " requirements.lock on all of them and run the date again"
        )
