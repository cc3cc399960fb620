"""The prediction log: what the service writes of each prediction, and how its files are named.

A segment is a file of one JSON line per prediction. It is written to as `NAME.jsonl.open`, under an exclusive `flock`
for as long as its process lives, and renamed to `NAME.jsonl` when it is finished. An open segment whose lock is free
was left by a process that died; every line in it that ends was answered or about to be. `load-predictions` brings
finished segments into the warehouse and moves them to the folder `loaded` beside them.
"""

from datetime import datetime
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta

FINISHED = ".jsonl"
OPEN = ".jsonl.open"
LOADED = "loaded"

Inputs = TypeVar("Inputs")
Outputs = TypeVar("Outputs")


class LoggedPrediction(msgspec.Struct, Generic[Inputs, Outputs], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line. `inputs` are the contract's fields, `outputs` what was answered; `msgspec.Raw` keeps them as text.

    `application_key` is the keyed hash of the application id, None if the request had none. `latency_ms` is the time
    from the request's arrival to the line being written.
    """

    prediction_id: Annotated[str, Meta(min_length=1)]
    predicted_at: Annotated[datetime, Meta(tz=True)]
    request_id: str
    application_key: str | None
    inputs: Inputs
    outputs: Outputs
    latency_ms: Annotated[float, Meta(ge=0)]
    model_version: str
