"""The service's predictions as tables: by hour or day at the visitor's clock, and one by one with their inputs."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

import polars

from dashboard.labels import Labels
from dashboard.tables import Column, ColumnKind
from schemas.contract import Contract, Field, Kind

# Longer periods are counted by day.
MOST_DAYS_BY_HOUR = 14
DECISION_COUNTS = {"approve": "approved_count", "refer": "referred_count", "decline": "declined_count"}
OUTPUTS = ("decision", "score", "band", "probability_of_default", "reason_codes")
INPUT = "input "
_COLUMN_KINDS: dict[Kind, ColumnKind] = {"number": "number", "integer": "count", "boolean": "flag"}
_OUTPUT_TYPES = {
    "decision": polars.String(),
    "score": polars.Int64(),
    "band": polars.String(),
    "probability_of_default": polars.Float64(),
    "reason_codes": polars.List(polars.String),
}


def day_of(instant: datetime, timezone: tzinfo) -> date:
    """The date of an instant (UTC, without a zone) at a clock."""
    return instant.replace(tzinfo=UTC).astimezone(timezone).date()


def instants_of(start: date, end: date, timezone: tzinfo) -> tuple[datetime, datetime]:
    """The first instant of a date, and the first one after another, at a clock: in UTC, without a zone.

    Requests are summed up by whole hours of UTC: at a clock that is half an hour off them, a day begins with the first
    hour that begins in it.
    """
    return _midnight(start, timezone), _midnight(end + timedelta(days=1), timezone)


def beginning_of(day: date, timezone: tzinfo) -> time:
    """When a date begins at a clock: midnight, or later where whole hours of UTC begin later."""
    return _midnight(day, timezone).replace(tzinfo=UTC).astimezone(timezone).time()


def at_clock(hours: polars.DataFrame, timezone: tzinfo) -> polars.DataFrame:
    """The hours (UTC) at a clock, without a zone, as pictures show them."""
    local = polars.col("hour").dt.replace_time_zone("UTC").dt.convert_time_zone(str(timezone))
    return hours.with_columns(hour=local.dt.replace_time_zone(None))


def traffic(hours: polars.DataFrame, *, by_day: bool) -> polars.DataFrame:
    """Requests of all models by `time` (hour or day): the counts, approval_rate, mean_probability_of_default."""
    moment = polars.col("hour").dt.truncate("1d") if by_day else polars.col("hour")
    requests, means = polars.col("request_count"), polars.col("mean_probability_of_default")
    known = polars.when(means.is_not_null()).then(requests)
    sums = [polars.col(name).sum() for name in ("request_count", *DECISION_COUNTS.values())]
    return (
        hours.group_by(moment.alias("time"))
        .agg(*sums, mean_probability_of_default=(means * requests).sum() / known.sum())
        .with_columns(approval_rate=polars.col("approved_count") / polars.col("request_count"))
        .sort("time")
    )


def start_of_latest(hours: polars.DataFrame, rows: int) -> datetime:
    """The hour (UTC) since which there are at least so many predictions, or the first hour there is."""
    counts = hours.group_by("hour").agg(polars.col("request_count").sum()).sort("hour", descending=True)
    enough = counts.filter(polars.col("request_count").cum_sum() >= rows)
    return (enough if enough.height else counts.tail(1))["hour"][0]  # type: ignore[no-any-return]


def with_inputs(predictions: polars.DataFrame, contract: Contract) -> polars.DataFrame:
    """Predictions with their outputs as columns, and the contract's fields as columns named `input <field>`.

    What was logged under another contract and does not fit is missing.
    """
    outputs = [_read(text) for text in predictions["outputs"]]
    inputs = [_read(text) for text in predictions["inputs"]]
    columns = [
        polars.Series(name, [item.get(name) for item in outputs], kind, strict=False)
        for name, kind in _OUTPUT_TYPES.items()
    ]
    columns += [_input_column(field, inputs) for field in contract.fields]
    return predictions.drop("outputs", "inputs").with_columns(columns)


def prediction_columns(contract: Contract, labels: Labels) -> dict[str, Column]:
    """How the columns of `with_inputs` read."""
    outputs = {
        "predicted_at": Column("Time", "instant"),
        "prediction_id": Column("Prediction"),
        "decision": Column("Decision"),
        "score": Column("Score (points)", "count"),
        "band": Column("Band"),
        "probability_of_default": Column("Probability of default", "share"),
        "reason_codes": Column("Reasons", "list"),
        "latency_ms": Column("Latency (ms)", "number"),
        "model_version": Column("Model version"),
    }
    inputs = {
        f"{INPUT}{field.name}": Column(
            labels.axis(field.name), _COLUMN_KINDS.get(field.kind, "text"), field.description
        )
        for field in contract.fields
    }
    return outputs | inputs


def answer_of(prediction: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs and outputs of a prediction as they were logged."""
    return _read(prediction["inputs"]), _read(prediction["outputs"])


def _midnight(day: date, timezone: tzinfo) -> datetime:
    midnight = datetime.combine(day, time(), timezone).astimezone(UTC).replace(tzinfo=None)
    hour = midnight.replace(minute=0, second=0)
    return hour if hour == midnight else hour + timedelta(hours=1)


def _read(text: str) -> dict[str, Any]:
    found = json.loads(text)
    return found if isinstance(found, dict) else {}


def _input_column(field: Field, inputs: list[dict[str, Any]]) -> polars.Series:
    fits, kind = _FITTING.get(field.kind, (_as_text, polars.String()))
    return polars.Series(f"{INPUT}{field.name}", [fits(item.get(field.name)) for item in inputs], kind)


def _as_number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _as_integer(value: Any) -> int | None:
    number = _as_number(value)
    return int(number) if number is not None and number.is_integer() and abs(number) < 2**63 else None


def _as_flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _as_text(value: Any) -> str | None:
    return None if value is None else str(value)


_FITTING: dict[Kind, tuple[Callable[[Any], Any], polars.DataType]] = {
    "number": (_as_number, polars.Float64()),
    "integer": (_as_integer, polars.Int64()),
    "boolean": (_as_flag, polars.Boolean()),
}
