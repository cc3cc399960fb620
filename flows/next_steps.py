"""What to do after a restore or a move, as the commands print it."""

from collections.abc import Iterator, Sequence

from rich.table import Table

from flows.console import out
from schemas.lake import Lake
from tasks.restore import Restored
from warehouse.transfer import Moved

RUN = "python -m flows"


def print_restored(restored: Restored) -> None:
    """What was restored, where the former files are, and what to run next."""
    manifest = restored.manifest
    rows = manifest.rows.get("scores", 0)
    lines = [
        f"restored as of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC: {rows:,} scores, champion {manifest.champion}",
        *(f"put aside: {path}" for path in restored.put_aside),
        *(f"next: {step}" for step in next_steps(restored)),
    ]
    for line in lines:
        out.print(line, markup=False, soft_wrap=True)


def print_moved(lake: Lake, moved: Sequence[Moved]) -> None:
    """What was moved, table by table, and what to set next."""
    table = Table("table", "rows", "checksum", "")
    for item in moved:
        state = "was there already" if item.before and item.sum.rows else ""
        table.add_row(item.table, f"{item.sum.rows:,}", f"{item.sum.checksum:x}"[-16:], state)
    out.print(table)
    rows = sum(item.sum.rows for item in moved)
    lines = [
        f"{lake}: {rows:,} rows in {len(moved)} tables, counts and checksums as in the file, which is as it was",
        f"next: set SCORING_WAREHOUSE to the lake and SCORING_WAREHOUSE_DATA={lake.data} wherever it is used",
    ]
    for line in lines:
        out.print(line, markup=False, soft_wrap=True)


def next_steps(restored: Restored) -> Iterator[str]:
    """What to run, in this order, a sentence each."""
    champion, before = restored.manifest.champion, restored.champion_before
    if before and before != champion:
        yield f"{before} was champion; if it should be again, bring its folder back and `{RUN} promote {before}`"
    if restored.pending:
        first, last = restored.pending[0], restored.pending[-1]
        yield (
            f"`{RUN} backfill --start {first} --end {last}`: files of {len(restored.pending)} days in that period are"
            " not judged in this warehouse"
        )
    if restored.segments:
        yield f"`{RUN} load-predictions`: {restored.segments} segments of the prediction log are not in this warehouse"
    if restored.put_aside:
        yield "what was put aside holds personal data that nothing removes: delete it once it is not needed any more"
    yield (
        "outcomes, acknowledgements and erasures since the backup are not in it: load the outcomes again, and erase"
        f" again whoever was erased since; `{RUN} retention` removes what is too old"
    )
