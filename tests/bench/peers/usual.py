"""The usual way to serve a model: FastAPI, pydantic, pandas and scikit-learn. It logs nothing and gives no reasons.

The classifier is the fastest of scikit-learn's at one row that is usually chosen, and takes missing values itself.
Both kinds of handlers are there, since which one is faster depends on the machine; the faster one counts.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Literal

import joblib
import pandas
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from schemas.limits import LONGEST_ID, NO_CONTROL_CHARACTERS

# Names the file of the classifier.
MODEL = "PEER_MODEL"
FEATURES = ["age", "income", "loan_amount", "employment_length", "credit_score"]
APPROVED_BELOW, REFERRED_BELOW = 0.10, 0.15


class Application(BaseModel):
    """The bounds are those of schemas/application.py."""

    model_config = ConfigDict(extra="forbid")

    application_id: Annotated[str, Field(max_length=LONGEST_ID, pattern=NO_CONTROL_CHARACTERS)] | None = None
    age: Annotated[int, Field(ge=18, le=100)]
    income: Annotated[float, Field(ge=0, le=10_000_000)]
    loan_amount: Annotated[float, Field(ge=100, le=1_000_000)]
    employment_length: Annotated[float, Field(ge=0, le=60)] | None = None
    credit_score: Annotated[int, Field(ge=300, le=850)]


class Answer(BaseModel):
    probability_of_default: float
    decision: Literal["approve", "refer", "decline"]


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[None]:
    app.state.model = joblib.load(os.environ[MODEL])
    yield


app = FastAPI(lifespan=running)


@app.post("/def/predict")
def predict_in_a_thread(application: Application) -> Answer:
    return _predict(application)


@app.post("/async/predict")
async def predict_in_the_loop(application: Application) -> Answer:
    return _predict(application)


def _predict(application: Application) -> Answer:
    # As one block of floats: a quarter faster than from a dictionary, and a None becomes a NaN.
    values = [getattr(application, name) for name in FEATURES]
    row = pandas.DataFrame([values], columns=FEATURES, dtype=float)
    probability = float(app.state.model.predict_proba(row)[0, 1])
    return Answer(probability_of_default=probability, decision=_decision(probability))


def _decision(probability: float) -> Literal["approve", "refer", "decline"]:
    if probability < APPROVED_BELOW:
        return "approve"
    return "refer" if probability < REFERRED_BELOW else "decline"
