"""Load what the service predicted: finished segments of its log, each once."""

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows import steps
from flows.run_log import run_log
from tasks.load_predictions import LoadedPredictions, in_words
from tasks.project import load_project


@flow(name="load-predictions", persist_result=False)
def load_predictions() -> State[LoadedPredictions]:
    """Loads finished segments of the service's prediction log into the warehouse, each once, and moves them aside.

    A segment that cannot be loaded stays where it is and ends the run as Incomplete; the others are loaded.
    """
    log = run_log()
    loaded = steps.load_predictions(load_project(), log.warning)
    words = in_words(loaded)
    log.info(words)
    for message in loaded.refused:
        log.error(message)
    if loaded.refused:
        return Failed(name="Incomplete", message="\n".join([words, *loaded.refused]), data=loaded)
    return Completed(message=words, data=loaded)
