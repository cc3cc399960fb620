"""The commands that make backups and restore them, and that move and keep up a warehouse."""

from pathlib import Path
from typing import Annotated

import typer

from flows.console import err, out

app = typer.Typer()


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where backups are kept: on another disk, at best.")],
    keep: Annotated[
        int | None, typer.Option(min=1, help="Remove older backups but for this many; default: none.")
    ] = None,
) -> None:
    """Copy warehouse, models and the pseudonym key, consistent and with hashes; runs may go on meanwhile."""
    from tasks.backup import back_up  # noqa: PLC0415
    from tasks.project import load_project  # noqa: PLC0415

    with err.status("Making the backup"):
        made = back_up(load_project(), folder, keep)
    files = made.manifest.files
    size = sum(file.bytes for file in files.values())
    out.print(f"{made.path}: {len(files)} files, {size:,} bytes", markup=False, soft_wrap=True)
    if secrets := sorted(name for name, file in files.items() if file.secret):
        out.print(f"it holds personal data, and a secret: {', '.join(secrets)}", markup=False, soft_wrap=True)
    for path in made.removed:
        out.print(f"removed {path}", markup=False, soft_wrap=True)


@app.command()
def restore(
    backup: Annotated[Path, typer.Argument(metavar="FOLDER/NAME", help="A backup, as `backup` named it.")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Even if there is newer content here, which is put aside.")
    ] = False,
) -> None:
    """Verify a backup and put it in place; what is there is put aside, not deleted."""
    from flows.next_steps import print_restored  # noqa: PLC0415
    from tasks import restore as restoring  # noqa: PLC0415
    from tasks.project import load_project  # noqa: PLC0415

    with err.status("Verifying and restoring"):
        restored = restoring.restore(load_project(), backup, anyway=yes)
    print_restored(restored)


@app.command()
def migrate_warehouse(
    source: Annotated[str, typer.Argument(metavar="FROM", help="The file of the warehouse: data/warehouse.duckdb.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="The lake: ducklake:postgres:dbname=… host=….")],
    data: Annotated[
        str, typer.Option(help="Where its rows go, a folder or s3://bucket/prefix; default: SCORING_WAREHOUSE_DATA.")
    ] = "",
) -> None:
    """Copy the warehouse from its file into a lake and compare them; repeat it if it was cut off."""
    from flows.next_steps import print_moved  # noqa: PLC0415
    from tasks.project import load_project  # noqa: PLC0415
    from tasks.transfer import move_warehouse  # noqa: PLC0415

    with err.status("Moving the warehouse") as status:
        lake, moved = move_warehouse(
            load_project(), source, target, data, lambda table, rows: status.update(f"Moving {table}: {rows:,} rows")
        )
    print_moved(lake, moved)


@app.command()
def upkeep() -> None:
    """Merge the small files of a lake, forget its past by its age, remove what belongs to nothing."""
    from tasks import upkeep as keeping  # noqa: PLC0415
    from tasks.project import load_project  # noqa: PLC0415

    with err.status("Keeping up the lake"):
        done = keeping.keep_up(load_project())
    out.print(keeping.in_words(done), markup=False, soft_wrap=True)
