"""Evidently's report: what it says, what it leaves out and says so, and that it loads nothing."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
from numpy.typing import NDArray
from scipy.stats import chisquare, ks_2samp, wasserstein_distance

from model.reference import SCORE, Reference, reference_of
from schemas.characteristic import Column
from tasks.evidently_report import THRESHOLDS, ReportNote, Sampled, run_tests, sample_columns, write_drift_report
from tests.flows.homes import ROOT

pytestmark = [
    # Evidently 0.7.23 says so when it is imported, of NumPy and of the Litestar that serves its own dashboard.
    pytest.mark.filterwarnings("ignore:numpy.core is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Call to deprecated function 'Dependency':DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Use of deprecated class 'DependencyKwarg':DeprecationWarning"),
]

TITLE = "Drift on 2026-06-30"
ROWS = 400
FEW = "fewer than 2 values in the batch"
INFINITE = "infinite or too large values"


class Loads(HTMLParser):
    """What a browser would load for a page, and the text of its scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        loading = {"src", "srcset", "poster", "data"} | ({"href"} if tag in ("link", "base", "image", "use") else set())
        self.addresses += [value or "" for name, value in attrs if name in loading]

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self._inside, []).append(data)


def values(seed: int = 0, rows: int = ROWS) -> dict[str, Column]:
    """Columns of a portfolio: two numbers, one with gaps, a category, and the score."""
    generator = np.random.default_rng(seed)
    income = generator.lognormal(8, 0.5, rows)
    debts = np.where(generator.random(rows) < 0.1, np.nan, generator.normal(0.3, 0.1, rows))
    purpose = generator.choice(np.array(["car", "home", None], dtype=object), rows, p=[0.6, 0.3, 0.1])
    return {"income": income, "debts": debts, "purpose": purpose, SCORE: np.round(generator.normal(600, 50, rows))}


def reference(columns: Mapping[str, Column]) -> Reference:
    return {name: reference_of(name, column) for name, column in columns.items()}


def batch(columns: Mapping[str, Column]) -> polars.DataFrame:
    """A batch as tasks hand it over: strings and floats, null for missing."""
    series = (polars.Series(name, column.tolist()) for name, column in columns.items())
    return polars.DataFrame([column.fill_nan(None) if column.dtype.is_numeric() else column for column in series])


def shown(note: ReportNote) -> dict[str, Any]:
    """What the page draws."""
    page = note.path.read_text()
    found: dict[str, Any] = json.JSONDecoder().raw_decode(page, page.index("var report = ") + len("var report = "))[0]
    return found


def verdicts(note: ReportNote) -> list[tuple[str, str]]:
    """The counters of the page, as heading and sentence."""
    counters = [
        counter for widget in shown(note)["widgets"] for counter in (widget["params"] or {}).get("counters", [])
    ]
    return [(counter["value"], counter["label"]) for counter in counters]


def report_of_one(tmp_path: Path, before: Sequence[object], after: Sequence[object]) -> ReportNote:
    """The report of a portfolio in which the column `x` was and is as given."""
    was = np.array(before, dtype=object if "car" in before else None)
    known = {"x": reference_of("x", was), **reference({SCORE: values()[SCORE]})}
    kind = polars.String if was.dtype == object else polars.Float64
    scores = polars.Series(SCORE, np.resize(values(1)[SCORE], len(after)))
    current = polars.DataFrame([polars.Series("x", after, dtype=kind), scores])
    return write_drift_report(tmp_path / "report.html", TITLE, known, current)


def test_a_report_shows_every_column_and_its_tests(tmp_path: Path) -> None:
    path = tmp_path / "reports" / "drift.html"
    note = write_drift_report(path, TITLE, reference(values()), batch(values(1)))
    assert note == ReportNote(path=path, compared=("income", "debts", "purpose", SCORE), left_out={})
    methods = [(found, re.findall("method: (.*?)[.] Drift score", sentence)) for found, sentence in verdicts(note)]
    of_numbers = [["K-S p_value"], ["Wasserstein distance (normed)"], ["PSI"]]
    assert methods == [
        ("", []),
        *[("Drift in column 'income'", method) for method in of_numbers],
        *[("Drift in column 'debts'", method) for method in of_numbers],
        *[("Drift in column 'purpose'", method) for method in (["chi-square p_value"], ["PSI"])],
        *[("Drift in column 'score'", method) for method in of_numbers],
    ]
    widgets = shown(note)["widgets"]
    assert [widget["type"] for widget in widgets] == ["counter", "table", *["counter", "big_graph"] * 4]
    assert widgets[1]["params"]["data"] == [[test, str(threshold)] for test, threshold in THRESHOLDS.items()]
    assert Loads(path.read_text()).texts["title"] == [TITLE]
    assert list(path.parent.iterdir()) == [path]


def test_a_browser_loads_nothing_for_it(tmp_path: Path) -> None:
    page = Loads(write_drift_report(tmp_path / "a.html", TITLE, reference(values()), batch(values(1))).path.read_text())
    assert page.addresses == []
    styles = "".join(page.texts["style"])
    assert set(re.findall(r"url\(['\"]?(\w+:)?", styles)) == {"data:"}
    assert "@import" not in styles
    assert Loads('<link href="//x"><a href="//y"></a><img src="//z">').addresses == ["//x", "//z"]


