"""Which days a drift analysis looks at, and what the warehouse has on record of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars

from model.artifact import LoadedModel, load_version
from model.profile import Profile, restored
from model.signature import Trust
from schemas.contract import Contract
from schemas.errors import ScoringError
from warehouse.reader import Reader

# Batches of a period, and of the one before it that it is compared with, where nothing else is asked for.
BATCHES = 28

Dates = tuple[date, ...]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The batch dates of a period and of the batches before it, ascending, all scored by the model of the last one.

    `left_out` counts the dates of the period that other models scored.
    """

    model_version: str
    dates: Dates
    before: Dates
    left_out: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Record:
    """What is on record of a choice of days; the frames are the answers to the questions of their names."""

    choice: Choice
    model: LoadedModel
    published_days: polars.DataFrame
    profiles: Mapping[str, Mapping[date, Profile]]
    drift: polars.DataFrame
    verdicts: polars.DataFrame
    alerts: polars.DataFrame
    unseen_levels: Mapping[str, tuple[date, str]]
    estimated_performance: polars.DataFrame


def choose(published_days: polars.DataFrame, start: str, end: str) -> Choice:
    """The days from `start` to `end` (ISO dates), both included; empty for either: the last 28 batches up to `end`, or
    all from `start` on. Raises ScoringError, saying what there is, for a period without batches.
    """
    if published_days.is_empty():
        raise ScoringError("no batch is published yet; score a day first: python -m flows score --batch-date DATE")
    first, last = _date("DRIFT_START", start), _date("DRIFT_END", end)
    rows = published_days.select("batch_date", "model_version").rows()
    known = [day for day, _ in rows]
    if first and last and first > last:
        raise ScoringError(
            f"the period from {first} to {last} ends before it starts; exchange DRIFT_START and DRIFT_END"
        )
    chosen = [row for row in rows if (not first or row[0] >= first) and (not last or row[0] <= last)]
    if not chosen:
        asked = " ".join(part for part in (f"from {first}" if first else "", f"up to {last}" if last else "") if part)
        raise ScoringError(
            f"no batch is published {asked}; there are {len(known):,}, from {known[0]} to {known[-1]}:"
            " set DRIFT_START and DRIFT_END to dates among them"
        )
    chosen = chosen if first else chosen[-BATCHES:]
    version = chosen[-1][1]
    before = [day for day, model in rows if day < chosen[0][0] and model == version]
    dates = tuple(day for day, model in chosen if model == version)
    return Choice(
        model_version=version, dates=dates, before=tuple(before[-BATCHES:]), left_out=len(chosen) - len(dates)
    )


def read_record(reader: Reader, models: Path, contract: Contract, start: str, end: str, trust: Trust) -> Record:
    """What is on record of a period; raises ScoringError where there is nothing to analyse, saying why."""
    published_days = reader.frame("published_days")
    choice = choose(published_days, start, end)
    period = {"start": choice.dates[0], "end": choice.dates[-1]}
    asked = {
        "start": (*choice.before, *choice.dates)[0],
        "end": choice.dates[-1],
        "model_version": choice.model_version,
    }
    profiles = _profiles(reader.frame("profiles_of_period", **asked))
    if not any(day in profiled for profiled in profiles.values() for day in choice.dates):
        raise ScoringError(
            f"the batches from {period['start']} to {period['end']} have no profiles: a release that kept none"
            " published them; choose later days"
        )
    return Record(
        choice=choice,
        model=load_version(models, choice.model_version, contract, trust),
        published_days=published_days,
        profiles=profiles,
        drift=reader.frame("drift_of_period", **asked),
        verdicts=reader.frame("verdicts_of_period", **asked),
        alerts=reader.frame("alerts_in_force", **period),
        unseen_levels=_unseen(reader.frame("unseen_levels", **period, model_version=choice.model_version)),
        estimated_performance=reader.frame("estimated_performance"),
    )


def _date(name: str, text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise ScoringError(f"{name}={text!r} is no date; write it as YYYY-MM-DD") from error


def _profiles(frame: polars.DataFrame) -> dict[str, dict[date, Profile]]:
    profiles: dict[str, dict[date, Profile]] = {}
    for day, feature, counts, sample in frame.iter_rows():
        profile = restored(np.array(counts, dtype=np.int64), np.array(sample, dtype=np.float64))
        profiles.setdefault(feature, {})[day] = profile
    return profiles


def _unseen(frame: polars.DataFrame) -> dict[str, tuple[date, str]]:
    return {subject: (day, message) for subject, day, message in frame.iter_rows()}
