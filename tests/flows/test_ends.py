from datetime import date
from pathlib import Path
from typing import Any

import pytest
from prefect.client.schemas.objects import State
from prefect.utilities.engine import propose_state_sync

from flows.backfill import backfill
from flows.daily_scoring import daily_scoring
from flows.ends import result_of
from schemas.batch import Published
from schemas.errors import BatchBlocked
from tests.flows.homes import DAYS, new_home
from tests.flows.prefect_runs import spoil

pytestmark = pytest.mark.usefixtures("prefect_here")
GOOD, BAD = DAYS[:2]


@pytest.fixture
def home(portfolio: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = new_home(portfolio, tmp_path / "home", [GOOD, BAD])
    spoil(home, BAD)
    monkeypatch.setenv("SCORING_HOME", str(home))
    return home


@pytest.fixture
def late_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that answers so late that the client asks again: the end of a run comes back without its data."""

    def asked_again(client: Any, state: State[Any], **given: Any) -> State[Any]:
        answer = propose_state_sync(client, state, **given)
        return client.read_flow_run(given["flow_run_id"]).state if answer.is_final() else answer

    monkeypatch.setattr("prefect.flow_engine.propose_state_sync", asked_again)


@pytest.mark.usefixtures("home", "late_server", "prefect_api")
def test_what_a_run_ended_with_is_known_though_the_server_has_only_its_state() -> None:
    state = daily_scoring(GOOD, return_state=True)
    assert state.data is None
    published = result_of(state)
    assert isinstance(published, Published)
    assert published.new
    assert isinstance(result_of(daily_scoring(BAD, return_state=True)), BatchBlocked)


@pytest.mark.usefixtures("home", "late_server", "prefect_api")
def test_a_backfill_knows_what_became_of_its_days_though_the_server_has_only_their_states() -> None:
    days = result_of(backfill(GOOD, BAD, return_state=True))
    assert [(day.batch_date, day.outcome) for day in days] == [(GOOD, "published"), (BAD, "blocked")]


def test_a_state_of_another_process_speaks_for_itself() -> None:
    state: State[date] = State(type="COMPLETED", data=GOOD)
    assert result_of(state) == GOOD
