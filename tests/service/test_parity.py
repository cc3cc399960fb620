import csv
import http.client
import json
import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import polars
import pytest
from msgspec import Meta, Struct

from model.champion import load_champion
from model.scorer import Score, Scorer
from model.trained import Model
from schemas.characteristic import Characteristic, Column, derived
from schemas.columns import columns_of
from schemas.contract import Contract, read_contract
from schemas.parsing import TYPES
from schemas.request import RequestReader
from tests.body import run_day
from tests.contracts.everything import Everything
from tests.contracts.lendingclub import LendingClub
from tests.flows.homes import landing_file, project_at, query
from tests.model.test_lendingclub import DATA, read_loans
from tests.service.drawn import LAST_DAY, Application, Drawing, bins_of, fitted_to_drawn, frame_of
from tests.service.running import Service, running_service

CONNECTIONS = 4
REASON = Characteristic(reason="It shows a raised risk.")


class Curved(Struct, frozen=True, kw_only=True):
    """Whole numbers without bounds, and features that are not exact in a float64: logarithms, powers, ratios."""

    income: Annotated[float, Meta(gt=0, le=1e9), REASON]
    amount: Annotated[float, Meta(ge=0, le=1e7), REASON]
    account: Annotated[int, REASON]
    guarantor: Annotated[bool, REASON] | None = None
    born: date
    kind: Annotated[Literal["car", "house: new", "Ö"], REASON] | None = None

    @derived(title="Logarithm of income", reason="Your income is low.")
    @staticmethod
    def log_income(income: Column) -> Column:
        return np.log(income)

    @derived(title="Curved burden", reason="The amount is high for your income.")
    @staticmethod
    def burden(amount: Column, income: Column) -> Column:
        ratio: Column = np.expm1(np.tanh(amount / income))
        return ratio + (amount + 1.0) ** 0.37

    @derived(title="Age", protected=True)
    @staticmethod
    def years(born: Column) -> Column:
        return (born - np.datetime64(LAST_DAY)) / np.timedelta64(-1, "D") / 365.25

    @derived(title="Vouched for", reason="Nobody vouches for you.")
    @staticmethod
    def vouched(guarantor: Column, kind: Column) -> Column:
        return np.where(kind == "car", guarantor, np.nan)


EVERYTHING, CURVED, LENDINGCLUB = map(read_contract, (Everything, Curved, LendingClub))


def score_of(row: Sequence[Any]) -> Score:
    """A row of the warehouse's `scores`, from the probability on."""
    probability_of_default, score, band, decision, reason_codes = row
    return Score(probability_of_default, score, band, decision, tuple(reason_codes))


def batch_of(scorer: Scorer, contract: Contract, applications: Sequence[Application]) -> list[Score]:
    """What each of the applications gets in one batch of all of them."""
    scores = scorer.score(columns_of(contract, frame_of(contract, applications))).to_frame()
    return [score_of(row) for row in scores.iter_rows()]


def differences(scorer: Scorer, contract: Contract, applications: Sequence[Application]) -> list[tuple[Any, ...]]:
    """Applications that are scored otherwise alone, read from a request, than in one batch of all of them."""
    reader = RequestReader(contract, lambda: LAST_DAY)
    found = []
    for row, (values, batch) in enumerate(zip(applications, batch_of(scorer, contract, applications), strict=True)):
        alone = scorer.score_one(reader.read(body_of(contract, values, row)).inputs)
        # As they are written out: NumPy's numbers would be something else.
        if repr(alone) != repr(batch):
            found.append((values, alone, batch))
    return found


def body_of(contract: Contract, values: Mapping[str, Any], number: int) -> bytes:
    """A request; every third has its whole numbers with a point, every fifth leaves out what is missing."""
    given = {name: value for name, value in values.items() if value is not None or number % 5}
    if number % 3 == 0:
        whole = {field.name for field in contract.fields if field.kind == "integer"}
        exact = {name: float(value) for name, value in given.items() if name in whole and abs(value) < 2**53}
        given |= exact
    return json.dumps(given, default=str, ensure_ascii=number % 2 == 0).encode()


def ratios_at_edges(model: Model, drawing: Drawing, feature: str, over: str, under: str) -> Iterator[Application]:
    """Applications whose ratio of two fields lies at an edge of its bins, as near as doubles come, on either side."""
    for edge in getattr(bins_of(model)[feature], "edges", ()):
        for _ in range(50):
            values = drawing.usual()
            near = edge * values[under]
            for value in (near, math.nextafter(near, -math.inf), math.nextafter(near, math.inf)):
                if drawing.keeps(over, value):
                    yield values | {over: value}


@pytest.fixture(scope="module")
def model(portfolio: Path) -> Model:
    """The champion of the default contract."""
    project = project_at(portfolio)
    return load_champion(project.settings.path("models"), project.contract).model


