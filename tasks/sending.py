"""Hands messages to a process that sends them, and says how each of them went, in bounded time."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from warehouse.deliveries import SendResult

MessageKind = Literal["success", "warning", "failure"]
SENDER = Path(__file__).with_name("sender.py")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How often and how long a run tries: tries and the first pause between them, which doubles.

    A service has `answer_seconds` to answer, or its own time if that is longer, and after them no try begins any more.
    After `total_seconds` all that is still going on is ended.
    """

    tries: int = 3
    pause_seconds: float = 1.0
    answer_seconds: float = 20.0
    total_seconds: float = 60.0


@dataclass(frozen=True, kw_only=True)
class Message:
    """What one address is told; `address` is its fingerprint, `url` the secret itself."""

    address: str
    url: str
    title: str
    body: str
    kind: MessageKind


@dataclass(frozen=True)
class Answer:
    """How sending went: failed means that surely nothing has arrived."""

    result: SendResult
    problem: str | None


def send(messages: Sequence[Message], limits: Limits) -> Mapping[str, Answer]:
    """Sends the messages, all at once; returns how it went by address.

    Never raises for what happens to a message, and never says what a service says: that could show an address.
    """
    told = {"limits": asdict(limits), "messages": [asdict(message) for message in messages]}
    lines = _spoken(json.dumps(told), limits.total_seconds)
    answers = {line["address"]: Answer(line["result"], line["problem"]) for line in lines if "address" in line}
    unknown = Answer("uncertain", f"there was no result after {limits.total_seconds:g} seconds")
    if not any("began" in line for line in lines):
        unknown = Answer("failed", "the process that sends could not be started")
    return {message.address: answers.get(message.address, unknown) for message in messages}


def _spoken(told: str, seconds: float) -> list[dict[str, Any]]:
    # Addresses go through the pipe: anybody on the machine can read a command line.
    command = [sys.executable, "-P", str(SENDER)]
    try:
        said = subprocess.run(  # noqa: S603 - our own
            command,
            input=told.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        ).stdout
    except subprocess.TimeoutExpired as error:
        said = error.stdout or b""
    return [json.loads(line) for line in said.splitlines() if line.startswith(b"{") and line.endswith(b"}")]
