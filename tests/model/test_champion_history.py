import errno
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from model import champion
from model.artifact import ModelVersion, load_version, save_model
from model.atomic import replace_file
from model.champion import challengers, champion_at, champion_identity, history, load_champion, promote, register
from model.trained import Model
from schemas.errors import ModelError
from tests.model.portfolio import BORROWER

JANUARY, MARCH, JUNE = (datetime(2026, month, 30, 4, tzinfo=UTC) for month in (1, 3, 6))
MOMENT = timedelta(microseconds=1)


@pytest.fixture
def versions(tmp_path: Path, model: Model) -> list[ModelVersion]:
    """Three models saved, none of them registered."""
    models = (replace(model, training=replace(model.training, seed=seed)) for seed in range(3))
    return [save_model(tmp_path, each, "card") for each in models]


@pytest.fixture
def succession(tmp_path: Path, versions: list[ModelVersion]) -> list[ModelVersion]:
    """The three were champion since January, March and June."""
    register(tmp_path, versions[0].version, at=JANUARY)
    promote(tmp_path, versions[1].version, at=MARCH)
    promote(tmp_path, versions[2].version, at=JUNE)
    return versions


def pointer(models: Path) -> Any:
    return json.loads((models / "champion.json").read_bytes())


def test_of_two_promotions_at_once_none_is_lost(
    tmp_path: Path, versions: list[ModelVersion], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (each.version for each in versions)
    register(tmp_path, first, at=JANUARY)
    register(tmp_path, second)
    other = Thread(target=promote, args=(tmp_path, third))

    def slowly(path: Path, content: bytes) -> None:
        monkeypatch.undo()
        other.start()
        other.join(0.5)
        replace_file(path, content)

    monkeypatch.setattr(champion, "replace_file", slowly)
    promote(tmp_path, second)
    other.join()
    assert [reign.version for reign in history(tmp_path)] == [first, second, third]
    assert challengers(tmp_path) == []


def test_the_pointer_names_the_champion_and_the_former_ones_oldest_first(
    tmp_path: Path, succession: list[ModelVersion]
) -> None:
    first, second, third = ({"version": each.version, "sha256": each.sha256} for each in succession)
    assert pointer(tmp_path) == {
        **third,
        "promoted_at": "2026-06-30T04:00:00+00:00",
        "earlier": [
            {**first, "promoted_at": "2026-01-30T04:00:00+00:00"},
            {**second, "promoted_at": "2026-03-30T04:00:00+00:00"},
        ],
    }
    assert champion_identity(tmp_path) == (succession[2].version, succession[2].sha256)


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        (JANUARY, 0),
        (MARCH - MOMENT, 0),
        (MARCH, 1),
        (JUNE - MOMENT, 1),
        (JUNE, 2),
        (datetime(2030, 1, 1, tzinfo=UTC), 2),
        (datetime(2026, 3, 30, 5, 59, tzinfo=timezone(timedelta(hours=2))), 0),  # 03:59 UTC
        (datetime(2026, 3, 30, 6, tzinfo=timezone(timedelta(hours=2))), 1),
    ],
)
def test_the_champion_at_an_instant_is_the_last_one_promoted_by_then(
    tmp_path: Path, succession: list[ModelVersion], instant: datetime, expected: int
) -> None:
    assert champion_at(tmp_path, instant) == succession[expected]
    assert load_champion(tmp_path, BORROWER, at=instant).version == succession[expected].version
    assert load_champion(tmp_path, BORROWER).version == succession[2].version


def test_before_the_first_champion_there_was_none(tmp_path: Path, succession: list[ModelVersion]) -> None:
    expected = (
        rf"no champion on 2026-01-30: {succession[0].version} .* since 2026-01-30 04:00:00\+00:00.*today's champion"
    )
    with pytest.raises(ModelError, match=expected):
        champion_at(tmp_path, JANUARY - MOMENT)
    with pytest.raises(ModelError, match="no champion on 2026-01-30"):
        load_champion(tmp_path, BORROWER, at=JANUARY - MOMENT)


