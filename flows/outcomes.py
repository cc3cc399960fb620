"""Load how loans ended, and compare with what was predicted."""

from pathlib import Path

from prefect import flow
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows import steps
from flows.run_log import run_log
from tasks.performance import in_words as performance_in_words
from tasks.project import load_project


@flow(name="outcomes", persist_result=False)
def outcomes(file: Path) -> State[int]:
    """Loads a file of outcomes and computes realised performance again.

    Args:
        file: A file with application_id, defaulted, observed_on; relative to the folder the worker runs in.
    """
    log = run_log()
    project = load_project()
    loaded = steps.load_outcomes(project, file)
    found = steps.update_performance(project)
    words = f"{loaded:,} outcomes loaded; {performance_in_words(found)}"
    log.info(words)
    if found.realised.height:
        rows = found.realised.with_columns(found.realised["vintage"].cast(str)).to_dicts()
        create_table_artifact(rows, key="performance", description="Realised performance by vintage and model")
    return Completed(message=words, data=loaded)
