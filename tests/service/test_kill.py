"""The power cord of the process, again and again: what was answered is in the warehouse, once."""

import os
import random
import signal
from collections import Counter
from pathlib import Path

from tests.flows.homes import query, run_cli
from tests.service.asking import asking
from tests.service.running import logged, running_service
from tests.tasks.segments import files, held

CALLERS = 8
KILLS = 3
# Small and short-lived, so that kills fall on all that is done with segments.
SEGMENTS = {"SCORING_SEGMENT_BYTES": "20000", "SCORING_SEGMENT_SECONDS": "0.5"}


def load(home: Path) -> str:
    ended = run_cli(home, "load-predictions")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return str(ended.stdout)


def test_every_answer_of_a_service_that_is_killed_again_and_again_is_loaded_once(home: Path) -> None:
    moments, answered = random.Random(20260630), []
    for number in range(KILLS):
        with running_service(home, **SEGMENTS) as service:
            answered.append(service.predict().json()["prediction_id"])
            if number == KILLS // 2:
                # What the ones before it left is loaded beside one that lives.
                assert "predictions loaded" in load(home)
            with asking(service.address, CALLERS) as asked:
                asked.wait_for_more(moments.randrange(1, 200))
                os.kill(service.process.pid, signal.SIGKILL)
                assert service.process.wait() == -signal.SIGKILL
        assert asked.others == []
        assert asked.lost
        answered += asked.ids
    left = Counter(path.suffix for path in (home / "predictions").glob("*.jsonl*"))
    # A line may be written whose answer did not leave; one for each caller at most.
    written = len(logged(home))
    print(f"{len(answered)} answered, {written} on record, segments left: {dict(left)}")
    assert len(answered) == len(set(answered))
    assert len(answered) <= written <= len(answered) + KILLS * CALLERS
    assert left[".open"] >= 1

    assert "predictions loaded" in load(home)
    assert "no finished segment is waiting" in load(home)
    assert sum(held(home).values()) == written
    loaded = Counter(name for (name,) in query(home, "SELECT prediction_id FROM predictions"))
    assert set(loaded.values()) == {1}
    assert set(answered) <= loaded.keys()
    assert all(name.startswith("loaded/") for name in files(home))
