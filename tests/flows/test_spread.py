"""The pieces of a large batch as task runs on threads."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import pytest
from prefect import flow

from flows import spread
from flows.daily_scoring import daily_scoring
from flows.spread import spread_over
from schemas.errors import ScoringError, SettingsError
from schemas.settings import Settings
from tests.body import run_day
from tests.flows.compared import differences
from tests.flows.disturbed import land, landing_csv, left_in_staging
from tests.flows.homes import ROOT, environment, new_home, project_at
from tests.flows.prefect_runs import Run

T = TypeVar("T")
R = TypeVar("R")
DAY = date(2026, 3, 2)
ROWS = 40_000
PART_BYTES = "1000000"

pytestmark = pytest.mark.usefixtures("prefect_here")


@pytest.fixture
def large(portfolio: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with one day whose file is cut into three pieces."""
    home = new_home(portfolio, tmp_path / "large", days=[])
    land(home, DAY, landing_csv(DAY, ROWS))
    monkeypatch.setenv("SCORING_HOME", str(home))
    monkeypatch.setenv("SCORING_PART_BYTES", PART_BYTES)
    return home


def spread_here(verb: Callable[[T], R], items: Sequence[T], step: str = "gate") -> list[R]:
    """What a verb makes of items within a flow."""

    @flow(name="spread", persist_result=False)
    def spreading() -> list[R]:
        with spread_over(Settings(task_workers=2)) as over:
            return over(step, verb, items)

    return spreading()


def test_the_pieces_are_seen_as_parts_of_their_steps_and_give_the_batch_as_a_whole(
    large: Path, prefect_api: str
) -> None:
    run = Run(prefect_api, daily_scoring(DAY, return_state=True))
    assert run.end[1] == "Published"
    names = [name for name, state, attempts in run.task_runs() if state == "COMPLETED" and attempts == 1]
    # Eight pieces' ids are one bucket.
    for step, parts in (("read", 3), ("compare", 1), ("gate", 3), ("score", 3), ("monitor", 6), ("count", 3)):
        assert {f"{step} part {number} of {parts}" for number in range(1, parts + 1)} <= set(names)
    assert [name for name in names if " part " not in name] == [
        *("ingest", "find published", "gate", "score", "monitor", "publish", "report")
    ]
    assert left_in_staging(large) == []
    run_day(project_at(large, warehouse="whole.duckdb"), DAY)
    assert differences(large / "whole.duckdb", large / "warehouse.duckdb") == {}


def test_a_part_that_meets_passing_trouble_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread._part, "retry_delay_seconds", [0.0, 0.0])
    tried: list[int] = []

    def wobbly(item: int) -> int:
        tried.append(item)
        if tried.count(item) < item:
            raise OSError("the network is down")
        return 10 * item

    assert spread_here(wobbly, [1, 2, 3]) == [10, 20, 30]
    assert sorted(tried) == [1, 2, 2, 3, 3, 3]


def test_a_part_whose_trouble_does_not_pass_fails_with_its_name_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spread._part, "retry_delay_seconds", [0.0, 0.0])

    def fail_at_two(item: int) -> int:
        if item == 2:
            raise OSError("no space left on device")
        return item

    expected = r"score part 2 of 2 failed, also when it was tried again: no space left.*Nothing is published; run the"
    with pytest.raises(ScoringError, match=expected):
        spread_here(fail_at_two, [1, 2], "score")


@pytest.mark.parametrize("error", [FileNotFoundError("gone"), ScoringError("refused")])
def test_what_trying_again_does_not_help_is_raised_as_it_is(error: Exception) -> None:
    tried: list[int] = []

    def fail(item: int) -> int:
        tried.append(item)
        raise error

    with pytest.raises(type(error), match=str(error)):
        spread_here(fail, [1])
    assert tried == [1]


def test_without_the_packages_of_a_cluster_the_setting_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread, "find_spec", lambda _name: None)
    expected = r'not installed: pip install "credit-express\[cluster\]"'
    with pytest.raises(SettingsError, match=expected), spread_over(Settings(task_runner="dask")):
        pytest.fail("there is no cluster")


def test_threads_need_no_package_of_a_cluster() -> None:
    code = "import sys, json, flows.daily_scoring; print(json.dumps(sorted(sys.modules)))"
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, cwd=ROOT, env=environment(), check=True, capture_output=True, text=True)
    loaded: list[Any] = json.loads(run.stdout.splitlines()[-1])
    assert not {"distributed", "prefect_dask", "flows.dask_cluster"} & set(loaded)
    assert "flows.spread" in loaded
