"""No room for the record: no answer, until there is room again."""

import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.flows.prefect_server import wait_for
from tests.service.asking import asking
from tests.service.running import Service, logged, running_service
from tests.service.small_disk import small_disk

MakeRoom = Callable[[], object]


@contextmanager
def full_file_system(home: Path) -> Iterator[tuple[Service, MakeRoom]]:
    with small_disk(home / "predictions", free=60_000) as ballast, running_service(home) as service:
        yield service, ballast.unlink


@contextmanager
def files_that_may_not_grow(home: Path) -> Iterator[tuple[Service, MakeRoom]]:
    with running_service(home) as service:
        # Larger than the service's own log, a file too, will be: a few lines for each refusal.
        pid, limit = service.process.pid, (400_000, resource.RLIM_INFINITY)
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE, limit)
        yield service, lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("trouble", [full_file_system, files_that_may_not_grow])
def test_what_cannot_be_put_on_record_is_not_answered(
    home: Path, trouble: Callable[[Path], AbstractContextManager[tuple[Service, MakeRoom]]]
) -> None:
    with trouble(home) as (service, make_room):
        with asking(service.address, callers=4) as asked:
            wait_for(lambda: len(asked.others) >= 20, 60)
            answered = asked.count
            assert answered > 20, "there was room at first"
            make_room()
            asked.wait_for_more(50)
        assert asked.lost == []
        for answer in asked.others:
            assert_is_problem(answer)
        # Nothing is on record that was not answered, either: a caller that asks again is recorded once.
        assert sorted(line.prediction_id for line in logged(home)) == sorted(asked.ids)
        assert service.metric("scoring_decisions_total") == asked.count
        complaints = [line for line in service.log() if line["level"] == "error"]
        assert len(complaints) == len(asked.others)
        assert service.end() == 0
        segments = [path.read_bytes() for path in (home / "predictions").glob("*.jsonl")]
        assert all(content.endswith(b"\n") for content in segments if content)
        assert sorted(line.prediction_id for line in logged(home)) == sorted(asked.ids)


def assert_is_problem(answer: httpx.Response) -> None:
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "5"
    problem = answer.json()
    assert problem["detail"] == "the prediction cannot be put on record, so it is not given; see the service's log"
    assert problem["request_id"] == answer.headers["x-request-id"]
