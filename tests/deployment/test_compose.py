"""The compose file says what the code says: commands, ports, paths, variables, health checks."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
import typer
import yaml
from prefect.settings import Settings as PrefectSettings
from prefect.settings.models.server.services import ServerServicesDBVacuumSettings

from dashboard.__main__ import app as dashboard_app
from flows.__main__ import app as flows_app
from flows.deployment import WORK_POOL
from schemas.settings import PREFIX, Settings
from service.__main__ import app as service_app
from service.edge import ROUTES
from tests.deployment.compose import ENTRYPOINT, FILE, ROOT, compose, own_roles, roles
from tests.lock import EXTRAS, SHARING, pins

PROGRAMS = Path(sys.executable).parent
COMMANDS = {"flows": flows_app, "service": service_app, "dashboard": dashboard_app}
# They end by themselves.
ONCE = {"credentials", "deployments", "sample"}
LASTING = sorted(set(roles()) - ONCE)
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def published(name: str) -> int:
    """The port of a role that others reach it at, in the compose file's network."""
    return int(roles()[name].ports[0].rpartition(":")[2])


def checked_address(name: str) -> tuple[int, str]:
    """Port and path that the health check of a role asks."""
    found = re.search(r"http://127\.0\.0\.1:(\d+)(/[\w/-]*)", " ".join(roles()[name].healthcheck))
    assert found, name
    return int(found[1]), found[2]


