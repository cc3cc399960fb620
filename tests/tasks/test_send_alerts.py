"""Alerts are told to web services on this machine, each event once, whatever happens to service or run."""

import email
import email.policy
import logging
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import duckdb
import pytest

from schemas.addresses import alert_addresses
from tasks import alert_messages
from tasks.project import Project
from tasks.send_alerts import Sent, in_words, send_alerts
from tasks.sending import Limits, Message, send
from tests.flows.homes import ROOT, environment, query
from tests.tasks.alerting import (
    BREAK,
    HANG,
    ONCE,
    QUICK,
    Listener,
    missing,
    project_telling,
    raise_alerts,
    send_from,
    start_sending,
)
from tests.tasks.mailbox import Mailbox
from tests.warehouse.at_once import in_processes
from warehouse.alerts import AlertBook
from warehouse.connection import open_for_writing
from warehouse.deliveries import MOST_ATTEMPTS

DELIVERIES = "SELECT status, attempts, count(*) FROM deliveries GROUP BY ALL ORDER BY ALL"
SECRET = "hunter2"
# Nobody listens there.
NOWHERE = "json://127.0.0.1:9/hook"


def labels(project: Project) -> list[str]:
    """What a person is shown of the project's addresses."""
    addresses = alert_addresses(project.settings)
    return [f"{url.partition(':')[0]} address {address}" for address, url in addresses.items()]


def change(home: Path, statement: str) -> None:
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute(statement)


def test_an_event_is_told_once_in_words(tmp_path: Path) -> None:
    with Listener() as listener:
        project = project_telling(tmp_path, listener.url())
        project.writer.report_missing(missing(0))
        (label,) = labels(project)
        assert send_alerts(project) == Sent(sent={label: 1})
        assert send_alerts(project) == Sent()
    ((alert_id,),) = query(tmp_path, "SELECT alert_id FROM alerts")
    (told,) = listener.messages()
    assert told["title"] == "Credit scoring: 1 alert opened (batch of 2026-06-12)"
    assert told["message"].split("\n\n") == [
        f"OPENED, critical: missing file, applications_2026-06-12\nmissing-000\nalert {alert_id[:8]}, since 2026-06-12",
        "All of them: python -m flows alerts. To keep one quiet: python -m flows acknowledge ID --by NAME --until DATE",
    ]
    assert told["type"] == "failure"
    assert query(tmp_path, DELIVERIES) == [("sent", 1, 1)]


def test_all_that_happened_is_one_message_in_order_to_each_address(tmp_path: Path) -> None:
    with Listener() as listener:
        project = project_telling(tmp_path, listener.url("desk"), listener.url("night"))
        project.writer.report_missing(missing(0, "warning"))
        project.writer.report_missing(missing(1))
        # Worse than before, and gone.
        project.writer.report_missing(missing(0))
        end_all(project)
        assert send_alerts(project, QUICK).sent == dict.fromkeys(labels(project), 5)
    (desk,), (night,) = listener.messages("desk"), listener.messages("night")
    assert desk == night
    assert desk["title"] == (
        "Credit scoring: 2 alerts opened, 1 escalated, 2 resolved (batches of 2026-06-12 to 2026-06-13)"
    )
    events = [line.partition(",")[0] for line in desk["message"].splitlines() if " missing file, " in line]
    assert events == ["OPENED", "OPENED", "ESCALATED", "RESOLVED", "RESOLVED"]
    assert desk["message"].count("the cause is gone") == 2


def end_all(project: Project) -> None:
    """Ends every alert on a missing file."""
    with open_for_writing(project.settings.path("warehouse"), 30) as connection:
        AlertBook(connection, tuple(alert_addresses(project.settings))).judge(None, {"missing_file"}, ())


@pytest.mark.parametrize(("severities", "kind"), [(["warning"], "warning"), (["warning", "critical"], "failure")])
def test_a_message_is_as_urgent_as_its_worst_alert(tmp_path: Path, severities: list[str], kind: str) -> None:
    with Listener() as listener:
        project = project_telling(tmp_path, listener.url())
        for number, severity in enumerate(severities):
            project.writer.report_missing(missing(number, severity))
        send_alerts(project, QUICK)
        end_all(project)
        send_alerts(project, QUICK)
    assert [told["type"] for told in listener.messages()] == [kind, "success"]


