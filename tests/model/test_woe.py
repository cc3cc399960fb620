import numpy as np
import pytest

from model.woe import BinCounts, weight_of_evidence


def test_weight_of_evidence_approaches_the_textbook_figure_as_rows_grow() -> None:
    counts = BinCounts(rows=np.array([600_000, 400_000]), defaults=np.array([60_000, 120_000]))
    goods, bads = np.array([540_000, 280_000]), np.array([60_000, 120_000])
    textbook = np.log((goods / goods.sum()) / (bads / bads.sum()))
    assert weight_of_evidence(counts) == pytest.approx(textbook, abs=1e-4)


def test_a_bin_without_defaults_is_finite_and_safe() -> None:
    woe = weight_of_evidence(BinCounts(rows=np.array([100, 100]), defaults=np.array([0, 20])))
    assert np.isfinite(woe).all()
    assert woe[0] > 0 > woe[1]


def test_a_bin_with_too_few_rows_is_neutral() -> None:
    # 49 and 50 rows: one below the limit, and on it.
    woe = weight_of_evidence(BinCounts(rows=np.array([49, 50, 0, 401]), defaults=np.array([40, 40, 0, 20])))
    assert woe[0] == 0
    assert woe[1] < -1
    assert woe[2] == 0


def test_an_empty_bin_has_no_default_rate() -> None:
    counts = BinCounts(rows=np.array([4, 0]), defaults=np.array([1, 0]))
    assert counts.default_rate(0) == 0.25
    assert counts.default_rate(1) is None
