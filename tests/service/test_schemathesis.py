"""The service against its own description: what the document allows is accepted, what it does not allow is refused.

Checks for operations that create or delete something (use after free, availability, authorisation for single objects)
look at every answer too, but have nothing to find here: the service keeps no resources, so there are no links to follow
and the phase of stateful tests does not apply.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from model.champion import load_champion
from model.trained import Model
from schemas.loading import load_contract
from service.keys import new_key
from tests.flows.homes import environment, project_at
from tests.service.drawn import home_of
from tests.service.running import Service, running_service

EXAMPLES = 200
# The same requests each time: what is new is to be looked for by hand, with another seed and more examples.
SEED = 1
OPERATIONS = 4


def run(service: Service, *options: str) -> Any:
    """What Schemathesis reports of a service with all of its checks."""
    report = service.home / "schemathesis.json"
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{service.address}/openapi.json", "--no-color"),
        *("--checks", "all", "--max-examples", str(EXAMPLES), "--seed", str(SEED), "--generation-database", "none"),
        *("--continue-on-failure", "--report", "json", "--report-json-path", str(report)),
    ]
    ran = subprocess.run(
        [*command, *options],
        cwd=service.home,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    found = json.loads(report.read_text())
    assert found["complete"]
    assert found["failures"] == found["errors"] == []
    assert found["operations"]["tested"] == found["operations"]["total"] == OPERATIONS
    assert {found["phases"][phase]["status"] for phase in ("examples", "coverage", "fuzzing")} == {"success"}
    assert found["phases"]["stateful"]["skip_reason"] == "not_applicable"
    assert found["test_cases"]["generated"] > EXAMPLES
    return found


def warnings_of(found: Any) -> set[str]:
    return {name for name, cases in found["warnings"].items() if cases}


def test_the_open_service_is_what_it_describes(shared_service: Service) -> None:
    assert warnings_of(run(shared_service)) == set()
    assert "error" not in {line["level"] for line in shared_service.log()}
    # Some of it went through, and is on record.
    assert shared_service.metric("scoring_requests_total", route="/predict", status="200") > EXAMPLES / 10
    assert shared_service.metric("scoring_requests_total", route="/predict", status="422") > EXAMPLES / 10


def test_with_keys_it_is_what_it_describes_to_who_has_one_and_to_who_has_none(home: Path) -> None:
    key, digest = new_key()
    with running_service(home, SCORING_API_KEYS=f"tester:{digest}") as service:
        assert warnings_of(run(service, "--header", f"X-API-Key: {key}")) == set()
        scored = service.metric("scoring_decisions_total")
        assert scored > EXAMPLES / 10
        assert warnings_of(run(service)) == {"missing_auth"}
        assert service.metric("scoring_decisions_total") == scored
        assert "error" not in {line["level"] for line in service.log()}


@pytest.fixture(scope="module")
def model(portfolio: Path) -> Model:
    project = project_at(portfolio)
    return load_champion(project.settings.path("models"), project.contract).model


@pytest.mark.parametrize(
    ("contract", "options"),
    [
        pytest.param("tests.contracts.lendingclub:LendingClub", [], id="LendingClub"),
        # That a date may not lie after today cannot be said in a schema: it allows what is refused.
        pytest.param(
            "tests.contracts.everything:Everything",
            ["--exclude-checks", "positive_data_acceptance"],
            id="Everything",
        ),
    ],
)
def test_with_another_contract_it_is_what_it_describes(
    model: Model, tmp_path: Path, contract: str, options: list[str]
) -> None:
    home = home_of(tmp_path / "home", model, load_contract(contract))
    with running_service(home, SCORING_CONTRACT=contract) as service:
        assert warnings_of(run(service, *options)) == set()
        assert service.metric("scoring_decisions_total") > 0
        assert "error" not in {line["level"] for line in service.log()}
