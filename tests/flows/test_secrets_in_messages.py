"""Addresses that hold a password, and keys that are wrong, in what commands and pages say."""

from pathlib import Path

from dashboard.form.client import Refused, predict
from tests.flows.commands import assert_refused, reporting_to, run_here

HIDDEN = "s3same"


def test_the_address_of_a_prefect_server_is_shown_without_its_password(home: Path) -> None:
    with reporting_to(f"http://desk:{HIDDEN}@127.0.0.1:9/api"):
        refused = run_here(home, "deploy")
    assert_refused(refused, 1, "no Prefect server answers at http://127.0.0.1:9/api; start it")
    assert HIDDEN not in refused.stdout + refused.stderr


def test_the_address_of_the_service_is_shown_without_its_password() -> None:
    for url in (f"http://desk:{HIDDEN}@127.0.0.1:9", f"http://desk:{HIDDEN}@127.0.0.1:port"):
        answer = predict(url, "", {})
        assert isinstance(answer, Refused)
        assert "The service cannot be reached at http://127.0.0.1:" in answer.message
        assert HIDDEN not in answer.message


def test_a_wrong_signing_key_is_said_by_its_name_only(home: Path) -> None:
    outcomes = ["--applications", "none", "--outcomes", "none"]
    refused = run_here(home, "train", *outcomes, SCORING_MODEL_SIGNING_KEY=HIDDEN)
    assert_refused(refused, 1, "SCORING_MODEL_SIGNING_KEY is neither 32 bytes in base64 nor a PEM file")
    assert HIDDEN not in refused.stdout + refused.stderr
