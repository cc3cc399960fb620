"""Results as the commands print them."""

from collections.abc import Mapping, Sequence

import polars
from rich.table import Table

from flows.console import err, out
from model.performance import Measure
from schemas.batch import Published
from tasks.days import Day, in_words, problems
from tasks.load_predictions import LoadedPredictions
from tasks.load_predictions import in_words as predictions_in_words
from tasks.performance import Performances
from tasks.replay import RESULTS, Replay
from tasks.train import Trained

ESTIMATED = "Estimated: from calibrated probabilities, before outcomes were known."
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


def print_performance(loaded: int, found: Performances) -> None:
    """How many outcomes were loaded, and performance by vintage: realised, and as it was estimated before."""
    out.print(f"{loaded:,} outcomes loaded")
    for vintage, ripe in found.too_young:
        out.print(f"The vintage {vintage:%Y-%m} is too young: its outcomes count once some of {ripe} are loaded.")
    if found.realised.is_empty() and not found.too_young:
        out.print("No scored application has an outcome yet; score its date first: python -m flows backfill")
    known = polars.concat(
        [found.realised.with_columns(basis=polars.lit("")), found.estimated.with_columns(basis=polars.lit("estimated"))]
    ).filter(polars.col("band").is_null())
    for (version,), group in known.sort("vintage", maintain_order=True).group_by("model_version", maintain_order=True):
        out.print(_performance_table(str(version), group))


def _performance_table(version: str, known: polars.DataFrame) -> Table:
    """Vintages with their realised figures, the AUC and the default rate beside what was estimated before."""
    # 80 columns are all there is where output is not a terminal.
    table = Table(title=version, box=None, padding=(0, 1, 0, 0), caption=ESTIMATED)
    for name in ("vintage", "rows", "AUC (95 %)", "estimated", "Gini", "KS", "Brier", "defaults", "estimated"):
        table.add_column(name, justify="left" if name == "AUC (95 %)" else "right", no_wrap=True)
    for (vintage,), group in known.group_by("vintage", maintain_order=True):
        of = {(row["basis"], row["metric"]): row for row in group.iter_rows(named=True)}
        measures = {key: Measure(row["value"], row["low"], row["high"]) for key, row in of.items()}
        auc = measures.get(("", "auc"))
        rows = next((row for (basis, _), row in of.items() if not basis), group.row(0, named=True))["row_count"]
        table.add_row(
            f"{vintage:%Y-%m}",
            f"{rows:,}",
            "not known yet" if auc is None else _with_interval(auc).replace(" to ", "-"),
            _figure(measures, "estimated", "auc"),
            *(_figure(measures, "", name) for name in ("gini", "ks", "brier", "default_rate")),
            _figure(measures, "estimated", "default_rate"),
        )
    return table


def _figure(measures: Mapping[tuple[str, str], Measure], basis: str, name: str) -> str:
    value = measures.get((basis, name), Measure()).value
    if value is None:
        return ""
    return f"{value:.1%}" if name == "default_rate" else f"{value:.3f}"


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
