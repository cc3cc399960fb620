"""Tells what happened to alerts at the end of a run: whatever comes of it, the run ends as it would."""

import logging

from prefect import runtime
from prefect.client.schemas.objects import State

from flows import steps
from flows.events import BACKFILL
from flows.run_log import run_log
from tasks.project import Project
from tasks.send_alerts import Sent, in_words


def tell_after_day(project: Project) -> None:
    """Sends what is pending; the days of a backfill leave that to its end, so that it is one message."""
    if BACKFILL not in runtime.flow_run.tags:
        tell(project)


def tell(project: Project) -> None:
    """Sends what is pending. What cannot be sent now is left to the flow send-alerts."""
    if not project.settings.alert_urls:
        return
    told: State[Sent] = steps.send_alerts(project, return_state=True)
    if told.is_completed():
        sent = told.result()
        # What was given up, or may not have arrived, is said once, and no later run says it again.
        run_log().log(logging.ERROR if sent.needs_person else logging.INFO, "alerts: %s", in_words(sent))
    else:
        run_log().warning("alerts could not be sent, the flow send-alerts will: %s", told.message)
