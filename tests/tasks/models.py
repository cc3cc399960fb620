"""Models of made-up outcomes, trained in a moment."""

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from model import evaluation
from model.boosting import Boosting
from model.performance import Measure
from model.trained import Model
from model.training import train
from schemas.characteristic import Column
from schemas.contract import Contract


def quick_model(contract: Contract, columns: Mapping[str, Column], chance: NDArray[np.float64]) -> Model:
    """A model of rows that default with a `chance` (n,), without gradient boosting, which takes most of the time."""
    random = np.random.default_rng(7)
    dates = np.datetime64("2026-01-01") + np.sort(random.integers(0, 40, len(chance)))
    defaulted = (random.random(len(chance)) < chance).astype(int)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "compare_boosting", lambda *_: Boosting(auc=Measure()))
        return train(contract, columns, defaulted, dates)
