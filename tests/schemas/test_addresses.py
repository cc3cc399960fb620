import hashlib

import pytest

from schemas.addresses import address_label, alert_addresses, without_credentials
from schemas.errors import SettingsError
from schemas.settings import Settings, load_settings

SLACK, MAIL = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazk", "mailtos://user:hunter2@example.com?to=a@x.org,b@x.org"


def urls(text: str) -> list[str]:
    return list(alert_addresses(Settings(alert_urls=text)).values())


def test_nobody_is_told_without_addresses() -> None:
    assert alert_addresses(Settings()) == {}
    assert urls(" \n ,") == []


def test_an_address_goes_by_the_start_of_its_hash() -> None:
    assert alert_addresses(Settings(alert_urls=SLACK)) == {hashlib.sha256(SLACK.encode()).hexdigest()[:12]: SLACK}


@pytest.mark.parametrize("between", [" ", "\n", " \t ", ",", ", ", " , "])
def test_addresses_are_separated_by_spaces_and_by_commas_before_a_scheme(between: str) -> None:
    # The comma within the mail's address is a part of it.
    assert urls(f" {MAIL}{between}{SLACK}{between}") == [MAIL, SLACK]


def test_an_address_that_is_there_twice_is_one() -> None:
    assert urls(f"{SLACK} {MAIL} {SLACK}") == [SLACK, MAIL]


@pytest.mark.parametrize(
    ("before", "bad", "place"),
    [
        (0, "hunter2", "1st"),
        (1, "user:hunter2@example.com", "2nd"),
        (2, "://hunter2", "3rd"),
        (3, "json://", "4th"),
        (10, "hunter2", "11th"),
        (21, "sl-ack://hunter2", "22nd"),
    ],
)
def test_an_address_without_a_scheme_is_named_by_its_place_and_not_shown(before: int, bad: str, place: str) -> None:
    given = " ".join([*(f"json://host/hunter2/{number}" for number in range(before)), bad])
    with pytest.raises(SettingsError, match=f"SCORING_ALERT_URLS: the {place} address has no scheme") as refused:
        load_settings({"SCORING_ALERT_URLS": given})
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_person_is_shown_scheme_and_fingerprint() -> None:
    assert address_label("0123456789ab", "Slack://T1/hunter2") == "slack address 0123456789ab"
    assert address_label("0123456789ab", None) == "address 0123456789ab"


def test_settings_do_not_show_what_is_secret() -> None:
    settings = load_settings({"SCORING_ALERT_URLS": MAIL, "SCORING_PSEUDONYM_KEY": "hunter2", "SCORING_HOME": "here"})
    assert (settings.alert_urls, repr(settings), str(settings)) == (
        MAIL,
        "Settings(home='here')",
        "Settings(home='here')",
    )


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://me:hunter2@scores.example:8000/api", "http://scores.example:8000/api"),
        ("http://token@scores.example", "http://scores.example"),
        ("http://me:p@ss/w:rd@scores.example/api", "http://scores.example/api"),  # not escaped as it should be
        ("me:word@scores.example", "scores.example"),
    ],
)
def test_an_address_is_shown_without_user_and_password(url: str, shown: str) -> None:
    assert without_credentials(url) == shown
