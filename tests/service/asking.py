"""Callers that ask for predictions as fast as they can, until they are told to stop."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import httpx

from tests.flows.prefect_server import wait_for
from tests.service.running import APPLICATION

PATIENCE = 60


@dataclass
class Asked:
    """What came of it so far: an answer of 200 for each caller in its order, the other ones, lost connections."""

    answers: list[list[dict[str, Any]]]
    others: list[httpx.Response] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many predictions were answered."""
        return sum(map(len, self.answers))

    @property
    def ids(self) -> list[str]:
        """The predictions that were answered."""
        return [str(answer["prediction_id"]) for answers in self.answers for answer in answers]

    @property
    def versions(self) -> Counter[str]:
        """The models they were answered by."""
        return Counter(answer["model_version"] for answers in self.answers for answer in answers)

    def wait_for_more(self, more: int) -> None:
        """Waits until so many more predictions are answered."""
        enough = self.count + more
        wait_for(lambda: self.count >= enough, PATIENCE)


@contextmanager
def asking(address: str, callers: int, headers: dict[str, str] | None = None) -> Iterator[Asked]:
    """So many callers at once, each over a connection that it keeps, and another one when that is lost."""
    asked, stop = Asked([[] for _ in range(callers)]), Event()

    def ask(answers: list[dict[str, Any]]) -> None:
        with httpx.Client(base_url=address, timeout=PATIENCE, headers=headers) as client:
            while not stop.is_set():
                try:
                    answer = client.post("/predict", json=APPLICATION)
                except httpx.TransportError as error:
                    asked.lost.append(repr(error))
                    stop.wait(0.05)
                    continue
                if answer.status_code == httpx.codes.OK:
                    answers.append(answer.json())
                else:
                    asked.others.append(answer)

    with ThreadPoolExecutor(callers) as pool:
        futures = [pool.submit(ask, answers) for answers in asked.answers]
        try:
            yield asked
        finally:
            stop.set()
    for future in futures:
        future.result()
