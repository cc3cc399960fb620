"""What is known of a vintage (the batch dates of a month) of a model, brought up to date with each of its batches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import polars

from schemas.alert import Alert
from warehouse import inserts
from warehouse.alerts import AlertBook
from warehouse.queries import sql


@dataclass(frozen=True, eq=False)
class Vintage:
    """Rows of the tables `performance` (estimated) and `fairness`, and the alerts on fairness that hold."""

    performance: polars.DataFrame
    fairness: polars.DataFrame
    alerts: Sequence[Alert]


# From the rows by score and those by group of all published batches of the vintage.
Summarise = Callable[[polars.DataFrame, polars.DataFrame], Vintage]


def update_vintage(book: AlertBook, batch_date: date, model_version: str, summarise: Summarise) -> None:
    """Summarises the vintage that a batch of this model belongs to again, within the caller's transaction."""
    values = {"vintage": batch_date.replace(day=1), "model_version": model_version}
    scores, groups = (_asked(book.connection, name, values) for name in ("vintage_scores", "vintage_groups"))
    vintage = summarise(scores, groups)
    inserts.replace_performance(book.connection, "estimated", vintage.performance)
    inserts.replace_fairness(book.connection, vintage.fairness)
    for table in ("performance", "fairness"):
        inserts.forget_replaced_models(book.connection, table, batch_date.replace(day=1))
    book.judge(batch_date, {"fairness"}, vintage.alerts)


def _asked(connection: duckdb.DuckDBPyConnection, query: str, values: dict[str, object]) -> polars.DataFrame:
    return connection.execute(sql(query), values).pl()
