"""What an address is told: one message for all that happened to alerts since the last one."""

from collections import Counter
from collections.abc import Sequence

from schemas.alert import AlertEvent, short_id
from tasks.sending import Message, MessageKind
from warehouse.deliveries import Delivery

EVENTS: tuple[AlertEvent, ...] = ("opened", "escalated", "reopened", "resolved")
# A message is for reading; a backlog of years is for the command.
MOST_LISTED = 100
COMMANDS = (
    "All of them: python -m flows alerts. To keep one quiet: python -m flows acknowledge ID --by NAME --until DATE"
)


def message_for(address: str, url: str, deliveries: Sequence[Delivery]) -> Message:
    """The message that tells an address of these events, which are in the order they happened."""
    return Message(address=address, url=url, title=_title(deliveries), body=_body(deliveries), kind=_kind(deliveries))


def _title(deliveries: Sequence[Delivery]) -> str:
    counts = Counter(delivery.event for delivery in deliveries)
    (first, count), *others = [(event, counts[event]) for event in EVENTS if counts[event]]
    said = [f"{count} {'alert' if count == 1 else 'alerts'} {first}", *(f"{count} {event}" for event, count in others)]
    return f"Credit scoring: {', '.join(said)}{_batches(deliveries)}"


def _batches(deliveries: Sequence[Delivery]) -> str:
    dates = sorted({delivery.batch_date for delivery in deliveries if delivery.batch_date})
    if not dates:
        return ""
    return f" (batch of {dates[0]})" if len(dates) == 1 else f" (batches of {dates[0]} to {dates[-1]})"


def _body(deliveries: Sequence[Delivery]) -> str:
    listed = [_described(delivery) for delivery in deliveries[:MOST_LISTED]]
    more = len(deliveries) - len(listed)
    return "\n\n".join([*listed, *([f"and {more:,} more"] if more else []), COMMANDS])


def _described(delivery: Delivery) -> str:
    kind = delivery.kind.replace("_", " ")
    return (
        f"{delivery.event.upper()}, {delivery.severity}: {kind}, {delivery.subject}\n"
        f"{delivery.message}\n"
        f"alert {short_id(delivery.alert_id)}, since {delivery.since}"
    )


def _kind(deliveries: Sequence[Delivery]) -> MessageKind:
    lasting = {delivery.severity for delivery in deliveries if delivery.event != "resolved"}
    if not lasting:
        return "success"
    return "failure" if "critical" in lasting else "warning"
