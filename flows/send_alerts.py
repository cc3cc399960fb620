"""Send what happened to alerts: what a daily run could not send is sent by a later run of this."""

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows import steps
from flows.run_log import run_log
from tasks.project import load_project
from tasks.send_alerts import Sent, in_words


@flow(name="send-alerts", persist_result=False)
def send_alerts() -> State[Sent]:
    """Sends what is pending to the addresses of SCORING_ALERT_URLS, each event once.

    Events that are given up, or may not have arrived, end the run as Incomplete; what is tried again does not.
    """
    log = run_log()
    sent = steps.send_alerts(load_project())
    words = in_words(sent)
    if sent.needs_person:
        log.error(words)
        return Failed(name="Incomplete", message=words, data=sent)
    log.info(words)
    return Completed(message=words, data=sent)
