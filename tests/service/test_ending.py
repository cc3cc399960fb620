"""The end of a service behind a load balancer, which needs a moment to notice it."""

import signal
import time
from pathlib import Path

import httpx
import pytest

from tests.flows.prefect_server import wait_for
from tests.service.running import running_service

SECONDS = 3.0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_answers_on_while_it_says_that_it_ends(home: Path, workers: str) -> None:
    with running_service(home, SCORING_DRAIN_SECONDS=str(SECONDS), SCORING_WORKERS=workers) as service:
        begun = time.monotonic()
        service.process.send_signal(signal.SIGTERM)

        def ready() -> httpx.Response:
            # On a connection of its own, as a load balancer asks.
            return httpx.get(f"{service.address}/ready")

        wait_for(lambda: ready().status_code == 503, SECONDS)
        assert "about to end" in ready().json()["detail"]
        assert service.predict().status_code == 200
        assert service.client.get("/health").status_code == 200
        assert service.process.poll() is None
        assert service.process.wait(30) == 0
        assert time.monotonic() - begun >= SECONDS
        assert list(home.glob("credit-express-*")) == []


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGTERM, signal.SIGTERM]], ids=["Ctrl-C", "told twice"])
def test_who_will_not_wait_need_not(home: Path, workers: str, signals: list[signal.Signals]) -> None:
    with running_service(home, SCORING_DRAIN_SECONDS="300", SCORING_WORKERS=workers) as service:
        for number in signals:
            service.process.send_signal(number)
            # Two of a kind that come at once are one.
            time.sleep(1)
        assert service.process.wait(60) == 0
