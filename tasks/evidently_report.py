"""Evidently's report of a batch: one HTML page with tests and plots of each column, for people to look at.

It decides nothing: whether a batch drifted is worked out elsewhere, on all rows and with thresholds of its own.
Evidently and pandas are imported where they are needed: that takes seconds, which other commands need not wait for.
No usage is counted: of all of Evidently only its servers send anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars
from numpy.typing import NDArray

from model.atomic import replace_file
from model.binning import NumericBins, as_numbers
from model.reference import FeatureReference, Reference
from schemas.characteristic import Column

if TYPE_CHECKING:
    from evidently import Dataset, Run
    from evidently.legacy.model.widget import BaseWidgetInfo

# From where on Evidently says drift, which are its own defaults: p-values below, distances above.
THRESHOLDS: Mapping[str, float] = {"ks": 0.05, "chisquare": 0.05, "wasserstein": 0.1, "psi": 0.1}
# Named, as Evidently's choice of a test changes with the number of rows.
NUMBER_TESTS, LEVEL_TESTS = ("ks", "wasserstein", "psi"), ("chisquare", "psi")
PURPOSE = "For looking at: samples without missing values. What counts as drift is decided elsewhere, on all rows."
# The square of a larger number, summed over rows, is no number any more.
LARGEST = 1e150
# Evidently never draws a histogram with more bins.
MOST_BINS = 100


@dataclass(frozen=True, kw_only=True)
class ReportNote:
    """What became of a report: its place, the columns it compares, and those it does not with the reasons."""

    path: Path
    compared: tuple[str, ...]
    left_out: Mapping[str, str]


@dataclass(frozen=True, eq=False, kw_only=True)
class Sampled:
    """A column as Evidently sees it: float64, or the labels of bins (object).

    Missing values, which Evidently drops, are left out already, but for NaN in the numbers of the batch.
    """

    reference: Column
    current: Column

    @property
    def numeric(self) -> bool:
        """Whether it holds numbers."""
        return self.reference.dtype == np.float64


def write_drift_report(
    path: Path,
    title: str,
    reference: Reference,
    current: polars.DataFrame,
    rows: int = 2_000,
    seed: int = 0,
    thresholds: Mapping[str, float] = THRESHOLDS,
) -> ReportNote:
    """Writes the report of `current`, which has a column for each feature of `reference`, and returns what is in it.

    At most `rows` rows of either side are compared, the same ones for the same seed. `thresholds` are by test and only
    colour the report. Columns that Evidently cannot compare are named in the report with the reason.
    """
    columns = sample_columns(reference, current, rows, seed)
    left_out = {name: reason for name, column in columns.items() if (reason := _obstacle(column))}
    compared = {name: column for name, column in columns.items() if name not in left_out}
    page = _page(title, compared, left_out, {**THRESHOLDS, **thresholds}) if compared else _empty_page(title, left_out)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, page.encode())
    return ReportNote(path=path, compared=tuple(compared), left_out=left_out)


def sample_columns(reference: Reference, current: polars.DataFrame, rows: int, seed: int) -> dict[str, Sampled]:
    """A seeded sample of at most `rows` rows of both sides, by feature; the batch's rows stay in their order.

    The reference's features are drawn one by one, as it does not hold whole rows: every test is of one column at a
    time. Levels become the labels of their bins on both sides, so that rare and unseen ones are one level each.
    """
    generator = np.random.default_rng(seed)
    chosen = np.sort(generator.choice(current.height, min(rows, current.height), replace=False))
    sample = current[chosen, list(reference)]
    return {
        name: Sampled(reference=_draw(known, rows, generator), current=_current(known, sample[name]))
        for name, known in reference.items()
    }


def run_tests(columns: Mapping[str, Sampled], thresholds: Mapping[str, float]) -> "Run":
    """Evidently's results, in the order of the columns and of the tests of each; see `_obstacle` for what must hold."""
    from evidently import Report  # noqa: PLC0415 - takes seconds
    from evidently.metrics import ValueDrift  # noqa: PLC0415 - takes seconds

    report = Report(
        [
            ValueDrift(column=name, method=test, threshold=thresholds[test])
            for name, column in columns.items()
            for test in _tests(column)
        ]
    )
    # Of an unseen level no rows are expected, which chi-squared divides by: infinite, and so a p-value of 0. Of the
    # narrowest ranges the density overflows; it is not shown.
    with np.errstate(divide="ignore", over="ignore"):
        return report.run(_dataset(columns, "current"), _dataset(columns, "reference"))


def _tests(column: Sampled) -> Sequence[str]:
    return NUMBER_TESTS if column.numeric else LEVEL_TESTS


