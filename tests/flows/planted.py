"""A home through which an applicant with values of their own has gone, in every way there is."""

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import polars
import pytest

from schemas.errors import BatchBlocked
from schemas.prediction_log import LoggedPrediction
from schemas.pseudonyms import Pseudonyms, pseudonym_key
from service.prediction_log import PredictionLog
from tasks.load_predictions import load_predictions
from tasks.outcomes import load_outcomes
from tasks.performance import update_performance
from tasks.project import Project
from tasks.report import write_report
from tests.body import run_day
from tests.flows.homes import DAYS, landing_file

ID, OTHER = "PLANTED-7781-ÉX", "OTHERS-4412-KEPT"
# Scored on the first day; what the second and the blocked day have of it is quarantined.
SCORED, REPEATED, PARQUET, PARTS, BLOCKED = DAYS[:5]
COLUMNS = ("application_id", "application_date", "age", "income", "loan_amount", "employment_length", "credit_score")
VALUES: dict[str, Any] = {"income": 76543.21987, "loan_amount": 7654.321098, "employment_length": 7.654321}
AGAIN: dict[str, Any] = {"income": 65432.10987, "loan_amount": 6543.210987, "employment_length": 6.543219}
ASKED: dict[str, Any] = {"income": 54321.98765, "loan_amount": 5432.198765, "employment_length": 5.432198}
KEPT: dict[str, Any] = {"income": 43219.87654, "loan_amount": 4321.987654, "employment_length": 4.321987}
NUMBERS = [value for given in (VALUES, AGAIN, ASKED) for value in given.values()]
MALFORMED = f"{ID},only three,fields"


def line(application_id: str, day: date, values: dict[str, Any], **more: Any) -> str:
    """A line of a landing file."""
    row = {"application_id": application_id, "application_date": day, "age": 44, "credit_score": 655, **values, **more}
    return ",".join(str(row[name]) for name in COLUMNS)


def plant(home: Path, project: Project) -> None:
    """Everything: scored with a report, repeated, in gzip, Parquet and parts, blocked, predicted, with an outcome."""
    _add(landing_file(home, SCORED), line(ID, SCORED, VALUES), line(OTHER, SCORED, KEPT))
    _add(landing_file(home, REPEATED), f'"{ID}"' + line("", REPEATED, AGAIN), MALFORMED)
    _gzipped(landing_file(home, REPEATED))
    _as_parquet(landing_file(home, PARQUET))
    _as_parts(landing_file(home, PARTS))
    path = landing_file(home, BLOCKED)
    header, *rows = path.read_text().splitlines()
    half = [row if place % 2 else "?" for place, row in enumerate(rows)]
    path.write_text("\n".join([header, *half, line(ID, BLOCKED, AGAIN, age=17), MALFORMED]) + "\n")
    for day in (SCORED, REPEATED, PARQUET, PARTS):
        run_day(project, day)
    with pytest.raises(BatchBlocked):
        run_day(project, BLOCKED)
    write_report(project, SCORED)
    log_predictions(project, "first")
    load_predictions(project, lambda _: None)
    log_predictions(project, "waiting")
    outcomes = home / "outcomes.csv"
    outcomes.write_text(f"application_id,defaulted,observed_on\n{ID},true,2026-12-24\n{OTHER},false,2026-12-24\n")
    load_outcomes(project, outcomes)
    update_performance(project)


def log_predictions(project: Project, name: str, at: datetime = datetime(2026, 6, 20, 10, tzinfo=UTC)) -> None:
    """A finished segment with a prediction for the planted applicant and one for somebody else."""
    hashed = Pseudonyms(pseudonym_key(project.settings))
    log = PredictionLog(project.settings.path("predictions"), max_bytes=1_000_000, max_seconds=60)
    for application_id, values in ((ID, ASKED), (OTHER, KEPT)):
        logged = LoggedPrediction(
            prediction_id=f"{name}-{application_id[:5]}",
            predicted_at=at,
            request_id=f"request-{name}",
            application_key=hashed(application_id),
            inputs={"age": 44, "credit_score": 655, **values},
            outputs={"probability_of_default": 0.1, "score": 600, "band": "B", "decision": "approve"},
            latency_ms=1.0,
            model_version="scorecard-1",
        )
        log.append(msgspec.json.encode(logged) + b"\n")
    log.close()


def pseudonym(project: Project) -> str:
    """How the prediction log has the planted applicant."""
    return str(Pseudonyms(pseudonym_key(project.settings))(ID))


def as_json(text: str) -> Any:
    """A JSON text decoded."""
    return json.loads(text)


def _add(path: Path, *lines: str) -> None:
    path.write_text(path.read_text() + "".join(f"{each}\n" for each in lines))


def _gzipped(path: Path) -> None:
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()


def _as_parquet(path: Path) -> None:
    """The day as Parquet in several row groups, with the planted applicant once more."""
    _add(path, line(ID, PARQUET, AGAIN))
    polars.read_csv(path, infer_schema_length=None).write_parquet(path.with_suffix(".parquet"), row_group_size=40)
    path.unlink()


def _as_parts(path: Path) -> None:
    folder = path.with_suffix("")
    folder.mkdir()
    header, *rows = path.read_text().splitlines()
    (folder / "part-1.csv").write_text("\n".join([header, *rows[:70]]) + "\n")
    # The last line has no end.
    (folder / "part-2.csv").write_text("\n".join([header, *rows[70:], line(ID, PARTS, AGAIN)]))
    path.unlink()
