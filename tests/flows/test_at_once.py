"""The same date started many times at the same moment, as a scheduler that stutters does."""

import re
import subprocess
import sys
from pathlib import Path

from tests.flows.homes import DAYS, ROOT, environment, query

PROCESSES = 4


def test_four_processes_with_one_date_publish_it_once_and_none_fails(home: Path, prefect_api: str) -> None:
    day = DAYS[-1]
    env = environment(SCORING_HOME=str(home), PREFECT_API_URL=prefect_api, PREFECT_HOME=str(home / "prefect"))
    command = [sys.executable, "-m", "flows", "score", "--batch-date", str(day)]
    started = [
        subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    printed = [process.communicate(timeout=120) for process in started]
    assert [process.returncode for process in started] == [0] * PROCESSES, printed
    said = sorted(
        re.sub(r".*(published as|already published, nothing to do).*", r"\1", out.strip()) for out, _ in printed
    )
    assert said == ["already published, nothing to do"] * (PROCESSES - 1) + ["published as"]
    assert query(home, "SELECT status, revision FROM batches") == [("published", 1)]
    twice = "SELECT application_id FROM scores GROUP BY application_id HAVING count(*) > 1"
    assert query(home, twice) == []