def test_a_long_backlog_is_cut_off_with_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_messages, "MOST_LISTED", 3)
    with Listener() as listener:
        project = project_telling(tmp_path, listener.url())
        names = raise_alerts(project, 5)
        assert list(send_alerts(project, QUICK).sent.values()) == [5]
        assert listener.times_heard(*names) == [1, 1, 1, 0, 0]
        assert "\n\nand 2 more\n\n" in listener.messages()[0]["message"]


def test_what_nobody_took_is_told_once_by_a_later_run(tmp_path: Path) -> None:
    with Listener() as listener:
        url, port = listener.url(), listener.port
    project = project_telling(tmp_path, url)
    names = raise_alerts(project, 3)
    down = send_alerts(project, QUICK)
    (label,) = labels(project)
    assert down == Sent(retried={label: 3}, problems={label: "no connection to its service"})
    assert in_words(down) == f"3 events to be sent to {label} by the next run: no connection to its service"
    assert query(tmp_path, DELIVERIES) == [("pending", 1, 3)]
    with Listener(port) as listener:
        assert send_alerts(project, QUICK) == Sent(sent={label: 3})
        assert send_alerts(project, QUICK) == Sent()
        assert listener.times_heard(*names) == [1, 1, 1]
    assert query(tmp_path, DELIVERIES) == [("sent", 2, 3)]


def test_a_service_that_comes_back_within_a_run_is_told_once(tmp_path: Path) -> None:
    statuses = iter([503, 500, 200])
    with Listener(behaviour=lambda _path: next(statuses)) as listener:
        project = project_telling(tmp_path, listener.url())
        raise_alerts(project, 1)
        assert send_alerts(project, QUICK) == Sent(sent={labels(project)[0]: 1})
        assert len(listener.messages()) == 3


def test_a_service_that_refuses_is_tried_by_ten_runs_and_then_given_up(tmp_path: Path) -> None:
    with Listener(behaviour=lambda _path: 500) as listener:
        project = project_telling(tmp_path, listener.url())
        raise_alerts(project, 1)
        (label,) = labels(project)
        problems = {label: "its service did not take the message (status 500)"}
        assert send_alerts(project, QUICK) == Sent(retried={label: 1}, problems=problems)
        assert len(listener.messages()) == QUICK.tries
        change(tmp_path, f"UPDATE deliveries SET attempts = {MOST_ATTEMPTS - 2}")
        assert send_alerts(project, ONCE).retried == {label: 1}
        given_up = send_alerts(project, ONCE)
        assert given_up == Sent(failed={label: 1}, problems=problems)
        assert given_up.needs_person
        assert send_alerts(project, ONCE) == Sent()
    assert query(tmp_path, "SELECT status, attempts, problem FROM deliveries") == [
        ("failed", MOST_ATTEMPTS, "its service did not take the message (status 500)")
    ]


@pytest.mark.parametrize("behaviour", [HANG, BREAK])
def test_what_may_have_arrived_is_not_sent_again(tmp_path: Path, behaviour: int) -> None:
    with Listener(behaviour=lambda _path: behaviour) as listener:
        project = project_telling(tmp_path, listener.url())
        names = raise_alerts(project, 2)
        # The service has four seconds to answer in any case.
        found = send_alerts(project, QUICK)
        (label,) = labels(project)
        assert found.uncertain == {label: 2}
        assert found.needs_person
        assert in_words(found) == (
            f"2 events that may or may not have reached {label}, not sent again:"
            " the connection broke before its service had answered"
        )
        assert send_alerts(project, QUICK) == Sent()
        assert listener.times_heard(*names) == [1, 1]


def test_a_service_that_hangs_does_not_hold_up_the_others(tmp_path: Path) -> None:
    with Listener(behaviour=lambda path: HANG if path == "/slow" else 200) as listener:
        # A service of its own patience, longer than a run's.
        slow = f"{listener.url('slow')}?rto=100"
        project = project_telling(tmp_path, slow, listener.url())
        (name,) = raise_alerts(project, 1)
        began = time.monotonic()
        found = send_alerts(project, Limits(total_seconds=8.0))
        assert 8 <= time.monotonic() - began < 16
        first, second = labels(project)
        assert (found.uncertain, found.sent) == ({first: 1}, {second: 1})
        assert found.problems == {first: "there was no result after 8 seconds"}
        assert (listener.times_heard(name, path="slow"), listener.times_heard(name)) == ([1], [1])


def test_two_runs_at_once_tell_each_event_once(tmp_path: Path) -> None:
    with Listener() as listener:
        project = project_telling(tmp_path, listener.url())
        names = raise_alerts(project, 20)
        runs = in_processes([partial(send_from, tmp_path, listener.url())] * 2)
        assert listener.times_heard(*names) == [1] * 20
    assert sum(sum(run.sent.values()) for run in runs) == 20
    assert query(tmp_path, DELIVERIES) == [("sent", 1, 20)]


