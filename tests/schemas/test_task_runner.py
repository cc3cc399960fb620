import pytest

from schemas.errors import SettingsError
from schemas.settings import load_settings
from schemas.task_runner import Runner, runner_of


@pytest.mark.parametrize(
    ("given", "runner"),
    [
        ("", Runner("threads", workers=3)),
        ("dask", Runner("dask", workers=3)),
        ("dask:tcp://scheduler.example:8786", Runner("dask", "tcp://scheduler.example:8786")),
        ("dask:tls://10.0.0.1:8786", Runner("dask", "tls://10.0.0.1:8786")),
    ],
)
def test_pieces_are_worked_on_by_threads_or_by_a_cluster(given: str, runner: Runner) -> None:
    settings = load_settings({"SCORING_TASK_RUNNER": given, "SCORING_TASK_WORKERS": "3"})
    assert runner_of(settings) == runner


@pytest.mark.parametrize("given", ["Dask", "dask:", "dask:localhost:8786", "dask:tcp://host", "ray", "tcp://host:8786"])
def test_any_other_runner_is_refused_when_the_settings_are_read(given: str) -> None:
    with pytest.raises(SettingsError, match=f"SCORING_TASK_RUNNER='{given}': leave it empty for threads, or write"):
        load_settings({"SCORING_TASK_RUNNER": given})
