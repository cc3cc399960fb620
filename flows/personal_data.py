"""Retention, erasure and export as the commands print them."""

import os
from pathlib import Path
from typing import Any

from rich.table import Table

from flows.console import err, out
from schemas.errors import ScoringError
from tasks import erase
from tasks import retention as over_age
from tasks.erase import Erased
from tasks.export import to_json
from tasks.retention import Retained


def print_retained(retained: Retained) -> None:
    """A table of what was removed, or would be; raises ScoringError with what could not be."""
    if retained.removed:
        table = Table("store", "would go" if retained.dry_run else "removed", "oldest")
        for item in retained.removed:
            table.add_row(item.store, f"{item.count:,}", str(item.oldest or ""))
        out.print(table)
    out.print(over_age.in_words(retained), markup=False, soft_wrap=True)
    if retained.problems:
        raise ScoringError("\n".join(retained.problems))


def print_erased(application_id: str, erased: Erased) -> None:
    """What was erased, what names the application besides; raises ScoringError with what still holds it."""
    say = f"{application_id}: {erase.in_words(erased)}"
    out.print(say, markup=False, soft_wrap=True)
    if erased.completed:
        out.print("An earlier erasure had been cut off; it is complete now.")
    for path in erased.reports:
        out.print(f"deleted, as it could show its values: {path}", markup=False, soft_wrap=True)
    for path in erased.mentions:
        out.print(f"also named in {path}: not this project's to change", markup=False, soft_wrap=True)
    if erased.size:
        out.print(f"the warehouse was written anew: {erased.size.before:,} bytes before, {erased.size.after:,} after")
    out.print(
        "Not looked into: backups, which hold it until they are deleted (and bring it back if they are restored: erase"
        " it again then), files given by --source from elsewhere, messages that were sent, Prefect's database outside"
        " this home (it may have single values of blocked batches). Reports can be made again: python -m flows report",
        soft_wrap=True,
    )
    if erased.shared:
        out.print(
            f"Of {', '.join(erased.shared)}: former versions, where the bucket keeps them, are for its own rules to"
            " remove; what the service of another host has not shipped yet comes later: erase it again then",
            markup=False,
            soft_wrap=True,
        )
    if erased.unfinished:
        raise ScoringError("not all is erased:\n" + "\n".join(erased.unfinished))


def write_export(exported: dict[str, Any], output: Path | None) -> None:
    """To standard output, or to a file that only its owner may read, whole or not at all."""
    content = to_json(exported)
    if output is None:
        out.file.write(content.decode())
        return
    aside = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(output)
    finally:
        aside.unlink(missing_ok=True)
    err.print(f"written to {output}", markup=False, soft_wrap=True)
