"""Drift of a million rows by ten features: the project's own statistics against Evidently's, on the same frames."""

import time
from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import polars
from rich.console import Console

from model.profile import Profile
from model.reference import FeatureReference, LevelBins, reference_of
from model.stability import Floors, Shift, shifts
from model.verdict import judge_shifts
from tasks.parallel import in_order
from tests.bench.figure import Figure
from tests.bench.resampled import portfolio

if TYPE_CHECKING:
    import pandas

SEED = 7
ROWS, REFERENCE_ROWS, FEATURES = 1_000_000, 100_000, 10
REPEATS = 3
LIMIT = 0.1
NUMBER_TESTS, LEVEL_TESTS = ("ks", "wasserstein", "psi"), ("chisquare", "psi")


def measure_evidently(console: Console) -> list[Figure]:
    """The median of several runs of each, in turn; reading the frames into either's own form counts for both."""
    with console.status(f"Generating {ROWS:,} rows and a reference of {REFERENCE_ROWS:,}, seed {SEED}"):
        reference, current = (_frame(rows, seed) for rows, seed in ((REFERENCE_ROWS, SEED), (ROWS, SEED + 1)))
    both = reference.to_pandas(), current.to_pandas()
    ours, theirs = [], []
    for _ in range(REPEATS):
        with console.status("Measuring, each in turn"):
            ours.append(_seconds(lambda: _judge(reference, current)))
            theirs.append(_seconds(lambda: _evidently(*both)))
    console.print(f"own statistics {median(ours):.2f} s, Evidently {median(theirs):.2f} s (medians of {REPEATS})")
    name = f"drift of {ROWS:,} rows by {FEATURES} features against {REFERENCE_ROWS:,}, to Evidently's time"
    return [Figure(name, median(ours) / median(theirs), LIMIT, "times")]


def _frame(rows: int, seed: int) -> polars.DataFrame:
    columns = portfolio(FEATURES, rows, np.random.default_rng(seed))
    return polars.DataFrame(
        {name: polars.Series(values, nan_to_null=True, strict=False) for name, values in columns.items()}
    )


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _judge(reference: polars.DataFrame, current: polars.DataFrame) -> object:
    """As `tasks.drift`, with the making of the reference, which training does otherwise."""

    def measure(name: str) -> tuple[str, list[Shift]]:
        referred = _reference(name, reference[name])
        return name, shifts(referred, _profile(referred, current[name]), Floors())

    return judge_shifts(dict(in_order(measure, current.columns)), 0.01)


def _reference(name: str, series: polars.Series) -> FeatureReference:
    values = np.array(series.to_list(), dtype=object) if series.dtype == polars.String else series.to_numpy()
    return reference_of(name, values, max_values=REFERENCE_ROWS)


def _profile(reference: FeatureReference, series: polars.Series) -> Profile:
    if isinstance(reference.bins, LevelBins):
        return reference.profile_of_levels(dict(series.value_counts().rows()))
    return reference.profile_of_numbers(series.to_numpy())


def _evidently(reference: "pandas.DataFrame", current: "pandas.DataFrame") -> object:
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift

    levels = [name for name in current.columns if "levels" in name]
    numbers = [name for name in current.columns if name not in levels]
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=levels)
    tests = [(name, test) for name in numbers for test in NUMBER_TESTS]
    tests += [(name, test) for name in levels for test in LEVEL_TESTS]
    report = Report([ValueDrift(column=name, method=test) for name, test in tests])
    run = report.run(
        Dataset.from_pandas(current, data_definition=definition),
        Dataset.from_pandas(reference, data_definition=definition),
    )
    return run.dict()