def test_making_one_calls_nobody_and_imports_evidently_only_then(tmp_path: Path) -> None:
    program = f"""
import sys
sys.addaudithook(lambda event, _: event in ("socket.connect", "socket.getaddrinfo") and sys.exit(event))
from pathlib import Path
import numpy, polars
from model.reference import reference_of
from tasks.evidently_report import write_drift_report
assert "evidently" not in sys.modules
known = {{"x": reference_of("x", numpy.arange(9.0))}}
write_drift_report(Path({str(tmp_path / "a.html")!r}), "a", known, polars.DataFrame({{"x": [1.0, 2.0]}}))
assert "evidently" in sys.modules and "evidently.telemetry" not in sys.modules
"""
    # No DO_NOT_TRACK in its environment.
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, env={}, check=True)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        pytest.param([1.0, 2.0], [None, None], FEW, id="all missing"),
        pytest.param([1.0, 2.0], [1.0, None], FEW, id="one value"),
        pytest.param([1.0, 2.0], [1.0], FEW, id="one row"),
        pytest.param([1.0, 2.0], [], FEW, id="no row"),
        pytest.param([np.nan] * 3, [1.0, 2.0], "fewer than 2 values in the reference", id="all missing in training"),
        pytest.param(
            [np.nan] * 3, [None] * 3, "fewer than 2 values in the reference and the batch", id="all missing in both"
        ),
        pytest.param([5.0] * 3, [5.0] * 3, "one and the same value throughout", id="constant"),
        pytest.param([1.0, 2.0], [1.0, np.inf], INFINITE, id="infinite"),
        pytest.param([1.0, 2.0], [-1e200, 1e200], INFINITE, id="squares overflow"),
        pytest.param([0.3] * 3, [0.1 + 0.2] * 3, "values too close together for a histogram", id="rounding error"),
        # Evidently draws an only value in the middle of a range of one: for this number there is no such range.
        pytest.param([1e17] * 3, [1.0, 2.0], "values too close together for a histogram", id="constant and large"),
    ],
)
def test_what_cannot_be_compared_is_left_out_and_named(
    tmp_path: Path, before: list[float], after: list[float | None], reason: str
) -> None:
    note = report_of_one(tmp_path, before, after)
    assert note.left_out["x"] == reason
    if note.compared:
        assert ["x", reason] in shown(note)["widgets"][2]["params"]["data"]
    else:
        assert f"<li>x: {reason}</li>" in note.path.read_text()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param([1.0, 2.0], [1.0, 2.0], id="two values"),
        pytest.param([5.0] * 9, [7.0] * 9, id="another constant"),
        pytest.param([0.0, 1.0] * 9, [0.0] * 9, id="constant in the batch only"),
        pytest.param([1e-307, 2e-307] * 9, [1e-307, 4e-307] * 9, id="tiny"),
        pytest.param([1e149, -1e149] * 9, [0.0, 1e149] * 9, id="large"),
        pytest.param([1.0, 2.0] * 9, [3.0, None] * 9, id="with gaps"),
    ],
)
def test_what_can_be_compared_is(tmp_path: Path, before: list[float], after: list[float | None]) -> None:
    note = report_of_one(tmp_path, before, after)
    assert note.compared == ("x", SCORE)


def test_with_no_column_to_compare_the_page_says_so(tmp_path: Path) -> None:
    note = write_drift_report(tmp_path / "a.html", "<b>", reference(values()), batch(values()).clear())
    assert note.compared == ()
    assert note.left_out == dict.fromkeys(values(), FEW)
    page = Loads(note.path.read_text())
    assert page.texts["h1"] == ["<b>"]
    assert page.texts["p"] == ["No column can be compared."]
    assert page.texts["li"] == [f"{name}: {FEW}" for name in values()]


def test_levels_are_compared_as_the_reference_knows_them(tmp_path: Path) -> None:
    note = report_of_one(tmp_path, ["car", "home", None] * 20, ["car", "boat"] * 20)
    assert note.compared == ("x", SCORE)
    # Where none was unseen, one that is makes a p-value of 0.
    first = "Data drift detected. Drift detection method: chi-square p_value. Drift score: 0.0"
    assert verdicts(note)[1] == ("Drift in column 'x'", first)
    levels = {level for bars in shown(note)["widgets"][3]["params"]["data"] for level in bars["x"]}
    assert levels == {"car", "home", "unseen"}


def test_texts_with_markup_stay_texts(tmp_path: Path) -> None:
    names = ["index", "per", "</script><script>alert(1)</script>", "Größe in % %{x}", 'it\'s "quoted"', "^.*$", "*"]
    income, levels = values()["income"], np.array(["<a href='//x'>", "</script>", "&amp;"] * 9, dtype=object)
    columns = {**dict.fromkeys(names, income), "level <i>": levels}
    note = write_drift_report(
        tmp_path / "a.html",
        "</title>",
        reference(columns),
        batch({name: column[:27] for name, column in columns.items()}),
    )
    assert note.compared == tuple(columns)
    assert {found for found, _ in verdicts(note)[1:]} == {f"Drift in column '{name}'" for name in columns}
    page = Loads(note.path.read_text())
    assert page.texts["title"] == ["</title>"]
    # Data, a line for old browsers, the library, and the call that draws.
    assert len(page.texts["script"]) == 4
    assert "&lt;a href=&#x27;//x&#x27;&gt;" in json.dumps(shown(note))


