"""What the benchmarks run on: a champion trained on the generated sample, and generated files of any size."""

import os
from datetime import date
from pathlib import Path

import numpy as np
import polars

from schemas.application import Application
from schemas.sample.parameters import Parameters
from schemas.sample.places import Places
from schemas.sample.population import draw_applicants
from tasks.project import load_project
from tasks.sample import write_sample
from tasks.train import train_model

CHUNK = 500_000
DAY = date(2026, 7, 1)


def prepare(home: Path) -> None:
    """A small generated portfolio below `home`, and the champion trained on it; also `small.csv` to warm up with."""
    os.environ["SCORING_HOME"] = str(home)
    places = Places(home / "landing", home / "history", home / "outcomes.csv", home / "sample_manifest.json")
    list(write_sample(places, Parameters(days=1, rows=500, until=date(2026, 6, 30), seed=0)))
    train_model(load_project(), str(places.history / "applications_*.csv.gz"), places.outcomes, before=None)
    write_batch(home / "small.csv", 1000)


def write_batch(path: Path, rows: int, day: date = DAY, first: int = 0) -> Path:
    """A generated landing file without dirt, so that DuckDB alone can load it with the right types as well.

    `first` is the number of its first application: files of one batch go on from each other.
    """
    random = np.random.default_rng(day.toordinal() + first)
    with path.open("wb") as file:
        for start in range(0, rows, CHUNK):
            count = min(CHUNK, rows - start)
            applicants = draw_applicants(count, random)
            numbers = (
                polars.int_range(first + start, first + start + count, eager=True).cast(polars.String).str.zfill(8)
            )
            batch = applicants.select(
                application_id=f"GEN-{day:%Y%m%d}-" + numbers,
                application_date=polars.lit(day),
                **{name: polars.col(name) for name in Application.__struct_fields__},
            )
            batch.write_csv(file, include_header=start == 0)
    return path
