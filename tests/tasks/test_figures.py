from pathlib import Path

import polars
import pytest

from tasks.staging import Staging
from tasks.summary import figures_of


def test_figures_are_those_of_all_parts_together(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    scores = polars.DataFrame(
        {
            "band": ["A", "B", "A", "C", "A"],
            "decision": ["approve", "refer", "approve", "decline", "refer"],
            "score": polars.Series([600, 550, 610, 400, 620], dtype=polars.Int32),
            "probability_of_default": [0.01, 0.05, 0.02, 0.5, 0.03],
        }
    )
    # The middle one is empty: all rows of its chunk were quarantined.
    for place, (start, end) in enumerate([(0, 2), (2, 2), (2, 5)]):
        scores[start:end].write_parquet(staging.part("scores", place, 0))
    found = figures_of(staging)
    assert found.decisions == {"approve": 2, "refer": 2, "decline": 1}
    assert [band[:2] for band in found.bands] == [("A", 3), ("B", 1), ("C", 1)]
    assert [band[2:] for band in found.bands] == [pytest.approx(x) for x in ((610, 0.02), (550, 0.05), (400, 0.5))]


def test_without_scores_there_are_no_figures(tmp_path: Path) -> None:
    found = figures_of(Staging(tmp_path))
    assert (found.decisions, list(found.bands)) == ({"approve": 0, "refer": 0, "decline": 0}, [])
