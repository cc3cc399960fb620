"""The service as its callers and operators meet it."""

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from service.keys import new_key
from tests.flows.homes import ROOT, environment
from tests.flows.prefect_server import wait_for
from tests.service.asking import asking
from tests.service.running import APPLICATION, START_SECONDS, Service, logged, own_port, run_service, running_service

JSON = {"content-type": "application/json"}
OF_DATA = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
OF_PAGES = {"x-content-type-options": "nosniff", "x-frame-options": "DENY", "referrer-policy": "no-referrer"}
# One request for each answer a service without keys and limits gives.
REQUESTS: dict[str, tuple[int, str, str, dict[str, Any]]] = {
    "prediction": (200, "POST", "/predict", {"json": APPLICATION}),
    "no JSON": (400, "POST", "/predict", {"content": b"{", "headers": JSON}),
    "nothing there": (404, "GET", "/nothing", {}),
    "no such file": (404, "GET", "/docs/nothing.js", {}),
    "another method": (405, "GET", "/predict", {}),
    "another method of a probe": (405, "POST", "/health", {}),
    "too large": (413, "POST", "/predict", {"content": bytes(20_000), "headers": JSON}),
    "no JSON by its header": (415, "POST", "/predict", {"content": b"{}"}),
    "broken": (422, "POST", "/predict", {"json": {}}),
    "health": (200, "GET", "/health", {}),
    "ready": (200, "GET", "/ready", {}),
    "metrics": (200, "GET", "/metrics", {}),
    "document": (200, "GET", "/openapi.json", {}),
    "page": (200, "GET", "/docs", {}),
    "file of the page": (200, "GET", "/docs/start.js", {}),
    "methods": (204, "OPTIONS", "/health", {}),
}
RATE = 5
PATIENCE = 20


@dataclass(frozen=True)
class Guarded:
    """A service with keys and a rate limit, and keys that its holders have."""

    service: Service
    desk: str
    partner: str

    def predict(self, key: str | None, **changes: Any) -> httpx.Response:
        headers = {} if key is None else {"X-API-Key": key}
        return self.service.client.post("/predict", json=APPLICATION | changes, headers=headers)


@pytest.fixture(scope="module")
def guarded(portfolio: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    home = tmp_path_factory.mktemp("guarded") / "home"
    shutil.copytree(portfolio / "models", home / "models")
    made = run_service("new-key").stdout
    (desk,), (digest,) = re.findall("^key:  (.*)$", made, re.MULTILINE), re.findall("^hash: (.*)$", made, re.MULTILINE)
    partner, other = new_key()
    keys = f"desk:{digest}, partner:{other}"
    with running_service(home, SCORING_API_KEYS=keys, SCORING_RATE_LIMIT=str(RATE)) as service:
        yield Guarded(service, desk, partner)


def problem_of(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem details of an answer; asserts what holds for all of them."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert_headers(answer)
    problem: dict[str, Any] = answer.json()
    assert set(problem) == {"title", "status", "detail", "request_id"} | ({"errors"} if status == 422 else set())
    assert problem["status"] == status
    assert problem["title"] == answer.reason_phrase
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem["detail"]
    return problem


def assert_headers(answer: httpx.Response) -> None:
    expected = OF_PAGES if answer.url.path.startswith("/docs") else OF_DATA
    assert expected.items() <= dict(answer.headers).items()
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; ")
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])
    assert "server" not in answer.headers