def test_the_file_is_a_compose_file() -> None:
    check = [str(PROGRAMS / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(FILE)]
    subprocess.run(check, check=True, capture_output=True)
    # Dry: it reads the file without looking for the engine that would run it.
    read = [str(PROGRAMS / "podman-compose"), "--dry-run", "--profile", "monitoring", "config"]
    shown = subprocess.run(read, cwd=ROOT, check=True, capture_output=True).stdout
    assert set(yaml.safe_load(shown)["services"]) == set(roles())


@pytest.mark.parametrize("name", sorted(own_roles()))
def test_a_role_is_a_command_of_the_code(name: str) -> None:
    command = own_roles()[name].command
    if command[:2] != ENTRYPOINT:
        # Only the passwords and the server, which needs one, are started by something else.
        assert name in {"credentials", "prefect-server"}
        return
    program, *arguments = command[2:]
    if program == "prefect":
        helped = subprocess.run(
            [sys.executable, "-m", "prefect", *arguments[:2], "--help"], check=True, capture_output=True, text=True
        ).stdout
        assert all(option in helped for option in arguments if option.startswith("--"))
        return
    parsed = typer.main.get_command(COMMANDS[program])
    context = parsed.make_context(program, list(arguments))
    if isinstance(parsed, click.Group) and context._protected_args:
        found, chosen, rest = parsed.resolve_command(context, [*context._protected_args, *context.args])
        assert chosen is not None
        chosen.make_context(found, rest)


@pytest.mark.parametrize("name", sorted(own_roles()))
def test_every_variable_of_a_role_is_a_setting_somebody_reads(name: str) -> None:
    known = {f"PREFECT_{path}".upper() for path in _prefect_names()} | {"PREFECT_UI_URL", "PREFECT_HOME"}
    for variable in own_roles()[name].environment:
        if variable.startswith(PREFIX):
            assert variable.removeprefix(PREFIX).lower() in Settings.__struct_fields__
        elif variable.startswith("PREFECT_"):
            assert variable in known
        else:
            # Uvicorn's own.
            assert variable == "FORWARDED_ALLOW_IPS"


def _prefect_names() -> set[str]:
    names = set()
    waiting = [("", PrefectSettings)]
    while waiting:
        prefix, model = waiting.pop()
        for name, field in model.model_fields.items():
            if isinstance(field.annotation, type) and hasattr(field.annotation, "model_fields"):
                waiting.append((f"{prefix}{name}_", field.annotation))
            names.add(f"{prefix}{name}")
    return names


@pytest.mark.parametrize(("name", "port"), [("service", 8000), ("dashboard", 8501), ("prefect-server", 4200)])
def test_a_role_listens_where_it_is_asked(name: str, port: int) -> None:
    command = " ".join(own_roles()[name].command)
    assert f"--host 0.0.0.0 --port {port}" in command
    assert checked_address(name)[0] == port
    assert str(port) in re.findall(r"^EXPOSE (.*)$", DOCKERFILE, re.MULTILINE)[0].split()


def test_addresses_of_other_roles_are_theirs() -> None:
    server, balancer = published("prefect-server"), published("load-balancer")
    for role in own_roles().values():
        if api := role.environment.get("PREFECT_API_URL"):
            assert api == f"http://prefect-server:{server}/api"
    assert own_roles()["dashboard"].environment["SCORING_SERVICE_URL"] == f"http://load-balancer:{balancer}"
    settings = own_roles()["prefect-server"].environment
    assert settings["PREFECT_SERVER_DATABASE_HOST"] == "postgres"
    postgres = roles()["postgres"].environment
    assert settings["PREFECT_SERVER_DATABASE_USER"] == postgres["POSTGRES_USER"]
    assert settings["PREFECT_SERVER_DATABASE_NAME"] == postgres["POSTGRES_DB"]
    assert postgres["POSTGRES_PASSWORD_FILE"] in own_roles()["prefect-server"].command[-1]


def test_health_checks_ask_for_what_is_there() -> None:
    assert checked_address("service")[1] in ROUTES
    assert re.findall(r"127\.0\.0\.1:8000(/\w+)", DOCKERFILE) == ["/ready"]
    assert "/ready" in ROUTES
    assert checked_address("load-balancer")[1] in ROUTES
    # Of Streamlit, of Prefect's server and of its worker; the test of the image asks them.
    assert [checked_address(name)[1] for name in ("dashboard", "prefect-server", "worker")] == [
        "/_stcore/health",
        "/api/health",
        "/health",
    ]


def test_the_worker_takes_what_is_deployed() -> None:
    command = own_roles()["worker"].command
    assert command[command.index("--pool") + 1] == WORK_POOL
    assert "--with-healthcheck" in command


def test_what_is_kept_lies_in_the_volume() -> None:
    home = re.findall(r"SCORING_HOME=(\S+)", DOCKERFILE)
    assert home == ["/data"]
    for name in ("sample", "worker", "service", "deployments"):
        assert own_roles()[name].volumes == ["data:/data"]
    # The dashboard only looks.
    assert own_roles()["dashboard"].volumes == ["data:/data:ro"]


def test_every_volume_network_and_file_that_is_named_is_there() -> None:
    declared = compose()
    for role in roles().values():
        for volume in role.volumes:
            assert volume.partition(":")[0] in declared["volumes"]
        assert set(role.raw.get("networks", [])) <= set(declared["networks"])
        for config in role.raw.get("configs", []):
            assert (ROOT / declared["configs"][config["source"]]["file"]).is_file()
        assert set(role.raw.get("depends_on", {})) <= set(declared["services"])


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_is_watched_limited_and_started_again(name: str) -> None:
    raw = roles()[name].raw
    assert roles()[name].healthcheck
    assert raw["restart"] == "unless-stopped"
    assert set(raw["deploy"]["resources"]["limits"]) == {"cpus", "memory"}


@pytest.mark.parametrize("name", sorted(roles()))
def test_nothing_is_offered_to_the_network_that_nobody_opened(name: str) -> None:
    role = roles()[name]
    assert all(port.startswith("127.0.0.1:") for port in role.ports)
    assert "password" not in str(role.environment).lower().replace("_password_file", "").replace("password__file", "")
    if name in own_roles():
        assert role.raw["read_only"] is True
        assert role.raw["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("name", sorted(roles()))
def test_what_a_container_prints_does_not_grow_for_ever(name: str) -> None:
    assert roles()[name].raw["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}


def test_a_password_lies_where_only_its_users_look() -> None:
    def mounted(name: str) -> set[str]:
        return {volume.partition(":")[0] for volume in roles()[name].volumes}

    users = {volume: {name for name in roles() if volume in mounted(name)} for volume in compose()["volumes"]}
    assert users["credentials"] == {"credentials", "postgres", "prefect-server"}
    assert users["grafana-credentials"] == {"credentials", "grafana"}
    made = own_roles()["credentials"].command[-1]
    for name, variable in (("postgres", "POSTGRES_PASSWORD_FILE"), ("grafana", "GF_SECURITY_ADMIN_PASSWORD__FILE")):
        assert f'"{roles()[name].environment[variable]}"' in made


def test_records_of_runs_do_not_stay_for_ever() -> None:
    asked = own_roles()["prefect-server"].environment["PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED"]
    assert asked == "events,flow_runs"
    vacuum = ServerServicesDBVacuumSettings(enabled=asked)
    assert vacuum.enabled_vacuum_types == {"events", "flow_runs", "orphans"}
    assert vacuum.retention_period.days == 90


def test_the_load_balancer_has_memory_for_all_connections_it_takes() -> None:
    configured = (ROOT / "service" / "deploy" / "haproxy.cfg").read_text(encoding="utf-8")
    connections, buffer = (
        int(re.findall(rf"{name} (\d+)$", configured, re.M)[0]) for name in ("maxconn", "tune.bufsize")
    )
    allowed = roles()["load-balancer"].raw["deploy"]["resources"]["limits"]["memory"]
    assert connections * 2 * buffer < int(allowed.removesuffix("m")) * 1_000_000 * 3 / 4


def test_two_replicas_serve() -> None:
    assert roles()["service"].raw["deploy"]["replicas"] == 2
    assert not roles()["service"].ports


def test_the_image_is_given_every_package_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    given = {line.removeprefix("!") for line in lines if line.startswith("!")}
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    locks = {"requirements-runtime.lock", "requirements-runtime-extras.lock"}
    assert given == packages | {".streamlit", "prefect.yaml"} | locks
    assert lines[1] == "*"


def test_the_image_can_be_given_the_packages_of_hosts_that_share_something() -> None:
    [default] = re.findall(r"^ARG REQUIREMENTS=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert own_roles()["credentials"].raw["build"]["args"]["REQUIREMENTS"] == default
    few, more = (set(pins((ROOT / name).read_text(encoding="utf-8"))) for name in (default, EXTRAS.name))
    assert few < more
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    names = {re.split(r"[=\[<>~]", package)[0] for extra in SHARING for package in extras[extra]}
    assert names <= {pin.partition("==")[0].partition("[")[0] for pin in more}
    assert set(extras) == {*SHARING, "dev"}


def test_spaces_start_roles_of_the_image_at_the_port_they_name() -> None:
    for name, port in (("service", 8000), ("dashboard", 8501)):
        folder = ROOT / ".github" / "spaces" / name
        front = yaml.safe_load((folder / "README.md").read_text(encoding="utf-8").split("---\n")[1])
        dockerfile = (folder / "Dockerfile").read_text(encoding="utf-8")
        assert (front["sdk"], front["app_port"]) == ("docker", port)
        assert f'CMD ["{name}", "--host", "0.0.0.0", "--port", "{port}"]' in dockerfile