@pytest.mark.parametrize("contract", [EVERYTHING, CURVED, LENDINGCLUB], ids=["Everything", "Curved", "LendingClub"])
def test_one_application_is_scored_to_the_bit_as_in_a_batch(model: Model, contract: Contract) -> None:
    fitted = fitted_to_drawn(model, contract)
    drawing = Drawing(contract, seed=1, bins=bins_of(fitted))
    applications = drawing.applications(10_000)
    if contract is EVERYTHING:
        at_edges = [*ratios_at_edges(fitted, drawing, "price_to_income", "price", "income")]
        assert len(at_edges) > 100
        applications += at_edges
    scorer = Scorer(fitted, contract)
    assert differences(scorer, contract, applications)[:3] == []
    # All that can come out does: otherwise little would be compared.
    scores = batch_of(scorer, contract, applications)
    assert {score.decision for score in scores} == {"approve", "refer", "decline"}
    assert len({score.band for score in scores}) == 5
    assert {code for score in scores for code in score.reason_codes} == {
        feature.name.upper() for feature in contract.features if not feature.characteristic.protected
    }


@pytest.mark.skipif(not DATA.exists(), reason=f"the LendingClub data is not at {DATA.resolve()}")
def test_real_loans_are_scored_to_the_bit_as_in_a_batch(model: Model) -> None:
    scorer = Scorer(fitted_to_drawn(model, LENDINGCLUB), LENDINGCLUB)
    fields = [polars.col(field.name).cast(TYPES[field.kind]) for field in LENDINGCLUB.fields]
    rows = read_loans(LENDINGCLUB).select(fields)
    assert differences(scorer, LENDINGCLUB, rows.to_dicts())[:3] == []


@pytest.fixture(scope="module")
def applications(portfolio: Path, model: Model) -> list[Application]:
    found = Drawing(project_at(portfolio).contract, seed=2, bins=bins_of(model)).applications(5_000)
    return [row | {"application_id": f"P-{number}"} for number, row in enumerate(found)]


def test_the_service_answers_to_the_bit_what_a_batch_gets(
    shared_service: Service, model: Model, applications: list[Application], portfolio: Path
) -> None:
    contract = project_at(portfolio).contract
    answers = asked(shared_service, contract, applications)
    batch = batch_of(Scorer(model, contract), contract, applications)
    differing = [case for case in zip(applications, answers, batch, strict=True) if case[1] != case[2]]
    assert differing[:3] == []
    assert {score.decision for score in batch} == {"approve", "refer", "decline"}


def test_a_file_in_the_landing_zone_and_the_same_rows_over_http_end_alike(
    portfolio: Path, tmp_path: Path, applications: list[Application]
) -> None:
    home, day = tmp_path / "home", LAST_DAY
    shutil.copytree(portfolio / "models", home / "models")
    (home / "landing").mkdir()
    rows = applications[:2_000]
    project = project_at(home)
    with landing_file(home, day).open("w", newline="") as file:
        writer = csv.DictWriter(file, ["application_id", *(field.name for field in project.contract.fields)])
        writer.writeheader()
        writer.writerows(rows)
    assert run_day(project, day).new
    stored = query(
        home,
        "SELECT application_id, probability_of_default, score, band, decision, reason_codes FROM current_scores",
    )
    assert len(stored) == len(rows)
    batch = {name: score_of(row) for name, *row in stored}
    with running_service(home) as service:
        answers = asked(service, project.contract, rows)
    differing = [
        (row, answer) for row, answer in zip(rows, answers, strict=True) if answer != batch[row["application_id"]]
    ]
    assert differing[:3] == []


def asked(service: Service, contract: Contract, applications: Sequence[Application]) -> list[Score]:
    """What the service answers, over a few connections that are kept."""
    bodies = [body_of(contract, values, number) for number, values in enumerate(applications)]
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        shares = [bodies[number::CONNECTIONS] for number in range(CONNECTIONS)]
        answered = [*threads.map(lambda share: asked_on_one_connection(service, share), shares)]
    return [answered[number % CONNECTIONS][number // CONNECTIONS] for number in range(len(bodies))]


def asked_on_one_connection(service: Service, bodies: Sequence[bytes]) -> list[Score]:
    connection = http.client.HTTPConnection(service.address.removeprefix("http://"), timeout=30)
    try:
        return [decision_of(connection, body) for body in bodies]
    finally:
        connection.close()


def decision_of(connection: http.client.HTTPConnection, body: bytes) -> Score:
    connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    found = json.loads(answer.read())
    assert answer.status == 200, found
    return Score(
        found["probability_of_default"],
        found["score"],
        found["band"],
        found["decision"],
        tuple(reason["code"] for reason in found["reasons"]),
    )