def raw(service: Service, request: bytes) -> bytes:
    """What is answered to bytes as they stand, up to the end of the connection."""
    host, port = service.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def test_a_prediction_has_everything_the_interface_names(shared_service: Service) -> None:
    answer = shared_service.predict(application_id="A-1042")
    assert answer.headers["content-type"] == "application/json"
    decision = answer.json()
    assert list(decision) == [
        "prediction_id",
        "probability_of_default",
        "score",
        "band",
        "decision",
        "reasons",
        "model_version",
    ]
    assert re.fullmatch("[0-9a-f]{32}", decision["prediction_id"])
    assert 0 < decision["probability_of_default"] < 1
    assert isinstance(decision["score"], int)
    assert decision["decision"] in {"approve", "refer", "decline"}
    assert 1 <= len(decision["reasons"]) <= 4
    assert all(set(reason) == {"code", "sentence"} and reason["sentence"] for reason in decision["reasons"])
    assert decision["model_version"] == shared_service.client.get("/ready").json()["model_version"]


def test_the_same_application_asked_again_is_another_prediction(shared_service: Service) -> None:
    one, other = (shared_service.predict().json() for _ in range(2))
    assert one.pop("prediction_id") != other.pop("prediction_id")
    assert one == other


@pytest.mark.parametrize("name", REQUESTS)
def test_every_answer_has_its_status_a_request_id_and_headers_for_safety(shared_service: Service, name: str) -> None:
    status, method, path, more = REQUESTS[name]
    answer = shared_service.client.request(method, path, **more)
    assert answer.status_code == status
    assert_headers(answer)
    if status >= 400:
        problem_of(answer, status)


@pytest.mark.parametrize("name", ["prediction", "broken", "nothing there", "health"])
@pytest.mark.parametrize("given", ["a", "trace-1.2_3", "x" * 64])
def test_a_given_request_id_comes_back(shared_service: Service, name: str, given: str) -> None:
    _, method, path, more = REQUESTS[name]
    answer = shared_service.client.request(method, path, **more | {"headers": {"X-Request-ID": given}})
    assert answer.headers.get_list("x-request-id") == [given]
    if answer.is_error:
        assert answer.json()["request_id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "two words", 'quote"', "é".encode(), "a/b", "{}"])
def test_a_request_id_that_is_not_plain_is_replaced(shared_service: Service, given: str | bytes) -> None:
    headers = httpx.Headers([(b"X-Request-ID", given.encode() if isinstance(given, str) else given)])
    answer = shared_service.client.get("/nothing", headers=headers)
    assert re.fullmatch("[0-9a-f]{32}", problem_of(answer, 404)["request_id"])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the body is empty"),
        (b"{", "the body is not JSON: "),
        (b'{"age": 35,}', "the body is not JSON: "),
        (b"age=35", "the body is not JSON: "),
        (b'{"age": NaN}', "the body is not JSON: NaN is not a number in JSON"),
        (b'{"age": "\xff"}', "the body is not UTF-8: byte 9 is wrong"),
        (b"[" * 5_000, "the body is nested too deeply"),
    ],
)
def test_a_body_that_is_not_json_is_a_400_that_says_why(shared_service: Service, body: bytes, said: str) -> None:
    problem = problem_of(shared_service.client.post("/predict", content=body, headers=JSON), 400)
    assert problem["detail"].startswith(said)


def test_another_method_is_a_405_that_names_the_right_one(shared_service: Service) -> None:
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = shared_service.client.request(method, "/predict")
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    for path in ("/health", "/ready", "/metrics", "/openapi.json", "/docs"):
        answer = shared_service.client.post(path, json=APPLICATION)
        assert "GET" in answer.headers["allow"]
        problem_of(answer, 405)


@pytest.mark.parametrize("size", [16_385, 100_000, 5_000_000])
@pytest.mark.parametrize("chunked", [False, True], ids=["by its length", "in chunks"])
def test_a_body_that_is_too_large_is_a_413(shared_service: Service, size: int, chunked: bool) -> None:
    body = b'{"age": 35' + b" " * (size - 11) + b"}"
    content = iter([body[:9000], body[9000:]]) if chunked else body
    answer = shared_service.client.post("/predict", content=content, headers=JSON)
    assert "16,384 bytes" in problem_of(answer, 413)["detail"]
    # What is left of the body is not taken for another request.
    assert answer.headers["connection"] == "close"
    assert shared_service.predict().status_code == 200


