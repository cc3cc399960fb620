"""Every night, for a warehouse that is a lake: small files are merged, its past is forgotten by its age."""

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows import steps
from flows.run_log import run_log
from tasks.project import load_project
from tasks.upkeep import in_words
from warehouse.upkeep import Upkeep


@flow(name="upkeep", persist_result=False)
def upkeep() -> State[Upkeep | None]:
    """Merges the small files of a lake, forgets its past by its age (SCORING_RETAIN_HISTORY_DAYS), removes orphans.

    A warehouse that is a file needs none of it: the run then says so.
    """
    done = steps.keep_up(load_project())
    words = in_words(done)
    run_log().info(words)
    return Completed(message=words, data=done)
