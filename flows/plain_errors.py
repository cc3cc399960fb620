"""Errors a person can act on appear in the run log as their message; a traceback is kept for defects."""

import logging

from schemas.errors import ScoringError


class PlainErrors(logging.Filter):
    """Takes the traceback off the record of a ScoringError and lets its own words stand."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record through."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, ScoringError):
            record.msg, record.args, record.exc_info = "%s", (str(error),), None
        return True


def show_plain_errors() -> None:
    """Applies to the logs of flow and task runs, in the terminal and in the UI."""
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logger = logging.getLogger(name)
        if not any(isinstance(item, PlainErrors) for item in logger.filters):
            logger.addFilter(PlainErrors())
