"""Outcomes: how loans ended, read from a file that arrives late, and loaded."""

from datetime import date
from pathlib import Path

import msgspec
import polars

from schemas.characteristic import Characteristic
from schemas.contract import Contract, Field
from schemas.errors import ScoringError
from schemas.judgement import judge, malformed_records
from schemas.parsing import APPLICATION_ID, ROW_NUMBER
from schemas.row_rules import RowRules
from schemas.storage import given
from tasks.project import Project
from tasks.repeats import REPEATS
from tasks.source.landing import source_at
from tasks.source.rows import header_of, read_rows

_UNSCORED = Characteristic(scored=False, future=True)
FIELDS = (
    Field(
        name="defaulted", kind="boolean", nullable=False, title="Defaulted", description="", characteristic=_UNSCORED
    ),
    Field(
        name="observed_on", kind="date", nullable=False, title="Observed on", description="", characteristic=_UNSCORED
    ),
)
SHOWN = 5


def read_outcomes(path: Path) -> polars.DataFrame:
    """application_id, defaulted and observed_on of an outcome file (CSV in any dialect, gzip, Parquet).

    Raises ScoringError naming the first bad rows: an outcome file is taken whole or not at all. Of several outcomes for
    one application the one observed last counts.
    """
    source = source_at(given(path))
    absent = {APPLICATION_ID, *(field.name for field in FIELDS)} - set(header_of(source))
    if absent:
        raise ScoringError(f"{path.name} has no column {', '.join(sorted(absent))}; an outcome file needs them")
    contract = Contract(msgspec.Struct, FIELDS, ())
    rules = RowRules(contract, date.max, has_date=False)
    accepted, refused = [], []
    for rows in read_rows(source):
        judged = judge(contract, rules, rows.frame, polars.DataFrame(schema=REPEATS), has_date=False)
        accepted.append(judged.accepted)
        refused += [judged.quarantined, malformed_records(rows.malformed)]
    bad = polars.concat(refused) if refused else polars.DataFrame()
    if not bad.is_empty():
        raise ScoringError(_complaint(path, bad))
    if not accepted:
        raise ScoringError(f"{path.name} has a header and no rows")
    outcomes = polars.concat(accepted).sort("observed_on", maintain_order=True)
    return outcomes.unique(APPLICATION_ID, keep="last", maintain_order=True).drop(ROW_NUMBER)


def load_outcomes(project: Project, path: Path) -> int:
    """Loads a file of outcomes, in place of earlier ones for the same applications; returns how many it has."""
    outcomes = read_outcomes(path)
    project.writer.load_outcomes(outcomes)
    return outcomes.height


def _complaint(path: Path, bad: polars.DataFrame) -> str:
    count = bad[ROW_NUMBER].n_unique()
    first = bad.sort(ROW_NUMBER).head(SHOWN).select(ROW_NUMBER, "message", "rule").rows()
    lines = "\n".join(f"  - row {number}: {message} ({rule})" for number, message, rule in first)
    return f"{path.name}: {count:,} rows cannot be read; nothing of it was loaded:\n{lines}"
