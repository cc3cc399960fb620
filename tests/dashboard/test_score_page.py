"""The form that asks the real-time service: against real services, and against everything that is none."""

import hashlib
import json
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import pytest
from streamlit.testing.v1 import AppTest

from dashboard.form.client import Predicted, Refused, predict, refused
from dashboard.form.fields import body_of, expected, plain
from schemas.loading import load_contract
from schemas.request import RequestReader
from tasks.project import Project
from tests.dashboard.homes import LENDINGCLUB
from tests.dashboard.pages import drawn, installed, look, said
from tests.service.running import APPLICATION, Service, running_service

EVERYTHING = "tests/contracts/everything.py:Everything"
KEY = "desk-key-Zx81"
LOAN = {"loan_amount": 9000, "sub_grade": 12, "home_ownership": "OWN", "purpose": "car"}
URL = "http://127.0.0.1:8000"
PROBLEM = {"title": "Any", "status": 500, "detail": "it broke", "request_id": "r1"}
PREDICTION = {
    "prediction_id": "p1",
    "probability_of_default": 0.123,
    "score": 571,
    "band": "C",
    "decision": "refer",
    "reasons": [{"code": "INCOME", "sentence": "Your *income* is <b>low</b>."}],
    "model_version": "scorecard-0123456789ab",
}


@pytest.fixture(scope="module")
def service(drifted: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(models_only(drifted, tmp_path_factory.mktemp("service"))) as running:
        yield running


def models_only(project: Project, folder: Path) -> Path:
    shutil.copytree(project.settings.path("models"), folder / "home" / "models")
    return folder / "home"


def score(
    project: Project,
    address: str,
    values: dict[str, Any],
    contract: str = "",
    key: str = "",
    app: AppTest | None = None,
) -> AppTest:
    """The page after these values were filled in and Score was pressed."""
    home = project.settings.home_path
    app = app or look(home, "score", contract)
    widgets = {item.key: item for kind in ("number_input", "text_input", "selectbox") for item in getattr(app, kind)}
    for name, value in values.items():
        widgets[f"field-{name}"].set_value(value)
    app.button[0].click()
    with (
        installed(home, contract),
        patch.dict(os.environ, {"SCORING_SERVICE_URL": address, "SCORING_SERVICE_KEY": key}),
    ):
        return drawn(app)


@dataclass
class Answering:
    """A server that answers everything alike, and remembers what it was sent."""

    status: int = 200
    body: bytes = json.dumps(PREDICTION).encode()
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    address: str = ""


@contextmanager
def answering(**how: Any) -> Iterator[Answering]:
    kept = Answering(**how)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            kept.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(kept.status)
            for name, value in kept.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(kept.body)))
            self.end_headers()
            self.wfile.write(kept.body)

        def log_message(self, *_arguments: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def speaking(*parts: bytes) -> Iterator[str]:
    """A socket that takes one caller in, says something bit by bit and then nothing more; yields its address."""
    over = threading.Event()

    def speak() -> None:
        caller, _ = server.accept()
        with caller:
            for part in parts:
                caller.sendall(part)
                if over.wait(0.05):
                    return
            over.wait(20)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=speak)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        over.set()
        thread.join()


