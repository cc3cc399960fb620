"""Promotion and the way back by the commands, with batch and service; only signed models where that is asked for."""

import json
import re
import shutil
from datetime import date
from pathlib import Path

from model.champion import champion_identity, history
from tests.flows.commands import assert_refused, reporting_to, run_here
from tests.flows.homes import DAYS, project_at, query, run_cli
from tests.flows.prefect_server import wait_for
from tests.service.running import Service, running_service
from tests.tasks.loans import second_model

SECONDS = 20
SCORES = "SELECT application_id, score, model_version FROM current_scores WHERE batch_date = '{}' ORDER BY ALL"


def serving(service: Service, version: str) -> dict[str, object]:
    """What it answers once this version serves."""

    def answer() -> dict[str, object] | None:
        found = service.predict().json()
        return found if found["model_version"] == version else None

    found = wait_for(answer, SECONDS)
    return {name: found[name] for name in ("probability_of_default", "score", "band", "decision", "reasons")}


def train_on_a_part(portfolio: Path, home: Path) -> str:
    """A challenger that scores differently, by the command."""
    history_files = sorted((portfolio / "history").glob("applications_*.csv.gz"))
    (home / "history").mkdir()
    for path in history_files[: len(history_files) // 2]:
        shutil.copy(path, home / "history")
    outcomes = str(portfolio / "outcomes.csv")
    run = run_here(home, "train", "--applications", str(home / "history" / "*.csv.gz"), "--outcomes", outcomes)
    assert run.returncode == 0, run.stderr
    found = re.match(r"(scorecard-\w+), registered as challenger", run.stdout)
    assert found, run.stdout
    return found[1]


def score(home: Path, day: date) -> list[tuple[object, ...]]:
    run = run_here(home, "score", "--batch-date", str(day))
    assert run.returncode == 0, run.stderr
    return query(home, SCORES.format(day))


def test_batch_and_service_follow_a_promotion_and_the_way_back_to_the_exact_scores(
    portfolio: Path, home: Path, prefect_api: str
) -> None:
    first, second = champion_identity(home / "models")[0], train_on_a_part(portfolio, home)
    listed = [json.loads(line) for line in re.findall(r"{.*?}", run_here(home, "models", "--json").stdout)]
    assert [(model["version"], model["role"]) for model in listed] == [(first, "champion"), (second, "challenger")]
    assert_refused(run_here(home, "rollback"), 1, f"no champion before {first} to go back to")
    with reporting_to(prefect_api), running_service(home) as service:
        day_by_first, asked_first = score(home, DAYS[0]), serving(service, first)
        promoted = run_here(home, "promote", second)
        assert f"{second} is champion now, in place of {first}" in promoted.stdout
        day_by_second, asked_second = score(home, DAYS[0]), serving(service, second)
        assert {row[2] for row in day_by_second} == {second}
        assert [row[:2] for row in day_by_second] != [row[:2] for row in day_by_first]
        assert asked_second != asked_first

        assert f"{first} is champion now, in place of {second}" in run_here(home, "rollback").stdout
        assert score(home, DAYS[0]) == day_by_first
        assert {row[2] for row in score(home, DAYS[1])} == {first}
        assert serving(service, first) == asked_first
    assert [reign.version for reign in history(home / "models")] == [first, second, first]
    lines = run_cli(home, "models", env={"COLUMNS": "80"}).stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["version", "role"], [first, "champion"], [second, "former"]]
    assert dict(query(home, "SELECT model_version, role FROM models"))[first] == "champion"


def test_only_signed_models_score_where_a_signature_is_asked_for(portfolio: Path, home: Path, prefect_api: str) -> None:
    printed = run_here(home, "keys").stdout
    given = dict(item.split("=", 1) for item in printed.split())
    assert set(given) == {"SCORING_MODEL_SIGNING_KEY", "SCORING_MODEL_PUBLIC_KEYS"}
    public = {"SCORING_MODEL_PUBLIC_KEYS": given["SCORING_MODEL_PUBLIC_KEYS"]}
    models, (version, _) = home / "models", champion_identity(home / "models")

    refused = run_here(home, "score", "--batch-date", str(DAYS[0]), **public)
    assert_refused(refused, 1, f"{version} is not signed", f"python -m flows sign {version}")
    assert_refused(run_here(home, "sign", version), 1, "SCORING_MODEL_SIGNING_KEY is not set")
    with running_service(home, **public) as service:
        assert service.client.get("/ready").status_code == 503
        assert f"{version} is not signed" in service.client.get("/health").json()["problem"]
        assert run_here(home, "sign", version, **given).returncode == 0
        wait_for(lambda: service.client.get("/ready").is_success, SECONDS)
        # Another one with a hash to match, pointed to as by a promotion, from whoever can write to the folder.
        forged = second_model(project_at(home)).version
        (models / "champion.json").write_bytes(
            (models / "champion.json").read_bytes().replace(*named(models, version, forged))
        )
        wait_for(lambda: f"{forged} is not signed" in str(service.client.get("/health").json()["problem"]), SECONDS)
        assert service.predict().json()["model_version"] == version
    with reporting_to(prefect_api):
        assert_refused(run_here(home, "score", "--batch-date", str(DAYS[0]), **public), 1, f"{forged} is not signed")
        assert run_here(home, "sign", forged, **given).returncode == 0
        assert run_here(home, "score", "--batch-date", str(DAYS[0]), **public).returncode == 0
    outcomes = str(portfolio / "outcomes.csv")
    trained = run_here(
        home, "train", "--applications", f"{portfolio}/history/*.csv.gz", "--outcomes", outcomes, **given
    )
    assert trained.returncode == 0, trained.stderr
    assert (models / trained.stdout.partition(",")[0] / "signature.json").exists()
    assert given["SCORING_MODEL_SIGNING_KEY"] not in trained.stdout + trained.stderr


def named(models: Path, version: str, other: str) -> tuple[bytes, bytes]:
    """What the pointer says of one version, and what it has to say of another."""
    facts = [json.loads((models / name / "metadata.json").read_text()) for name in (version, other)]
    old, new = (f'"version": "{fact["version"]}",\n  "sha256": "{fact["sha256"]}"'.encode() for fact in facts)
    assert old in (models / "champion.json").read_bytes()
    return old, new
