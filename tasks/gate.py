"""The gate: every row of a source is accepted or quarantined, and the batch as a whole is let through or blocked."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import polars

from schemas.batch import GateResult, RowCounts
from schemas.batch_rules import BatchCounts, apply_batch_rules, refused
from schemas.contract import Contract
from schemas.errors import LandingError, UnreadableSource
from schemas.judgement import judge, malformed_records
from schemas.parsing import APPLICATION_DATE, APPLICATION_ID
from schemas.row_rules import RowRules
from tasks.ingest import Batch
from tasks.parallel import in_order
from tasks.project import Project
from tasks.repeats import find_repeats
from tasks.source.landing import fingerprint, source_at
from tasks.source.rows import ROW_NUMBER, Rows, header_of, read_rows
from tasks.staging import Staging

EXAMPLES = 5


@dataclass(frozen=True)
class Verdict:
    """What the gate found. `compared_with`: the published batches of other dates it looked for repeats in."""

    rows: RowCounts
    results: Sequence[GateResult]
    compared_with: frozenset[str]
    examples: Sequence[str] = ()

    @property
    def failures(self) -> list[str]:
        """What blocks the batch, as sentences; empty if it may be published."""
        failed = [item for item in self.results if item.severity == "critical" and not item.passed]
        return [item.message for item in failed] + (list(self.examples) if failed else [])

    @property
    def warnings(self) -> list[str]:
        """What an analyst should look at, as sentences."""
        return [item.message for item in self.results if item.severity == "warning" and not item.passed]


def judge_source(project: Project, batch: Batch, staging: Staging) -> Verdict:
    """Stages the accepted and the quarantined rows of a batch and applies the rules of the whole batch.

    Raises LandingError if the file is written to while it is read.
    """
    reader = project.reader
    compared_with = reader.published_elsewhere(batch.batch_date)
    try:
        columns = _checked_header(project.contract, batch)
        repeats = find_repeats(batch.source, staging, reader, batch.batch_date)
        counts = _judge_rows(project, batch, staging, repeats, columns)
    except FileNotFoundError as error:
        raise _changed(batch) from error
    except UnreadableSource as error:
        # A verdict is about the bytes that were hashed.
        if not _is_unchanged(batch):
            raise _changed(batch) from error
        nothing = RowCounts(received=0, scored=0, quarantined=0)
        return Verdict(nothing, [refused(error.check_name, str(error))], compared_with)
    if not _is_unchanged(batch):
        raise _changed(batch)
    window = project.settings.gate_volume_window
    counts = replace(counts, volumes=reader.recent_volumes(batch.batch_date, window))
    results = apply_batch_rules(project.contract, project.settings, counts)
    rows = RowCounts(received=counts.received, scored=counts.accepted, quarantined=counts.quarantined)
    return Verdict(rows, results, compared_with, _examples(staging))


def _is_unchanged(batch: Batch) -> bool:
    try:
        # Looked up again: a part may have joined the folder.
        return fingerprint(source_at(batch.source.path)) == batch.fingerprint
    except (LandingError, FileNotFoundError):
        return False


def _changed(batch: Batch) -> LandingError:
    return LandingError(f"{batch.source.path} was written to while it was read; run the date again when it is complete")


def _checked_header(contract: Contract, batch: Batch) -> tuple[str, ...]:
    columns = header_of(batch.source)
    absent = [name for name in (APPLICATION_ID, *(field.name for field in contract.fields)) if name not in columns]
    if absent:
        raise UnreadableSource(
            "columns_present",
            f"{batch.source.name}: missing columns: {', '.join(absent)}; the file has {', '.join(columns)}",
        )
    return columns


def _judge_rows(
    project: Project, batch: Batch, staging: Staging, repeats: polars.DataFrame, columns: tuple[str, ...]
) -> BatchCounts:
    """One pass over the source: stages every chunk's rows and adds up what was found in it."""
    contract, has_date = project.contract, APPLICATION_DATE in columns
    oldest = batch.batch_date - timedelta(days=project.settings.gate_warn_age_days)

    def judge_chunk(numbered: tuple[int, Rows]) -> BatchCounts:
        number, rows = numbered
        # Rules of its own for each chunk: a Pandera schema is not made for threads.
        rules = RowRules(contract, batch.batch_date, has_date=has_date)
        judged = judge(contract, rules, rows.frame, repeats, has_date=has_date)
        accepted = judged.accepted
        if not has_date:
            accepted = accepted.with_columns(polars.lit(batch.batch_date).alias(APPLICATION_DATE))
        accepted.write_parquet(staging.part("accepted", number), compression="uncompressed", statistics=False)
        records = _stage_quarantine(rows, judged.quarantined, staging, number)
        return BatchCounts(
            received=rows.height,
            quarantined=rows.height - accepted.height,
            broken=Counter({(name or "", rule): count for name, rule, count in _by_rule(records)}),
            missing=Counter({field.name: accepted[field.name].null_count() for field in contract.fields}),
            stale=int((accepted[APPLICATION_DATE] < oldest).sum()),
        )

    counts = sum(in_order(judge_chunk, enumerate(read_rows(batch.source))), start=BatchCounts())
    known = {APPLICATION_ID, APPLICATION_DATE, *(field.name for field in contract.fields)}
    return replace(counts, unknown_columns=tuple(name for name in columns if name not in known))


def _stage_quarantine(rows: Rows, judged: polars.DataFrame, staging: Staging, number: int) -> polars.DataFrame:
    records = polars.concat([judged, malformed_records(rows.malformed)])
    if not records.is_empty():
        sourced = records.with_columns(polars.lit(rows.part).alias("source"))
        sourced.write_parquet(staging.part("quarantine", number), compression="zstd")
    return records


def _by_rule(records: polars.DataFrame) -> list[tuple[str | None, str, int]]:
    return records.group_by("field", "rule").len().rows()


def _examples(staging: Staging) -> list[str]:
    """The first broken rows, so that a message can name row and rule."""
    parts = staging.parts("quarantine")
    if not parts:
        return []
    first = polars.scan_parquet(parts).sort(ROW_NUMBER).head(EXAMPLES).collect()
    shown = first.select("source", ROW_NUMBER, "rule", "message").rows()
    return [f"{source}, row {number}: {message} ({rule})" for source, number, rule, message in shown]
