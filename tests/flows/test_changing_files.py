"""Landing files that change while a run reads them."""

import hashlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import LandingError
from tasks.score import score_rows
from tasks.source.landing import hash_source
from tests.body import run_day
from tests.flows.disturbed import land, landing_csv, left_in_staging
from tests.flows.homes import new_home, project_at, query

DAY = date(2026, 3, 2)


def replace_by(content: bytes) -> Callable[[Path], None]:
    """Another file in its place."""

    def replace(path: Path) -> None:
        aside = path.with_name(".coming")
        aside.write_bytes(content)
        aside.replace(path)

    return replace


def overwrite_by(content: bytes) -> Callable[[Path], object]:
    """Other content in the same file."""
    return lambda path: path.write_bytes(content)


def keep_time_and_size(path: Path) -> None:
    """Another file of the same size with the time of the first, as a transfer that keeps times leaves it."""
    before = path.stat()
    content = path.read_bytes()
    replace_by(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


ROWS_IN_FILE = 2000
OTHER = landing_csv(DAY, ROWS_IN_FILE, seed=2)
HEADER, DATA = OTHER.split(b"\n", 1)
CHANGES: dict[str, Callable[[Path], object]] = {
    "another file": replace_by(OTHER),
    "a shorter file": replace_by(OTHER[:5000]),
    "other columns": replace_by(b"id,what\n" + b"1,2\n" * ROWS_IN_FILE),
    "columns in another order": replace_by(b"\n".join(b",".join(reversed(x.split(b","))) for x in OTHER.split(b"\n"))),
    "another delimiter": replace_by(OTHER.replace(b",", b";")),
    "an empty file": replace_by(b""),
    "a file that is not text": replace_by(bytes(range(256)) * 1000),
    "a file written over": overwrite_by(OTHER),
    "a file cut short": overwrite_by(OTHER[: len(OTHER) // 2]),
    "nothing": Path.unlink,
    "a file of the same size and time": keep_time_and_size,
}


@dataclass
class Moment:
    """Changes a file before or behind the call of a function, when it is called for the n-th time."""

    function: Callable[..., Any]
    change: Callable[[], object]
    call: int = 1
    behind: bool = False
    calls: int = 0

    def __call__(self, *given: Any, **named: Any) -> Any:
        self.calls += 1
        now = self.calls == self.call
        if now and not self.behind:
            self.change()
        result = self.function(*given, **named)
        if now and self.behind:
            self.change()
        return result


# The file is read three times: its header, its ids, its rows; each reading begins with the header line.
MOMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "before the header is read": ("tasks.gate.header_of", {}),
    "before the ids are read": ("tasks.gate.find_repeats", {}),
    "before the rows are read": ("tasks.judging.read_spans", {}),
    "behind the header": ("tasks.source.csv_rows.detect_dialect", {"behind": True}),
    "between the header and the ids": ("tasks.source.csv_rows.detect_dialect", {"behind": True, "call": 2}),
    "between the header and the rows": ("tasks.source.csv_rows.detect_dialect", {"behind": True, "call": 3}),
    "between two blocks of rows": ("tasks.judging.judge", {"behind": True}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_is_replaced_while_it_is_read_is_an_error_of_the_landing_zone(
    portfolio: Path, tmp_path: Path, change: str
) -> None:
    home = new_home(portfolio, tmp_path / "home", days=[])
    content = landing_csv(DAY, ROWS_IN_FILE)
    for moment, (name, when) in MOMENTS.items():
        path = land(home, DAY, content)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("tasks.source.csv_rows.CHUNK_BYTES", 20_000)
            module, function = name.rsplit(".", 1)
            changing = Moment(getattr(sys.modules[module], function), partial(CHANGES[change], path), **when)
            patch.setattr(name, changing)
            with pytest.raises(LandingError, match=r"written to while it was read; run the date again"):
                pytest.fail(f"{moment}: {run_day(project_at(home), DAY)}")
        assert changing.calls >= changing.call
        assert query(home, "FROM batches") == []
        assert left_in_staging(home) == []


def test_a_file_that_is_replaced_when_all_of_it_was_read_is_published_as_it_was_read(
    portfolio: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = new_home(portfolio, tmp_path / "home", days=[])
    path = land(home, DAY, landing_csv(DAY, ROWS_IN_FILE))
    read = hashlib.sha256(path.read_bytes()).hexdigest()
    change = partial(CHANGES["another file"], path)
    monkeypatch.setattr("tests.body.score_rows", Moment(score_rows, change))
    assert run_day(project_at(home), DAY).revision == 1
    assert query(home, "SELECT source_sha256 FROM batches") == [(read,)]
    assert run_day(project_at(home), DAY).revision == 2


def test_a_file_that_is_taken_away_before_it_is_hashed_is_an_error_of_the_landing_zone(
    portfolio: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = new_home(portfolio, tmp_path / "home", days=[])
    path = land(home, DAY, landing_csv(DAY, ROWS_IN_FILE))
    monkeypatch.setattr("tasks.ingest.hash_source", Moment(hash_source, path.unlink))
    with pytest.raises(LandingError, match=path.name):
        run_day(project_at(home), DAY)
