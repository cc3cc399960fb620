"""Results as the commands print them."""

from collections.abc import Sequence

import polars
from rich.table import Table

from flows.console import err, out
from model.performance import Measure
from schemas.batch import Published
from tasks.days import Day, in_words, problems
from tasks.load_predictions import LoadedPredictions
from tasks.load_predictions import in_words as predictions_in_words
from tasks.replay import RESULTS, Replay
from tasks.train import Trained

TITLES = {"auc": "AUC", "gini": "Gini", "ks": "KS", "brier": "Brier"}


def print_published(published: Published | str) -> None:
    """One line on a batch that was published now or before, or on why there is none."""
    if isinstance(published, str):
        out.print(published, markup=False, soft_wrap=True)
        return
    rows = published.rows
    state = "published" if published.new else "already published, nothing to do"
    out.print(
        f"{published.batch_date}: {state} as {published.batch_id}:"
        f" {rows.received:,} rows received, {rows.scored:,} scored, {rows.quarantined:,} quarantined",
        soft_wrap=True,
    )


def print_days(days: Sequence[Day]) -> None:
    """How many dates ended how, and every one that needs a person."""
    for day in problems(days):
        out.print(f"{day.batch_date}: {day.outcome}: {day.message}", markup=False, soft_wrap=True)
    out.print(in_words(days) if days else "No file is waiting; nothing to do.")


def print_trained(trained: Trained) -> None:
    """The model, the rows it saw, and how it does on later ones beside gradient boosting."""
    evaluation, facts = trained.model.evaluation, trained.model.training
    out.print(f"{trained.version}, registered as {trained.role}", style="bold")
    out.print(
        f"{trained.rows_read:,} rows read, {trained.rows_refused:,} refused by the gate's row rules,"
        f" {trained.rows_repeated:,} repeated, {trained.rows_without_outcome:,} without an outcome"
    )
    out.print(f"trained on {facts.train_rows:,} rows before {facts.before}, tested on {facts.test_rows:,} from then on")
    table = Table("out of time", "value (95 % interval)")
    for name, title in TITLES.items():
        table.add_row(title, _with_interval(getattr(evaluation.test, name)))
    table.add_row("AUC of gradient boosting on the same split", _with_interval(evaluation.boosting.auc))
    out.print(table)
    out.print(f"model card: {trained.card}", soft_wrap=True)


def print_performance(loaded: int, performance: polars.DataFrame) -> None:
    """How many outcomes were loaded, and realised performance by vintage."""
    out.print(f"{loaded:,} outcomes loaded")
    if performance.is_empty():
        out.print("No scored application has an outcome yet; score its date first: python -m flows backfill")
        return
    table = Table("vintage", "model", "rows", *TITLES.values())
    for (vintage, version), group in performance.group_by("vintage", "model_version", maintain_order=True):
        measures = {
            row["metric"]: Measure(row["value"], row["low"], row["high"]) for row in group.iter_rows(named=True)
        }
        figures = [_with_interval(measures[name]) for name in TITLES]
        table.add_row(f"{vintage:%Y-%m}", str(version), f"{group['row_count'][0]:,}", *figures)
    out.print(table)


def print_predictions(loaded: LoadedPredictions) -> None:
    """How many segments of the prediction log, and predictions, were loaded."""
    out.print(predictions_in_words(loaded), soft_wrap=True)


def print_warning(message: str) -> None:
    """Something to know of that is no error."""
    err.print(f"warning: {message}", style="yellow", markup=False, soft_wrap=True)


def print_replay(replay: Replay) -> None:
    """Stored and repeated result, side by side."""
    out.print(f"{replay.application_id}, batch {replay.batch_id}, model {replay.model_version}")
    for name, value in replay.inputs.items():
        out.print(f"  {name} = {value}", markup=False)
    table = Table("", "stored", "scored again")
    for name in RESULTS:
        table.add_row(name, str(replay.stored[name]), str(replay.again[name]))
    out.print(table)
    out.print("The same to the bit." if replay.agrees else "They differ: the model or the code is not what it was.")


def _with_interval(measure: Measure) -> str:
    if measure.value is None:
        return "not enough data"
    if measure.low is None or measure.high is None:
        return f"{measure.value:.3f}"
    return f"{measure.value:.3f} ({measure.low:.3f} to {measure.high:.3f})"
