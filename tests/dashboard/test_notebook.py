"""The notebook as a person runs it: in a kernel of its own, on warehouses with and without days."""

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tasks.project import Project
from tests.dashboard.homes import LENDINGCLUB, PERIOD
from tests.flows.homes import environment

PATH = Path(__file__).parents[2] / "dashboard" / "drift_analysis.ipynb"
SECTIONS = (
    "1. What is compared",
    "2. Overview",
    "3. The picture over time",
    "4. Feature by feature",
    "5. Alerts of the period",
    "6. Recommendations",
)


def run(home: Path, folder: Path, **more: str) -> Any:
    """The executed notebook; a cell that fails raises. `folder` is what the kernel has instead of a home."""
    notebook = nbformat.read(PATH, as_version=4)  # type: ignore[no-untyped-call]
    folders = {f"{name}_DIR": str(folder / name) for name in ("JUPYTER_RUNTIME", "JUPYTER_CONFIG", "JUPYTER_DATA")}
    variables = {"SCORING_HOME": str(home), "IPYTHONDIR": str(folder), "PLOTLY_RENDERER": "plotly_mimetype", **folders}
    client = NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(PATH.parent)}})
    client.execute(env=environment(**variables, **more))
    return notebook


def outputs(notebook: Any) -> list[Any]:
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def shown(notebook: Any, cell_id: str = "") -> str:
    """What the cells show as text."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell_id in ("", cell.id)]
    found = [output.data.get("text/html", "") for cell in cells for output in cell.outputs]
    return re.sub(r"<[^>]+>", " ", "\n".join(found))


def figures(notebook: Any, cell_id: str) -> list[Any]:
    (cell,) = [cell for cell in notebook.cells if cell.id == cell_id]
    kind = "application/vnd.plotly.v1+json"
    return [output.data[kind] for output in cell.outputs if kind in output.data]


@pytest.fixture(scope="module")
def analysed(drifted: Project, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return run(drifted.settings.home_path, tmp_path_factory.mktemp("kernel"), DRIFT_START=str(PERIOD[0]))


def test_the_committed_notebook_has_no_outputs_and_is_canonical() -> None:
    text = PATH.read_text(encoding="utf-8")
    notebook = json.loads(text)
    nbformat.validate(notebook)
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    ids = [cell["id"] for cell in notebook["cells"]]
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert [cell["outputs"] for cell in code] == [[]] * len(code)
    assert {cell["execution_count"] for cell in code} == {None}
    assert len(set(ids)) == len(ids)
    assert text == json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def test_its_cells_are_short_with_words_between_them() -> None:
    cells = nbformat.read(PATH, as_version=4).cells  # type: ignore[no-untyped-call]
    assert max(cell.source.count("\n") for cell in cells if cell.cell_type == "code") < 12
    headings = [line for cell in cells if cell.cell_type == "markdown" for line in cell.source.splitlines()]
    assert [line.removeprefix("## ") for line in headings if line.startswith("## ")] == list(SECTIONS)


def test_every_section_shows_something_and_nothing_is_said_on_stderr(analysed: Any) -> None:
    showing = {cell.id for cell in analysed.cells if cell.cell_type == "code" and cell.outputs}
    expected = {"compared", "overview", "statistics", "tests", "over-time", "features", "alerts", "recommendations"}
    assert showing == expected
    assert {output.output_type for output in outputs(analysed)} == {"display_data"}


def test_what_was_planted_is_found_and_recommended_on(analysed: Any) -> None:
    advice = shown(analysed, "recommendations")
    assert re.search(r"Income: PSI [\d.]+ \(limit 0\.08\).* median [\d,]+ EUR/year in training", advice)
    assert re.search(
        r"Employment length \(employment_length\): .*missing.*ask the source why the field is blank", advice
    )
    assert "▲ drifted" in shown(analysed, "overview")
    assert f"{PERIOD[0]} {PERIOD[-1]} 3" in " ".join(shown(analysed, "compared").split())
    assert "income" in shown(analysed, "alerts")


def test_every_feature_and_the_score_has_its_pictures_with_units(analysed: Any, drifted: Project) -> None:
    drawn = figures(analysed, "features")
    assert len(figures(analysed, "over-time")) == 1
    assert len(drawn) == len(drifted.contract.features) + 1
    titles = [figure["layout"]["xaxis"]["title"]["text"] for figure in drawn]
    assert titles[1] == "Income (EUR/year)"
    assert titles[-1] == "Score (points)"
    kinds = {trace["type"] for trace in drawn[1]["data"]}
    assert kinds == {"bar", "box", "scatter"}


def test_running_it_again_gives_the_same(analysed: Any, drifted: Project, tmp_path: Path) -> None:
    again = run(drifted.settings.home_path, tmp_path, DRIFT_START=str(PERIOD[0]))
    assert outputs(again) == outputs(analysed)


def test_without_a_warehouse_every_section_says_what_to_do(tmp_path: Path) -> None:
    notebook = run(tmp_path / "home", tmp_path)
    said = {shown(notebook, cell.id).strip() for cell in notebook.cells if cell.id in ("compared", "recommendations")}
    (sentence,) = said
    assert "there is no warehouse" in sentence
    assert "python -m flows score --batch-date DATE" in sentence


def test_another_contract_with_categories_is_analysed_as_well(lender: Project, tmp_path: Path) -> None:
    home = lender.settings.home_path
    notebook = run(home, tmp_path, DRIFT_START=str(PERIOD[0]), SCORING_CONTRACT=LENDINGCLUB)
    advice = shown(notebook, "recommendations")
    assert re.search(
        r"Purpose: .*never seen in training [\d.]+% \(limit 1\.0%\).*ask the source what these levels", advice
    )
    # What stands in a file is shown as it stands there, and does not become part of the page.
    assert "a &lt;b&gt;barge&lt;/b&gt;" in advice
    purpose = next(figure for figure in figures(notebook, "features") if "car" in figure["data"][0].get("x", ()))
    assert purpose["data"][0]["x"][-2:] == ["unseen", "missing"]