def test_the_message_has_the_date_as_it_was_asked_for(tmp_path: Path, succession: list[ModelVersion]) -> None:
    with pytest.raises(ModelError, match="no champion on 2026-01-01"):
        champion_at(tmp_path, datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=1))))


def test_without_any_champion_the_message_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"there is no champion in .*python -m flows train"):
        champion_at(tmp_path, JUNE)


def test_without_an_instant_it_is_now(tmp_path: Path, versions: list[ModelVersion]) -> None:
    before = datetime.now(UTC)
    register(tmp_path, versions[0].version)
    between = datetime.now(UTC)
    promote(tmp_path, versions[1].version)
    assert champion_at(tmp_path, between) == versions[0]
    assert champion_at(tmp_path, datetime.now(UTC)) == versions[1]
    with pytest.raises(ModelError, match="there was no champion"):
        champion_at(tmp_path, before - MOMENT)


def test_the_champion_promoted_again_stays_champion_since_when_it_was(
    tmp_path: Path, succession: list[ModelVersion]
) -> None:
    before = pointer(tmp_path)
    promote(tmp_path, succession[2].version, at=JUNE + timedelta(days=1))
    promote(tmp_path, succession[2].version)
    assert register(tmp_path, succession[2].version) == "champion"
    assert pointer(tmp_path) == before


def test_a_former_champion_can_come_back(tmp_path: Path, succession: list[ModelVersion]) -> None:
    promote(tmp_path, succession[0].version, at=JUNE + timedelta(days=1))
    assert champion_identity(tmp_path)[0] == succession[0].version
    assert champion_at(tmp_path, JUNE) == succession[2]
    assert champion_at(tmp_path, JANUARY) == champion_at(tmp_path, JUNE + timedelta(days=2)) == succession[0]


def test_of_two_promoted_at_the_same_instant_the_later_one_counts(tmp_path: Path, versions: list[ModelVersion]) -> None:
    register(tmp_path, versions[0].version, at=JANUARY)
    promote(tmp_path, versions[1].version, at=JANUARY)
    assert champion_at(tmp_path, JANUARY) == versions[1]


def test_a_promotion_before_the_last_one_is_refused(tmp_path: Path, succession: list[ModelVersion]) -> None:
    before = pointer(tmp_path)
    with pytest.raises(ModelError, match=rf"{succession[2].version} is champion since 2026-06-30 .*later instant"):
        promote(tmp_path, succession[0].version, at=JUNE - MOMENT)
    assert pointer(tmp_path) == before


def test_an_instant_without_a_timezone_is_refused(tmp_path: Path, versions: list[ModelVersion]) -> None:
    naive = JUNE.replace(tzinfo=None)
    with pytest.raises(ValueError, match="has no timezone"):
        register(tmp_path, versions[0].version, at=naive)
    assert not (tmp_path / "champion.json").exists()
    register(tmp_path, versions[0].version)
    with pytest.raises(ValueError, match="has no timezone"):
        champion_at(tmp_path, naive)


def test_a_pointer_without_dates_still_names_the_champion(tmp_path: Path, versions: list[ModelVersion]) -> None:
    first, second, _ = versions
    (tmp_path / "champion.json").write_text(json.dumps({"version": first.version, "sha256": first.sha256}))
    assert load_champion(tmp_path, BORROWER).version == first.version
    with pytest.raises(ModelError, match=rf"not recorded since when {first.version} is champion.* today's champion"):
        champion_at(tmp_path, JUNE)
    # From the next promotion on there is a history; what was before stays unknown.
    promote(tmp_path, second.version, at=JUNE)
    assert champion_at(tmp_path, JUNE) == second
    with pytest.raises(ModelError, match=f"not recorded since when {first.version} is champion"):
        champion_at(tmp_path, JUNE - MOMENT)


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"version": "scorecard-0123456789ab"}',
        '{"version": 1, "sha256": "0"}',
        '{"version": "scorecard-0123456789ab", "sha256": "0", "promoted_at": "yesterday"}',
        '{"version": "scorecard-0123456789ab", "sha256": "0", "promoted_at": "2026-06-30T04:00:00"}',
        '{"version": "scorecard-0123456789ab", "sha256": "0", "earlier": {}}',
        '{"version": "scorecard-0123456789ab", "sha256": "0", "earlier": [{"version": "scorecard-0123456789ab"}]}',
    ],
)
@pytest.mark.parametrize("read", [champion_identity, lambda models: champion_at(models, JUNE)])
def test_a_broken_pointer_says_so(tmp_path: Path, content: str, read: Callable[[Path], object]) -> None:
    (tmp_path / "champion.json").write_text(content)
    with pytest.raises(ModelError, match=r"champion\.json .* restore it, or remove it and run"):
        read(tmp_path)


