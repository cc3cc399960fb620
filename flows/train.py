"""Train a scorecard in the background: it becomes champion if there is none, else a challenger."""

from datetime import date
from pathlib import Path

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows import events, steps
from flows.run_log import run_log
from tasks.project import load_project
from tasks.train import Trained


@flow(name="train", persist_result=False)
def train(
    applications: str | None = None,
    outcomes: Path | None = None,
    before: date | None = None,
    challenger_only: bool = False,
) -> State[Trained]:
    """Trains a scorecard, evaluates it out of time and registers it: champion if there is none, else challenger.

    Args:
        applications: Application files, as a pattern. Empty, like outcomes: what is published in the warehouse.
        outcomes: A file with application_id, defaulted, observed_on. Empty: the outcomes loaded into the warehouse.
        before: Train on applications before this date, test on the others. Empty: the latest quarter is tested on.
        challenger_only: Never make the model champion, not even when there is none.
    """
    log = run_log()
    project = load_project()
    trained = steps.train_model(project, applications, outcomes, before, challenger_only=challenger_only)
    auc = trained.model.evaluation.test.auc.value
    quality = "too few rows for an AUC" if auc is None else f"AUC {auc:.3f} out of time"
    words = f"{trained.version} is {trained.role}: {quality}"
    log.info(words)
    create_markdown_artifact(trained.card.read_text(encoding="utf-8"), key=trained.version, description=words)
    events.trained(trained)
    return Completed(message=words, data=trained)