@pytest.mark.parametrize(("point", "heard"), [("claimed", 0), ("sent", 1)])
def test_what_a_killed_run_had_claimed_is_never_sent_again_and_said_to_be_uncertain(
    tmp_path: Path, point: str, heard: int
) -> None:
    with Listener() as listener:
        project = project_telling(tmp_path, listener.url())
        names = raise_alerts(project, 2)
        assert start_sending(tmp_path, listener.url(), point).end().status == -9
        assert listener.times_heard(*names) == [heard] * 2
        # It might live and be about to send them.
        assert send_alerts(project, QUICK) == Sent()
        change(tmp_path, "UPDATE deliveries SET changed_at = changed_at - INTERVAL '10 minutes 1 second'")
        late = project.writer.report_missing(missing(2))
        found = send_alerts(project, QUICK)
        (label,) = labels(project)
        assert (late, found.sent, found.uncertain) == (True, {label: 1}, {label: 2})
        assert in_words(found) == (
            f"1 event sent to {label}; 2 events that may or may not have reached {label}, not sent again:"
            " an earlier run was cut off while it sent"
        )
        assert send_alerts(project, QUICK) == Sent()
        assert listener.times_heard(*names, "missing-002") == [heard, heard, 1]


def test_what_waits_for_an_address_that_is_taken_away_is_dropped(tmp_path: Path) -> None:
    with Listener() as listener:
        project = project_telling(tmp_path, listener.url(), NOWHERE)
        raise_alerts(project, 2)
        kept = project_telling(tmp_path, listener.url())
        gone = labels(project)[1].partition(" ")[2]
        found = send_alerts(kept, QUICK)
        assert found == Sent(sent={labels(kept)[0]: 2}, dropped={gone: 2})
        assert not found.needs_person
        assert in_words(found).endswith(f"; 2 events dropped for {gone}, which is not set any more")
        assert send_alerts(project, QUICK) == Sent()
    nobody = project_telling(tmp_path)
    # A process without the setting leaves alone what waits for those that have it.
    project.writer.report_missing(missing(5))
    assert send_alerts(nobody, QUICK) == Sent()
    assert query(tmp_path, "SELECT count(*) FROM deliveries WHERE status = 'pending'") == [(2,)]


@pytest.mark.parametrize("url", ["nosuchservice://x/y", "mailto://", "json://#"])
def test_an_address_apprise_cannot_use_is_given_up_in_the_end_and_keeps_nobody_else_waiting(
    tmp_path: Path, url: str
) -> None:
    with Listener() as listener:
        project = project_telling(tmp_path, f"{url}?", listener.url())
        raise_alerts(project, 1)
        bad, good = labels(project)
        found = send_alerts(project, QUICK)
        assert (found.retried, found.sent) == ({bad: 1}, {good: 1})
        assert found.problems[bad].startswith("Apprise cannot use it: mend its scheme")
        change(tmp_path, f"UPDATE deliveries SET attempts = {MOST_ATTEMPTS - 1}")
        assert send_alerts(project, QUICK).failed == {bad: 1}


def test_what_an_address_asks_of_apprise_makes_no_failure_a_success_and_no_message_two(tmp_path: Path) -> None:
    with Listener(behaviour=lambda path: 500 if path.startswith("/refuses") else BREAK) as listener:
        asked = "?optional=yes&retry=3&wait=0"
        project = project_telling(tmp_path, listener.url(f"refuses{asked}"), listener.url(f"breaks{asked}"))
        raise_alerts(project, 1)
        refusing, breaking = labels(project)
        found = send_alerts(project, ONCE)
        assert (found.retried, found.uncertain) == ({refusing: 1}, {breaking: 1})
        assert (len(listener.messages("refuses")), len(listener.messages("breaks"))) == (1, 1)


def test_a_mail_has_the_same_lines_as_text_and_as_html() -> None:
    body = "OPENED, critical: drift, loan_amount\nPSI 0.31 > 0.08 & <more>\n\nend"
    with Mailbox() as mailbox:
        url = mailbox.url("ada@x.org")
        message = Message(address="a", url=url, title="Credit scoring: 1 alert opened", body=body, kind="failure")
        assert send([message], QUICK)["a"].result == "sent"
    (mail,) = [email.message_from_string(sent, policy=email.policy.default) for sent in mailbox.mails]
    assert (mail["Subject"], mail["To"]) == ("Credit scoring: 1 alert opened", "ada@x.org")
    text, html = [part.get_content().strip() for part in mail.iter_parts()]
    assert text.splitlines() == body.splitlines()
    assert html == "OPENED, critical: drift, loan_amount<br/>PSI 0.31 &gt; 0.08 &amp; &lt;more&gt;<br/><br/>end"


