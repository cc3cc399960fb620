"""Every night: what is over its age is removed, out of the warehouse and out of every folder."""

from datetime import date

from prefect import flow
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows import steps
from flows.run_log import run_log
from tasks.project import load_project
from tasks.retention import Retained, as_of_date, in_words


@flow(name="retention", persist_result=False)
def retention(as_of: date | None = None, dry_run: bool = False) -> State[Retained]:
    """Removes personal data that is over its age (SCORING_RETAIN_…_DAYS), and leaves what was summed up.

    Args:
        as_of: The date ages are counted from. Empty: today. A date to come is taken with dry_run only.
        dry_run: Says what would go, and removes nothing.

    It ends with a table of what was removed; as Incomplete if a file could not be.
    """
    log = run_log()
    project = load_project()
    removed = steps.remove_over_age(project, as_of_date(project, as_of, dry_run=dry_run), dry_run=dry_run)
    words = in_words(removed)
    log.info(words)
    if removed.removed:
        rows = [{"store": item.store, "removed": item.count, "oldest": str(item.oldest)} for item in removed.removed]
        create_table_artifact(rows, key="retention", description=words)
    if removed.problems:
        return Failed(name="Incomplete", message="\n".join([words, *removed.problems]), data=removed)
    return Completed(message=words, data=removed)