def _draw(known: FeatureReference, rows: int, generator: np.random.Generator) -> Column:
    """Values of a sample of the rows that the reference was made of."""
    drawn = generator.multivariate_hypergeometric(known.counts, min(rows, int(known.counts.sum())), method="marginals")
    if not isinstance(known.bins, NumericBins):
        return _labels(known, drawn)
    present = int(drawn[:-1].sum())
    # More rows may be asked for than values were kept.
    return generator.choice(known.sample, present, replace=present > len(known.sample)) if present else np.array([])


def _current(known: FeatureReference, values: polars.Series) -> Column:
    if isinstance(known.bins, NumericBins):
        return as_numbers(values.to_numpy())
    return _labels(known, known.profile_of_levels(dict(values.value_counts().iter_rows())).counts)


def _labels(known: FeatureReference, counts: NDArray[np.int64]) -> Column:
    # Plots take markup in texts for markup.
    return np.repeat(np.array([*map(escape, known.bins.labels[:-1])], dtype=object), counts[:-1])


def _obstacle(column: Sampled) -> str | None:
    """Why Evidently cannot compare a column: it would fail, or say something without meaning."""
    sides = {"reference": _present(column.reference), "batch": _present(column.current)}
    few = [side for side, values in sides.items() if len(values) < 2]
    if few:
        return f"fewer than 2 values in the {' and the '.join(few)}"
    both = np.concatenate(list(sides.values()))
    if column.numeric and not np.all(np.abs(both) < LARGEST):
        return "infinite or too large values"
    if np.all(both == both[0]):
        return "one and the same value throughout"
    if column.numeric and not all(_fills_bins(values) for values in (*sides.values(), both)):
        return "values too close together for a histogram"
    return None


def _present(values: Column) -> Column:
    return values if values.dtype == object else values[~np.isnan(values)]


def _fills_bins(values: Column) -> bool:
    """Whether there are enough numbers between the smallest and the largest value for the edges of bins."""
    try:
        np.histogram_bin_edges(values, bins=MOST_BINS)
    except ValueError:
        return False
    return True


def _dataset(columns: Mapping[str, Sampled], side: str) -> "Dataset":
    import pandas  # noqa: PLC0415 - only Evidently needs it
    from evidently import DataDefinition, Dataset  # noqa: PLC0415 - takes seconds

    frame = pandas.DataFrame({name: pandas.Series(getattr(column, side)) for name, column in columns.items()})
    definition = DataDefinition(
        numerical_columns=[name for name, column in columns.items() if column.numeric],
        categorical_columns=[name for name, column in columns.items() if not column.numeric],
    )
    return Dataset.from_pandas(frame, data_definition=definition)


def _page(
    title: str, columns: Mapping[str, Sampled], left_out: Mapping[str, str], thresholds: Mapping[str, float]
) -> str:
    from evidently.legacy.model.dashboard import DashboardInfo  # noqa: PLC0415 - takes seconds
    from evidently.legacy.utils import dashboard  # noqa: PLC0415 - takes seconds

    info = DashboardInfo(name=title, widgets=_widgets(title, columns, left_out, thresholds))
    template = dashboard.TemplateParams("report", info, additional_graphs={}, embed_data=False)
    # Evidently itself writes texts into the script as they are, where `</script>` in a name would end it.
    data = dashboard.dashboard_info_to_json(info).replace("<", r"\u003c")
    head = f"<title>{escape(title)}</title>\n<script>var report = {data}, additional_graphs_report = {{}};</script>"
    return str(dashboard.file_html_template(template)).replace("<!-- no embedded data -->", head, 1)


def _widgets(
    title: str, columns: Mapping[str, Sampled], left_out: Mapping[str, str], thresholds: Mapping[str, float]
) -> "list[BaseWidgetInfo]":
    from evidently.legacy.renderers.html_widgets import header_text, table_data  # noqa: PLC0415 - takes seconds

    says = [(test, thresholds[test]) for test in THRESHOLDS]
    widgets = [header_text(label=title), table_data(title=PURPOSE, column_names=["test", "drift from"], data=says)]
    if left_out:
        widgets.append(table_data(title="Not compared", column_names=["column", "reason"], data=left_out.items()))
    results = iter(run_tests(columns, thresholds).metric_results.values())
    for column in columns.values():
        first, *others = [next(results).get_widgets() for _ in _tests(column)]
        verdict, plots = first
        verdict.params["counters"] += [shown for other, _ in others for shown in other.params["counters"]]
        # Every test brings the same plots again, and of them the last shows both distributions.
        widgets += [verdict, plots.tabs[-1].widget]
    return widgets


def _empty_page(title: str, left_out: Mapping[str, str]) -> str:
    reasons = "".join(f"<li>{escape(name)}: {escape(reason)}</li>\n" for name, reason in left_out.items())
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="UTF-8"><title>{escape(title)}</title></head>\n'
        f"<body>\n<h1>{escape(title)}</h1>\n<p>No column can be compared.</p>\n<ul>\n{reasons}</ul>\n</body>\n</html>\n"
    )