@pytest.mark.parametrize(("refused", "result"), [(["ada"], "uncertain"), (["ada", "grace"], "failed")])
def test_mail_that_reaches_some_of_its_recipients_is_uncertain(refused: list[str], result: str) -> None:
    with Mailbox(*refused) as mailbox:
        url = mailbox.url("ada@x.org", "grace@x.org")
        message = Message(address="a", url=url, title="title", body="body", kind="failure")
        assert send([message], ONCE)["a"].result == result
        assert len(mailbox.mails) == 2 - len(refused)


def test_a_message_that_was_taken_in_part_is_uncertain() -> None:
    statuses = iter([200, 500])
    with Listener(behaviour=lambda _path: next(statuses)) as listener:
        # More than a service of this kind takes at once.
        message = Message(address="a", url=listener.url(), title="title", body="word " * 8_000, kind="warning")
        answer = send([message], QUICK)["a"]
        assert len(listener.messages()) == 2
    assert (answer.result, answer.problem) == (
        "uncertain",
        "its service took a part of the message, or served some of the recipients",
    )


def test_without_a_process_that_sends_nothing_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.sending.SENDER", tmp_path / "nothing.py")
    project = project_telling(tmp_path, NOWHERE)
    raise_alerts(project, 1)
    (label,) = labels(project)
    problems = {label: "the process that sends could not be started"}
    assert send_alerts(project, QUICK) == Sent(retried={label: 1}, problems=problems)


def test_nobody_to_tell_means_no_deliveries_and_no_warehouse_for_them(tmp_path: Path) -> None:
    project = project_telling(tmp_path)
    assert send_alerts(project) == Sent()
    assert list(tmp_path.iterdir()) == []
    project.writer.report_missing(missing(0))
    assert in_words(send_alerts(project)) == "no event of an alert waits to be sent"
    assert query(tmp_path, "SELECT * FROM deliveries") == []


def test_apprise_is_not_imported_by_a_run(tmp_path: Path) -> None:
    with Listener() as listener:
        raise_alerts(project_telling(tmp_path, listener.url()), 1)
        code = (
            "import sys; from tasks.project import load_project; from tasks.send_alerts import in_words, send_alerts;"
            "print(in_words(send_alerts(load_project()))); print('apprise' in sys.modules)"
        )
        env = environment(SCORING_HOME=str(tmp_path), SCORING_ALERT_URLS=listener.url())
        command = [sys.executable, "-c", code]
        found = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    words, imported = found.stdout.splitlines()
    assert words.startswith("1 event sent to json address ")
    assert imported == "False"


def test_no_address_is_said_logged_or_stored_anywhere(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(1)
    statuses = {f"/{SECRET}-500": 500, f"/{SECRET}-breaks": BREAK}
    with Listener(behaviour=lambda path: statuses.get(path.partition("?")[0], 200)) as listener:
        urls = [listener.url(f"{SECRET}{end}?token={SECRET}", f"{SECRET}:{SECRET}@") for end in ("", "-500", "-breaks")]
        urls += [f"json://{SECRET}.invalid/{SECRET}", f"nosuchservice://{SECRET}", f"slack://{SECRET}/{SECRET}"]
        project = project_telling(tmp_path, *urls)
        raise_alerts(project, 2)
        found = send_alerts(project, QUICK)
        assert len(listener.heard) == 1 + QUICK.tries + 1
    left = project_telling(tmp_path, urls[0])
    found_later = send_alerts(left, QUICK)
    assert sum(found_later.dropped.values()) == 8
    said = [repr(found), in_words(found), repr(found_later), in_words(found_later), repr(project), caplog.text]
    tables = [table for (table,) in query(tmp_path, "SELECT table_name FROM duckdb_tables()")]
    stored = [repr(query(tmp_path, f"SELECT * FROM {table}")) for table in tables]
    printed = capfd.readouterr()
    for text in [*said, *stored, printed.out, printed.err]:
        assert SECRET not in text
    assert SECRET.encode() not in (tmp_path / "warehouse.duckdb").read_bytes()
    assert logging.getLogger("apprise").filters == []
