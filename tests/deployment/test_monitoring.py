"""Prometheus' rules and Grafana's dashboard ask for what the service counts, and are accepted by their own programs."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from service.edge import ROUTES
from tests.deployment.compose import ROOT, compose, roles
from tests.service.running import Service

FOLDER = ROOT / "service" / "deploy"
RULES = yaml.safe_load((FOLDER / "rules.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
BOARD = json.loads((FOLDER / "grafana" / "dashboard.json").read_text(encoding="utf-8"))
QUESTIONS = [rule["expr"] for rule in RULES] + [
    target["expr"] for panel in BOARD["panels"] for target in panel["targets"]
]


@pytest.fixture(scope="module")
def exposed(shared_service: Service) -> str:
    """What the service counts after a score and a refusal."""
    shared_service.predict()
    shared_service.client.post("/predict", json={})
    return shared_service.client.get("/metrics").text


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_is_about_metrics_and_labels_that_are_there(question: str, exposed: str) -> None:
    asked = set(re.findall(r"\bscoring_\w+", question))
    assert asked or "up{" in question
    for name in asked:
        [series, *_] = re.findall(rf"^{name}(?:{{(.*)}})? ", exposed, re.MULTILINE)
        labels = set(re.findall(r"(\w+)=", series))
        grouped = {label.strip() for group in re.findall(r" by \(([^)]*)\)", question) for label in group.split(",")}
        chosen = {
            label for part in re.findall(rf"{name}{{([^}}]*)}}", question) for label in re.findall(r"(\w+)=~?\"", part)
        }
        assert grouped | chosen <= labels


def test_routes_and_jobs_that_are_asked_for_are_there() -> None:
    for route in re.findall(r'route="([^"]+)"', " ".join(QUESTIONS)):
        assert route in ROUTES
    prometheus = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    jobs = {job["job_name"]: job for job in prometheus["scrape_configs"]}
    assert set(re.findall(r'job="([^"]+)"', " ".join(QUESTIONS))) <= set(jobs)
    [found] = jobs["service"]["dns_sd_configs"]
    assert (found["names"], found["port"]) == (["service"], 8000)
    assert jobs["prefect"]["static_configs"] == [{"targets": ["prefect-server:4200"]}]


def test_every_panel_has_a_title_a_unit_and_an_explanation() -> None:
    for panel in BOARD["panels"]:
        assert panel["title"]
        assert panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"]


def test_grafana_finds_prometheus_and_the_dashboard_where_the_compose_file_puts_them() -> None:
    source = yaml.safe_load((FOLDER / "grafana" / "datasource.yml").read_text(encoding="utf-8"))["datasources"][0]
    provider = yaml.safe_load((FOLDER / "grafana" / "provider.yml").read_text(encoding="utf-8"))["providers"][0]
    targets = {item["source"]: item["target"] for item in roles()["grafana"].raw["configs"]}
    assert Path(targets["grafana-dashboard"]).parent == Path(provider["options"]["path"])
    assert source["url"] == "http://prometheus:9090"
    assert {panel["datasource"]["uid"] for panel in BOARD["panels"]} == {source["uid"]}
    rules = {item["source"]: item["target"] for item in roles()["prometheus"].raw["configs"]}["alert-rules"]
    assert rules in (FOLDER / "prometheus.yml").read_text(encoding="utf-8")
    assert compose()["configs"]["alert-rules"]["file"] == "service/deploy/rules.yml"


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool on this machine")
def test_prometheus_accepts_its_configuration_and_its_rules() -> None:
    for check in (["config", "--syntax-only", "prometheus.yml"], ["rules", "rules.yml"]):
        done = subprocess.run(["promtool", "check", *check], cwd=FOLDER, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
