"""Train: applications and outcomes go in, a registered model with its card comes out."""

import glob
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars

from model.artifact import read_metadata, save_model
from model.card import model_card
from model.champion import Role, champion_identity, register
from model.signature import signer_of
from model.trained import Model
from model.training import train
from schemas.columns import columns_of
from schemas.errors import LandingError, ScoringError
from schemas.judgement import judge
from schemas.parsing import APPLICATION_DATE, APPLICATION_ID
from schemas.row_rules import RowRules
from schemas.storage import is_address, matching
from tasks.outcomes import read_outcomes
from tasks.project import Project
from tasks.repeats import REPEATS
from tasks.source.landing import NAME, Source, source_at
from tasks.source.rows import header_of, read_rows

# The sample generator leaves this beside what it writes.
GENERATED_NOTE = "GENERATED.md"
HANDED = "The data was handed to the training command; whether it is representative is for its owner to say."


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A registered model, and what became of the rows it was to be trained on."""

    version: str
    role: Role
    card: Path
    model: Model
    rows_read: int
    rows_refused: int
    rows_repeated: int
    rows_without_outcome: int


def train_model(
    project: Project,
    applications: str | None,
    outcomes: Path | None,
    before: date | None,
    *,
    challenger_only: bool = False,
) -> Trained:
    """Trains on the applications a glob pattern finds, evaluates out of time, saves and registers the model.

    Without a pattern it takes what is published in the warehouse, without a file the outcomes loaded there.
    Rows the gate would quarantine are left out, as are repeated ones and those without an outcome; all are counted.
    Raises LandingError if nothing is found, ModelError if it is too little to train on, or, with `challenger_only`, if
    there is no champion to challenge, SettingsError if the key that signs models cannot be used.
    """
    if challenger_only:
        champion_identity(project.settings.path("models"))
    # A key that cannot be used is said before minutes of training.
    key = signer_of(project.settings)
    given = _given(project, applications)
    distinct = given.accepted.unique(APPLICATION_ID, keep="first", maintain_order=True)
    results = read_outcomes(outcomes) if outcomes else _loaded_outcomes(project)
    known = distinct.join(results, on=APPLICATION_ID, how="inner", maintain_order="left")
    model = train(
        project.contract,
        columns_of(project.contract, known),
        known["defaulted"].cast(polars.Int8).to_numpy(),
        known[APPLICATION_DATE].to_numpy().astype("datetime64[D]"),
        before,
    )
    models = project.settings.path("models")
    saved = save_model(models, model, model_card(model, project.contract, given.note), key)
    role = register(models, saved.version, challenger_only=challenger_only)
    metrics = json.dumps(read_metadata(models, saved.version)["metrics"])
    project.writer.record_model(saved.version, saved.sha256, project.contract.hash, role, metrics)
    return Trained(
        version=saved.version,
        role=role,
        card=models / saved.version / "model_card.md",
        model=model,
        rows_read=given.rows_read,
        rows_refused=given.rows_read - given.accepted.height,
        rows_repeated=given.accepted.height - distinct.height,
        rows_without_outcome=distinct.height - known.height,
    )


@dataclass(frozen=True)
class _Given:
    """Applications to train on: rows read, those that break no rule, and where they come from, for the model card."""

    rows_read: int
    accepted: polars.DataFrame
    note: str


def _given(project: Project, applications: str | None) -> _Given:
    if applications is None:
        published = project.reader.frame("published_applications", contract_hash=project.contract.hash)
        if published.is_empty():
            raise LandingError(
                f"nothing is published in the warehouse for the contract {project.contract.name} as it is now; score"
                " days first, or name application files"
            )
        return _Given(published.height, published, f"The data is what was published in the warehouse. {HANDED}")
    sources = [source_at(path) for path in _matching(applications)]
    if not sources:
        raise LandingError(f"no file matches {applications}; quote the pattern, so that the shell leaves it alone")
    rows_read, accepted = _read_applications(project, sources)
    return _Given(rows_read, accepted, _data_note(sources))


def _matching(pattern: str) -> list[Path]:
    if is_address(pattern):
        return matching(pattern)
    return [Path(name) for name in sorted(glob.glob(pattern, recursive=True))]  # noqa: PTH207 - it may be absolute


def _loaded_outcomes(project: Project) -> polars.DataFrame:
    outcomes = project.reader.frame("outcomes")
    if outcomes.is_empty():
        raise LandingError("no outcomes are loaded; load some with `python -m flows outcomes FILE`, or name a file")
    return outcomes


def _read_applications(project: Project, sources: Sequence[Source]) -> tuple[int, polars.DataFrame]:
    """Number of rows, and those that break no row rule, of all sources together."""
    frames, count = [], 0
    for source in sources:
        absent = [field.name for field in project.contract.fields if field.name not in header_of(source)]
        if absent:
            raise ScoringError(f"{source.name}: missing columns: {', '.join(absent)}")
        has_date = APPLICATION_DATE in header_of(source)
        rules = RowRules(project.contract, date.max, has_date=has_date)
        for rows in read_rows(source):
            judged = judge(project.contract, rules, rows.frame, polars.DataFrame(schema=REPEATS), has_date=has_date)
            frames.append(judged.accepted if has_date else judged.accepted.with_columns(_date_in_name(source)))
            count += rows.height
    columns = [APPLICATION_ID, APPLICATION_DATE, *(field.name for field in project.contract.fields)]
    return count, polars.concat([frame.select(columns) for frame in frames]) if frames else polars.DataFrame()


def _date_in_name(source: Source) -> polars.Expr:
    match = NAME.fullmatch(source.name)
    if match is None:
        raise LandingError(
            f"{source.name} has no column {APPLICATION_DATE} and no date in its name; training needs one"
        )
    return polars.lit(date.fromisoformat(match[1])).alias(APPLICATION_DATE)


def _data_note(sources: Sequence[Source]) -> str:
    if any((source.path.parent / GENERATED_NOTE).exists() for source in sources):
        return (
            "The data is generated: no row of it is about a real person, and no figure says anything about real loans."
        )
    return HANDED
