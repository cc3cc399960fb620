"""The service with model and log in an object store: what it answered arrives there, once, whatever happens."""

import time
from pathlib import Path

import pytest

from model.champion import promote
from schemas.prediction_log import FINISHED, LOADED, OPEN
from schemas.segments import ship
from schemas.settings import Settings
from schemas.storage import path_at
from service import shipping as module
from service.shipping import Shipping
from tasks.load_predictions import load_predictions
from tests.flows.homes import project_at, query
from tests.flows.prefect_server import wait_for
from tests.service.running import Service, run_service, running_service
from tests.store import ObjectStore, scoring
from tests.tasks.loans import second_model
from tests.tasks.segments import Holder, lines

SECRET = {"SCORING_PSEUDONYM_KEY": "the same on every host"}
SECONDS = 60


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "home" / "predictions"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def log(store: ObjectStore) -> Path:
    return path_at(store.address("predictions"), "it")


def put(spool: Path, name: str, ending: str = FINISHED) -> Path:
    path = spool / f"{name}{ending}"
    path.write_text(lines(name, 3))
    return path


def test_what_is_finished_and_what_a_dead_process_left_is_shipped(spool: Path, log: Path, store: ObjectStore) -> None:
    finished, left, living = put(spool, "a"), put(spool, "b", OPEN), put(spool, "c", OPEN)
    expected = {f"predictions/{name}{FINISHED}": lines(name, 3).encode() for name in "ab"}
    with Holder(living):
        assert Shipping(spool, log).ship_waiting()
    assert store.objects() == expected
    assert [finished.exists(), left.exists(), living.exists()] == [False, False, True]


def test_a_segment_leaves_the_spool_only_when_the_store_has_it(
    spool: Path, log: Path, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.5)
    path, shipping = put(spool, "a"), Shipping(spool, log)
    store.stop()
    assert not shipping.ship_waiting()
    assert path.exists()
    assert shipping.problem is not None
    assert f"1 segments of the prediction log wait in {spool} to be shipped: the object store" in shipping.problem
    store.start()
    assert shipping.ship_waiting()
    assert not path.exists()
    assert not shipping.problem
    assert len(store.objects()) == 1


@pytest.mark.parametrize("folder", ["predictions", f"predictions/{LOADED}"])
def test_what_was_shipped_before_a_crash_is_not_brought_back(
    folder: str, spool: Path, log: Path, store: ObjectStore
) -> None:
    # An erasure has taken a line out since.
    key = f"{folder}/a{FINISHED}"
    store.client.put_object(Bucket=store.bucket, Key=key, Body=lines("a", 2).encode())
    path = put(spool, "a")
    assert ship(path, log)
    assert not path.exists()
    assert store.objects() == {key: lines("a", 2).encode()}


def test_two_processes_do_not_ship_the_same_segment(spool: Path, log: Path, store: ObjectStore) -> None:
    path = put(spool, "a")
    with Holder(path):
        assert not ship(path, log)
    assert path.exists()
    assert store.objects() == {}


def test_segments_are_loaded_from_the_store_each_once(log: Path, store: ObjectStore, tmp_path: Path) -> None:
    project = project_at(tmp_path, predictions=str(log))
    for name in "ab":
        (log / f"{name}{FINISHED}").write_bytes(lines(name, 3).encode())
    loaded = load_predictions(project, lambda _: None)
    assert (loaded.segments, loaded.predictions, loaded.refused) == (2, 6, ())
    assert set(store.objects()) == {f"predictions/{LOADED}/{name}{FINISHED}" for name in "ab"}
    # As it is when a run dies between its transaction and the move.
    (log / f"a{FINISHED}").write_bytes(lines("a", 3).encode())
    again = load_predictions(project, lambda _: None)
    assert (again.segments, again.on_record) == (0, 1)
    assert query(tmp_path, "SELECT count(*) FROM predictions") == [(6,)]


def test_a_log_that_hosts_share_needs_a_secret_that_they_share(store: ObjectStore, tmp_path: Path) -> None:
    settings = scoring({"predictions": store.address("predictions"), "home": str(tmp_path)})
    run = run_service(**settings, **store.environment)
    assert run.returncode == 1
    assert "SCORING_PSEUDONYM_KEY has to be set, to the same secret on each" in run.stderr


def answered(service: Service, seconds: float) -> list[str]:
    """The ids of predictions that were asked for, one after the other, for so long."""
    until, ids = time.monotonic() + seconds, []
    while time.monotonic() < until:
        response = service.predict()
        assert response.status_code == 200
        ids.append(response.json()["prediction_id"])
        time.sleep(0.05)
    return ids


def test_no_prediction_is_lost_when_the_store_refuses_for_ten_seconds(
    portfolio: Path, tmp_path: Path, store: ObjectStore
) -> None:
    store.put("models", portfolio / "models")
    home = tmp_path / "host"
    home.mkdir()
    shared = {name: store.address(name) for name in ("models", "predictions")}
    settings = {**scoring(shared), **store.environment, **SECRET, "SCORING_SEGMENT_SECONDS": "1"}
    with running_service(home, **settings) as service:
        ids = answered(service, 3)
        with store.refusing(10):
            ids += answered(service, 9)
            health = service.client.get("/health").json()
            assert "wait" in health["problem"]
            assert service.metric("scoring_prediction_log_shipping_failing") == 1
            assert service.metric("scoring_prediction_log_waiting_segments") > 0
        ids += answered(service, 1)
        wait_for(lambda: service.client.get("/health").json()["problem"] is None, SECONDS)
        project = project_at(tmp_path / "batch", **shared)
        newer = second_model(project).version
        promote(project.settings.path("models"), newer)
        wait_for(lambda: service.predict().json()["model_version"] == newer, SECONDS)
        assert service.end() == 0
    left = [path.name for path in (home / "predictions").iterdir()]
    assert left == []
    loaded = load_predictions(project, lambda _: None)
    assert loaded.refused == ()
    on_record = {row[0] for row in query(tmp_path / "batch", "SELECT prediction_id FROM predictions")}
    assert set(ids) <= on_record
    assert query(tmp_path / "batch", "SELECT count(*) FROM predictions") == [(len(on_record),)]


def test_what_a_killed_service_left_the_next_one_ships(portfolio: Path, tmp_path: Path, store: ObjectStore) -> None:
    store.put("models", portfolio / "models")
    home = tmp_path / "host"
    home.mkdir()
    shared = {name: store.address(name) for name in ("models", "predictions")}
    settings = {**scoring(shared), **store.environment, **SECRET}
    with running_service(home, **settings) as service:
        answer = service.predict().json()["prediction_id"]
        service.end(9)
    assert store.objects("predictions") == {}
    with running_service(home, **settings):
        wait_for(lambda: store.objects("predictions"), SECONDS)
    assert any(answer.encode() in content for content in store.objects("predictions").values())


def test_the_spool_of_a_log_in_a_folder_is_the_folder(tmp_path: Path) -> None:
    assert Settings(home=str(tmp_path), predictions="log").spool == tmp_path / "log"
