"""Finds the applications of a source that are there already: earlier in the source, or in the batch of another date."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import polars
from numpy.typing import NDArray

from schemas.parsing import APPLICATION_ID, ROW_NUMBER
from tasks.source.landing import Source
from tasks.source.rows import read_rows
from tasks.staging import Staging
from warehouse.reader import Reader

REPEATS = {ROW_NUMBER: polars.Int64, "rule": polars.String, "message": polars.String}


def find_repeats(source: Source, staging: Staging, reader: Reader, batch_date: date) -> polars.DataFrame:
    """row_number, rule (`duplicate_id` or `already_scored`) and message of every row that repeats an application.

    The first row of an id counts, whatever else is wrong with it. Memory: 16 bytes a row of the source.
    """
    hashes = list(_stage_ids(source, staging))
    parts = staging.parts("ids")
    in_file = _repeated_in_file(parts, np.concatenate([*hashes, np.empty(0, np.uint64)]))
    # A file of a header has no ids to ask for.
    others = parts and reader.published_elsewhere(batch_date)
    elsewhere = reader.scored_elsewhere(parts, batch_date) if others else None
    return polars.concat([in_file, *_already_scored(elsewhere)])


def _stage_ids(source: Source, staging: Staging) -> Iterator[NDArray[np.uint64]]:
    for number, rows in enumerate(read_rows(source, only=[APPLICATION_ID])):
        ids = rows.frame.select(ROW_NUMBER, polars.col(APPLICATION_ID).str.strip_chars())
        ids = ids.filter(polars.col(APPLICATION_ID) != "")
        ids.write_parquet(staging.part("ids", number), compression="uncompressed", statistics=False)
        yield ids[APPLICATION_ID].hash().to_numpy()


def _repeated_in_file(parts: Sequence[Path], hashes: NDArray[np.uint64]) -> polars.DataFrame:
    ordered = np.sort(hashes)
    repeated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if repeated.size == 0:
        return polars.DataFrame(schema=REPEATS)
    # Equal hashes only select candidates; equal ids decide.
    suspects = polars.scan_parquet(list(parts)).filter(
        polars.col(APPLICATION_ID).hash().is_in(polars.Series(repeated).implode())
    )
    first = polars.col(ROW_NUMBER).min().over(APPLICATION_ID)
    return (
        suspects.with_columns(first.alias("first"))
        .filter(polars.col(ROW_NUMBER) > polars.col("first"))
        .select(
            ROW_NUMBER,
            polars.lit("duplicate_id").alias("rule"),
            polars.format("row {} of the file has the same application_id", "first").alias("message"),
        )
        .collect()
    )


def _already_scored(elsewhere: polars.DataFrame | None) -> Iterator[polars.DataFrame]:
    if elsewhere is not None:
        yield elsewhere.select(
            ROW_NUMBER,
            polars.lit("already_scored").alias("rule"),
            polars.format("the application is scored in the batch of {}", "scored_on").alias("message"),
        )
