import gzip
import os
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas import object_store, storage
from schemas.errors import ChangedMeanwhile, SettingsError, StoreUnavailable
from schemas.settings import SHARED, Settings, load_settings
from schemas.storage import path_at
from tests.flows.homes import ROOT, environment
from tests.store import ObjectStore

LARGE = 20_000_000  # more than is read ahead


@pytest.mark.parametrize("name", sorted(SHARED))
def test_a_folder_that_hosts_share_may_be_an_address(store: ObjectStore, name: str) -> None:
    path = load_settings(
        {f"SCORING_{name.upper()}": store.address("some/folder"), "SCORING_PSEUDONYM_KEY": "secret"}
    ).path(name)
    assert str(path / "file") == f"s3://{store.bucket}/some/folder/file"
    assert storage.is_remote(path)


def test_an_address_of_this_host_is_a_folder(tmp_path: Path) -> None:
    assert Settings(landing=(tmp_path / "in box").as_uri()).path("landing") == tmp_path / "in box"


@pytest.mark.parametrize(
    ("name", "address", "said"),
    [
        ("HOME", "s3://bucket/home", "home is a folder of this host"),
        ("LANDING", "s3://key:password@bucket/in", "an address holds no credentials"),
        ("LANDING", "s4://bucket/in", "Protocol not known: s4"),
        ("LANDING", "s3://", "names no bucket"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_with_what_to_do(name: str, address: str, said: str) -> None:
    with pytest.raises(SettingsError, match=f"^SCORING_{name}.*{said}") as raised:
        load_settings({f"SCORING_{name}": address})
    assert "password" not in str(raised.value)


def test_without_the_packages_the_command_that_installs_them_is_named() -> None:
    code = (
        "import sys; sys.modules['upath'] = None\n"
        "from schemas.settings import load_settings\n"
        "load_settings({'SCORING_LANDING': 's3://bucket/in'})"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert 'needs the package upath; install what it takes: pip install "credit-express[storage]"' in run.stderr


def test_with_folders_nothing_of_it_is_imported() -> None:
    code = (
        "import sys, service.app, tasks.gate, tasks.train, tasks.erase, warehouse.writer\n"
        "from schemas.settings import load_settings\n"
        "settings = load_settings({})\n"
        "print([settings.path(name) for name in ('landing', 'models', 'predictions', 'reports')] and '')\n"
        "print(sorted({'upath', 's3fs', 'botocore', 'aiobotocore', 'moto'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["[]"]


def test_an_object_is_written_read_listed_and_removed(store: ObjectStore) -> None:
    folder = path_at(store.address("folder"), "it")
    for name in ("a.csv", "b.txt", "deeper/c.csv"):
        (folder / name).write_bytes(name.encode())
    assert (folder / "deeper" / "c.csv").read_bytes() == b"deeper/c.csv"
    assert [path.name for path in storage.files_in(folder)] == ["a.csv", "b.txt"]
    assert [path.name for path in sorted(folder.iterdir())] == ["a.csv", "b.txt", "deeper"]
    below = storage.files_below(folder, "*.csv")
    assert [str(path.relative_to(folder)) for path in below] == ["a.csv", "deeper/c.csv"]
    assert [(path.is_dir(), path.is_file()) for path in (folder / "deeper", folder / "a.csv")] == [
        (True, False),
        (False, True),
    ]
    storage.remove_all(folder / "deeper")
    (folder / "a.csv").unlink()
    assert set(store.objects()) == {"folder/b.txt"}
    assert not (folder / "a.csv").exists()


def test_what_another_host_writes_is_seen_at_once(store: ObjectStore) -> None:
    folder = path_at(store.address("folder"), "it")
    (folder / "a").write_bytes(b"1")
    assert len(storage.files_in(folder)) == 1
    store.client.put_object(Bucket=store.bucket, Key="folder/b", Body=b"2")
    assert len(storage.files_in(folder)) == 2


def test_a_compressed_object_is_read_in_pieces(store: ObjectStore) -> None:
    path = path_at(store.address("many.csv.gz"), "it")
    content = os.urandom(LARGE)
    path.write_bytes(gzip.compress(content, 0))
    with storage.reading(path) as file:
        assert b"".join(iter(lambda: file.read(1 << 20), b"")) == content


def test_an_object_that_is_replaced_while_it_is_read_is_not_mixed_up(store: ObjectStore) -> None:
    path = path_at(store.address("large"), "it")
    path.write_bytes(b"a" * LARGE)
    with path.open("rb") as file:
        file.read(1000)
        path.write_bytes(b"b" * LARGE)
        with pytest.raises(ChangedMeanwhile, match="replaced or removed"):
            file.read()


def test_a_version_tells_a_content_of_the_same_length_from_another(store: ObjectStore) -> None:
    path = path_at(store.address("file"), "it")
    assert storage.version_of(path) is None
    path.write_bytes(b"one")
    first = storage.version_of(path)
    path.write_bytes(b"two")
    assert storage.version_of(path) not in (None, first)


def test_of_two_that_replace_the_same_content_one_is_told(store: ObjectStore) -> None:
    path = path_at(store.address("pointer"), "it")
    storage.replace_unchanged(path, b"first", None)
    with pytest.raises(ChangedMeanwhile):
        storage.replace_unchanged(path, b"also first", None)
    seen = storage.version_of(path)
    storage.replace_unchanged(path, b"second", seen)
    with pytest.raises(ChangedMeanwhile):
        storage.replace_unchanged(path, b"another second", seen)
    assert path.read_bytes() == b"second"


def test_what_was_written_and_only_its_answer_lost_is_no_conflict(store: ObjectStore) -> None:
    path = path_at(store.address("pointer"), "it")
    path.write_bytes(b"mine")
    storage.replace_unchanged(path, b"mine", None)


def test_a_file_is_put_in_place_whole_or_not_at_all(store: ObjectStore, tmp_path: Path) -> None:
    for path in (path_at(store.address("report.csv"), "it"), tmp_path / "folder" / "report.csv"):
        with suppress(ZeroDivisionError), storage.written_whole(path) as aside:
            aside.write_bytes(b"half")
            raise ZeroDivisionError
        assert not path.exists()
        with storage.written_whole(path) as aside:
            aside.write_bytes(b"whole")
        assert path.read_bytes() == b"whole"
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["report.csv"]


def test_a_path_that_a_command_was_given_may_be_an_address(store: ObjectStore, tmp_path: Path) -> None:
    assert str(storage.given(Path(store.address("file.csv")))) == store.address("file.csv")
    assert storage.given(tmp_path) == tmp_path


def test_a_pattern_finds_objects(store: ObjectStore) -> None:
    for key in ("history/a.csv", "history/b.csv.gz", "other/c.csv"):
        store.client.put_object(Bucket=store.bucket, Key=key, Body=b"1")
    found = storage.matching(store.address("history/*.csv*"))
    assert [path.name for path in found] == ["a.csv", "b.csv.gz"]


def test_a_store_that_refuses_for_a_while_is_waited_for(store: ObjectStore) -> None:
    path = path_at(store.address("file"), "it")
    path.write_bytes(b"1")
    with store.refusing(10):
        assert path.read_bytes() == b"1"


def test_a_store_that_goes_on_refusing_is_named_with_what_to_look_at(store: ObjectStore) -> None:
    path = storage.hasty(path_at(store.address("file"), "it"), 1)
    store.stop()
    started = time.monotonic()
    with pytest.raises(StoreUnavailable, match=rf"does not answer for s3://{store.bucket}/file .*AWS_ENDPOINT_URL"):
        path.read_bytes()
    assert time.monotonic() - started < 5
    store.start()


def test_a_bucket_that_is_not_there_is_no_empty_folder(store: ObjectStore) -> None:
    folder = path_at("s3://no-such-bucket/landing", "it")
    for question in (lambda: list(folder.glob("*")), (folder / "file").exists, (folder / "file").read_bytes):
        with pytest.raises(OSError, match=r"there is no bucket s3://no-such-bucket .*make it, or correct the setting"):
            question()


def test_refused_credentials_are_named_with_what_to_look_at(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = path_at(store.address("file"), "it")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(PermissionError, match=r"no credentials for the object store .*AWS_ACCESS_KEY_ID"):
        path_at(str(path), "it").read_bytes()


def test_other_kinds_of_stores_are_reached_by_their_packages() -> None:
    folder = path_at("memory://scoring/landing", "it")
    (folder / "a.csv").write_bytes(b"1")
    (folder / "deeper" / "b.csv").write_bytes(b"2")
    assert [path.name for path in storage.files_in(folder)] == ["a.csv"]
    assert [path.name for path in storage.files_below(folder)] == ["a.csv", "b.csv"]
    assert [path.name for path in storage.folders_in(folder)] == ["deeper"]
    before = storage.version_of(folder / "a.csv")
    (folder / "a.csv").write_bytes(b"3")
    assert storage.version_of(folder / "a.csv") != before
    storage.move(folder / "a.csv", folder / "c.csv")
    assert (folder / "c.csv").read_bytes() == b"3"
    with pytest.raises(SettingsError, match="no writing on a condition"):
        storage.replace_unchanged(folder / "champion.json", b"", None)
    storage.remove_all(folder)
    assert storage.files_below(folder) == []


def test_folders_are_found_and_removed_whole_with_the_time_of_their_last_write(store: ObjectStore) -> None:
    folder = path_at(store.address("runs"), "it")
    assert storage.folders_in(folder) == []
    for name in ("run", "run-2"):
        for number in range(3):
            (folder / name / f"{number}.parquet").write_bytes(b"x")
    assert [path.name for path in storage.folders_in(folder)] == ["run", "run-2"]
    written = storage.last_write(folder / "run")
    assert written
    assert abs((datetime.now(UTC) - written).total_seconds()) < 60
    storage.remove_all(folder / "run")
    assert [path.name for path in storage.folders_in(folder)] == ["run-2"]
    assert len(storage.files_below(folder / "run-2")) == 3
    # What is not there is removed already.
    storage.remove_all(folder / "run")


def test_objects_that_a_store_keeps_are_not_said_to_be_removed(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = path_at(store.address("runs"), "it")
    (folder / "kept.parquet").write_bytes(b"x")

    async def refuse_each(_store: object, _names: list[str], **_words: object) -> list[str]:
        return []

    monkeypatch.setattr(object_store.Store, "_bulk_delete", refuse_each)
    with pytest.raises(OSError, match=r"was not removed.*may these credentials delete there"):
        storage.remove_all(folder)
