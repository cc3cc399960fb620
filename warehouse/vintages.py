"""What is known of a vintage (the batch dates of a month) by model, brought up to date with each of its batches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import polars

from schemas.alert import Alert, AlertKind
from warehouse import inserts
from warehouse.alerts import AlertBook
from warehouse.queries import sql


@dataclass(frozen=True, eq=False)
class Vintage:
    """Rows of the tables `performance` (estimated) and `fairness`, and the alerts on fairness that hold.

    `undecided` are the subjects of alerts that nothing can be said about yet, for want of rows.
    """

    performance: polars.DataFrame
    fairness: polars.DataFrame
    alerts: Sequence[Alert]
    undecided: frozenset[str] = frozenset()


# From the version of a model, and the rows by score and by group of all its published batches of the vintage; None if
# there is no such model any more.
Summarise = Callable[[str, polars.DataFrame, polars.DataFrame], Vintage | None]


def update_vintage(book: AlertBook, batch_date: date, model_version: str, summarise: Summarise) -> None:
    """Sums up the vintage that a batch of this model belongs to again, within the caller's transaction.

    Other models that have batches in it are summed up too: this one may have taken the place of one of theirs.
    """
    vintage = batch_date.replace(day=1)
    for table in ("performance", "fairness"):
        inserts.forget_replaced_models(book.connection, table, vintage)
    for (version,) in book.connection.execute(sql("models_of_vintage"), {"vintage": vintage}).fetchall():
        values = {"vintage": vintage, "model_version": version}
        scores, groups = (_asked(book.connection, name, values) for name in ("vintage_scores", "vintage_groups"))
        found = summarise(version, scores, groups)
        if found is None:
            continue
        inserts.replace_performance(book.connection, "estimated", found.performance)
        inserts.replace_fairness(book.connection, found.fairness)
        if version == model_version:
            lasting: list[tuple[AlertKind, str]] = [("fairness", subject) for subject in found.undecided]
            book.judge(batch_date, {"fairness"}, found.alerts, lasting)


def _asked(connection: duckdb.DuckDBPyConnection, query: str, values: dict[str, object]) -> polars.DataFrame:
    return connection.execute(sql(query), values).pl()
