"""Days through Prefect on a host that has nothing of landing zone, models and reports on its own disk."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.backfill import catch_up
from flows.daily_scoring import daily_scoring
from model.champion import champion_identity
from schemas import object_store
from schemas.errors import StoreUnavailable
from tasks import days
from tests.flows.commands import reporting_to, run_here
from tests.flows.homes import DAYS, project_at, query
from tests.flows.prefect_runs import Run
from tests.store import ObjectStore, scoring
from tests.tasks.loans import second_model

LAST = DAYS[-1]
SCORES = "SELECT application_id, score, decision, model_version FROM current_scores ORDER BY ALL"

pytestmark = pytest.mark.usefixtures("prefect_here")


@pytest.fixture
def host(portfolio: Path, tmp_path: Path, store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a worker, with the settings that all workers have."""
    for name in ("landing", "models"):
        store.put(name, portfolio / name)
    home = tmp_path / "host"
    home.mkdir()
    shared = {name: address for name, address in store.settings().items() if name != "predictions"}
    for name, value in scoring({"home": str(home), **shared}).items():
        monkeypatch.setenv(name, value)
    return home


@pytest.fixture
def score(prefect_api: str) -> Callable[..., Run]:
    return lambda *given: Run(prefect_api, daily_scoring(*given, return_state=True))


def test_a_day_is_published_with_its_report_in_the_store(
    host: Path, home: Path, store: ObjectStore, score: Callable[..., Run]
) -> None:
    run = score(LAST)
    assert run.end[:2] == ("COMPLETED", "Published")
    assert f"reports/drift_{LAST}.html" in store.objects("reports")
    assert store.address(f"reports/drift_{LAST}.html") in run.artifacts()[f"report-{LAST}"]["data"]
    # The same scores as on a host with folders of its own.
    with pytest.MonkeyPatch.context() as patched:
        for name in ("LANDING", "MODELS", "REPORTS"):
            patched.delenv(f"SCORING_{name}")
        patched.setenv("SCORING_HOME", str(home))
        assert score(LAST).end[1] == "Published"
    assert query(host, SCORES) == query(home, SCORES)


@pytest.mark.usefixtures("blank_pages")
def test_files_that_came_to_the_store_are_caught_up_with(
    host: Path, store: ObjectStore, prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = datetime(LAST.year, LAST.month, LAST.day, 12, tzinfo=UTC)
    monkeypatch.setattr(days, "utc_now", lambda: today)
    monkeypatch.setattr("flows.backfill.scheduled_date", lambda _: LAST)
    ended = Run(prefect_api, catch_up(1, return_state=True)).end
    assert ended == ("COMPLETED", "Completed", "2 days: 2 published")


@pytest.mark.usefixtures("blank_pages")
def test_a_step_is_tried_again_when_the_store_refuses(
    host: Path, store: ObjectStore, score: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store, "PATIENCE_SECONDS", 0.5)
    with store.refusing(4):
        run = score(LAST)
    assert run.end[:2] == ("COMPLETED", "Published")
    assert run.task_runs()[0][2] > 1


@pytest.mark.usefixtures("blank_pages")
def test_a_store_that_goes_on_refusing_fails_the_run_and_another_run_completes_it(
    host: Path, store: ObjectStore, score: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store, "PATIENCE_SECONDS", 0.5)
    store.stop()
    failed = score(LAST)
    assert failed.end[0] == "FAILED"
    assert isinstance(failed.result, StoreUnavailable)
    assert f"does not answer for s3://{store.bucket}/models/champion.json" in str(failed.result)
    store.start()
    assert score(LAST).end[1] == "Published"


@pytest.fixture
def blank_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evidently's pages are blank within this process: drawing one takes seconds."""
    monkeypatch.setattr("tasks.evidently_report._page", lambda *_: "<h1>blank</h1>")


@pytest.mark.usefixtures("blank_pages")
def test_commands_of_one_host_count_for_the_others(
    host: Path, store: ObjectStore, tmp_path: Path, prefect_api: str
) -> None:
    project = project_at(host, **store.settings())
    first = champion_identity(project.settings.path("models"))[0]
    newer = second_model(project).version
    (other := tmp_path / "other").mkdir()
    promoted = run_here(other, "promote", newer)
    assert (promoted.returncode, promoted.stderr) == (0, "")
    with reporting_to(prefect_api):
        assert run_here(host, "score", "--batch-date", str(LAST)).returncode == 0
    assert {row[3] for row in query(host, SCORES)} == {newer}
    assert run_here(other, "rollback").returncode == 0
    listed = run_here(host, "models").stdout
    assert first in listed
    assert newer in listed
    missing = run_here(host, "promote", "scorecard-000000000000")
    assert (missing.returncode, f"in s3://{store.bucket}/models" in missing.stderr) == (1, True)
