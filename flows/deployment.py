"""Puts on a Prefect server what this project runs there: work pool, deployments, schedules, automations."""

import os
import subprocess
import sys
from pathlib import Path

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.events.schemas.automations import AutomationCore
from prefect.settings import PREFECT_API_URL

from flows.automations import automations
from flows.console import out
from schemas.addresses import without_credentials
from schemas.errors import ScoringError
from schemas.settings import PREFIX, load_settings

ROOT = Path(__file__).parents[1]
WORK_POOL = "scoring"
# Runs at a time; the warehouse takes one writer at a time, the rest of the work runs side by side.
CONCURRENCY = 4


def deploy() -> None:
    """Deploys everything to the server of PREFECT_API_URL; again and again with the same result."""
    address = PREFECT_API_URL.value()
    if not address:
        raise ScoringError("PREFECT_API_URL names no server to deploy to; set it, or start one with `make prefect`")
    with get_client(sync_client=True) as client:
        _check_server(client, address)
        client.create_work_pool(
            WorkPoolCreate(name=WORK_POOL, type="process", concurrency_limit=CONCURRENCY), overwrite=True
        )
        _deploy_flows()
        train = client.read_deployment_by_name("train/train")
        for automation in automations(train.id, WORK_POOL):
            _put(client, automation)
        count = len(client.read_deployments())
    out.print(f"{count} deployments and their automations are on {without_credentials(address)}", soft_wrap=True)


def _check_server(client: SyncPrefectClient, address: str) -> None:
    if error := client.api_healthcheck():
        shown = without_credentials(address)
        reason = f" ({error})" if shown == address else ""
        raise ScoringError(f"no Prefect server answers at {shown}{reason}; start it, or mend PREFECT_API_URL")


def _deploy_flows() -> None:
    # Given by a file or not: both at once would be refused.
    environment = {name: value for name, value in os.environ.items() if name != f"{PREFIX}TIMEZONE_FILE"}
    environment[f"{PREFIX}TIMEZONE"] = load_settings().timezone
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    if run.returncode:
        raise ScoringError(f"the deployments of prefect.yaml were not accepted:\n{run.stdout}{run.stderr}")


def _put(client: SyncPrefectClient, automation: AutomationCore) -> None:
    """Creates an automation, or brings the one of its name to this state."""
    existing = client.read_automations_by_name(automation.name)
    if not existing:
        client.create_automation(automation)
    # An automation that is put again forgets the runs it is watching, and one that dies meanwhile is never noticed.
    elif AutomationCore.model_validate(existing[0].model_dump()) != automation:
        client.update_automation(existing[0].id, automation)
