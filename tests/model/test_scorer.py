import math
from dataclasses import replace
from typing import Any

import numpy as np
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from model.policy import DECISIONS
from model.scorecard import Scorecard
from model.scorer import BLOCK, Score, Scorer, Scores
from model.trained import Model
from tests.model.portfolio import BORROWER, Portfolio, make_portfolio, row_of

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


def values_from(row: dict[str, Any]) -> dict[str, Any]:
    """A row as a request brings it: None for what is missing, booleans as they are."""
    found = {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}
    return found | {"guarantor": None if found["guarantor"] is None else bool(found["guarantor"])}


def row_from(scores: Scores, row: int) -> Score:
    return Score(
        scores.probability_of_default[row].item(),
        scores.score[row].item(),
        scores.band[row],
        scores.decision[row],
        tuple(scores.reasons(row)),
    )


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


# Equal as they are written out: no NumPy number is left, which JSON could not take.
@settings(deadline=None, max_examples=100)
@given(rows=st.lists(ROW, min_size=1, max_size=30))
def test_one_application_is_scored_as_in_a_batch(scorer: Scorer, rows: Any) -> None:
    scores = scorer.score(columns_from(rows))
    for place, row in enumerate(rows):
        assert repr(scorer.score_one(values_from(row))) == repr(row_from(scores, place))


def test_every_bin_of_every_feature_gives_one_application_what_it_gives_a_batch(
    scorer: Scorer, model: Model, portfolio: Portfolio
) -> None:
    rows = [{name: column[0] for name, column in portfolio.columns.items()}]
    for feature, bins in zip(model.scorecard.features, model.scorecard.bins_, strict=True):
        if feature.name in portfolio.columns:
            edges = getattr(bins, "edges", getattr(bins, "levels", ()))
            rows += [rows[0] | {feature.name: value} for value in (*edges, None if feature.categorical else np.nan)]
    assert len(rows) > 20
    scores = scorer.score(columns_from(rows))
    assert [repr(scorer.score_one(values_from(row))) for row in rows] == [
        repr(row_from(scores, place)) for place in range(len(rows))
    ]


def test_without_derived_features_one_application_is_scored_alike_too(model: Model, portfolio: Portfolio) -> None:
    contract = replace(BORROWER, derived=())
    scorecard = Scorecard(features=contract.features).fit(contract.features_of(portfolio.columns), portfolio.defaulted)
    scorer = Scorer(replace(model, scorecard=scorecard), contract)
    scores = scorer.score(portfolio.columns)
    for row in range(500):
        values = values_from({name: column[row] for name, column in portfolio.columns.items()})
        assert repr(scorer.score_one(values)) == repr(row_from(scores, row))
        # NaN is missing too, and NumPy's numbers are numbers.
        assert scorer.score_one({name: column[row] for name, column in portfolio.columns.items()}) == row_from(
            scores, row
        )


def test_more_than_is_needed_to_score_one_application_does_not_matter(scorer: Scorer) -> None:
    values = {"years": 40, "income": 30_000, "amount": 5_000, "guarantor": False, "housing": "OWN", "purpose": "car"}
    assert scorer.score_one(values | {"application_id": "A-1"}) == scorer.score_one(values)
