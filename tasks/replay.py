"""Replay: the stored inputs of an application, scored again with the model that scored it."""

from dataclasses import dataclass
from typing import Any

import polars

from model.artifact import load_version
from model.scorer import Scorer
from schemas.columns import columns_of
from schemas.errors import ScoringError
from tasks.project import Project

RESULTS = ("probability_of_default", "score", "band", "decision", "reason_codes")


@dataclass(frozen=True)
class Replay:
    """What is stored and what scoring gives now, by column of the result."""

    application_id: str
    batch_id: str
    model_version: str
    inputs: dict[str, Any]
    stored: dict[str, Any]
    again: dict[str, Any]

    @property
    def agrees(self) -> bool:
        """Whether both are the same to the bit."""
        return self.stored == self.again


def replay_application(project: Project, application_id: str) -> Replay:
    """Scores a published application again; raises ScoringError if none of that id is published."""
    found = project.reader.frame("application", application_id=application_id)
    if found.is_empty():
        raise ScoringError(
            f"no published batch has the application {application_id}: it was never scored, or it was erased, or has"
            " gone for its age (SCORING_RETAIN_APPLICATIONS_DAYS, SCORING_RETAIN_DECLINED_DAYS)"
        )
    version = str(found["model_version"][0])
    model = load_version(project.settings.path("models"), version, project.contract, project.trust).model
    again = Scorer(model, project.contract).score(columns_of(project.contract, found)).to_frame()
    inputs = found.select(field.name for field in project.contract.fields)
    return Replay(
        application_id=application_id,
        batch_id=str(found["batch_id"][0]),
        model_version=version,
        inputs=inputs.row(0, named=True),
        stored=_results(found),
        again=_results(again),
    )


def _results(frame: polars.DataFrame) -> dict[str, Any]:
    return frame.select(RESULTS).row(0, named=True)
