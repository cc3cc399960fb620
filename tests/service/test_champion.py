"""Another model takes over while requests are answered."""

from pathlib import Path

import pytest

from model.artifact import MODEL_FILE
from model.champion import champion_identity, promote
from schemas.loading import load_contract
from schemas.settings import Settings
from service.champion import Champion
from tests.flows.homes import project_at
from tests.flows.prefect_server import wait_for
from tests.service.asking import Asked, asking
from tests.service.running import Service, logged, running_service
from tests.tasks.loans import second_model

CALLERS = 4
# The service looks every second.
SECONDS = 20


def champion_of(home: Path) -> str:
    return champion_identity(home / "models")[0]


def serving(service: Service) -> str:
    return str(service.client.get("/health").json()["model_version"])


def problem(service: Service) -> str | None:
    found: str | None = service.client.get("/health").json()["problem"]
    return found


def assert_nothing_failed(asked: Asked) -> None:
    assert [answer.text for answer in asked.others] == []
    assert asked.lost == []


def test_a_promoted_model_is_taken_up_while_every_request_is_answered(home: Path) -> None:
    old, new = champion_of(home), second_model(project_at(home)).version
    with running_service(home) as service:
        with asking(service.address, CALLERS) as asked:
            asked.wait_for_more(100)
            assert asked.versions.keys() == {old}
            promote(home / "models", new)
            wait_for(lambda: asked.versions[new], SECONDS)
            asked.wait_for_more(100)
        assert_nothing_failed(asked)
        assert asked.versions.keys() == {old, new}
        for answers in asked.answers:
            versions = [answer["model_version"] for answer in answers]
            assert versions == sorted(versions, key=[old, new].index), "back to the old one"
        assert service.client.get("/ready").json() == {"model_version": new}
        assert service.metric("scoring_decisions_total", model_version=new) == asked.versions[new]
        assert [line["message"] for line in service.log() if line["logger"] == "service.champion"] == [
            f"serving {old}",
            f"serving {new}",
        ]
    by_id = {line.prediction_id: line.model_version for line in logged(home)}
    answered = [(answer["prediction_id"], answer["model_version"]) for one in asked.answers for answer in one]
    assert all(by_id[name] == version for name, version in answered)


def test_a_promoted_model_that_was_altered_is_refused_until_another_one_is_pointed_to(home: Path) -> None:
    models, old, altered = home / "models", champion_of(home), second_model(project_at(home)).version
    good = second_model(project_at(home), seed=2).version
    file = models / altered / MODEL_FILE
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with running_service(home) as service, asking(service.address, CALLERS) as asked:
        asked.wait_for_more(50)
        promote(models, altered)
        said = wait_for(lambda: problem(service), SECONDS)
        assert f"{file} was altered: its SHA-256 is" in said
        asked.wait_for_more(50)
        assert serving(service) == old
        assert service.client.get("/ready").is_success
        assert service.metric("scoring_champion_refused") == 1
        complaints = wait_for(lambda: [line for line in service.log() if line["level"] == "error"], SECONDS)
        assert complaints[0]["message"] == f"the champion is refused, {old} goes on serving: {said}"

        promote(models, old)
        wait_for(lambda: problem(service) is None, SECONDS)
        assert service.metric("scoring_champion_refused") == 0
        promote(models, good)
        wait_for(lambda: asked.versions[good], SECONDS)
        assert problem(service) is None
    assert_nothing_failed(asked)
    assert asked.versions.keys() == {old, good}


def test_a_pointer_that_is_damaged_is_told_and_the_old_model_goes_on(home: Path) -> None:
    pointer, old = home / "models" / "champion.json", champion_of(home)
    content = pointer.read_bytes()
    with running_service(home) as service:
        pointer.write_bytes(b"{")
        wait_for(lambda: "is not valid JSON" in str(problem(service)), SECONDS)
        assert service.predict().json()["model_version"] == old
        pointer.unlink()
        wait_for(lambda: "there is no champion" in str(problem(service)), SECONDS)
        assert service.predict().json()["model_version"] == old
        pointer.write_bytes(content)
        wait_for(lambda: problem(service) is None, SECONDS)


def test_whatever_goes_wrong_with_a_model_the_old_one_goes_on(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = champion_of(home), second_model(project_at(home)).version
    champion = Champion(home / "models", load_contract(Settings().contract))
    champion.look()
    promote(home / "models", new)

    def fails(*_: object) -> None:
        raise KeyError("unforeseen")

    with monkeypatch.context() as patched:
        patched.setattr("service.champion.load_champion", fails)
        champion.look()
    assert champion.serving
    assert (champion.serving.version, champion.problem) == (old, "KeyError: 'unforeseen'")
    champion.look()
    assert (champion.serving.version, champion.problem) == (new, None)
