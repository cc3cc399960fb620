"""Prefect's pages in a real browser: what an operator sees of a published and of a blocked batch.

`make screens` runs this and `tests/service/test_docs.py` and keeps the pictures in build/screens.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.homes import DAYS, ROOT, landing_file, new_home
from tests.flows.prefect_server import Prefect, running_prefect

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
KEPT = "SCREENS"  # the folder to keep pictures in; a missing browser is then an error
OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Pages that ask anybody but the server find nobody.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--window-size=1400,1500",
    "--virtual-time-budget=20000",
]

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(BROWSER is None and KEPT not in os.environ, reason="no Chromium on this machine"),
]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if KEPT not in os.environ:
        return tmp_path_factory.mktemp("screens")
    folder = ROOT / os.environ[KEPT]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def prefect(portfolio: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    assert BROWSER, "install Chromium to look at the pages"
    home = new_home(portfolio, tmp_path_factory.mktemp("pages") / "home")
    with landing_file(home, DAYS[-1]).open("a") as file:
        file.writelines(f"bad-{number},{DAYS[-1]},17,40000,9000,6,700\n" for number in range(100))
    with running_prefect(home, 4200) as running:
        yield running


def look(address: str, picture: Path) -> str:
    """The text of a page when its scripts have run, and a picture of it."""
    with tempfile.TemporaryDirectory() as profile:
        command = [str(BROWSER), *OPTIONS, f"--user-data-dir={profile}"]
        subprocess.run([*command, f"--screenshot={picture}", address], check=True, capture_output=True, timeout=120)
        dump = [*command, "--dump-dom", address]
        page = subprocess.run(dump, check=True, capture_output=True, text=True, timeout=120).stdout
    assert picture.stat().st_size > 20_000, "the picture is empty"
    return page


def test_the_page_of_a_published_batch(prefect: Prefect, pictures: Path) -> None:
    day = str(DAYS[0])
    run = prefect.start("daily-scoring", batch_date=day)
    assert prefect.end_of(run)["state_name"] == "Published"
    page = look(f"{prefect.address}/runs/flow-run/{run}", pictures / "published.png")
    for words in (day, "Published", "daily-scoring", f"published {day}-r1-", "gate"):
        assert words in page
    (artifact,) = [item for key, item in prefect.artifacts(run).items() if key.startswith("batch-")]
    page = look(f"{prefect.address}/artifacts/artifact/{artifact['id']}", pictures / "published_summary.png")
    for words in (f"Batch of {day}, revision 1", "approval rate", "Score distribution", "Drift"):
        assert words in page


def test_the_page_of_a_blocked_batch(prefect: Prefect, pictures: Path) -> None:
    day = str(DAYS[-1])
    run = prefect.start("daily-scoring", batch_date=day)
    assert prefect.end_of(run)["state_name"] == "Blocked"
    page = look(f"{prefect.address}/runs/flow-run/{run}", pictures / "blocked.png")
    for words in (day, "Blocked", "is blocked; nothing of it is published", "rows quarantined", "below_minimum"):
        assert words in page
    (artifact,) = [item for key, item in prefect.artifacts(run).items() if key.startswith("batch-")]
    page = look(f"{prefect.address}/artifacts/artifact/{artifact['id']}", pictures / "blocked_summary.png")
    assert f"Batch of {day}: blocked" in page
    assert "quarantined_share" in page


def test_the_form_of_a_backfill(prefect: Prefect, pictures: Path) -> None:
    address = f"{prefect.address}/deployments/deployment/{prefect.deployment('backfill')['id']}/run"
    page = look(address, pictures / "backfill_form.png")
    for words in ("First business date", "Last business date", "Whose model scores"):
        assert words in page
    page = look(f"{prefect.address}/deployments", pictures / "deployments.png")
    assert all(name in page for name in ("daily-scoring", "catch-up", "backfill", "outcomes", "train"))