def test_the_same_seed_draws_the_same_rows() -> None:
    known, current = reference(values(rows=5_000)), batch(values(1, rows=5_000))
    first, again, other = (sample_columns(known, current, 100, seed) for seed in (1, 1, 2))
    for name, column in first.items():
        np.testing.assert_array_equal(column.reference, again[name].reference)
        np.testing.assert_array_equal(column.current, again[name].current)
    assert not np.array_equal(first["income"].reference, other["income"].reference)
    assert not np.array_equal(first["income"].current, other["income"].current)
    assert {len(column) for column in (first["income"].reference, first["income"].current)} == {100}


def test_a_sample_is_of_the_rows_that_there_are() -> None:
    columns = values()
    everything = sample_columns(reference(columns), batch(columns), 10_000, 0)
    debts, purpose = everything["debts"], everything["purpose"]
    present = columns["debts"][~np.isnan(columns["debts"])]
    np.testing.assert_array_equal(np.sort(debts.reference), np.sort(present))
    np.testing.assert_array_equal(debts.current, columns["debts"])
    assert list(purpose.reference) == list(purpose.current) == sorted(columns["purpose"][columns["purpose"] != None])  # noqa: E711 - elementwise


def test_more_rows_than_values_were_kept_are_drawn_from_these() -> None:
    income = values()["income"]
    known = {"income": reference_of("income", income, max_values=50)}
    drawn = sample_columns(known, batch({"income": income}), ROWS, 0)["income"].reference
    assert len(drawn) == ROWS
    assert set(drawn) == set(known["income"].sample)


def test_thresholds_say_what_evidently_calls_drift(tmp_path: Path) -> None:
    income = {"x": values()["income"]}
    # With nothing changed the p-value is 1 and the distances are 0.
    thresholds = {"ks": 1.1, "psi": 0.0}
    note = write_drift_report(
        tmp_path / "a.html", TITLE, reference(income), batch(income), rows=ROWS, thresholds=thresholds
    )
    said = [sentence.split(". Drift detection")[0] for _, sentence in verdicts(note)[1:]]
    assert said == ["Data drift detected", "Data drift not detected", "Data drift detected"]
    assert shown(note)["widgets"][1]["params"]["data"] == [
        ["ks", "1.1"],
        ["chisquare", "0.05"],
        ["wasserstein", "0.1"],
        ["psi", "0.0"],
    ]


def test_statistics_are_defined_as_in_scipy() -> None:
    columns = sample_columns(reference(values()), batch({**values(1), "debts": values(1)["debts"] + 0.02}), ROWS, 0)
    found = {
        (metric["config"]["column"], metric["config"]["method"]): metric["value"]
        for metric in run_tests(columns, THRESHOLDS).dict()["metrics"]
    }
    expected = {}
    for name in ("income", "debts", SCORE):
        before, after = (side[~np.isnan(side)] for side in (columns[name].reference, columns[name].current))
        expected[name, "ks"] = ks_2samp(before, after).pvalue
        # In population standard deviations of the reference.
        expected[name, "wasserstein"] = wasserstein_distance(before, after) / before.std()
        edges = np.histogram_bin_edges(np.concatenate([before, after]), "sturges")
        expected[name, "psi"] = psi(np.histogram(before, edges)[0], np.histogram(after, edges)[0])
    before, after = rows_by_level(columns["purpose"])
    expected["purpose", "chisquare"] = chisquare(after, before * after.sum() / before.sum()).pvalue
    expected["purpose", "psi"] = psi(before, after)
    assert found == pytest.approx(expected)


def rows_by_level(column: Sampled) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    levels = ("car", "home")
    before, after = (
        np.array([np.sum(side == level) for level in levels]) for side in (column.reference, column.current)
    )
    return before, after


def psi(before: NDArray[np.int64], after: NDArray[np.int64]) -> float:
    """Of shares, those of empty bins 0.0001."""
    r, c = (np.where(rows == 0, 0.0001, rows / rows.sum()) for rows in (before, after))
    return float(np.sum((r - c) * np.log(r / c)))


def test_a_crash_leaves_the_report_that_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.html"
    path.write_text("old")

    def crash(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("evidently.core.report.Snapshot.run", crash)
    with pytest.raises(ZeroDivisionError):
        write_drift_report(path, TITLE, reference(values()), batch(values(1)))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_reports_made_at_once_are_those_made_in_turn(tmp_path: Path) -> None:
    known = reference(values())

    def make(number: int) -> list[tuple[str, str]]:
        return verdicts(write_drift_report(tmp_path / f"{number}.html", TITLE, known, batch(values(number))))

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(make, range(1, 4))) == list(map(make, range(1, 4)))
