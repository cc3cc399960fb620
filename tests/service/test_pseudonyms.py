import hashlib
import hmac
from functools import partial
from pathlib import Path

import pytest

from schemas.errors import SettingsError
from schemas.pseudonyms import FILE, Pseudonyms, pseudonym_key
from schemas.settings import Settings
from tests.warehouse.at_once import in_processes


def settings_of(home: Path, **settings: str) -> Settings:
    return Settings(home=str(home), **settings)  # type: ignore[arg-type]  # only text is passed


def test_the_same_id_has_the_same_hash_and_another_id_another_one() -> None:
    hashed = Pseudonyms(b"secret")
    assert hashed("A-1042") == Pseudonyms(b"secret")("A-1042")
    assert len({hashed(name) for name in ("A-1042", "A-1043", "a-1042", "A-1042 ", "")}) == 5
    assert hashed("A-1042") == hmac.new(b"secret", b"A-1042", hashlib.sha256).hexdigest()


def test_with_another_key_the_same_id_has_another_hash() -> None:
    assert Pseudonyms(b"secret")("A-1042") != Pseudonyms(b"another")("A-1042")
    assert Pseudonyms(b"secret")("A-1042") != hashlib.sha256(b"A-1042").hexdigest()


def test_an_application_without_an_id_has_no_hash() -> None:
    assert Pseudonyms(b"secret")(None) is None


def test_an_id_may_be_of_any_letters() -> None:
    assert len(str(Pseudonyms(b"secret")("Nº 7, Ωmega 😀"))) == 64


def test_the_key_is_made_once_and_read_by_its_owner_only(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    key = pseudonym_key(settings_of(home))
    assert len(bytes.fromhex(key.decode())) == 32
    assert pseudonym_key(settings_of(home)) == key
    assert [path.name for path in home.iterdir()] == [FILE]
    assert (home / FILE).stat().st_mode & 0o777 == 0o600
    assert pseudonym_key(settings_of(tmp_path / "other")) != key


def test_processes_that_start_at_once_make_one_key(tmp_path: Path) -> None:
    keys = in_processes([partial(pseudonym_key, settings_of(tmp_path))] * 4)
    assert set(keys) == {(tmp_path / FILE).read_bytes().strip()}
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_key_in_the_settings_is_taken_before_the_file(tmp_path: Path) -> None:
    assert pseudonym_key(settings_of(tmp_path, pseudonym_key="from the vault")) == b"from the vault"
    assert list(tmp_path.iterdir()) == []
    (tmp_path / FILE).write_text("from the file\n")
    assert pseudonym_key(settings_of(tmp_path)) == b"from the file"
    assert pseudonym_key(settings_of(tmp_path, pseudonym_key="from the vault")) == b"from the vault"


def test_an_empty_file_is_no_key(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("\n")
    with pytest.raises(SettingsError, match=rf"{FILE} is empty; restore it, or remove it"):
        pseudonym_key(settings_of(tmp_path))


def test_a_key_that_cannot_be_kept_is_not_made(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("in its place")
    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        pseudonym_key(settings_of(tmp_path / "home"))
