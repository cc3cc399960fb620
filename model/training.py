"""Training: split by time, fit on the earlier rows, evaluate on the later ones."""

from collections.abc import Mapping
from datetime import date

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from model.calibration import fit_calibration
from model.evaluation import Part, evaluate
from model.groups import protected_groups
from model.policy import fit_policy
from model.reference import SCORE, Reference, reference_of
from model.scorecard import Scorecard
from model.trained import Model, TrainingFacts
from schemas.characteristic import Column
from schemas.contract import Contract
from schemas.errors import ModelError

SEED = 20_070_601
TEST_SHARE = 0.25
MIN_TRAIN_ROWS = 200
MIN_ROWS_OF_A_CLASS = 20

Dates = NDArray[np.datetime64]


def train(
    contract: Contract,
    columns: Mapping[str, Column],
    defaulted: ArrayLike,
    application_dates: ArrayLike,
    before: date | None = None,
) -> Model:
    """A model fitted on applications before a date and evaluated, together with gradient boosting, on the later ones.

    `columns` are the contract's field columns, `defaulted` 1 for default and `application_dates` days, all of shape
    (n,). Without `before` about the latest quarter of the rows is kept for testing. Raises ModelError, saying what to
    change, if that leaves too few rows, or too few of one outcome, on either side.
    """
    dates = np.asarray(application_dates, dtype="datetime64[D]")
    outcomes = _checked_outcomes(defaulted, dates)
    split = np.datetime64(before, "D") if before else default_split(dates)
    earlier = dates < split
    _check_split(outcomes, dates, split)
    values = contract.features_of(columns)
    train_part, test_part = _part(values, outcomes, earlier), _part(values, outcomes, ~earlier)
    # One thread adds up in the same order every time, so that the same data gives the same bytes; and on a busy machine
    # several would spend most of their time waiting for each other.
    with threadpool_limits(limits=1):
        scorecard = Scorecard(features=contract.features).fit(train_part.columns, train_part.defaulted)
        scores = scorecard.points(train_part.columns).sum(axis=1)
        policy = fit_policy(scores)
        evaluation = evaluate(scorecard, policy, train_part, test_part, SEED)
        expected = scorecard.predict_proba(test_part.columns)[:, 1]
        calibration = fit_calibration(expected, test_part.defaulted)
    return Model(
        contract_name=contract.name,
        contract_hash=contract.hash,
        scorecard=scorecard,
        policy=policy,
        reference=build_reference(train_part.columns, scores),
        evaluation=evaluation,
        calibration=calibration,
        groups=protected_groups(contract, scorecard, {name: column[earlier] for name, column in columns.items()}),
        training=_facts(outcomes, dates, split),
    )


def build_reference(columns: Mapping[str, Column], scores: NDArray[np.integer]) -> Reference:
    """The reference distribution of every scorecard input and of the score."""
    return {name: reference_of(name, values, seed=SEED) for name, values in {**columns, SCORE: scores}.items()}


def default_split(dates: Dates) -> np.datetime64:
    """The date from which on about a quarter of the rows lie, so that no day is on both sides.

    Raises ModelError if all rows are of one date.
    """
    days, counts = np.unique(dates, return_counts=True)
    if len(days) < 2:
        raise ModelError(
            "the applications to train on have to span two dates at least, so that later ones can test the model; "
            "add files of other dates"
        )
    share_from = np.cumsum(counts[::-1])[::-1] / len(dates)
    return np.datetime64(days[1:][np.argmin(np.abs(share_from[1:] - TEST_SHARE))], "D")


def _checked_outcomes(defaulted: ArrayLike, dates: Dates) -> NDArray[np.int8]:
    outcomes = np.asarray(defaulted)
    if outcomes.shape != dates.shape:
        raise ModelError(f"{outcomes.size} outcomes do not fit {dates.size} application dates; give one for each row")
    if not np.isin(outcomes, (0, 1)).all():
        raise ModelError("outcomes have to be 0 (repaid) or 1 (default); leave out applications without an outcome")
    return outcomes.astype(np.int8)


def _check_split(outcomes: NDArray[np.int8], dates: Dates, split: np.datetime64) -> None:
    earlier = dates < split
    rows, defaults = int(earlier.sum()), int(outcomes[earlier].sum())
    if rows < MIN_TRAIN_ROWS:
        raise ModelError(
            f"{rows} applications with an outcome lie before {split}; a scorecard needs {MIN_TRAIN_ROWS}: "
            "add earlier files, or choose a later --before"
        )
    if earlier.all():
        raise ModelError(
            f"no application with an outcome is left to test on: the last is of {dates.max()}; "
            f"choose an earlier --before than {split}, or add later files"
        )
    if min(defaults, rows - defaults) < MIN_ROWS_OF_A_CLASS:
        raise ModelError(
            f"of {rows} applications before {split}, {defaults} defaulted and {rows - defaults} did not; a scorecard "
            f"needs {MIN_ROWS_OF_A_CLASS} of each: add files, or outcomes that are still missing"
        )


def _part(values: Mapping[str, Column], outcomes: NDArray[np.int8], rows: NDArray[np.bool_]) -> Part:
    return Part({name: column[rows] for name, column in values.items()}, outcomes[rows])


def _facts(outcomes: NDArray[np.int8], dates: Dates, split: np.datetime64) -> TrainingFacts:
    earlier = dates < split
    return TrainingFacts(
        train_rows=int(earlier.sum()),
        train_default_rate=float(outcomes[earlier].mean()),
        train_first_date=str(dates[earlier].min()),
        train_last_date=str(dates[earlier].max()),
        before=str(split),
        test_rows=int((~earlier).sum()),
        test_default_rate=float(outcomes[~earlier].mean()),
        test_first_date=str(dates[~earlier].min()),
        test_last_date=str(dates[~earlier].max()),
        seed=SEED,
    )
