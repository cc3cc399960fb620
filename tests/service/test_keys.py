import hashlib
import hmac
import re

import pytest

from schemas.errors import SettingsError
from service import keys
from service.keys import ApiKeys, new_key

DESK, PARTNER, THIRD = b"desk-key-Zx81", b"partner-key-Qm45", b"third-key-Ht07"


def hash_of(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()


def test_without_keys_the_service_is_open_and_nobody_has_one() -> None:
    for setting in ("", " ", "\n,"):
        assert not ApiKeys(setting)
        assert ApiKeys(setting).holder(DESK) is None


@pytest.mark.parametrize("separator", [" ", ",", ", ", "\n", "\t", " ,\n  ,"])
def test_keys_are_separated_by_spaces_or_commas_and_have_names_or_none(separator: str) -> None:
    setting = separator.join([f"desk:{hash_of(DESK)}", hash_of(PARTNER), f"a-B_9:{hash_of(THIRD).upper()}"])
    known = ApiKeys(f"{separator}{setting}{separator}")
    assert known
    assert [known.holder(key) for key in (DESK, PARTNER, THIRD)] == ["desk", hash_of(PARTNER)[:8], "a-B_9"]


@pytest.mark.parametrize(
    "entry",
    [
        DESK.decode(),
        hash_of(DESK)[:-1],
        hash_of(DESK) + "0",
        "g" + hash_of(DESK)[1:],
        f":{hash_of(DESK)}",
        f"{'n' * 33}:{hash_of(DESK)}",
        f"my.desk:{hash_of(DESK)}",
        f"desk:{DESK.decode()}",
        f"desk={hash_of(DESK)}",
        f"desk:{hash_of(DESK)};partner:{hash_of(PARTNER)}",
    ],
)
def test_an_entry_that_is_no_hash_is_refused_by_its_number_and_not_shown(entry: str) -> None:
    with pytest.raises(SettingsError, match=r"^SCORING_API_KEYS: entry 2 is not NAME:HASH") as raised:
        ApiKeys(f"{hash_of(THIRD)}, {entry}")
    assert "python -m service new-key" in str(raised.value)
    assert all(part not in str(raised.value) for part in re.split("[:;=]", entry) if part)


@pytest.mark.parametrize(
    "key",
    [
        b"",
        DESK[:-1],
        DESK + b"\n",
        DESK.upper(),
        b" " + DESK,
        hash_of(DESK).encode(),
        hashlib.sha256(DESK).digest(),
        "clé".encode("latin-1"),
        b"\xff\x00",
    ],
)
def test_nobody_has_a_key_that_is_only_like_a_known_one(key: bytes) -> None:
    assert ApiKeys(f"desk:{hash_of(DESK)} accents:{hash_of('clé'.encode())}").holder(key) is None


def test_a_key_of_any_bytes_is_known_by_its_hash() -> None:
    assert ApiKeys(f"accents:{hash_of('clé'.encode())}").holder("clé".encode()) == "accents"


def test_every_hash_is_compared_in_constant_time_whichever_key_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    class Listening:
        @staticmethod
        def compare_digest(one: bytes, other: bytes) -> bool:
            compared.append((one, other))
            return hmac.compare_digest(one, other)

    monkeypatch.setattr(keys, "hmac", Listening)
    known = ApiKeys(" ".join(map(hash_of, (DESK, PARTNER, THIRD))))
    for key in (DESK, THIRD, b"wrong"):
        compared.clear()
        known.holder(key)
        digest = hashlib.sha256(key).digest()
        assert compared == [(digest, hashlib.sha256(other).digest()) for other in (DESK, PARTNER, THIRD)]


def test_a_new_key_is_another_one_each_time_and_known_by_its_hash() -> None:
    (key, digest), (other, _) = new_key(), new_key()
    assert key != other
    assert len(key) >= 43, "256 random bits"
    assert ApiKeys(f"desk:{digest}").holder(key.encode()) == "desk"
