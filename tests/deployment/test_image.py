"""The image, built from the Dockerfile, and each role of the compose file started in it."""

import json
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from dashboard.app import SECTIONS
from schemas.prediction_log import FINISHED
from tests.deployment.building import TAG, run
from tests.deployment.compose import own_roles
from tests.deployment.machine import Machine, machine
from tests.service.running import APPLICATION

pytestmark = pytest.mark.timeout(1_500)
# What is promised of each role; the figures are printed.
START_SECONDS = 20
GIGABYTES = 1.8
SITE = "/opt/venv/lib/python3*/site-packages"


@pytest.fixture(scope="module")
def scored(host: Machine, server: str) -> str:
    """What the sample portfolio's role printed."""
    return host.to_end(own_roles()["sample"], seconds=900)


# Each page, drawn as a visitor of the dashboard sees it, without a browser: what it is called, and what went wrong.
LOOK = """
import json
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash
from dashboard.app import SECTIONS
for address in [page[0] for pages in SECTIONS.values() for page in pages]:
    app = AppTest.from_file("/app/dashboard/app.py", default_timeout=60)
    if address != "today":
        app._page_hash = calc_hash(address)
    app.run()
    print(json.dumps([app.title[0].value, [item.value for kind in (app.exception, app.error) for item in kind]]))
"""


def say(request: pytest.FixtureRequest, line: str) -> None:
    """Prints past pytest: these are figures for a person."""
    with request.getfixturevalue("capsys").disabled():
        print(f"\n{line}", end="")


def test_it_is_not_larger_than_it_has_to_be(image: str, request: pytest.FixtureRequest) -> None:
    size = json.loads(run("buildah", "images", "--json", image))[0]["size"]
    say(request, f"size of the image: {size}")
    number, unit = size.split()
    assert unit in ("MB", "GB")
    assert float(number) * (0.001 if unit == "MB" else 1) < GIGABYTES


def test_it_holds_nothing_that_compiles_and_nothing_that_installs(host: Machine) -> None:
    names = "gcc g++ cc c++ clang tcc ld as make cmake rustc go cargo javac node pip pip3 apt-listchanges"
    assert host.shell(f"for name in {names}; do command -v $name; done; true") == ""
    assert host.shell("python -c 'import importlib.util as u; print(u.find_spec(\"pip\"))'") == "None\n"


def test_it_holds_no_test_code(host: Machine) -> None:
    packages = {"dashboard", "flows", "model", "schemas", "service", "tasks", "warehouse"}
    files = {".streamlit", "prefect.yaml", "requirements-runtime.lock", "requirements-runtime-extras.lock"}
    assert set(host.shell("ls -A /app").split()) == packages | files
    assert host.shell(f"find /app {SITE} -type d -name tests") == ""
    tools = "pytest hypothesis mypy schemathesis ruff coverage xdist nbclient ipykernel"
    assert host.shell(f"for name in {tools}; do ls -d {SITE}/$name {SITE}/_$name 2>/dev/null; done; true") == ""


def test_it_holds_no_secret_and_nothing_of_the_build(host: Machine) -> None:
    assert host.shell("ls /etc/pip.conf /root/.config /root/.cache /build /run/secrets 2>/dev/null; true").split() == []
    described = run("buildah", "inspect", "--type=image", TAG)
    assert not re.search(r"index-url|find-links|password|secret_key|token", described, re.IGNORECASE)
    keys = "BEGIN [A-Z ]*PRIVATE KEY|password *= *['\\\"]|AKIA[0-9A-Z]{16}"
    assert host.shell(f'grep -rIlE --exclude-dir=__pycache__ "{keys}" /app; true') == ""


def test_it_runs_as_nobody_in_particular_and_can_write_to_its_data_alone(host: Machine) -> None:
    assert host.shell("id -u; id -g; echo $HOME; pwd").split() == ["10001", "10001", "/data", "/app"]
    elsewhere = "\\( -path /proc -o -path /sys -o -path /dev \\) -prune"
    found = host.shell(f"find / -xdev {elsewhere} -o -writable ! -type l -print 2>/dev/null; true")
    assert set(found.split()) <= {"/data", "/tmp", "/var/tmp", "/run/lock"}


def test_every_role_ends_with_a_clear_error_where_its_settings_are_wrong(host: Machine) -> None:
    for name in ("service", "dashboard", "sample"):
        role = own_roles()[name]
        role.environment["SCORING_CONTRACT"] = "nowhere:Nothing"
        with pytest.raises(RuntimeError, match="status 1\n") as error:
            host.to_end(role)
        assert "nowhere" in str(error.value)
        assert "Traceback" not in str(error.value)


def test_a_service_without_a_model_lives_and_says_that_it_is_not_ready(
    host: Machine, request: pytest.FixtureRequest
) -> None:
    role = own_roles()["service"]
    with host.running(role, "http://127.0.0.1:8000/health", START_SECONDS) as seconds:
        say(request, f"service, from the empty image: {seconds:.1f} s")
        assert host.healthy(role)
        status, text = host.ask("http://127.0.0.1:8000/ready")
        assert (status, json.loads(text)["title"]) == (503, "Service Unavailable")


