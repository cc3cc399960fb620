"""Settings read from files, and secrets that no error shows."""

import os
from pathlib import Path

import pytest

from schemas.errors import SettingsError
from schemas.setting_files import LONGEST, with_files_read
from schemas.settings import PREFIX, SECRETS, Settings, as_written, load_settings

NOT_SHOWN = "hunter2-and-more"


def write(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"abc", "abc"),
        (b"abc\n", "abc"),
        (b"abc\r\n", "abc"),
        (b"abc\n\n", "abc\n"),  # one line feed is the editor's, two are somebody's wish
        (b" abc \n", " abc "),
        ("clé\n".encode(), "clé"),
    ],
)
def test_a_value_comes_from_its_file_without_the_last_line_feed(tmp_path: Path, content: bytes, expected: str) -> None:
    path = write(tmp_path / "key", content)
    assert load_settings({"SCORING_PSEUDONYM_KEY_FILE": path}).pseudonym_key == expected


def test_every_setting_can_come_from_a_file(tmp_path: Path) -> None:
    defaults = Settings()
    given = {}
    for name in Settings.__struct_fields__:
        path = write(tmp_path / name, f"{getattr(defaults, name)}\n".encode())
        given[f"{PREFIX}{name.upper()}_FILE"] = path
    assert load_settings(given) == defaults
    assert load_settings({"SCORING_WORKERS_FILE": write(tmp_path / "workers", b"3\n")}).workers == 3


def test_both_ways_at_once_are_refused_with_both_names(tmp_path: Path) -> None:
    path = write(tmp_path / "key", NOT_SHOWN.encode())
    with pytest.raises(SettingsError) as refused:
        load_settings({"SCORING_PSEUDONYM_KEY": NOT_SHOWN, "SCORING_PSEUDONYM_KEY_FILE": path})
    assert "SCORING_PSEUDONYM_KEY and SCORING_PSEUDONYM_KEY_FILE are both set" in str(refused.value)
    assert NOT_SHOWN not in str(refused.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"SCORING_API_KEYS_FILE: .*/absent cannot be read: No such file"):
        load_settings({"SCORING_API_KEYS_FILE": str(tmp_path / "absent")})
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        load_settings({"SCORING_API_KEYS_FILE": str(tmp_path)})


@pytest.mark.parametrize("content", [b"\xff" + NOT_SHOWN.encode(), NOT_SHOWN.encode() + b"\0"])
def test_a_file_that_is_no_text_is_refused_without_showing_it(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SettingsError, match="is not text in UTF-8; it is not shown") as refused:
        load_settings({"SCORING_API_KEYS_FILE": write(tmp_path / "keys", content)})
    assert NOT_SHOWN not in str(refused.value)
    # What is raised may be kept with all that stands behind it.
    assert refused.value.__context__ is None


def test_a_file_that_never_ends_is_refused() -> None:
    with pytest.raises(SettingsError, match=f"more than {LONGEST:,} bytes"):
        load_settings({"SCORING_API_KEYS_FILE": os.devnull.replace("null", "zero")})


def test_a_setting_whose_own_name_ends_in_file_is_no_path_of_another(tmp_path: Path) -> None:
    names = {"key", "key_file"}
    path = write(tmp_path / "given", b"from the file\n")
    assert with_files_read({"key_file": "as it is"}, names, "X_") == {"key_file": "as it is"}
    assert with_files_read({"key_file_file": path}, names, "X_") == {"key_file": "from the file"}
    assert with_files_read({"key": "1", "key_file": "2"}, names, "X_") == {"key": "1", "key_file": "2"}


def test_a_file_for_a_setting_that_does_not_exist_is_an_unknown_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="unknown setting SCORING_XYZZY_FILE"):
        load_settings({"SCORING_XYZZY_FILE": write(tmp_path / "any", b"1")})


def test_a_bad_value_from_a_file_is_named_and_not_shown(tmp_path: Path) -> None:
    path = write(tmp_path / "wrong", NOT_SHOWN.encode())
    with pytest.raises(SettingsError, match=r"SCORING_RATE_LIMIT \(its value is not shown\): Expected") as refused:
        load_settings({"SCORING_RATE_LIMIT_FILE": path})
    assert NOT_SHOWN not in str(refused.value)


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_no_error_shows_the_value_of_a_secret(name: str) -> None:
    assert as_written(name, NOT_SHOWN) == f"{PREFIX}{name.upper()} (its value is not shown)"
    assert as_written("timezone", "Mars") == "SCORING_TIMEZONE='Mars'"


def test_every_setting_that_sounds_like_a_secret_is_one_or_is_known_not_to_be() -> None:
    open_to_all = {"reports_url", "service_url", "model_public_keys"}
    sounding = {name for name in Settings.__struct_fields__ if any(word in name for word in ("key", "url", "token"))}
    assert sounding - open_to_all == SECRETS


@pytest.mark.parametrize("value", [f"{NOT_SHOWN}\n", f"{NOT_SHOWN} x", f"{NOT_SHOWN}é"])
def test_a_service_key_that_no_header_takes_is_refused_without_showing_it(value: str) -> None:
    # The client library would show the whole header in its error.
    with pytest.raises(SettingsError, match=r"SCORING_SERVICE_KEY \(its value is not shown\)") as refused:
        load_settings({"SCORING_SERVICE_KEY": value})
    assert NOT_SHOWN not in str(refused.value)
