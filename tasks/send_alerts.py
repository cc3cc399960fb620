"""Tells what happens to alerts: each event is sent to each address, and never twice."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import TypeVar

from schemas.addresses import address_label, alert_addresses
from tasks.alert_messages import message_for
from tasks.project import Project
from tasks.sending import Answer, Limits, send
from warehouse.deliveries import Claimed, Delivery, Settlement

Counts = Mapping[str, int]
V = TypeVar("V")


@dataclass(frozen=True, kw_only=True)
class Sent:
    """How many events by address, as it is shown to a person, came to which end; `problems` says why for each address.

    `retried` are tried again by the next run, `failed` are given up. `uncertain` may have arrived, and are not sent
    again. `dropped` waited for an address that is no longer set.
    """

    sent: Counts = field(default_factory=dict)
    retried: Counts = field(default_factory=dict)
    failed: Counts = field(default_factory=dict)
    uncertain: Counts = field(default_factory=dict)
    dropped: Counts = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def needs_person(self) -> bool:
        """Whether something was given up, or may not have arrived."""
        return bool(self.failed or self.uncertain)


def send_alerts(project: Project, limits: Limits | None = None) -> Sent:
    """Sends all that is pending, one message to each address, within about a minute.

    Events are claimed in a transaction before they are sent, so that of several runs at once only one sends them. Sent
    again is only what surely did not arrive: nobody was reached, or the service answered that it did not take the
    message. A connection that broke or timed out later leaves them uncertain, as does a run that was killed. What is
    known comes from what Apprise logs and the exceptions it swallows, since it reports no more than a failure; a
    service that answers with an error and delivers all the same is told again.

    Raises WarehouseError if there is no writing to the warehouse; what a service does never raises.
    """
    if not project.custodian.exists:
        return Sent()
    urls = alert_addresses(project.settings)
    if not urls:
        # A process without the setting is no reason to drop what waits for those that have it.
        return Sent()
    claimed = project.writer.claim_deliveries()
    waiting = _by_address(claimed)
    messages = [message_for(address, urls[address], deliveries) for address, deliveries in waiting.items()]
    answers = send(messages, limits or Limits()) if messages else {}
    settled = {address: _settle(project, waiting[address], answer) for address, answer in answers.items()}
    return _summary(urls, claimed, answers, settled)


def in_words(sent: Sent) -> str:
    """What became of the events, in one line."""
    said = [
        *_said(sent.sent, "sent to {}", {}),
        *_said(sent.retried, "to be sent to {} by the next run", sent.problems),
        *_said(sent.failed, "given up for {}", sent.problems),
        *_said(sent.uncertain, "that may or may not have reached {}, not sent again", sent.problems),
        *_said(sent.dropped, "dropped for {}, which is not set any more", {}),
    ]
    return "; ".join(said) or "no event of an alert waits to be sent"


def _by_address(claimed: Claimed) -> dict[str, list[Delivery]]:
    # The sort is stable: the events of an address stay in their order.
    ordered = sorted(claimed.deliveries, key=attrgetter("address"))
    return {address: list(deliveries) for address, deliveries in groupby(ordered, key=attrgetter("address"))}


def _settle(project: Project, deliveries: list[Delivery], answer: Answer) -> Counts:
    settlement = Settlement(
        address=deliveries[0].address,
        event_ids=[delivery.event_id for delivery in deliveries],
        result=answer.result,
        problem=answer.problem,
    )
    return project.writer.settle_deliveries(settlement)


def _summary(
    urls: Mapping[str, str], claimed: Claimed, answers: Mapping[str, Answer], settled: Mapping[str, Counts]
) -> Sent:
    problems = {address: [answer.problem] for address, answer in answers.items() if answer.problem}
    for address in claimed.uncertain:
        problems.setdefault(address, []).append("an earlier run was cut off while it sent")
    ended = {status: _of_status(settled, status) for status in ("sent", "pending", "failed", "uncertain")}
    label = partial(_labelled, urls)
    return Sent(
        sent=label(ended["sent"]),
        retried=label(ended["pending"]),
        failed=label(ended["failed"]),
        uncertain=label(Counter(ended["uncertain"]) + Counter(claimed.uncertain)),
        dropped=label(claimed.dropped),
        problems=label({address: "; ".join(reasons) for address, reasons in problems.items()}),
    )


def _of_status(settled: Mapping[str, Counts], status: str) -> Counts:
    return {address: counts[status] for address, counts in settled.items() if counts.get(status)}


def _labelled(urls: Mapping[str, str], values: Mapping[str, V]) -> dict[str, V]:
    return {address_label(address, urls.get(address)): value for address, value in values.items()}


def _said(counts: Counts, ending: str, problems: Mapping[str, str]) -> list[str]:
    return [
        f"{count:,} {'event' if count == 1 else 'events'} {ending.format(label)}"
        + (f": {problems[label]}" if label in problems else "")
        for label, count in counts.items()
    ]
