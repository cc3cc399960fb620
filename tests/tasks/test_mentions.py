import gzip
import os
from pathlib import Path

import pytest

from tasks import mentions as module
from tasks.mentions import mentions
from tasks.project import Project
from tests.flows.homes import project_at

ID = "A-17-LONG-ENOUGH"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return project_at(tmp_path)


@pytest.mark.parametrize("before", range(8))
def test_an_id_is_found_where_a_block_ends_in_the_midst_of_it(
    project: Project, tmp_path: Path, before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK", 5)
    content = b"x" * before + ID.encode() + b"y" * 7
    (tmp_path / "plain.log").write_bytes(content)
    (tmp_path / "packed.log.gz").write_bytes(gzip.compress(content))
    (tmp_path / "others.log").write_bytes(content.replace(b"-17", b"-71"))
    assert [path.name for path in mentions(project, ID).named] == ["packed.log.gz", "plain.log"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda packed: packed[:-9],
        lambda packed: packed[:12] + bytes([packed[12] ^ 0xFF]) + packed[13:],
        lambda packed: b"no gzip" + packed,
    ],
    ids=["cut off", "altered", "something else"],
)
def test_a_file_that_cannot_be_read_to_its_end_is_told(project: Project, tmp_path: Path, damage: object) -> None:
    assert callable(damage)
    path = tmp_path / "old.log.gz"
    path.write_bytes(damage(gzip.compress(os.urandom(100))))
    found = mentions(project, ID)
    assert (found.named, list(found.unreadable)) == ([], [path])
    assert found.unreadable[path]


def test_what_is_gone_meanwhile_names_nobody(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "files_below", lambda _: [tmp_path / "gone.log"])
    found = mentions(project, ID)
    assert (found.named, found.unreadable) == ([], {})