def test_a_broken_pointer_is_not_written_over(tmp_path: Path, versions: list[ModelVersion]) -> None:
    (tmp_path / "champion.json").write_text("{}")
    with pytest.raises(ModelError, match=r"champion\.json"):
        promote(tmp_path, versions[0].version)
    assert (tmp_path / "champion.json").read_text() == "{}"


def test_a_promotion_that_fails_leaves_champion_and_history_as_they_were(
    tmp_path: Path, succession: list[ModelVersion], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    before = pointer(tmp_path)
    with monkeypatch.context() as patched:
        # Fails with the new content written aside and before it has taken the place of the old.
        patched.setattr(Path, "replace", full)
        with pytest.raises(OSError, match="no space"):
            promote(tmp_path, succession[0].version)
    assert pointer(tmp_path) == before
    promote(tmp_path, succession[0].version)
    assert [each["version"] for each in pointer(tmp_path)["earlier"]] == [each.version for each in succession]


def test_a_promotion_cut_short_before_the_challengers_is_made_up_for_by_the_next(
    tmp_path: Path, versions: list[ModelVersion], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(path: Path, content: bytes) -> None:
        if path.name == "challengers.json":
            raise OSError(errno.EIO, "killed")
        replace_file(path, content)

    register(tmp_path, versions[0].version, at=JANUARY)
    register(tmp_path, versions[1].version)
    with monkeypatch.context() as patched:
        patched.setattr("model.champion.replace_file", killed)
        with pytest.raises(OSError, match="killed"):
            promote(tmp_path, versions[1].version, at=MARCH)
    assert (champion_at(tmp_path, MARCH), challengers(tmp_path)) == (versions[1], [versions[1].version])
    promote(tmp_path, versions[1].version)
    assert (champion_at(tmp_path, MARCH), challengers(tmp_path)) == (versions[1], [])


def test_what_is_only_to_challenge_never_becomes_champion(tmp_path: Path, versions: list[ModelVersion]) -> None:
    with pytest.raises(ModelError, match=r"there is no champion in .* to challenge; .*python -m flows train"):
        register(tmp_path, versions[0].version, challenger_only=True)
    assert not (tmp_path / "champion.json").exists()
    register(tmp_path, versions[0].version)
    assert register(tmp_path, versions[1].version, challenger_only=True) == "challenger"
    assert challengers(tmp_path) == [versions[1].version]
    # The champion is no challenger of itself.
    assert register(tmp_path, versions[0].version, challenger_only=True) == "champion"
    assert challengers(tmp_path) == [versions[1].version]


def test_an_earlier_champion_is_held_to_the_hash_in_the_pointer(tmp_path: Path, succession: list[ModelVersion]) -> None:
    changed = pointer(tmp_path)
    changed["earlier"][0]["sha256"] = "0" * 64
    (tmp_path / "champion.json").write_text(json.dumps(changed))
    # Its own metadata agrees with its file, but it is not the one that was promoted.
    assert load_version(tmp_path, succession[0].version, BORROWER).sha256 == succession[0].sha256
    with pytest.raises(ModelError, match="was altered"):
        load_champion(tmp_path, BORROWER, at=JANUARY)
    (tmp_path / succession[1].version / "scorecard.joblib").write_bytes(b"something else")
    with pytest.raises(ModelError, match="was altered"):
        load_champion(tmp_path, BORROWER, at=MARCH)
    assert load_champion(tmp_path, BORROWER, at=JUNE).version == succession[2].version
