"""The way back: which champion was before, and what each version is called."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from model.artifact import save_model
from model.champion import challengers, history, predecessor, promote, register, role_of
from model.trained import Model
from schemas.errors import ModelError

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def versions(tmp_path: Path, model: Model) -> dict[str, str]:
    """Three saved models, by the letters they have in these tests."""
    models = [replace(model, training=replace(model.training, seed=seed)) for seed in range(3)]
    return {letter: save_model(tmp_path, each, "card").version for letter, each in zip("ABC", models, strict=True)}


def reign(models: Path, versions: dict[str, str], order: str) -> None:
    register(models, versions[order[0]], at=START)
    for number, letter in enumerate(order[1:], start=1):
        promote(models, versions[letter], at=START + timedelta(days=number))


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("AB", "A"),
        ("ABC", "B"),
        ("ABCB", "A"),  # taken back once: the next step leads further back, not forth to what was taken back
        ("ABA", None),
        ("ABAB", "A"),  # promoted again after all
        ("ABAC", "A"),
        ("ABCA", "C"),  # not the one before: a promotion of its own
        ("A", None),
    ],
)
def test_going_back_leads_to_the_champion_before(
    tmp_path: Path, versions: dict[str, str], order: str, expected: str | None
) -> None:
    reign(tmp_path, versions, order)
    if expected:
        assert predecessor(tmp_path).version == versions[expected]
    else:
        with pytest.raises(ModelError, match=f"no champion before {versions['A']} to go back to"):
            predecessor(tmp_path)


def test_without_a_champion_there_is_nothing_to_go_back_to(tmp_path: Path) -> None:
    assert history(tmp_path) == ()
    with pytest.raises(ModelError, match="there is no champion in"):
        predecessor(tmp_path)


def test_every_version_has_its_role(tmp_path: Path, versions: dict[str, str]) -> None:
    reign(tmp_path, versions, "AB")
    register(tmp_path, versions["C"])
    reigns = history(tmp_path)
    assert [(item.version, item.promoted_at) for item in reigns] == [
        (versions["A"], START),
        (versions["B"], START + timedelta(days=1)),
    ]
    roles = [role_of(versions[letter], reigns, challengers(tmp_path)) for letter in "ABC"]
    assert [*roles, role_of("scorecard-0123456789ab", reigns, [])] == [
        "former champion",
        "champion",
        "challenger",
        "registered",
    ]
