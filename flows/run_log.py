"""The log of a flow run: errors a person can act on appear as their message; a traceback is kept for defects."""

import logging

from prefect.context import FlowRunContext
from prefect.exceptions import MissingContextError
from prefect.logging.loggers import LoggingAdapter, flow_run_logger

from schemas.errors import ScoringError


class PlainErrors(logging.Filter):
    """Takes the traceback off the record of a ScoringError and lets its own words stand."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record through."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, ScoringError):
            record.msg, record.args, record.exc_info = "%s", (str(error),), None
        return True


def run_log() -> LoggingAdapter:
    """The log of the flow run that asks; raises MissingContextError outside one.

    Prefect's own get_run_logger would give the log of the backfill's task that a day's run was started from.
    """
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logger = logging.getLogger(name)
        if not any(isinstance(item, PlainErrors) for item in logger.filters):
            logger.addFilter(PlainErrors())
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise MissingContextError("there is no flow run to log for")
    return flow_run_logger(context.flow_run, context.flow)
