from typing import Any

import numpy as np
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from model.policy import DECISIONS
from model.scorer import BLOCK, Scorer
from model.trained import Model
from tests.model.portfolio import BORROWER, make_portfolio, row_of

ROW: Any = st.fixed_dictionaries(
    {
        "years": st.integers(18, 99).map(float),
        "income": st.one_of(st.just(np.nan), st.floats(0, 1e7)),
        "amount": st.floats(100, 1e6),
        "guarantor": st.sampled_from([0.0, 1.0]),
        "housing": st.sampled_from(["RENT", "OWN", "OTHER", None]),
        "purpose": st.one_of(st.sampled_from(["car", "house", "rare"]), st.text(max_size=5)),
    }
)


def columns_from(rows: list[dict[str, Any]]) -> dict[str, Any]:
    kinds = {field.name: object if field.kind == "category" else float for field in BORROWER.fields}
    return {name: np.array([row[name] for row in rows], dtype=kind) for name, kind in kinds.items()}


@pytest.fixture(scope="module")
def most_points(model: Model) -> NDArray[np.int32]:
    return np.array([points.max() for points in model.scorecard.points_])


@settings(deadline=None, max_examples=60)
@given(rows=st.lists(ROW, min_size=1, max_size=30))
def test_points_add_up_to_the_score_and_the_score_gives_the_probability(
    scorer: Scorer, model: Model, rows: Any
) -> None:
    columns = columns_from(rows)
    scores = scorer.score(columns)
    assert np.array_equal(scorer.points(columns).sum(axis=1), scores.score)
    odds = 50.0 * 2 ** ((scores.score - 600) / 20)
    assert scores.probability_of_default == pytest.approx(1 / (1 + odds), rel=1e-12)
    assert np.array_equal(
        model.scorecard.predict_proba(BORROWER.features_of(columns))[:, 1], scores.probability_of_default
    )


@settings(deadline=None, max_examples=60)
@given(rows=st.lists(ROW, min_size=1, max_size=30))
def test_a_row_alone_is_scored_as_in_a_batch(scorer: Scorer, rows: Any) -> None:
    columns = columns_from(rows)
    batch = scorer.score(columns).to_frame()
    alone = [scorer.score(row_of(columns, row)).to_frame() for row in range(len(rows))]
    assert polars.concat(alone).equals(batch)


@settings(deadline=None, max_examples=60)
@given(rows=st.lists(ROW, min_size=1, max_size=30))
def test_reasons_are_the_unprotected_features_that_cost_most(scorer: Scorer, most_points: Any, rows: Any) -> None:
    columns = columns_from(rows)
    lost = most_points - scorer.points(columns)
    scores = scorer.score(columns)
    for row in range(len(rows)):
        costs = [
            (-int(lost[row, index]), index)
            for index, feature in enumerate(BORROWER.features)
            if lost[row, index] > 0 and not feature.characteristic.protected
        ]
        expected = [BORROWER.features[index].name.upper() for _, index in sorted(costs)[:4]]
        assert scores.reasons(row) == expected
        assert "YEARS" not in scores.reasons(row)


def test_the_frame_says_what_the_arrays_say(scorer: Scorer, model: Model) -> None:
    columns = make_portfolio(BLOCK + 7, seed=5).columns
    scores = scorer.score(columns)
    frame = scores.to_frame()
    assert frame.schema == {
        "probability_of_default": polars.Float64,
        "score": polars.Int32,
        "band": polars.String,
        "decision": polars.String,
        "reason_codes": polars.List(polars.String),
    }
    assert frame["score"].to_list() == scores.score.tolist()
    assert frame["band"].to_list() == scores.band.tolist()
    assert frame["decision"].to_list() == scores.decision.tolist()
    assert frame["reason_codes"].to_list() == [scores.reasons(row) for row in range(len(scores))]
    policy = model.policy
    assert scores.decision.tolist() == [DECISIONS[code] for code in policy.decision_codes(scores.score)]
    assert set(frame["decision"]) == {"approve", "refer", "decline"}
    assert set(frame["band"]) == {"A", "B", "C", "D", "E"}


def test_no_rows_give_no_scores(scorer: Scorer) -> None:
    columns = row_of(make_portfolio(1).columns, 1)
    frame = scorer.score(columns).to_frame()
    assert frame.height == 0
    assert frame.schema["reason_codes"] == polars.List(polars.String)
