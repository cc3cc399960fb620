"""One core for the server and another for what asks it, so that neither takes time from the other."""

import os
import shutil
from collections.abc import Sequence
from typing import Literal


def pinned(command: Sequence[str], side: Literal["server", "load"]) -> list[str]:
    """The command on the core of its side; as it is where there is no taskset or but one core."""
    taskset = shutil.which("taskset")
    cores = sorted(os.sched_getaffinity(0)) if taskset else []
    if not taskset or len(cores) < 2:
        return list(command)
    return [taskset, "-c", str(cores[0] if side == "server" else cores[-1]), *command]
