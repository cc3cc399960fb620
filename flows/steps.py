"""The verbs of `tasks` as Prefect tasks: their names in the UI, and which of them are worth trying again."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun

from schemas.errors import WarehouseUnavailable
from tasks import (
    arrival,
    gate,
    ingest,
    monitor,
    outcomes,
    performance,
    publish,
    report,
    retention,
    score,
    train,
    upkeep,
)
from tasks import load_predictions as prediction_log
from tasks import send_alerts as alert_sending

P = ParamSpec("P")
R = TypeVar("R")


async def _is_passing_trouble(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether trying again can help: a disk or a lock in trouble, yes; a fault of file, contract or model, no."""
    error = await state.aresult(raise_on_failure=False)
    return isinstance(error, OSError | WarehouseUnavailable)


def _step(name: str, verb: Callable[P, R], retries: int = 0) -> Task[P, R]:
    # Nothing is cached or persisted: frames hold personal data, and the warehouse knows what was done.
    decorated = task(
        name=name,
        retries=retries,
        retry_delay_seconds=[1.0, 5.0, 20.0][:retries],
        retry_condition_fn=_is_passing_trouble if retries else None,
        cache_policy=NO_CACHE,
        persist_result=False,
    )
    return decorated(verb)


open_batch = _step("ingest", ingest.open_batch, retries=2)
find_published = _step("find published", publish.find_published, retries=3)
judge_source = _step("gate", gate.judge_source, retries=2)
score_rows = _step("score", score.score_rows, retries=2)
monitor_batch = _step("monitor", monitor.monitor_batch, retries=3)
publish_batch = _step("publish", publish.publish, retries=3)
refuse_batch = _step("refuse", publish.refuse, retries=3)
report_missing = _step("report missing file", arrival.report_missing, retries=3)
train_model = _step("train", train.train_model, retries=2)
load_outcomes = _step("load outcomes", outcomes.load_outcomes, retries=3)
update_performance = _step("update performance", performance.update_performance, retries=3)
write_report = _step("report", report.write_report)
load_predictions = _step("load predictions", prediction_log.load_predictions, retries=3)
send_alerts = _step("send alerts", alert_sending.send_alerts, retries=3)
remove_over_age = _step("remove what is over age", retention.remove_over_age, retries=3)
keep_up = _step("keep up the lake", upkeep.keep_up, retries=3)
