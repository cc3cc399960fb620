"""The pointer files in an object store: what another process does meanwhile is never written over."""

import itertools
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from model import champion
from model.artifact import to_json
from model.champion import challengers, history, promote, register
from schemas.errors import ModelError
from schemas.storage import path_at
from tests.store import ObjectStore

ONE, TWO, THREE = (f"scorecard-{digit * 12}" for digit in "123")


@pytest.fixture
def models(store: ObjectStore) -> Path:
    """Three saved versions, as far as the pointers look at them."""
    folder = path_at(store.address("models"), "it")
    for version in (ONE, TWO, THREE):
        (folder / version / "metadata.json").write_bytes(to_json({"version": version, "sha256": version[-1] * 64}))
    return folder


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], Any]) -> None:
    """Lets another process act, once, between the reading and the writing of a pointer."""
    before = champion._replace
    acts = [act]

    def replaced(*given: Any) -> None:
        if acts:
            acts.pop()()
        before(*given)

    monkeypatch.setattr(champion, "_replace", replaced)


def test_a_promotion_that_another_one_overtakes_says_so(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register(models, ONE)
    meanwhile(monkeypatch, lambda: promote(models, TWO))
    with pytest.raises(ModelError, match=f"another champion was made in {models} at this moment, so {THREE} was not"):
        promote(models, THREE)
    assert [reign.version for reign in history(models)] == [ONE, TWO]
    promote(models, THREE)
    assert [reign.version for reign in history(models)] == [ONE, TWO, THREE]


def test_the_second_of_two_first_champions_challenges_the_first(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meanwhile(monkeypatch, lambda: register(models, ONE))
    assert register(models, TWO) == "challenger"
    assert ([reign.version for reign in history(models)], challengers(models)) == ([ONE], [TWO])


def test_challengers_registered_at_once_are_all_noted(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register(models, ONE)
    meanwhile(monkeypatch, lambda: register(models, TWO))
    assert register(models, THREE) == "challenger"
    assert challengers(models) == [TWO, THREE]


def test_of_many_promotions_at_once_each_is_in_the_history_or_told(models: Path) -> None:
    register(models, ONE)
    told: list[str] = []
    made: set[str] = set()
    start = threading.Barrier(4)

    def run(version: str) -> None:
        start.wait()
        for _ in range(5):
            try:
                promote(models, version, at=datetime.now(UTC))
                made.add(version)
            except ModelError as error:
                told.append(str(error))

    threads = [threading.Thread(target=run, args=(version,)) for version in (ONE, TWO, THREE, TWO)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    line = [reign.version for reign in history(models)]
    assert line[0] == ONE
    assert all(before != after for before, after in itertools.pairwise(line))
    assert all("at this moment" in message or "cannot become champion" in message for message in told)
    # What was promoted without a word stays in the history.
    assert made
    assert made <= set(line)
