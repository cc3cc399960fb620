"""The gate: every row of a source is accepted or quarantined, and the batch as a whole is let through or blocked."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import polars

from schemas.batch import GateResult, RowCounts
from schemas.batch_rules import BatchCounts, apply_batch_rules, refused
from schemas.contract import Contract
from schemas.errors import LandingError, UnreadableSource
from schemas.parsing import APPLICATION_DATE, APPLICATION_ID
from tasks.ingest import Batch
from tasks.judging import judge_piece
from tasks.parallel import Over, in_turn
from tasks.project import Project
from tasks.repeats import find_repeats
from tasks.source.landing import fingerprint, source_at
from tasks.source.pieces import cut
from tasks.source.rows import ROW_NUMBER, header_of
from tasks.staging import Staging, read_part

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


def judge_source(project: Project, batch: Batch, staging: Staging, over: Over = in_turn) -> Verdict:
    """Stages the accepted and the quarantined rows of a batch and applies the rules of the whole batch.

    `over` says where its pieces are worked on. Raises LandingError if the file is written to while it is read.
    """
    reader = project.reader
    compared_with = reader.published_elsewhere(batch.batch_date)
    try:
        columns = _checked_header(project.contract, batch)
        counts = _judge_pieces(project, batch, staging, columns, over)
    except FileNotFoundError as error:
        raise _not_found(batch) from error
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


def _judge_pieces(
    project: Project, batch: Batch, staging: Staging, columns: tuple[str, ...], over: Over
) -> BatchCounts:
    # What an earlier attempt of this run found need not hold any more.
    staging.clear()
    part_bytes, has_date = project.settings.part_bytes, APPLICATION_DATE in columns
    pieces = cut(batch.source, part_bytes)
    # What fits into one piece is done sooner here than it is handed over.
    over = over if len(pieces) > 1 else in_turn
    numbered = find_repeats(pieces, part_bytes, staging, project.reader, batch.batch_date, over)
    counts = sum(over("gate", partial(judge_piece, project, batch, staging, has_date), numbered), BatchCounts())
    known = {APPLICATION_ID, APPLICATION_DATE, *(field.name for field in project.contract.fields)}
    return replace(counts, unknown_columns=tuple(name for name in columns if name not in known))


def _not_found(batch: Batch) -> LandingError:
    if not _is_unchanged(batch):
        return _changed(batch)
    return LandingError(
        f"{batch.source.path} is here, but a worker of the batch did not find it; with SCORING_TASK_RUNNER, landing"
        " zone and staging have to be at the same addresses for all workers"
    )


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


def _examples(staging: Staging) -> list[str]:
    """The first broken rows, so that a message can name row and rule."""
    found: list[polars.DataFrame] = []
    for part in staging.parts("quarantine"):
        if sum(map(len, found)) < EXAMPLES:
            found.append(read_part(part, ["source", ROW_NUMBER, "rule", "message"]))
    if not found:
        return []
    first = polars.concat(found).sort(ROW_NUMBER, maintain_order=True).head(EXAMPLES)
    return [f"{source}, row {number}: {message} ({rule})" for source, number, rule, message in first.rows()]
