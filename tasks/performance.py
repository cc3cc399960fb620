"""Performance by vintage: realised once outcomes are old enough, estimated before."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars

from model.artifact import read_metadata
from model.estimation import estimated_performance
from model.performance import Measure, calibration_by_band, performance_of, wilson
from model.policy import BANDS
from model.trained import Model
from schemas.alert import Alert
from schemas.errors import ModelError
from tasks.performance_alerts import performance_alerts
from tasks.project import Project
from warehouse.writer import PERFORMANCE

FIGURES = ("auc", "gini", "ks", "brier")
Row = tuple[object, ...]


@dataclass(frozen=True, eq=False)
class Performances:
    """What is known of every vintage (first of the month of its batch dates) and model, as in the table `performance`.

    `too_young`: vintages with outcomes that are not realised yet, with the date from which they are.
    """

    realised: polars.DataFrame
    estimated: polars.DataFrame
    too_young: Sequence[tuple[date, date]]


def update_performance(project: Project) -> Performances:
    """Computes realised performance again for every vintage and model that is old enough, and stores it.

    A vintage is old enough when the latest outcome on record was observed `outcome_days` after its last batch date:
    until then defaults are known earlier than repayments. With fewer rows than `performance_min_rows` figures are None.
    A vintage that has lost outcomes to retention keeps what was worked out when they were there.
    """
    found: list[Row] = []
    young: dict[date, date] = {}
    for vintage, version, last, latest in project.reader.frame("vintages_with_outcomes").iter_rows():
        ripe = last + timedelta(days=project.settings.outcome_days)
        if ripe > latest:
            young[vintage] = max(ripe, young.get(vintage, ripe))
            continue
        found += _realised(project, vintage, version)
    kept = project.reader.frame("kept_performance")
    realised = polars.concat([kept, polars.DataFrame(found, schema=PERFORMANCE, orient="row")])
    project.writer.replace_performance(realised, list(_alerts(project, realised)))
    estimated = project.reader.frame("estimated_performance")
    return Performances(realised, estimated, sorted(young.items()))


def in_words(found: Performances) -> str:
    """How many vintages have realised performance, and how many are too young."""
    words = f"performance of {found.realised['vintage'].n_unique()} vintages"
    return f"{words}, {len(found.too_young)} too young" if found.too_young else words


def estimated(model: Model, vintage: date, model_version: str, scores: polars.DataFrame) -> polars.DataFrame:
    """The performance (columns as in PERFORMANCE) that a model promises on a vintage, from its rows by `score`."""
    probability = model.scorecard.scale.probability_of_default(scores["score"].to_numpy())
    found = estimated_performance(
        model.calibration.calibrated(probability), scores["row_count"].to_numpy(), seed=vintage.toordinal()
    )
    measures = {name: getattr(found, name) for name in (*FIGURES, "default_rate")}
    rows = _rows(vintage, model_version, None, found.rows, measures)
    return polars.DataFrame(list(rows), schema=PERFORMANCE, orient="row")


def _realised(project: Project, vintage: date, version: str) -> Iterator[Row]:
    """Discrimination, accuracy and calibration of a vintage, as a whole and by band."""
    rows = project.reader.frame("realised", vintage=vintage, model_version=version)
    probability, bands = rows["probability_of_default"].to_numpy(), rows["band"].to_numpy()
    defaulted = rows["defaulted"].cast(polars.Int8).to_numpy()
    enough = rows.height >= project.settings.performance_min_rows
    found = performance_of(probability, defaulted, seed=vintage.toordinal()) if enough else None
    measures = {name: getattr(found, name) if found else Measure() for name in FIGURES}
    measures["default_rate"] = wilson(int(defaulted.sum()), rows.height)
    measures["expected_default_rate"] = Measure(float(probability.mean()))
    yield from _rows(vintage, version, None, rows.height, measures)
    for part in calibration_by_band(BANDS, bands, probability, defaulted):
        by_band = {"default_rate": part.observed, "expected_default_rate": Measure(part.expected)}
        yield from _rows(vintage, version, part.band, part.rows, by_band)


def _rows(vintage: date, version: str, band: str | None, rows: int, measures: dict[str, Measure]) -> Iterator[Row]:
    for name, measure in measures.items():
        yield (vintage, version, band, name, measure.value, measure.low, measure.high, rows)


def _alerts(project: Project, realised: polars.DataFrame) -> Iterator[Alert]:
    """Of each model the latest realised vintage is judged, against what the model did out of time."""
    whole = realised.filter(polars.col("band").is_null())
    for (version,), group in whole.group_by("model_version", maintain_order=True):
        latest = group.filter(polars.col("vintage") == polars.col("vintage").max())
        try:
            expected = read_metadata(project.settings.path("models"), str(version))["metrics"]["test"]
        except ModelError:
            # A model that was removed decides nothing any more.
            continue
        yield from performance_alerts(str(version), latest, expected)
