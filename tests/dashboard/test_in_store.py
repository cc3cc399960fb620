"""The dashboard of a host whose models and reports lie in an object store."""

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from schemas import object_store
from tasks.project import Project
from tests.dashboard.homes import PERIOD
from tests.dashboard.pages import APP, SECONDS, drawn, said
from tests.store import ObjectStore, scoring


def page(name: str) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=SECONDS)
    app.context["locale"] = "en-GB"
    app._page_hash = calc_hash(name)
    return drawn(app)


def test_models_and_reports_are_shown_from_the_store_and_its_trouble_in_words(
    drifted: Project, tmp_path: Path, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = drifted.settings.home_path
    store.put("models", source / "models")
    home = Path(shutil.copytree(source, tmp_path / "home", ignore=shutil.ignore_patterns("models", "reports")))
    key = f"reports/drift_{PERIOD[-1]}.html"
    store.client.put_object(Bucket=store.bucket, Key=key, Body=b"<h1>The report</h1>")
    shared = {name: store.address(name) for name in ("models", "reports")}
    for name, value in scoring({"home": str(home), **shared}).items():
        monkeypatch.setenv(name, value)
    drift, models = page("drift"), page("model")
    drift.button(key="open-report").click()
    drawn(drift)
    assert "The report" in drift.get("iframe")[0].proto.srcdoc
    (version,) = {path.name for path in (source / "models").iterdir() if path.is_dir()}
    assert version in said(models)
    monkeypatch.setattr(object_store, "PATIENCE_SECONDS", 0.5)
    store.stop()
    assert "The object store does not answer for" in said(page("model"))
    store.start()
