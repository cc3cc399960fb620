import os
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from schemas.loading import load_contract
from schemas.request import BrokenField
from schemas.settings import Settings
from service.champion import Champion
from service.metrics import Metrics

Samples = Callable[[], dict[tuple[str, ...], float]]
CONTRACT = load_contract(Settings().contract)


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    return tmp_path / "predictions"


@pytest.fixture
def champion(portfolio: Path) -> Champion:
    return Champion(portfolio / "models", CONTRACT)


@pytest.fixture
def metrics(champion: Champion, predictions: Path) -> Metrics:
    return Metrics(champion, predictions, [field.name for field in CONTRACT.fields])


def samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Each sample by its name and the values of its labels by their names' order, as Prometheus reads them."""
    families = text_string_to_metric_families(metrics.exposition().decode())
    found = [sample for family in families for sample in family.samples if not sample.name.endswith("_created")]
    assert len(found) == len({(sample.name, *sorted(sample.labels.items())) for sample in found})
    return {(sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value for sample in found}


def test_requests_are_counted_by_route_and_status(metrics: Metrics) -> None:
    for status in (200, 200, 422):
        metrics.request("/predict", status, 0.002)
    metrics.request("(other)", 404, 0.002)
    found = samples(metrics)
    assert found["scoring_requests_total", "/predict", "200"] == 2
    assert found["scoring_requests_total", "/predict", "422"] == 1
    assert found["scoring_requests_total", "(other)", "404"] == 1


def test_durations_are_counted_up_to_each_bound(metrics: Metrics) -> None:
    for seconds in (0.0004, 0.0005, 0.03, 7.0):
        metrics.request("/predict", 200, seconds)
    found = samples(metrics)
    bounds = ("0.00025", "0.0005", "0.025", "0.05", "2.5", "+Inf")
    assert [found["scoring_request_seconds_bucket", bound, "/predict"] for bound in bounds] == [0, 2, 2, 3, 3, 4]
    assert found["scoring_request_seconds_count", "/predict"] == 4
    assert found["scoring_request_seconds_sum", "/predict"] == pytest.approx(7.0309)


def test_predictions_are_counted_by_decision_and_model(metrics: Metrics) -> None:
    for decision in ("approve", "decline", "approve"):
        metrics.prediction(decision, "scorecard-1")
    metrics.prediction("approve", "scorecard-2")
    found = samples(metrics)
    assert found["scoring_decisions_total", "approve", "scorecard-1"] == 2
    assert found["scoring_decisions_total", "decline", "scorecard-1"] == 1
    assert found["scoring_decisions_total", "approve", "scorecard-2"] == 1


def test_broken_fields_are_counted_by_rule_and_names_that_are_no_fields_together(metrics: Metrics) -> None:
    broken = [("age", "missing"), ("age", "missing"), ("income", "wrong_type"), ("", "wrong_type")]
    unknown = [("jane.doe@example.com", "unknown_field"), ('"} 1\nscoring_model 7', "unknown_field")]
    metrics.broken_fields(BrokenField(field=field, rule=rule, message="") for field, rule in broken + unknown)
    found = samples(metrics)
    assert {key[1:]: value for key, value in found.items() if key[0] == "scoring_broken_fields_total"} == {
        ("age", "missing"): 2,
        ("income", "wrong_type"): 1,
        ("(other)", "wrong_type"): 1,
        ("(other)", "unknown_field"): 2,
    }


def test_the_model_that_serves_is_named(metrics: Metrics, champion: Champion) -> None:
    assert not [key for key in samples(metrics) if key[0] == "scoring_model"]
    champion.look()
    assert champion.serving is not None
    found = samples(metrics)
    assert found["scoring_model", champion.serving.version] == 1
    assert found["scoring_champion_refused",] == 0


def test_a_champion_that_is_refused_shows(tmp_path: Path, predictions: Path) -> None:
    champion = Champion(tmp_path / "nothing", CONTRACT)
    metrics = Metrics(champion, predictions, [])
    assert samples(metrics)["scoring_champion_refused",] == 0
    champion.look()
    assert samples(metrics)["scoring_champion_refused",] == 1


def test_what_waits_to_be_loaded_is_counted_and_aged(metrics: Metrics, predictions: Path) -> None:
    log = "scoring_prediction_log"
    waiting = [f"{log}_waiting_segments", f"{log}_waiting_bytes", f"{log}_waiting_seconds", f"{log}_open_segments"]
    assert [samples(metrics)[name,] for name in waiting] == [0, 0, 0, 0]
    (predictions / "loaded").mkdir(parents=True)
    (predictions / "loaded" / "a.jsonl").write_bytes(b"x" * 1000)
    for name, size, age in (("b.jsonl", 10, 500), ("c.jsonl", 20, 100), ("d.jsonl.open", 40, 1000)):
        (predictions / name).write_bytes(b"x" * size)
        os.utime(predictions / name, (time.time() - age,) * 2)
    count, total, seconds, still_open = [samples(metrics)[name,] for name in waiting]
    assert (count, total, still_open) == (2, 30, 1)
    assert 500 <= seconds < 560


def test_segments_that_are_loaded_meanwhile_are_no_error(metrics: Metrics, predictions: Path) -> None:
    (predictions / "loaded").mkdir(parents=True)
    paths = [predictions / f"{number}.jsonl" for number in range(200)]
    ended = threading.Event()

    def load() -> None:
        while not ended.is_set():
            for path in paths:
                path.touch()
            for path in paths:
                with suppress(FileNotFoundError):
                    path.rename(predictions / "loaded" / path.name)

    loading = threading.Thread(target=load)
    loading.start()
    try:
        seen = {samples(metrics)["scoring_prediction_log_waiting_segments",] for _ in range(100)}
    finally:
        ended.set()
        loading.join()
    assert len(seen) > 1


def test_every_metric_says_what_it_is(metrics: Metrics) -> None:
    metrics.request("/health", 200, 0.001)
    text = metrics.exposition().decode()
    described = set(re.findall(r"^# HELP (\S+) \S.*\.$", text, flags=re.MULTILINE))
    assert described == set(re.findall(r"^# TYPE (\S+) ", text, flags=re.MULTILINE))
    assert all(name.startswith("scoring_") for name in described)
