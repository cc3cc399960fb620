import pytest

from model.scorecard import Scorecard
from model.scorer import Scorer
from model.trained import Model
from model.training import train
from tests.model.portfolio import BORROWER, Portfolio, make_portfolio


@pytest.fixture(scope="session")
def portfolio() -> Portfolio:
    return make_portfolio(4_000)


@pytest.fixture(scope="session")
def scorecard(portfolio: Portfolio) -> Scorecard:
    return Scorecard(features=BORROWER.features).fit(portfolio.features, portfolio.defaulted)


@pytest.fixture(scope="session")
def model(portfolio: Portfolio) -> Model:
    return train(BORROWER, portfolio.columns, portfolio.defaulted, portfolio.dates)


@pytest.fixture(scope="session")
def scorer(model: Model) -> Scorer:
    return Scorer(model, BORROWER)
