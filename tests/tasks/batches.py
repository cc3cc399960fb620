"""Batches built by hand: a project in a folder of its own, a landing file of the contract, a publication of it."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import polars
from polars._typing import SchemaDict

from schemas.batch import Identity, Published
from schemas.contract import read_contract
from schemas.errors import BatchBlocked
from schemas.judgement import QUARANTINE
from schemas.settings import Settings
from tasks.gate import Verdict, judge_source
from tasks.ingest import Batch
from tasks.project import Project
from tasks.publish import refuse
from tasks.source.landing import fingerprint, hash_source, source_at
from tasks.staging import Staging, staging_for
from tests.contracts.everything import ROW, Everything
from tests.warehouse.staged import unsummed
from warehouse.inserts import Staged
from warehouse.monitoring import Monitoring

DAY = date(2026, 6, 30)
CONTRACT = read_contract(Everything)
COLUMNS = ("application_id", *ROW)
ACCEPTED = {"row_number": polars.Int64, "application_id": polars.String}
SCORE = {
    "probability_of_default": polars.lit(0.1),
    "score": polars.lit(600, polars.Int32),
    "band": polars.lit("A"),
    "decision": polars.lit("approve"),
    "reason_codes": polars.lit(["R1"]),
}


@dataclass(frozen=True)
class Outcome:
    """What the gate made of a source: its verdict, and the staged rows."""

    verdict: Verdict
    accepted: polars.DataFrame
    quarantined: polars.DataFrame

    @property
    def ids(self) -> list[str]:
        """The accepted applications in order."""
        return self.accepted["application_id"].to_list()

    @property
    def rules(self) -> list[tuple[int, str | None, str]]:
        """Row number, field and rule of every record of the quarantine."""
        return self.quarantined.select("row_number", "field", "rule").rows()


def new_project(home: Path) -> Project:
    """A project of the contract with every kind, its warehouse ready and empty."""
    project = Project(Settings(home=str(home)), CONTRACT)
    project.writer.prepare()
    return project


def write_rows(path: Path, rows: Iterable[Mapping[str, str]], columns: Sequence[str] = COLUMNS) -> Path:
    """A CSV of rows that are valid where nothing else is said, with ids a1, a2, … unless they bring their own."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for number, row in enumerate(rows, 1):
            whole = {"application_id": f"a{number}", **ROW, **row}
            writer.writerow([whole.get(name, "?") for name in columns])
    return path


def batch_at(path: Path, day: date = DAY) -> Batch:
    """The batch of a file, as it is opened when there is a champion."""
    source = source_at(path)
    identity = Identity(
        batch_date=day, source_sha256=hash_source(source), model_sha256="0" * 64, contract_hash=CONTRACT.hash
    )
    return Batch(identity, source, fingerprint(source), "v1", datetime(2026, 7, 1))  # noqa: DTZ001 - UTC without a zone


def judge_file(project: Project, path: Path, day: date = DAY) -> Outcome:
    """What the gate makes of a file."""
    batch = batch_at(path, day)
    with staging_for(project.settings.path("staging"), day) as staging:
        verdict = judge_source(project, batch, staging)
        return Outcome(
            verdict, _read(staging.parts("accepted"), ACCEPTED), _read(staging.parts("quarantine"), QUARANTINE)
        )


def publish_file(project: Project, path: Path, day: date = DAY) -> Published:
    """Judges a file and publishes what was accepted, with the same score for everybody."""
    batch = batch_at(path, day)
    with staging_for(project.settings.path("staging"), day) as staging:
        verdict = judge_source(project, batch, staging)
        assert verdict.failures == []
        _score(staging)
        staged = Staged(
            accepted=staging.parts("accepted"),
            scores=staging.parts("scores"),
            quarantine=staging.parts("quarantine"),
            compared_with=verdict.compared_with,
        )
        return project.writer.publish(batch.record(verdict.rows), staged, verdict.results, Monitoring(), unsummed)


def block_file(project: Project, path: Path, day: date = DAY) -> BatchBlocked:
    """Judges a file that the gate refuses, and puts the verdict on the record."""
    batch = batch_at(path, day)
    with staging_for(project.settings.path("staging"), day) as staging:
        verdict = judge_source(project, batch, staging)
        assert verdict.failures != []
        return refuse(project, batch, verdict, staging)


def _score(staging: Staging) -> None:
    for number, part in enumerate(staging.parts("accepted")):
        accepted = polars.read_parquet(part)
        scores = accepted.select("application_id", **SCORE)
        scores.write_parquet(staging.part("scores", number))


def _read(parts: Sequence[Path], schema: SchemaDict) -> polars.DataFrame:
    return polars.concat([polars.DataFrame(schema=schema), *map(polars.read_parquet, parts)], how="diagonal")
