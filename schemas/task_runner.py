"""Where the pieces of a batch are worked on: threads of the run's own process, or the workers of a Dask cluster."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from schemas.errors import SettingsError

if TYPE_CHECKING:
    from schemas.settings import Settings

ADDRESS = re.compile(r"dask:((?:tcp|tls|ucx|ws|wss)://[^\s/]+:\d+)")


@dataclass(frozen=True)
class Runner:
    """`address` is that of a cluster's scheduler, empty for one of this machine; `workers` 0 is one for each core."""

    kind: Literal["threads", "dask"]
    address: str = ""
    workers: int = 0


def runner_of(settings: "Settings") -> Runner:
    """The runner of the settings; raises SettingsError if the setting says neither of the two."""
    given = settings.task_runner.strip()
    if not given:
        return Runner("threads", workers=settings.task_workers)
    if given == "dask":
        return Runner("dask", workers=settings.task_workers)
    cluster = ADDRESS.fullmatch(given)
    if cluster is None:
        raise SettingsError(
            f"SCORING_TASK_RUNNER={given!r}: leave it empty for threads, or write dask for a cluster on this machine or"
            " dask:tcp://HOST:8786 (dask:tls://…) for the scheduler of another"
        )
    return Runner("dask", address=cluster[1])
