"""Judges the rows of one piece of a source: each is staged as accepted or as quarantined."""

from collections import Counter
from datetime import date, timedelta

import polars

from schemas.batch_rules import BatchCounts
from schemas.judgement import judge, malformed_records
from schemas.parsing import APPLICATION_DATE
from schemas.row_rules import RowRules
from tasks.ingest import Batch
from tasks.parallel import in_order
from tasks.project import Project
from tasks.repeats import repeats_of
from tasks.source.rows import Rows, read_spans
from tasks.staging import Staging, write_part
from tasks.survey import Numbered


def judge_piece(project: Project, batch: Batch, staging: Staging, has_date: bool, piece: Numbered) -> BatchCounts:
    """Stages the accepted and the quarantined rows of a piece, chunk by chunk, and counts what was found in it.

    `has_date`: whether the source has application dates. Raises UnreadableSource where a file breaks off.
    """
    repeats = repeats_of(staging, piece)

    def judge_chunk(numbered: tuple[int, Rows]) -> BatchCounts:
        number, rows = numbered
        # Rules of its own for each chunk: a Pandera schema is not made for threads.
        rules = RowRules(project.contract, batch.batch_date, has_date=has_date)
        judged = judge(project.contract, rules, rows.frame, repeats, has_date=has_date)
        accepted = judged.accepted
        if not has_date:
            accepted = accepted.with_columns(polars.lit(batch.batch_date).alias(APPLICATION_DATE))
        place = piece.piece.number, number
        write_part(accepted, staging.part("accepted", *place), compression="uncompressed", statistics=False)
        records = polars.concat([judged.quarantined, malformed_records(rows.malformed)])
        if not records.is_empty():
            sourced = records.with_columns(polars.lit(rows.part).alias("source"))
            write_part(sourced, staging.part("quarantine", *place), compression="zstd")
        return _counts(project, batch.batch_date, rows.height, accepted, records)

    return sum(in_order(judge_chunk, enumerate(read_spans(piece.piece.spans, before=piece.before))), BatchCounts())


def _counts(
    project: Project, batch_date: date, height: int, accepted: polars.DataFrame, records: polars.DataFrame
) -> BatchCounts:
    oldest = batch_date - timedelta(days=project.settings.gate_warn_age_days)
    by_rule = records.group_by("field", "rule").len().rows()
    return BatchCounts(
        received=height,
        quarantined=height - accepted.height,
        broken=Counter({(name or "", rule): count for name, rule, count in by_rule}),
        missing=Counter({field.name: accepted[field.name].null_count() for field in project.contract.fields}),
        stale=int((accepted[APPLICATION_DATE] < oldest).sum()),
    )
