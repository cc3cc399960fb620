"""The content of the generated files, day by day."""

import gzip
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars

from schemas.application import Application
from schemas.sample.dirt import plant_dirt
from schemas.sample.incidents import Incident, as_reported, incident_on
from schemas.sample.parameters import Parameters
from schemas.sample.population import APP_SHARE, draw_applicants
from schemas.sample.volume import rows_on

COLUMNS = ("application_id", "application_date", *Application.__struct_fields__)
FEWEST_DAYS_TO_OUTCOME = 90
MOST_DAYS_TO_OUTCOME = 180


@dataclass(frozen=True)
class File:
    """One file of applications: its bytes, its data lines, the applications in it, the dirt by kind, the outcomes.

    `outcomes` has a row for each application that was not spoiled: application_id, defaulted (0 or 1), observed_on.
    """

    content: bytes
    rows: int
    applications: int
    dirt: dict[str, int]
    outcomes: polars.DataFrame


def landing_file(parameters: Parameters, day: date, incidents: Sequence[Incident]) -> File:
    """The CSV that arrives on `day`, with its dirt and under its incident."""
    incident = incident_on(day, incidents)
    true = _applications(parameters, day, parameters.rows, incident)
    reported = as_reported(true, incident, parameters.random(day, "incident"))
    header, *lines = reported.select(COLUMNS).write_csv().splitlines()
    dirtied = plant_dirt(header, lines, parameters.random(day, "dirt"))
    content = "\n".join([header, *dirtied.lines, ""]).encode()
    valid = ~np.isin(np.arange(true.height), dirtied.spoiled)
    return File(
        content, len(dirtied.lines), true.height, dirtied.counts, _outcomes(parameters, day, true).filter(valid)
    )


def history_file(parameters: Parameters, days: Iterable[date]) -> File:
    """The gzipped CSV of clean applications made on `days`, which lie before the first landing file."""
    each = [(day, _applications(parameters, day, parameters.history_rows_per_day, None)) for day in days]
    together = polars.concat([applications for _, applications in each])
    outcomes = polars.concat([_outcomes(parameters, day, applications) for day, applications in each])
    # A time stamp inside would make other bytes of the same rows.
    content = gzip.compress(together.select(COLUMNS).write_csv().encode(), compresslevel=6, mtime=0)
    return File(content, together.height, together.height, {}, outcomes)


def outcomes_csv(outcomes: Iterable[polars.DataFrame]) -> bytes:
    """The CSV of all outcomes, in the order in which they came to be known."""
    return polars.concat(outcomes).sort("observed_on", "application_id").write_csv().encode()


def _applications(parameters: Parameters, day: date, mean: float, incident: Incident | None) -> polars.DataFrame:
    """The applications made on `day` with their true values, `probability_of_default` and `defaulted`."""
    kind = incident.kind if incident else None
    size = rows_on(day, mean, parameters.random(day, "volume"))
    if incident and kind == "volume_collapse":
        size = math.ceil(size * incident.size)
    app_share = incident.size if incident and kind == "younger_channel" else APP_SHARE
    applicants = draw_applicants(size, parameters.random(day, "applicants"), app_share)
    numbers = polars.int_range(1, polars.len() + 1).cast(polars.String).str.zfill(6)
    return applicants.with_columns(
        application_id=polars.lit(f"GEN-{day:%Y%m%d}-") + numbers, application_date=polars.lit(day)
    )


def _outcomes(parameters: Parameters, day: date, applications: polars.DataFrame) -> polars.DataFrame:
    waits = parameters.random(day, "outcomes").integers(
        FEWEST_DAYS_TO_OUTCOME, MOST_DAYS_TO_OUTCOME, applications.height, endpoint=True
    )
    observed_on = polars.lit(day) + polars.duration(days="wait")
    return applications.with_columns(wait=waits).select("application_id", "defaulted", observed_on=observed_on)