def nobody() -> str:
    """An address that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


def refusal(answer: Predicted | Refused) -> Refused:
    assert isinstance(answer, Refused)
    return answer


def test_an_application_is_scored_as_the_service_scores_it(drifted: Project, service: Service) -> None:
    direct = service.predict().json()
    words = said(score(drifted, service.address, APPLICATION))
    for part in (direct["band"], str(direct["score"]), f"{direct['probability_of_default']:.2%}"):
        assert part in words
    for reason in direct["reasons"]:
        assert f"{reason['sentence']} ({reason['code']})" in words
    assert direct["model_version"] in words
    assert "Answered in" in words
    decisions = {"approve": "Approve", "refer": "Refer to a person", "decline": "Decline"}
    assert decisions[direct["decision"]] in words


def test_every_broken_field_is_named_with_its_title_and_what_was_typed_stays(
    drifted: Project, service: Service
) -> None:
    app = score(drifted, service.address, {"age": 17, "income": -1.5, "loan_amount": 15_000.0})
    words = said(app)
    assert "Age has to be at least 18" in words
    assert "Income has to be at least 0" in words
    assert "Credit score has to be a value" in words
    assert "Loan amount has" not in words
    typed = {item.key: item.value for item in app.number_input}
    assert (typed["field-age"], typed["field-income"], typed["field-loan_amount"]) == (17, -1.5, 15_000.0)
    # Corrected, it is scored.
    corrected = {"age": 18, "income": 0.0, "credit_score": 700}
    assert "No prediction" not in said(score(drifted, service.address, corrected, app=app))


def test_a_contract_with_categories_has_its_form_and_an_application_too_large_is_said_to_be(
    lender: Project, tmp_path: Path
) -> None:
    home = models_only(lender, tmp_path)
    with running_service(home, SCORING_CONTRACT=LENDINGCLUB, SCORING_MAX_BODY_BYTES="1000") as running:
        app = score(lender, running.address, LOAN, LENDINGCLUB)
        assert "No prediction" not in said(app)
        app = score(lender, running.address, {"purpose": "x" * 1000}, LENDINGCLUB, app=app)
        assert "The application is too large, shorten its texts: the body has more than 1,000 bytes" in said(app)
        assert app.text_input(key="field-purpose").value == "x" * 1000
        app = score(lender, running.address, {"purpose": "x" * 50}, LENDINGCLUB, app=app)
        assert "Purpose has to be at most 40 characters" in said(app)


def test_a_service_with_keys_takes_the_right_one_only(drifted: Project, tmp_path: Path) -> None:
    keys = {"SCORING_API_KEYS": f"desk:{hashlib.sha256(KEY.encode()).hexdigest()}"}
    with running_service(models_only(drifted, tmp_path), **keys) as running:
        app = score(drifted, running.address, APPLICATION)
        assert "The service wants a key. Set SCORING_SERVICE_KEY" in said(app)
        assert [item.value for item in app.code] == ["python -m service new-key"]
        wrong = said(score(drifted, running.address, {}, key="unheard-of", app=app))
        assert "The service does not know the key of this dashboard." in wrong
        assert "unheard-of" not in wrong
        assert "No prediction" not in said(score(drifted, running.address, {}, key=KEY, app=app))


def test_a_limit_is_said_with_how_long_to_wait(drifted: Project, tmp_path: Path) -> None:
    with running_service(models_only(drifted, tmp_path), SCORING_RATE_LIMIT="0.02") as running:
        answers = [predict(running.address, "", APPLICATION) for _ in range(2)]
    assert isinstance(answers[0], Predicted)
    found = refusal(answers[-1]).message
    assert found.startswith("The service is asked too often: more than 0.02 requests a second")
    assert "Try again in 50 seconds." in found


def test_a_service_without_a_model_is_not_ready(drifted: Project, tmp_path: Path) -> None:
    with running_service(tmp_path) as running:
        words = said(score(drifted, running.address, APPLICATION))
    assert "The service runs and cannot score, its log says more: no model is loaded yet. Try again in 5 sec" in words


def test_a_service_that_is_not_there_is_said_with_its_address_and_the_command(drifted: Project) -> None:
    address = nobody()
    app = score(drifted, address, APPLICATION)
    assert f"The service cannot be reached at {address}" in said(app)
    assert [item.value for item in app.code] == ["make service"]
    assert app.number_input(key="field-age").value == APPLICATION["age"]


@pytest.mark.parametrize("address", ["", "127.0.0.1:1", "ftp://127.0.0.1", "http://", "http://[::1", "http://no host"])
def test_an_address_that_is_none_is_said_to_be_wrong(address: str) -> None:
    found = refusal(predict(address, "", APPLICATION))
    assert "Start it, or set SCORING_SERVICE_URL to its address." in found.message


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (b"HTTP/1.1 200 OK\r\n",),
        # Never silent for long, and never done.
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", *[b" "] * 200),
    ],
    ids=["nothing", "half", "trickle"],
)
def test_a_service_that_hangs_is_not_waited_for(parts: tuple[bytes, ...]) -> None:
    with speaking(*parts) as address:
        found = refusal(predict(address, "", APPLICATION, seconds=0.4))
    assert f"The service at {address} did not answer within 0.4 seconds." in found.message


def test_what_does_not_speak_http_is_not_the_service() -> None:
    with speaking(b"220 mail.example ESMTP\r\n\r\n") as address:
        assert "cannot be reached" in refusal(predict(address, "", APPLICATION, seconds=2)).message


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"<html>Welcome</html>", "text/html"),
        (200, b"{}", "application/json"),
        (200, b"\xff", "application/json"),
        (404, b"<html>Not found</html>", "text/html"),
        (302, b"", "text/html"),
        (502, b"not json", "application/json"),
        (500, b"[]", "application/json"),
        (422, b'{"errors": [{"field": 1}]}', "application/json"),
    ],
)
def test_whatever_is_no_answer_of_the_service_is_a_sentence(
    drifted: Project, status: int, body: bytes, kind: str
) -> None:
    with answering(status=status, body=body, headers={"content-type": kind}) as server:
        found = refusal(predict(server.address, "", APPLICATION))
    assert found.message.startswith(f"What answers at {server.address} does not speak as the scoring service does")
    assert "SCORING_SERVICE_URL" in found.message


@pytest.mark.parametrize(
    ("status", "begins"),
    [
        (500, "The service failed: it broke."),
        (503, "The service runs and cannot score"),
        (418, "The service did not take the request (status 418): it broke."),
    ],
)
def test_a_problem_is_said_in_the_services_words(status: int, begins: str) -> None:
    response = httpx.Response(status, json=PROBLEM)
    found = refused(URL, "", response)
    assert found.message.startswith(begins)
    assert found.request_id == "r1"


def test_values_are_sent_with_their_types_and_what_is_not_given_as_null(drifted: Project) -> None:
    with answering() as server:
        app = look(drifted.settings.home_path, "score", EVERYTHING)
        app.date_input(key="field-customer_since").set_value(date(2020, 2, 29))
        values = {
            "income": 30_000.5,
            "price": 1500.0,
            "dependants": 2,
            "age": 35,
            "has_account": False,
            "region": "north",
            "employer": "   ",
            "channel": "web",
            "application_id": " A-1 ",
        }
        words = said(score(drifted, server.address, values, EVERYTHING, key=KEY, app=app))
    ((path, headers, body),) = server.asked
    assert (path, headers["x-api-key"], headers["content-type"]) == ("/predict", KEY, "application/json")
    assert json.loads(body) == values | {
        "savings": None,
        "owns_home": None,
        "customer_since": "2020-02-29",
        "due_on": None,
        "employer": None,
        "application_id": "A-1",
    }
    assert b'"dependants":2,"age":35,"has_account":false' in body
    # Answered by whatever stands at the address: shown as it is, not as Markdown.
    assert "1. Your *income* is <b>low</b>. (INCOME)" in words
    # It is what the service reads.
    contract = load_contract(EVERYTHING)
    assert RequestReader(contract, lambda: date(2026, 1, 1)).read(body).inputs["age"] == 35


def test_without_a_key_or_an_id_none_is_sent() -> None:
    with answering() as server:
        predict(f"{server.address}/", "", body_of({"application_id": "", "age": None}))
    ((path, headers, body),) = server.asked
    assert path == "/predict"
    assert "x-api-key" not in headers
    assert json.loads(body) == {"age": None}


def test_every_field_says_its_unit_its_limits_and_whether_it_may_be_left_empty(drifted: Project) -> None:
    app = look(drifted.settings.home_path, "score", EVERYTHING)
    labels = {item.label for kind in ("number_input", "date_input", "selectbox") for item in getattr(app, kind)}
    # A title as it is written, though the place takes Markdown.
    assert {"Income \\(EUR/year\\)", "Customer since", "Region"} <= labels
    fields = {item.name: item for item in load_contract(EVERYTHING).fields}
    assert expected(fields["income"]) == "more than 0 and less than 1,000,000"
    assert expected(fields["savings"]) == "at least 0; may be left empty"
    assert expected(fields["customer_since"]) == "not after today"
    assert expected(fields["due_on"]) == "may be left empty"
    assert expected(fields["region"]) == "required"
    assert expected(fields["employer"]) == "at most 20 characters and text that matches ^[A-Z]; may be left empty"
    assert plain("a_b *c* [d] :red[e]") == r"a\_b \*c\* \[d\] \:red\[e\]"


def test_a_page_without_an_answer_says_how_to_get_one_and_keeps_the_form_out_of_the_address(drifted: Project) -> None:
    app = look(drifted.settings.home_path, "score", age="35")
    assert "Fill in the form and press Score." in said(app)
    assert app.number_input(key="field-age").value is None
