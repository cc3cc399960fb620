"""The sections of the drift analysis as a notebook shows them: each a list of tables, sentences and pictures."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from dashboard.analysis import tables
from dashboard.analysis.advice import recommend
from dashboard.analysis.analysis import Analysis, analyse
from dashboard.analysis.charts import feature_figure, heat_map
from dashboard.analysis.markup import bullets, heading, html_table, paragraph
from dashboard.analysis.movement import estimated_of, movements_of
from dashboard.analysis.period import read_record
from dashboard.words import counted
from model.signature import trust_of
from schemas.errors import ScoringError
from schemas.loading import load_contract
from schemas.settings import load_settings
from warehouse.reader import Reader

# A section yields HTML and plotly figures.
Section = Callable[[Analysis], Iterator[Any]]


def prepare(start: str = "", end: str = "") -> Analysis | str:
    """The analysis of a period of the installation that the environment describes, or why there is none."""
    try:
        settings = load_settings()
        contract = load_contract(settings.contract)
        reader = Reader(settings.warehouse_address, settings.lock_wait_seconds)
        record = read_record(reader, settings.path("models"), contract, start, end, trust_of(settings))
    except ScoringError as error:
        return f"Nothing to analyse: {error}{'' if str(error).endswith(('.', '?')) else '.'}"
    return analyse(record, contract, settings)


@dataclass(frozen=True, eq=False)
class Shown:
    """A section as a notebook displays it; where there is no analysis, the reason."""

    analysis: Analysis | str
    section: Section

    @property
    def parts(self) -> list[Any]:
        """HTML and figures in their order."""
        return [paragraph(self.analysis)] if isinstance(self.analysis, str) else list(self.section(self.analysis))

    def _ipython_display_(self) -> None:
        from IPython.display import display  # noqa: PLC0415 - only a notebook has it

        for part in self.parts:
            display(part)  # type: ignore[no-untyped-call]  # IPython does not say


def what_is_compared(analysis: Analysis) -> Iterator[Any]:
    """Dates, batches and rows of training, of the period and of the batches before; the model; what was left out."""
    choice, settings = analysis.record.choice, analysis.settings
    yield html_table(tables.compared(analysis))
    yield paragraph(
        f"Model {choice.model_version}. Beyond its limit is what is both large, by the limits in force, and certain, at"
        f" a false-discovery rate of {settings.drift_false_discovery_rate:g} over all tests of the period."
    )
    for sentence in notes(analysis):
        yield paragraph(sentence)


def notes(analysis: Analysis) -> Iterator[str]:
    """What a reader has to know of the days: which were left out, and why."""
    choice = analysis.record.choice
    if choice.left_out:
        yield (
            f"{counted(choice.left_out, 'batch')} of the period left out: scored by other models, whose bins and scores"
            f" cannot be taken together with those of {choice.model_version}."
        )
    profiled = {day for days in analysis.record.profiles.values() for day in days}
    unprofiled = sum(day not in profiled for day in choice.dates)
    if unprofiled:
        yield f"{counted(unprofiled, 'batch')} of the period left out: published by a release that kept no profiles."
    if len(choice.dates) == 1:
        yield "One batch alone: nothing can be said of what came at once and what came bit by bit."
    if not choice.before:
        yield "There are no batches of this model before the period to compare it with, so only training is."


def overview(analysis: Analysis) -> Iterator[Any]:
    """All features at a glance."""
    yield html_table(tables.at_a_glance(analysis))


def statistics(analysis: Analysis) -> Iterator[Any]:
    """Every statistic of every feature."""
    yield html_table(tables.every_statistic(analysis))


def further_tests(analysis: Analysis) -> Iterator[Any]:
    """Tests for a person to look at."""
    yield html_table(tables.further_tests(analysis))


def over_time(analysis: Analysis) -> Iterator[Any]:
    """PSI by feature and day."""
    record = analysis.record
    if record.drift.is_empty():
        yield paragraph("No batch had rows enough to be judged by itself.")
        return
    labels = {name: item.title for name, item in analysis.features.items()}
    yield heat_map(labels, record.drift, record.verdicts)


def each_feature(analysis: Analysis) -> Iterator[Any]:
    """The pictures of every feature."""
    for item in analysis.features.values():
        yield heading(f"{item.label}: {item.verdict}")
        yield feature_figure(item, analysis.record.drift, analysis.record.choice.dates)


def alerts(analysis: Analysis) -> Iterator[Any]:
    """The alerts of the period."""
    found = tables.alerts(analysis)
    yield html_table(found) if found.rows else paragraph("No alert was open in the period.")


def recommendations(analysis: Analysis) -> Iterator[Any]:
    """What to do."""
    advice = recommend(movements_of(analysis), estimated_of(analysis))
    yield bullets([item.sentence for item in advice])
