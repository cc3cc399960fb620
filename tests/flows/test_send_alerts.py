"""The flow send-alerts on a real Prefect server, against web services on this machine."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flows.send_alerts import send_alerts
from schemas.addresses import alert_addresses
from tests.flows.homes import query
from tests.flows.prefect_runs import Run
from tests.tasks.alerting import BREAK, Listener, project_telling, raise_alerts
from warehouse import deliveries

NOWHERE = "json://127.0.0.1:9/hunter2"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefect_api: str, prefect_here: None) -> Callable[[str], Run]:
    """Runs the flow send-alerts with these addresses."""

    def run_with(urls: str) -> Run:
        monkeypatch.setenv("SCORING_HOME", str(tmp_path))
        monkeypatch.setenv("SCORING_ALERT_URLS", urls)
        return Run(prefect_api, send_alerts(return_state=True))

    return run_with


def test_a_run_sends_what_is_pending_and_says_how_much(tmp_path: Path, run: Callable[[str], Run]) -> None:
    assert run(NOWHERE).end == ("COMPLETED", "Completed", "no event of an alert waits to be sent")
    with Listener() as listener:
        names = raise_alerts(project_telling(tmp_path, listener.url()), 2)
        (address,) = alert_addresses(project_telling(tmp_path, listener.url()).settings)
        sent = run(listener.url())
        assert sent.end == ("COMPLETED", "Completed", f"2 events sent to json address {address}")
        assert sent.task_runs() == [("send alerts", "COMPLETED", 1)]
        assert listener.times_heard(*names) == [1, 1]


def test_what_is_tried_again_is_no_trouble_yet_and_what_is_given_up_is(
    tmp_path: Path, run: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A day of runs would take as long to test.
    monkeypatch.setattr(deliveries, "MOST_ATTEMPTS", 3)
    raise_alerts(project_telling(tmp_path, NOWHERE), 1)
    for _ in range(2):
        kind, name, message = run(NOWHERE).end
        assert (kind, name) == ("COMPLETED", "Completed")
        assert message.endswith(" by the next run: no connection to its service")
    given_up = run(NOWHERE)
    kind, name, message = given_up.end
    assert (kind, name) == ("FAILED", "Incomplete")
    assert message.startswith("1 event given up for json address ")
    assert message in given_up.logged()
    assert "hunter2" not in str(given_up.record) + str(given_up.logged())
    assert query(tmp_path, "SELECT status, attempts FROM deliveries") == [("failed", 3)]
    assert run(NOWHERE).end == ("COMPLETED", "Completed", "no event of an alert waits to be sent")


def test_a_run_with_messages_that_may_not_have_arrived_is_incomplete(tmp_path: Path, run: Callable[[str], Run]) -> None:
    with Listener(behaviour=lambda _path: BREAK) as listener:
        raise_alerts(project_telling(tmp_path, listener.url()), 1)
        kind, name, message = run(listener.url()).end
    assert (kind, name) == ("FAILED", "Incomplete")
    assert message.startswith("1 event that may or may not have reached json address ")
