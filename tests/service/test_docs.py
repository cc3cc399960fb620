"""`/docs` in a real browser that can reach nobody but the service."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.homes import ROOT
from tests.flows.test_pages import BROWSER, KEPT
from tests.service.browser import Page, page_at
from tests.service.running import Service, logged

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(BROWSER is None and KEPT not in os.environ, reason="no Chromium on this machine"),
]
OPERATION = "#operations-Scoring-predict"
ANSWER = f"{OPERATION} .live-responses-table tbody"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if KEPT not in os.environ:
        return tmp_path_factory.mktemp("screens")
    folder = ROOT / os.environ[KEPT]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def page(shared_service: Service) -> Iterator[Page]:
    """The documentation, with its operations to be seen."""
    with page_at(f"{shared_service.address}/docs") as page:
        page.wait_for("document.querySelectorAll('.opblock').length")
        yield page
        assert page.complaints == []
        assert page.hosts == {"127.0.0.1"}


def test_the_page_shows_every_operation(page: Page, pictures: Path) -> None:
    text = page.text
    for words in ("Credit scoring", "/predict", "/health", "/ready", "/metrics", "Score one application"):
        assert words in text
    page.keep_picture(pictures / "docs.png")
    assert (pictures / "docs.png").stat().st_size > 20_000


def test_an_application_can_be_tried_out(page: Page, shared_service: Service, pictures: Path) -> None:
    page.click(f"{OPERATION} .opblock-summary-control")
    application = json.loads(page.wait_for(f"document.querySelector('{OPERATION} textarea')?.value"))
    page.keep_picture(pictures / "docs_predict.png")
    # Values that Swagger UI makes up where the document gives none.
    assert not any(words in page.text for words in ('"string"', "undefined", "No links"))
    page.click(f"{OPERATION} .execute")
    status = page.wait_for(f"document.querySelector('{ANSWER} .response-col_status')?.innerText")
    assert status.split()[0] == "200"
    page.keep_picture(pictures / "docs_answer.png")
    shown = page.evaluate(f"document.querySelector('{ANSWER} .highlight-code').innerText")
    assert '"probability_of_default"' in shown
    record = logged(shared_service.home)[-1]
    assert record.prediction_id in shown
    assert {name: application.get(name) for name in record.inputs} == record.inputs


def test_the_schema_of_an_application_says_what_its_fields_are(page: Page, pictures: Path) -> None:
    page.click(f"{OPERATION} .opblock-summary-control")
    body = f"{OPERATION} .opblock-section-request-body"
    page.click(f"{body} .model-example .tabitem:nth-child(2) button")
    fields = f"{body} .json-schema-2020-12-property > article > .json-schema-2020-12-head"
    page.wait_for(f"document.querySelectorAll('{fields}').length")
    page.evaluate(
        f"document.querySelectorAll('{fields} .json-schema-2020-12-expand-deep-button').forEach(b => b.click())"
    )
    shown = f"document.querySelector('{body}').innerText"
    text = page.wait_for(f"{shown}.includes('credit bureau') && {shown}")
    page.keep_picture(pictures / "docs_schema.png")
    for words in ("Age of the applicant on the day of the application. Unit: years.", "[18, 100]", "Unit: EUR/year."):
        assert words in text
