"""Publish: the batch, or the verdict that blocks it, goes on the record in one transaction."""

from pathlib import Path

from schemas.batch import Published, RowCounts
from schemas.errors import BatchBlocked
from schemas.storage import written_whole
from tasks.gate import Verdict
from tasks.ingest import Batch
from tasks.project import Project
from tasks.source.rows import ROW_NUMBER
from tasks.staging import Staging, read_part
from tasks.vintage import summary_of
from warehouse.inserts import Staged
from warehouse.monitoring import Monitoring


def find_published(project: Project, batch: Batch) -> Published | None:
    """Where the very same batch is in force already, or None."""
    project.writer.prepare()
    current = project.reader.published(batch.batch_date)
    if current is None or current.identity != batch.identity:
        return None
    return Published(
        batch_id=current.batch_id, batch_date=batch.batch_date, revision=current.revision, new=False, rows=current.rows
    )


def publish(project: Project, batch: Batch, verdict: Verdict, monitoring: Monitoring, staging: Staging) -> Published:
    """Publishes what is staged; see `Writer.publish`."""
    with (
        staging.on_disk(staging.parts("accepted")) as accepted,
        staging.on_disk(staging.parts("scores")) as scores,
        staging.on_disk(staging.parts("quarantine")) as quarantine,
    ):
        staged = Staged(accepted=accepted, scores=scores, quarantine=quarantine, compared_with=verdict.compared_with)
        return project.writer.publish(
            batch.record(verdict.rows), staged, verdict.results, monitoring, summary_of(project, batch)
        )


def refuse(project: Project, batch: Batch, verdict: Verdict, staging: Staging) -> BatchBlocked:
    """Records the verdict on a blocked batch, saves its broken rows as CSV, and returns the error to raise.

    All rows of a blocked batch count as quarantined: none of them is scored.
    """
    received = verdict.rows.received
    rows = RowCounts(received=received, scored=0, quarantined=received)
    project.writer.block(batch.record(rows), verdict.results)
    failures, broken_rows = list(verdict.failures), None
    # Of a file that breaks off no row counts; those staged before the break are not all.
    if received and staging.parts("quarantine"):
        try:
            broken_rows = _save_broken_rows(project.settings.path("reports"), batch, staging)
            failures.append(f"all broken rows with their rules: {broken_rows}")
        except OSError as error:
            # The verdict is on the record already, and matters more than its list.
            failures.append(f"the broken rows could not be saved as CSV: {error}")
    return BatchBlocked(batch.batch_date, batch.source.name, failures, broken_rows)


def _save_broken_rows(reports: Path, batch: Batch, staging: Staging) -> Path:
    """A CSV to send back to the source, there whole or not at all."""
    path = reports / f"blocked_{batch.batch_date}_{batch.identity.source_sha256[:8]}.csv"
    with written_whole(path) as aside, aside.open("wb") as file:
        # Parts are in the order of the file, and there may be as many broken rows as rows.
        for number, part in enumerate(staging.parts("quarantine")):
            rows = read_part(part).sort(ROW_NUMBER, maintain_order=True)
            rows.write_csv(file, include_header=number == 0)
    return path
