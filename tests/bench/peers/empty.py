"""The least that Litestar takes: reads the same struct, answers with the same struct, and does nothing in between."""

from typing import TYPE_CHECKING

import msgspec
from litestar import Litestar, post

from schemas.loading import load_contract
from schemas.request import request_struct
from schemas.settings import Settings
from service.champion import Reason
from service.predict import Prediction

CONTRACT = load_contract(Settings().contract)
if TYPE_CHECKING:
    Request = msgspec.Struct
else:
    Request = request_struct(CONTRACT)
SENTENCES = [(feature.name, feature.characteristic.reason) for feature in CONTRACT.features]
ANSWER = Prediction(
    prediction_id="7f1f3a52-5a3e-4a8e-9a3c-1c1f0f3f7d11",
    probability_of_default=0.06940912843817461,
    score=562,
    band="C",
    decision="approve",
    reasons=[Reason(name.upper(), sentence) for name, sentence in SENTENCES if sentence],
    model_version="scorecard-0123456789ab",
)


@post("/predict", status_code=200)
async def predict(data: Request) -> Prediction:
    return ANSWER


app = Litestar([predict], openapi_config=None, logging_config=None)