def test_a_dashboard_without_a_warehouse_lives(host: Machine, request: pytest.FixtureRequest) -> None:
    role = own_roles()["dashboard"]
    with host.running(role, "http://127.0.0.1:8501/_stcore/health", START_SECONDS) as seconds:
        say(request, f"dashboard, from the empty image: {seconds:.1f} s")
        assert host.healthy(role)
        assert host.ask("http://127.0.0.1:8501/")[0] == 200


def test_the_sample_portfolio_is_scored_on_the_server(host: Machine, server: str, scored: str) -> None:
    assert re.search(r"60 of 60|59 of 60", scored)
    status, text = host.ask(f"{server}/flow_runs/filter", {"limit": 5})
    assert status == 200
    assert json.loads(text)
    # A second start leaves what is there alone.
    assert "already" in host.to_end(own_roles()["sample"], seconds=600)


def test_the_worker_runs_what_is_started_on_the_server(
    host: Machine, server: str, scored: str, request: pytest.FixtureRequest
) -> None:
    role = own_roles()["worker"]
    with host.running(role, "http://127.0.0.1:8080/health", START_SECONDS) as seconds:
        say(request, f"worker, from the empty image: {seconds:.1f} s")
        assert host.healthy(role)
        _, found = host.ask(f"{server}/deployments/name/daily-scoring/daily-scoring")
        asked = {"parameters": {"batch_date": "2026-06-30"}, "state": {"type": "SCHEDULED"}}
        status, text = host.ask(f"{server}/deployments/{json.loads(found)['id']}/create_flow_run", asked)
        assert status == 201
        run_id, deadline = json.loads(text)["id"], time.monotonic() + 120
        while (state := json.loads(host.ask(f"{server}/flow_runs/{run_id}")[1])["state"])["type"] not in (
            "COMPLETED",
            "FAILED",
            "CRASHED",
        ):
            assert time.monotonic() < deadline, state
            time.sleep(0.5)
        assert (state["type"], state["name"]) == ("COMPLETED", "AlreadyPublished"), state


def test_the_service_scores_and_logs_and_the_dashboard_reads(host: Machine, scored: str) -> None:
    service, dashboard = own_roles()["service"], own_roles()["dashboard"]
    with (
        host.running(service, "http://127.0.0.1:8000/ready", START_SECONDS),
        host.running(dashboard, "http://127.0.0.1:8501/_stcore/health", START_SECONDS),
    ):
        status, text = host.ask("http://127.0.0.1:8000/predict", APPLICATION)
        assert (status, sorted(json.loads(text))) == (
            200,
            ["band", "decision", "model_version", "prediction_id", "probability_of_default", "reasons", "score"],
        )
        assert host.ask("http://127.0.0.1:8000/docs")[0] == 200
        assert host.ask("http://127.0.0.1:8501/")[0] == 200
    # Ended by a signal, it finished its segment; and the dashboard, whose data is read-only, wrote nothing.
    [segment] = (host.volume("data") / "predictions").glob(f"*{FINISHED}")
    assert json.loads(text)["prediction_id"] in Path(segment).read_text(encoding="utf-8")


def test_every_page_is_drawn_from_data_that_is_read_only(host: Machine, scored: str) -> None:
    # Of the service, which does not run here, two pages may say that it does not answer.
    drawn = [json.loads(line) for line in host.to_end(own_roles()["dashboard"], "python", "-c", LOOK).splitlines()]
    titles = [title for pages in SECTIONS.values() for _, title, _, _ in pages]
    assert [title for title, _ in drawn] == titles
    assert [said for title, said in drawn if said and "service" not in str(said)] == []


def test_the_space_of_the_service_is_built_on_it_and_starts(image: str) -> None:
    # That of the dashboard scores sixty days while it is built, as the sample's role does above: that takes minutes.
    tag = "localhost/credit-express-space-service:latest"
    how = ["--format=docker", "--isolation=chroot", "--network=host", f"--build-arg=IMAGE={image}", f"--tag={tag}"]
    run("buildah", "bud", *how, ".github/spaces/service")
    try:
        with machine(tag) as space:
            role = replace(own_roles()["service"], environment={}, volumes=[], user="1000")
            with space.running(role, "http://127.0.0.1:8000/ready", START_SECONDS):
                assert space.ask("http://127.0.0.1:8000/predict", APPLICATION)[0] == 200
    finally:
        run("buildah", "rmi", tag)


def test_its_own_health_check_is_that_of_its_default_role(host: Machine) -> None:
    described = json.loads(run("buildah", "inspect", "--type=image", TAG))["Docker"]["config"]
    assert (described["Entrypoint"], described["Cmd"][0], described["User"]) == (
        ["python", "-m"],
        "service",
        "10001:10001",
    )
    assert "/ready" in described["Healthcheck"]["Test"][-1]
