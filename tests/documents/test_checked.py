"""Commands that need a container engine or somebody's cloud: as much of them as can be checked here is."""

import json
import re

import pytest
import yaml

from tests.documents.kinds import kind_of, parts_of, wrong_in_flows
from tests.documents.reading import GUIDES, commands_of, text_of
from tests.flows.homes import ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
ON_SERVICES = ("restart", "logs", "stop", "start", "ps", "pull", "build", "rm")
ON_ONE = ("exec", "run")
# Options of `docker compose run` and `exec` that are followed by a value.
WITH_VALUE = ("--volume", "-v", "--env", "-e", "--user", "-u", "--workdir", "-w", "--name", "--entrypoint")


def words_of_checked() -> list[list[str]]:
    commands = [command for document in GUIDES for command in commands_of(text_of(document))]
    return [words for command in commands if kind_of(command) == "checked" for words in parts_of(command)]


def after(words: list[str], verbs: tuple[str, ...]) -> list[str]:
    """The words after the verb of a command, without options; none if it has none of the verbs."""
    place = next((number for number, word in enumerate(words) if word in verbs), None)
    if place is None or "compose" not in words[:place]:
        return []
    rest = words[place + 1 :]
    while rest and rest[0].startswith("-"):
        rest = rest[2:] if rest[0] in WITH_VALUE else rest[1:]
    return rest


def services_in(words: list[str]) -> list[str]:
    """The services that a command of `docker compose` names."""
    scaled = re.findall(r"--scale (\S+?)=", " ".join(words))
    return [*after(words, ON_ONE)[:1], *(word for word in after(words, ON_SERVICES) if word[0] != "-"), *scaled]


def run_inside(words: list[str]) -> list[str]:
    """What a container is told to run: `flows` or `service` with its words; empty if nothing or something else."""
    inside = after(words, ON_ONE)[1:]
    for found in re.findall(r"--args=(\S+)", " ".join(words)):
        inside = found.split(",")
    inside = inside[2:] if inside[:2] == ["python", "-m"] else inside
    return inside if inside[:1] in (["flows"], ["service"], ["dashboard"]) else []


def test_compose_is_told_of_services_and_profiles_that_there_are() -> None:
    checked = words_of_checked()
    assert {service for words in checked for service in services_in(words)} <= set(COMPOSE["services"])
    profiles = {name for service in COMPOSE["services"].values() for name in service.get("profiles", ())}
    assert {name for words in checked for name in re.findall(r"--profile (\S+)", " ".join(words))} <= profiles


def test_containers_are_told_to_run_what_there_is() -> None:
    inside = [words for command in words_of_checked() if (words := run_inside(command))]
    assert inside
    assert [wrong for name, *rest in inside if name == "flows" and (wrong := wrong_in_flows(rest))] == []


def test_what_looks_like_json_is() -> None:
    for words in words_of_checked():
        for word in words:
            if word.startswith(("[{", '{"')):
                json.loads(word)


def test_files_that_are_sent_somewhere_are_there() -> None:
    sent = [words[3] for words in words_of_checked() if words[:2] == ["hf", "upload"]]
    assert [path for path in sent if not (ROOT / path).exists()] == []


@pytest.mark.parametrize(
    ("command", "services", "inside"),
    [
        ("docker compose exec -T worker python -m flows alerts", ["worker"], ["flows", "alerts"]),
        ("docker compose run --rm --volume /a:/b worker flows score", ["worker"], ["flows", "score"]),
        ("docker compose stop service dashboard", ["service", "dashboard"], []),
        ("docker compose up --wait --scale sample=0", ["sample"], []),
        ("gcloud run jobs deploy x --args=flows,catch-up", [], ["flows", "catch-up"]),
    ],
)
def test_a_command_is_read_for_what_it_names(command: str, services: list[str], inside: list[str]) -> None:
    (words,) = parts_of(command)
    assert services_in(words) == services
    assert run_inside(words) == inside