@pytest.mark.parametrize("chunked", [False, True], ids=["by its length", "in chunks"])
def test_a_body_may_be_as_large_as_the_limit(shared_service: Service, chunked: bool) -> None:
    text = json.dumps(APPLICATION).encode()
    body = text[:-1] + b" " * (16_384 - len(text)) + b"}"
    content = iter([body[:9000], body[9000:]]) if chunked else body
    assert shared_service.client.post("/predict", content=content, headers=JSON).status_code == 200


@pytest.mark.parametrize("media_type", [None, "", "text/plain", "application/xml", "application/jsonp", "json", ";"])
def test_a_body_that_is_not_json_by_its_header_is_a_415(shared_service: Service, media_type: str | None) -> None:
    headers = {} if media_type is None else {"content-type": media_type}
    answer = shared_service.client.post("/predict", content=json.dumps(APPLICATION), headers=headers)
    assert "Content-Type: application/json" in problem_of(answer, 415)["detail"]


@pytest.mark.parametrize(
    "media_type", ["application/json", "application/json; charset=utf-8", "Application/JSON", "application/json ;x=y"]
)
def test_json_may_be_announced_with_parameters_and_in_capitals(shared_service: Service, media_type: str) -> None:
    headers = {"content-type": media_type}
    answer = shared_service.client.post("/predict", content=json.dumps(APPLICATION), headers=headers)
    assert answer.status_code == 200


def test_an_application_that_breaks_the_contract_has_every_broken_field_named(shared_service: Service) -> None:
    application = {
        "age": 17,
        "income": "50000",
        "loan_amount": None,
        "employment_lenght": 5,
        "credit_score": 720.5,
        "application_id": "x" * 101,
    }
    problem = problem_of(shared_service.client.post("/predict", json=application), 422)
    assert {(broken["field"], broken["rule"]) for broken in problem["errors"]} == {
        ("age", "below_minimum"),
        ("income", "wrong_type"),
        ("loan_amount", "missing"),
        ("employment_lenght", "unknown_field"),
        ("credit_score", "wrong_type"),
        ("application_id", "too_long"),
    }
    said = {broken["field"]: broken["message"] for broken in problem["errors"]}
    assert said["age"] == "Age has to be at least 18"
    assert said["income"] == "Income has to be a number"
    assert "did you mean employment_length?" in said["employment_lenght"]
    assert all(broken["field"] in problem["detail"] for broken in problem["errors"])


def test_what_is_refused_is_not_on_record(shared_service: Service) -> None:
    before = len(logged(shared_service.home))
    for status, method, path, more in REQUESTS.values():
        if status != 200:
            shared_service.client.request(method, path, **more)
    assert len(logged(shared_service.home)) == before


def test_a_caller_that_goes_away_before_its_body_is_complete_stops_nobody(shared_service: Service) -> None:
    host, port = shared_service.address.removeprefix("http://").split(":")
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head)
        assert shared_service.predict().status_code == 200
    gone = "a caller went away before its request was complete"
    wait_for(lambda: [line for line in shared_service.log() if line["message"] == gone], PATIENCE)


@pytest.mark.parametrize("method", [b"GET", b"POST"])
def test_a_websocket_is_not_offered(shared_service: Service, method: bytes) -> None:
    handshake = b" /predict HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    key = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    host, port = shared_service.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(method + handshake + key)
        status = connection.recv(65_536).split(b"\r\n")[0]
    assert status == (
        b"HTTP/1.1 405 Method Not Allowed" if method == b"GET" else b"HTTP/1.1 415 Unsupported Media Type"
    )


