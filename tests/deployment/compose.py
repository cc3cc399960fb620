"""docker-compose.yml as data: which process each role is, where, with what around it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
ENTRYPOINT = ["python", "-m"]


@dataclass(frozen=True)
class Role:
    """A service of the compose file, as it is without a file of settings."""

    name: str
    image: str
    command: list[str]
    environment: dict[str, str]
    volumes: list[str]
    user: str
    healthcheck: list[str]
    ports: list[str]
    raw: dict[str, Any]


def compose() -> dict[str, Any]:
    """The file, with its defaults in the place of variables."""
    text = FILE.read_text(encoding="utf-8")
    text = re.sub(r"(?<!\$)\$\{(\w+):-([^}]*)\}", r"\2", text).replace("$$", "$")
    read: dict[str, Any] = yaml.safe_load(text)
    return read


def roles() -> dict[str, Role]:
    """All services by their names."""
    return {name: _role(name, service) for name, service in compose()["services"].items()}


def own_roles() -> dict[str, Role]:
    """The services that run this project's image."""
    return {name: role for name, role in roles().items() if role.image.startswith("credit-express")}


def _role(name: str, service: dict[str, Any]) -> Role:
    own = str(service["image"]).startswith("credit-express")
    start = service.get("entrypoint", ENTRYPOINT if own else [])
    return Role(
        name=name,
        image=service["image"],
        command=[*start, *service.get("command", [])],
        environment=service.get("environment", {}),
        volumes=service.get("volumes", []),
        user=service.get("user", "10001:10001"),
        healthcheck=service.get("healthcheck", {}).get("test", ["CMD"])[1:],
        ports=service.get("ports", []),
        raw=service,
    )
