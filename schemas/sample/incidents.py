"""What goes wrong in the generated portfolio, and when: so that the monitoring has something known to find."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Literal

import msgspec
import numpy as np
import polars

Kind = Literal["employment_blank", "income_definition", "younger_channel", "volume_collapse"]

RUN_IN_DAYS = 10
LONGEST_RUN_IN_DAYS = 28
# On fewer days an incident could not be told from its surroundings.
LEAST_DAYS = 14
# With fewer days than this after the run-in only the two incidents that matter most find room.
ROOM_FOR_ALL = 16
# Days after the run-in that all incidents take at full length, with the quiet days between them.
FULL_SPAN = 47


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """One planted incident, from `first` to `last` (both included); `size` is what `description` says of it."""

    kind: Kind
    fields: tuple[str, ...]
    size: float
    description: str
    first: date
    last: date


class Blueprint(msgspec.Struct, frozen=True, kw_only=True):
    """An incident before it has dates; `days` is its length in a sample of 60 days or more."""

    kind: Kind
    fields: tuple[str, ...]
    days: int
    size: float
    description: str


BLUEPRINTS = (
    Blueprint(
        kind="employment_blank",
        fields=("employment_length",),
        days=5,
        size=1.0,
        description="The channel stops sending employment_length; size is the share of rows in which it is blank.",
    ),
    Blueprint(
        kind="income_definition",
        fields=("income",),
        days=17,
        size=1.35,
        description="Income is reported for the household; size is the mean factor on the applicant's own income.",
    ),
    Blueprint(
        kind="younger_channel",
        fields=("age", "employment_length", "income", "credit_score"),
        days=8,
        size=0.65,
        description="A campaign for the app brings in young applicants; size is the app's share, 0.15 on other days.",
    ),
    Blueprint(
        kind="volume_collapse",
        fields=(),
        days=2,
        size=0.28,
        description="Most of the applications do not arrive; size is the share of the usual volume that does.",
    ),
)


def plan_incidents(days: Sequence[date]) -> tuple[Incident, ...]:
    """The incidents over consecutive `days`, in order, none overlapping; none at all on fewer than 14 days.

    A clean run-in of 10 to 28 days comes first. Up to 60 days the lengths grow with the number of days, beyond that
    only the quiet days between them do.
    """
    if len(days) < LEAST_DAYS:
        return ()
    run_in = min(max(RUN_IN_DAYS, len(days) * 22 // 100), LONGEST_RUN_IN_DAYS)
    room = len(days) - run_in
    kinds = BLUEPRINTS if room >= ROOM_FOR_ALL else (BLUEPRINTS[1], BLUEPRINTS[3])
    lengths = [max(1, item.days * min(room, FULL_SPAN) // FULL_SPAN) for item in kinds]
    slack = room - sum(lengths)
    starts = [run_in + sum(lengths[:place]) + slack * place // len(kinds) for place in range(len(kinds))]
    return tuple(_dated(item, days[start], length) for item, start, length in zip(kinds, starts, lengths, strict=True))


def incident_on(day: date, incidents: Iterable[Incident]) -> Incident | None:
    """The incident that `day` lies in, if any."""
    return next((incident for incident in incidents if incident.first <= day <= incident.last), None)


def as_reported(
    applications: polars.DataFrame, incident: Incident | None, random: np.random.Generator
) -> polars.DataFrame:
    """The applications as they arrive under `incident`; the true probability and outcome stay as they are."""
    if incident is None:
        return applications
    if incident.kind == "employment_blank":
        return applications.with_columns(polars.lit(None, polars.Float64).alias("employment_length"))
    if incident.kind == "income_definition":
        factor = polars.Series(random.uniform(incident.size - 0.2, incident.size + 0.2, applications.height))
        return applications.with_columns((polars.col("income") * factor / 100).round().cast(polars.Int64) * 100)
    return applications


def _dated(item: Blueprint, first: date, length: int) -> Incident:
    last = first + timedelta(days=length - 1)
    return Incident(
        kind=item.kind, fields=item.fields, size=item.size, description=item.description, first=first, last=last
    )
