"""Gradient boosting at its honest best on the same split: what a scorecard is held against."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from model.binning import CONSTRAINT, CategoryBins, as_numbers, count_levels
from model.performance import Measure, auc_delong
from schemas.characteristic import Column
from schemas.contract import Feature

# scikit-learn takes 255 levels; one code is for all others.
MAX_LEVELS = 254
# Cross-validation on more rows takes long and no longer changes what it chooses.
MAX_SEARCH_ROWS = 20_000
FOLDS = 3

Columns = Mapping[str, Column]


@dataclass(frozen=True, kw_only=True)
class Boosting:
    """AUC of gradient boosting on later rows; `settings` were chosen by cross-validation on the training rows alone."""

    auc: Measure
    settings: dict[str, float | bool] = field(default_factory=dict)


def compare_boosting(
    features: Sequence[Feature],
    train: tuple[Columns, NDArray[np.int8]],
    test: tuple[Columns, NDArray[np.int8]],
    seed: int,
) -> Boosting:
    """Fits on the columns and outcomes of `train`, evaluates on `test`; categories and directions of risk as declared.

    Whether holding to the declared directions helps is part of what is chosen.
    """
    (train_columns, train_defaulted), (test_columns, test_defaulted) = train, test
    levels = {
        feature.name: CategoryBins(tuple(islice(count_levels(train_columns[feature.name]), MAX_LEVELS)))
        for feature in features
        if feature.categorical
    }
    inputs = _matrix(features, train_columns, levels)
    rows = np.random.default_rng(seed).permutation(len(inputs))[:MAX_SEARCH_ROWS]
    search = _search(features, seed).fit(inputs[rows], train_defaulted[rows])
    best = search.best_estimator_.fit(inputs, train_defaulted)
    probability = best.predict_proba(_matrix(features, test_columns, levels))[:, 1]
    auc = auc_delong(probability[test_defaulted == 1], probability[test_defaulted == 0])
    chosen = {name: value for name, value in search.best_params_.items() if name != "monotonic_cst"}
    return Boosting(auc=auc, settings={**chosen, "monotonic": search.best_params_["monotonic_cst"] is not None})


def _search(features: Sequence[Feature], seed: int) -> GridSearchCV:
    boosting = HistGradientBoostingClassifier(
        categorical_features=[feature.categorical for feature in features], early_stopping=False, random_state=seed
    )
    directions = [CONSTRAINT[feature.characteristic.risk] for feature in features]
    grid = {
        "learning_rate": [0.05],
        "max_iter": [100, 200],
        "max_leaf_nodes": [4, 8, 16],
        "monotonic_cst": [directions, None],
    }
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    return GridSearchCV(boosting, grid, scoring="roc_auc", cv=folds, refit=True)


def _matrix(features: Sequence[Feature], columns: Columns, levels: Mapping[str, CategoryBins]) -> NDArray[np.float64]:
    return np.column_stack(
        [
            levels[feature.name].codes(columns[feature.name])
            if feature.categorical
            else as_numbers(columns[feature.name])
            for feature in features
        ]
    ).astype(np.float64)
