"""Sends messages through Apprise, as a process of its own that `tasks.sending` starts.

A process, since services and their libraries log and print addresses in ways of their own, and some wait without end:
here nobody sees what they say, and they can be killed. What to send is read from standard input, as JSON; what became
of each message is a line of JSON on standard output.
"""

import html
import json
import logging
import re
import smtplib
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from typing import Any

import apprise
import tenacity

# Where the standard library and urllib3 are before they have handed over anything of a message.
BEFORE_SENDING = {"connect", "prepare_request", "starttls", "login", "ehlo", "helo", "mail", "rcpt"}
# A mail server that answers with an error has not taken the mail.
REFUSALS = (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused)
STATUS = re.compile(r"error[=:]\s*([0-9]{3})\b")

Answer = tuple[str, str | None]
UNUSABLE: Answer = ("failed", "Apprise cannot use it: mend its scheme or what is missing in SCORING_ALERT_URLS")
UNREACHED: Answer = ("failed", "no connection to its service")
PARTLY: Answer = ("uncertain", "its service took a part of the message, or served some of the recipients")
BROKEN: Answer = ("uncertain", "the connection broke before its service had answered")


class Ear(threading.local):
    """What Apprise logs, and the exceptions it swallows meanwhile, in each thread."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.errors: list[BaseException] = []

    def listen(self, record: logging.LogRecord) -> bool:
        """A filter of its logger that lets nothing through."""
        self.said.append(record.getMessage())
        if error := sys.exc_info()[1]:
            self.errors.append(error)
        return False


def send(ear: Ear, plugin: apprise.NotifyBase, message: Mapping[str, Any]) -> Answer:
    """One try: sent, failed if surely nothing has arrived, else uncertain; and what the problem was."""
    ear.said.clear()
    ear.errors.clear()
    service = apprise.Apprise()
    service.add(plugin)
    body, form = message["body"], apprise.NotifyFormat.TEXT
    if plugin.notify_format == apprise.NotifyFormat.HTML:
        # Apprise would make every space one that no line breaks at.
        body, form = html.escape(body, quote=False).replace("\n", "<br/>"), apprise.NotifyFormat.HTML
    kind = apprise.NotifyType(message["kind"])
    if service.notify(body, message["title"], notify_type=kind, body_format=form.value):
        return "sent", None
    return _judged(ear)


def usable(url: str, answer_seconds: float) -> apprise.NotifyBase | None:
    """The service at an address, or None if Apprise cannot use it."""
    try:
        plugin = apprise.Apprise.instantiate(url)
    except (AttributeError, LookupError, TypeError, ValueError):
        # Some services stumble over what they cannot read.
        return None
    if plugin is None:
        return None
    # Apprise's own tries do not ask whether the message may have arrived, and `optional` calls every failure a success.
    plugin.retry, plugin.optional = 0, False
    plugin.socket_read_timeout = max(plugin.socket_read_timeout, answer_seconds)
    if plugin.notify_format == apprise.NotifyFormat.MARKDOWN:
        # The names of fields would turn italic.
        plugin.notify_format = apprise.NotifyFormat.TEXT
    if plugin.overflow_mode == apprise.OverflowMode.UPSTREAM:
        # A message that is too long would be refused whole.
        plugin.overflow_mode = apprise.OverflowMode.SPLIT
    return plugin


def tell(ear: Ear, plugin: apprise.NotifyBase | None, message: Mapping[str, Any], limits: Mapping[str, Any]) -> Answer:
    """Tries until it is not a failure any more, or often and long enough."""
    if plugin is None:
        return UNUSABLE
    trying = tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda answer: answer[0] == "failed"),
        wait=tenacity.wait_exponential(multiplier=limits["pause_seconds"]),
        stop=tenacity.stop_after_attempt(limits["tries"]) | tenacity.stop_after_delay(limits["answer_seconds"]),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else UNREACHED,
    )
    answer: Answer = trying(send, ear, plugin, message)
    return answer


def main() -> None:
    """Sends all messages at once, each to its address, and says of each how it went as soon as it is known."""
    told = json.load(sys.stdin)
    ear, limits, messages = Ear(), told["limits"], told["messages"]
    logger = logging.getLogger("apprise")
    logger.setLevel(logging.INFO)
    logger.addFilter(ear.listen)
    plugins = [usable(message["url"], limits["answer_seconds"]) for message in messages]
    _say({"began": True})
    with ThreadPoolExecutor(len(messages)) as pool:
        pairs = zip(plugins, messages, strict=True)
        telling = {pool.submit(partial(tell, ear, plugin, message, limits)): message for plugin, message in pairs}
        for done in as_completed(telling):
            result, problem = done.result()
            _say({"address": telling[done]["address"], "result": result, "problem": problem})


def _judged(ear: Ear) -> Answer:
    """Apprise says no more than that it failed; what it logged and swallowed tells whether something was sent."""
    if any(said.startswith("Sent ") for said in ear.said):
        return PARTLY
    if not all(_surely_not_sent(error) for error in ear.errors):
        return BROKEN
    statuses = [found[1] for said in ear.said if (found := STATUS.search(said))]
    if statuses:
        return "failed", f"its service did not take the message (status {statuses[-1]})"
    if any(isinstance(error, REFUSALS) for error in ear.errors):
        return "failed", "its mail server did not take the message"
    return UNREACHED if ear.errors else ("failed", "its service did not take the message")


def _surely_not_sent(error: BaseException | None) -> bool:
    """Whether an exception, or one behind it, says no, or comes from before anything was sent."""
    while error is not None:
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_name in BEFORE_SENDING:
                return True
            trace = trace.tb_next
        if isinstance(error, REFUSALS):
            return True
        error = error.__cause__ or error.__context__
    return False


def _say(line: Mapping[str, Any]) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