@pytest.mark.parametrize(
    "request_line",
    [
        b"NONSENSE\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999999\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused_and_stops_nobody(shared_service: Service, request_line: bytes) -> None:
    assert raw(shared_service, request_line).startswith(b"HTTP/1.1 400 ")
    assert shared_service.predict().status_code == 200


def test_health_and_readiness_name_the_model(shared_service: Service) -> None:
    version = shared_service.predict().json()["model_version"]
    health = shared_service.client.get("/health").json()
    assert health == {"status": "ok", "model_version": version, "problem": None}
    assert shared_service.client.get("/ready").json() == {"model_version": version}


def test_metrics_count_what_was_asked(shared_service: Service) -> None:
    def counts() -> list[float]:
        metric = shared_service.metric
        return [
            metric("scoring_requests_total", route="/predict", status="200"),
            metric("scoring_requests_total", route="/predict", status="422"),
            metric("scoring_requests_total", route="(other)", status="404"),
            metric("scoring_request_seconds_count", route="/predict"),
            metric("scoring_decisions_total"),
            metric("scoring_broken_fields_total", field="age", rule="below_minimum"),
            metric("scoring_broken_fields_total", field="income", rule="missing"),
            metric("scoring_broken_fields_total", field="(other)", rule="unknown_field"),
        ]

    before = counts()
    for _ in range(3):
        shared_service.predict()
    shared_service.client.post("/predict/", json=APPLICATION)
    for name in ("jane", "doe"):
        shared_service.predict(age=1, income=None, **{name: 1})
    shared_service.client.get("/nothing/at/all")
    after = counts()
    assert [now - then for now, then in zip(after, before, strict=True)] == [4, 2, 1, 6, 4, 2, 2, 2]
    assert "jane" not in shared_service.client.get("/metrics").text
    assert shared_service.metric("scoring_model") == 1
    assert shared_service.metric("scoring_champion_refused") == 0
    assert shared_service.metric("scoring_prediction_log_open_segments") == 1


def test_the_document_is_openapi_and_describes_the_routes(shared_service: Service) -> None:
    document = shared_service.client.get("/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    assert {"/predict", "/health", "/ready", "/metrics"} <= set(document["paths"])
    assert {"200", "400", "413", "415", "422", "503"} <= set(document["paths"]["/predict"]["post"]["responses"])


def test_the_record_of_an_application_holds_its_id_as_a_hash_only(shared_service: Service) -> None:
    given = ["Applicant-77131", "Applicant-77131", "Applicant-77132", None]
    ids = [shared_service.predict(application_id=name).json()["prediction_id"] for name in given]
    records = {line.prediction_id: line for line in logged(shared_service.home)}
    keys = [records[name].application_key for name in ids]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
    assert keys[3] is None
    assert all(len(key) == 64 for key in keys if key)
    written = b"".join(path.read_bytes() for path in (shared_service.home / "predictions").iterdir())
    assert b"Applicant" not in written


def test_the_record_agrees_with_the_answer(shared_service: Service) -> None:
    answer = shared_service.client.post(
        "/predict", json=APPLICATION | {"employment_length": None}, headers={"X-Request-ID": "trace-7"}
    )
    decision = answer.json()
    record = next(line for line in logged(shared_service.home) if line.prediction_id == decision["prediction_id"])
    assert record.inputs == APPLICATION | {"employment_length": None}
    reason_codes = [reason["code"] for reason in decision["reasons"]]
    names = ("probability_of_default", "score", "band", "decision")
    assert record.outputs == {name: decision[name] for name in names} | {"reason_codes": reason_codes}
    assert record.model_version == decision["model_version"]
    assert record.request_id == "trace-7"
    assert 0 < record.latency_ms < 1000


def test_who_has_no_key_is_a_401(guarded: Guarded) -> None:
    for key, detail in ((None, "send your key in the header X-API-Key"), ("wrong", "this key is not known")):
        answer = guarded.predict(key)
        assert problem_of(answer, 401)["detail"] == detail
        assert answer.headers["www-authenticate"] == 'ApiKey header="X-API-Key"'


def test_a_key_made_with_new_key_is_let_in(guarded: Guarded) -> None:
    assert guarded.predict(guarded.desk).status_code == 200


def test_health_and_documentation_need_no_key(guarded: Guarded) -> None:
    for path in ("/health", "/ready", "/metrics", "/docs", "/openapi.json"):
        assert guarded.service.client.get(path).status_code == 200
    described = guarded.service.client.get("/openapi.json").json()["paths"]["/predict"]["post"]
    assert {"401", "429"} <= set(described["responses"])
    assert described["security"]


def test_who_asks_too_often_is_a_429_and_the_others_are_served(guarded: Guarded) -> None:
    started, answers = time.monotonic(), [guarded.predict(guarded.partner)]
    while answers[-1].status_code == 200 or len(answers) < 2 * RATE:
        answers.append(guarded.predict(guarded.partner))
    refused = [answer for answer in answers if answer.status_code != 200]
    assert RATE <= len(answers) - len(refused) <= RATE * (1 + time.monotonic() - started) + 1
    for answer in refused:
        assert problem_of(answer, 429)["detail"] == "more than 5 requests a second; come again later"
        assert answer.headers["retry-after"] == "1"
    assert guarded.predict(guarded.desk).status_code == 200


def test_the_log_is_json_and_holds_nothing_of_an_applicant_or_a_caller(guarded: Guarded) -> None:
    client, key = guarded.service.client, {"X-API-Key": guarded.desk}
    application = APPLICATION | {"income": 51_837.25, "application_id": "Applicant-77131"}

    def ask(**more: Any) -> int:
        # The rate limit is no part of this test.
        return wait_for(lambda: found if (found := client.post(**more).status_code) != 429 else None, PATIENCE)

    assert ask(url="/predict?income=51837.25", json=application, headers=key) == 200
    assert ask(url="/predict", json=application | {"age": 918_273}, headers=key) == 422
    assert ask(url="/predict", json=application | {"Applicant-77131": 1}, headers=key) == 422
    assert ask(url="/predict", content=b'{"income": 51837.25', headers=key | JSON) == 400
    assert ask(url="/predict", json=application, headers={"X-API-Key": "Applicant-77131"}) == 401
    assert client.get("/Applicant-77131?income=51837.25").status_code == 404
    assert client.get("/health", headers={"Connection": "Upgrade", "Upgrade": "websocket"}).status_code == 200
    assert raw(guarded.service, b"Applicant-77131\r\n\r\n").startswith(b"HTTP/1.1 400")
    lines = guarded.service.log()
    assert all({"time", "level", "logger", "process", "message"} <= set(line) for line in lines)
    assert {line.get("status") for line in lines} >= {400, 401, 404, 422}
    printed = guarded.service.output.read_text() + next(guarded.service.home.glob("*.err")).read_text()
    found = [word for word in ("51837", "918273", "Applicant", guarded.desk, guarded.partner) if word in printed]
    assert found == []
    assert "127.0.0.1" not in guarded.service.output.read_text()


def test_without_a_model_it_says_so_and_serves_as_soon_as_there_is_one(portfolio: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with running_service(home) as service:
        no_champion = problem_of(service.client.get("/ready"), 503)["detail"]
        assert "there is no champion in" in no_champion
        health = service.client.get("/health").json()
        assert health == {"status": "ok", "model_version": None, "problem": no_champion}
        answer = service.predict()
        assert problem_of(answer, 503)["detail"] == "no model is loaded yet"
        assert answer.headers["retry-after"] == "5"
        assert service.metric("scoring_champion_refused") == 1
        assert service.metric("scoring_model") == 0
        assert logged(home) == []

        shutil.copytree(portfolio / "models", home / "aside")
        (home / "aside").rename(home / "models")
        wait_for(lambda: service.client.get("/ready").is_success, PATIENCE)
        assert service.predict().status_code == 200
        assert service.client.get("/health").json()["problem"] is None
        assert service.metric("scoring_champion_refused") == 0


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"SCORING_RATE_LIMTI": "5"}, "unknown setting SCORING_RATE_LIMTI; did you mean SCORING_RATE_LIMIT?"),
        ({"SCORING_API_KEYS": "desk:secret"}, "SCORING_API_KEYS: entry 1 is not NAME:HASH with a SHA-256 hash"),
        ({"SCORING_CONTRACT": "schemas.application:Nothing"}, "has no class Nothing; it has"),
        ({"SCORING_HOME": "/proc/nothing"}, "No such file or directory: '/proc/nothing'"),
    ],
)
def test_settings_that_cannot_be_used_end_the_start_with_a_message(
    settings: dict[str, str], said: str, workers: str, tmp_path: Path
) -> None:
    ended = run_service(
        "--port", str(own_port()), **{"SCORING_HOME": str(tmp_path), "SCORING_WORKERS": workers} | settings
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: ")
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
    assert "secret" not in ended.stderr


def test_a_port_that_is_taken_ends_the_start_with_a_message(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run_service("--port", str(port), SCORING_HOME=str(tmp_path))
    assert ended.returncode == 1
    said = f"error: cannot listen at 127.0.0.1:{port} (Address already in use); name another port with --port\n"
    assert ended.stderr == said


def test_of_two_services_started_at_once_one_has_the_port(home: Path) -> None:
    port = own_port()
    command = [sys.executable, "-m", "service", "--port", str(port)]
    with (home / "out").open("wb") as printed:
        env = environment(SCORING_HOME=str(home), TMPDIR=str(home))
        both = [
            subprocess.Popen(command, cwd=ROOT, env=env, stdout=printed, stderr=subprocess.STDOUT) for _ in range(2)
        ]
    try:
        wait_for(lambda: any(process.poll() is not None for process in both), START_SECONDS)
        first, second = sorted(both, key=lambda process: process.poll() is None)
        assert first.returncode == 1
        wait_for(lambda: _is_healthy(f"http://127.0.0.1:{port}"), START_SECONDS)
        second.terminate()
        assert second.wait(20) == 0
    finally:
        for process in both:
            process.kill()
            process.wait()


def _is_healthy(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health").is_success
    except httpx.TransportError:
        return False


def test_help_names_the_options_and_the_command_for_keys() -> None:
    shown = run_service("--help")
    assert shown.returncode == 0
    assert all(word in shown.stdout for word in ("--host", "--port", "new-key"))


def test_wrong_usage_is_exit_status_2() -> None:
    for arguments in (["--port", "0"], ["old-key"]):
        ended = run_service(*arguments)
        assert ended.returncode == 2
        assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_it_ends_in_order_with_every_answer_on_record(home: Path, number: signal.Signals) -> None:
    with running_service(home) as service:
        with asking(service.address, callers=4) as asked:
            asked.wait_for_more(100)
            assert service.end(number) == 0
        assert asked.others == []
        assert len(asked.ids) == len(set(asked.ids))
        assert {line.prediction_id for line in logged(home)} >= set(asked.ids)
        assert [path.suffix for path in (home / "predictions").iterdir()] == [".jsonl"]
        assert service.log()[-1]["message"].startswith("Finished server process")
        assert "Traceback" not in next(home.glob("*.err")).read_text()
        # What it kept for its processes is gone.
        assert list(home.glob("credit-express-*")) == []


def test_segments_are_finished_while_it_runs(home: Path) -> None:
    with running_service(home, SCORING_SEGMENT_SECONDS="0.5") as service:
        answer = service.predict().json()
        (path,) = wait_for(lambda: list((home / "predictions").glob("*.jsonl")), PATIENCE)
        assert msgspec.json.decode(path.read_bytes())["prediction_id"] == answer["prediction_id"]
        assert service.metric("scoring_prediction_log_waiting_segments") == 1
        assert service.metric("scoring_prediction_log_open_segments") == 0
