"""A home as a year of publishing leaves it: `python -m tests.bench.year FOLDER [--days N] [--rows N]`.

The first date goes through the whole body of the daily run. On each date after it the gate and the scorer are spared:
its rows are drawn from those of the first one, accepted rows with their scores, quarantined ones with what they broke.
From there on everything is the project's own code, with a clock of that date: monitoring, the transaction, alerts,
vintages, realised performance. So the file is laid out as daily publishing lays it out, and at the end it is checked
that what is summed up in it agrees with its rows.
"""

import argparse
import math
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars
import pytest
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from model.artifact import load_version
from schemas.batch import RowCounts
from schemas.batch_rules import BatchCounts, apply_batch_rules
from schemas.sample.dirt import OUT_OF_RANGE, REQUIRED, TEXTS
from service.predict import Outputs
from tasks.gate import Verdict
from tasks.ingest import Batch, open_batch
from tasks.monitor import monitor_batch
from tasks.performance import update_performance
from tasks.project import Project
from tasks.publish import publish
from tasks.staging import staging_for
from tests.bench.portfolio import prepare, write_batch
from tests.body import run_day
from tests.flows.homes import landing_file, project_at
from warehouse import alerts, inserts
from warehouse.connection import open_for_reading, open_for_writing
from warehouse.queries import sql

UNTIL = date(2026, 6, 30)
PREDICTED_DAYS = 90
PREDICTED_SHARE = 0.1
QUARANTINED_SHARE = 0.01
BLOCKED_SHARE = 0.08
# Dates whose first file was refused, as days before the last one; a corrected file was published the same day.
BLOCKED = (9, 40, 111, 188, 290)
ACKNOWLEDGE_EVERY = 5
ACKNOWLEDGED_DAYS = 7
HEX_DIGITS = 32
# Of a day's requests to the service, by hour (UTC): few at night, most in the late morning and the evening.
BUSY = np.array([2, 1, 1, 1, 2, 4, 10, 25, 45, 60, 65, 55, 45, 50, 55, 55, 50, 45, 50, 55, 40, 22, 10, 4], dtype=float)
SPOILED = (*OUT_OF_RANGE, *TEXTS, *((name, "") for name in REQUIRED))

Weights = NDArray[np.float64]


class Unreconciled(Exception):
    """What is summed up in a warehouse does not agree with its rows."""


@dataclass(frozen=True)
class Episode:
    """Something that lasts: the higher values of a field come more often (lower ones, if `tilt` is negative).

    `field` is a field of the contract, "blank" for rows without employment length, or "quarantined" for rows that break
    one rule. `since` is its first day as days before the last date.
    """

    field: str
    tilt: float
    since: int
    days: int


EPISODES = (
    Episode("credit_score", -0.45, 3, 4),
    Episode("quarantined", 1.3, 6, 2),
    Episode("income", 0.5, 14, 6),
    Episode("blank", 1.2, 24, 5),
    Episode("age", -0.5, 70, 9),
    Episode("quarantined", 1.2, 95, 3),
    Episode("credit_score", -0.4, 140, 14),
    Episode("income", 0.45, 215, 21),
    Episode("blank", 1.9, 262, 7),
    Episode("loan_amount", 0.5, 310, 5),
)


@dataclass(frozen=True, eq=False)
class Template:
    """The first date as it was published: `accepted` and `scores` have the same rows in the same order.

    `quarantine` has the records of each quarantined row, `standard` each field in standard deviations from its mean.
    `inputs` and `outputs` are the scored rows as JSON, as the service logs them.
    """

    batch: Batch
    accepted: polars.DataFrame
    scores: polars.DataFrame
    quarantine: Sequence[Sequence[Mapping[str, Any]]]
    standard: Mapping[str, Weights]
    inputs: polars.Series
    outputs: polars.Series


@dataclass(frozen=True, eq=False)
class Drawn:
    """The rows of a date, ready to be staged."""

    accepted: polars.DataFrame
    scores: polars.DataFrame
    quarantine: polars.DataFrame
    counts: BatchCounts


def make_year(home: Path, *, days: int = 365, rows: int = 100_000, until: date = UNTIL) -> Project:
    """A home with `days` published dates up to `until`, of `rows` scored applications each and about 1 % quarantined.

    A champion that is there already is used. Outcomes are on record of what is 90 days old, and of the last 90 days a
    tenth as many predictions of the service. Raises Unreconciled if sums and rows do not agree.
    """
    dates = [until - timedelta(days=back) for back in range(days - 1, -1, -1)]
    project = _prepared(home)
    template = _first(project, dates[0], rows)
    for day in track(dates, f"Publishing {days} dates", console=Console(stderr=True)):
        if day > dates[0]:
            _publish(project, template, day, until)
        if (due := day - timedelta(days=project.settings.outcome_days)) >= dates[0]:
            _outcomes(project, due)
        if (until - day).days < PREDICTED_DAYS:
            _predictions(project, template, day, until)
    with _clock(_morning(project, until) + timedelta(hours=2)):
        update_performance(project)
    check(project)
    return project


def check(project: Project) -> None:
    """Raises Unreconciled, with what it is that does not agree, unless every sum on record agrees with the rows."""
    with open_for_reading(project.settings.path("warehouse"), project.settings.lock_wait_seconds) as connection:
        connection.register("places", _places(project))
        for what, question in CHECKS.items():
            row = connection.execute(question).fetchone()
            if row is None or row[0]:
                raise Unreconciled(f"{what}: {row[0] if row else 'no'} rows do not agree")


def _prepared(home: Path) -> Project:
    if not (home / "models").exists():
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("SCORING_HOME", str(home))
            prepare(home)
        for file in (home / "landing").glob("applications_*"):
            file.unlink()
    (home / "landing").mkdir(parents=True, exist_ok=True)
    return project_at(home)


def _morning(project: Project, day: date) -> datetime:
    """When the run of a date begins (UTC): an hour before its file is due, give or take some minutes."""
    minutes = np.random.default_rng([day.toordinal(), 1]).normal(60, 8)
    return project.calendar.due(day).astimezone(UTC).replace(tzinfo=None) - timedelta(minutes=float(minutes))


@contextmanager
def _clock(now: datetime) -> Iterator[None]:
    """Lets the warehouse believe that it is `now` (UTC)."""
    with pytest.MonkeyPatch.context() as patched:
        for module in (alerts, inserts):
            patched.setattr(module, "utc_now", lambda: now)
        yield


def _first(project: Project, day: date, rows: int) -> Template:
    """Publishes the first date through the whole body, and keeps it as what all others are drawn from."""
    source, started = landing_file(project.settings.home_path, day), _morning(project, day)
    _write_landing(source, rows, day)
    with _clock(started + timedelta(seconds=20)):
        run_day(project, day)
    with open_for_writing(project.settings.path("warehouse"), project.settings.lock_wait_seconds) as connection:
        hours = (started - project.calendar.due(day).replace(tzinfo=None)).total_seconds() / 3600
        connection.execute("UPDATE batches SET started_at = ?", [started])
        connection.execute("UPDATE quality SET value = ? WHERE monitor = 'delay_hours'", [hours])
    return _template(project, open_batch(project, day))


def _write_landing(path: Path, rows: int, day: date) -> None:
    """A landing file with so many sound rows, and among them one spoiled row to every hundred."""
    random = np.random.default_rng(day.toordinal())
    write_batch(path, rows + max(1, round(rows * QUARANTINED_SHARE)), day)
    landed = polars.read_csv(path, infer_schema=False)
    broken = landed.slice(rows).to_dicts()
    for row in broken:
        name, text = SPOILED[random.integers(len(SPOILED))]
        row[name] = text.strip('"') or None
    spoiled = polars.DataFrame(broken, schema=landed.schema)
    polars.concat([landed.head(rows), spoiled]).sample(fraction=1, shuffle=True, seed=1).write_csv(path)


def _template(project: Project, batch: Batch) -> Template:
    with open_for_reading(project.settings.path("warehouse"), project.settings.lock_wait_seconds) as connection:
        accepted = connection.execute("SELECT * EXCLUDE (batch_id) FROM applications ORDER BY row_number").pl()
        scores = connection.execute("SELECT * EXCLUDE (batch_id, model_version) FROM scores").pl()
        broken = connection.execute("SELECT * EXCLUDE (batch_id) FROM quarantine").pl()
    scores = accepted.select("application_id").join(scores, on="application_id", maintain_order="left")
    names = [field.name for field in project.contract.fields]
    return Template(
        batch=batch,
        accepted=accepted,
        scores=scores,
        quarantine=[group.to_dicts() for _, group in broken.group_by("row_number", maintain_order=True)],
        standard={name: _standard(accepted[name]) for name in names} | {"blank": _blank(accepted)},
        inputs=_as_json(accepted.select(names).iter_rows(named=True)),
        outputs=_as_json(Outputs(**row) for row in scores.drop("application_id").iter_rows(named=True)),
    )


def _standard(values: polars.Series) -> Weights:
    logs = values.cast(polars.Float64).log1p()
    standard: Weights = ((logs - logs.mean()) / logs.std()).fill_null(0.0).to_numpy()
    return standard


def _blank(accepted: polars.DataFrame) -> Weights:
    blank: Weights = accepted["employment_length"].is_null().cast(polars.Float64).to_numpy()
    return blank


def _as_json(rows: Iterator[Any]) -> polars.Series:
    return polars.Series([msgspec.json.encode(row).decode() for row in rows], dtype=polars.String)


def _episodes(day: date, until: date) -> dict[str, float]:
    back = (until - day).days
    return {item.field: item.tilt for item in EPISODES if item.since - item.days < back <= item.since}


def _weights(template: Template, day: date, until: date) -> Weights:
    """How likely each row of the template is on a date: by season and weekday, by chance, and by what lasts."""
    random = np.random.default_rng([day.toordinal(), 2])
    season = 0.08 * math.cos(2 * math.pi * day.timetuple().tm_yday / 365)
    tilts = {"credit_score": season - 0.06 * (day.weekday() >= 5), "income": 0.04 * (day.weekday() == 0)}
    for name, tilt in _episodes(day, until).items():
        tilts[name] = tilts.get(name, 0.0) + tilt
    logs = np.zeros(template.accepted.height)
    for name, values in template.standard.items():
        logs += (tilts.get(name, 0.0) + random.normal(0, 0.015)) * values
    odds = np.exp(logs)
    weights: Weights = odds / odds.sum()
    return weights


def _ids(size: int, random: np.random.Generator, digits: int = HEX_DIGITS) -> list[str]:
    """Random names: two equal ones are not to be expected, and their order says nothing."""
    text = random.bytes(size * digits // 2).hex()
    return [text[place : place + digits] for place in range(0, size * digits, digits)]


def _publish(project: Project, template: Template, day: date, until: date) -> None:
    """A date from its staged rows on; on some a file is refused before, on some an alert is acknowledged after."""
    random, started = np.random.default_rng([day.toordinal(), 3]), _morning(project, day)
    drawn = _draw(template, day, until, random)
    if (until - day).days in BLOCKED:
        with _clock(started):
            _block(project, _batch(template, day, random, started), drawn.counts.received)
        started += timedelta(hours=3)
    with _clock(started + timedelta(seconds=float(random.uniform(15, 40)))):
        _publish_drawn(project, _batch(template, day, random, started), drawn)
    if day.toordinal() % ACKNOWLEDGE_EVERY == 0:
        with _clock(started + timedelta(hours=3)):
            _acknowledge(project, day)


def _batch(template: Template, day: date, random: np.random.Generator, started: datetime) -> Batch:
    """The batch of a date, of a file of that date with content of its own."""
    path = landing_file(template.batch.source.path.parents[1], day)
    identity = replace(template.batch.identity, batch_date=day, source_sha256=random.bytes(32).hex())
    source = replace(template.batch.source, path=path, parts=(path,))
    return replace(template.batch, identity=identity, source=source, started_at=started)


def _block(project: Project, batch: Batch, received: int) -> None:
    broken = math.ceil(received * BLOCKED_SHARE)
    counts = BatchCounts(
        received=received, quarantined=broken, broken=Counter({("credit_score", "above_maximum"): broken})
    )
    results = apply_batch_rules(project.contract, project.settings, counts)
    project.writer.block(batch.record(RowCounts(received=received, scored=0, quarantined=received)), results)


def _publish_drawn(project: Project, batch: Batch, drawn: Drawn) -> None:
    """Monitors and publishes rows that the gate and the scorer would have staged."""
    window = project.settings.gate_volume_window
    counts = replace(drawn.counts, volumes=project.reader.recent_volumes(batch.batch_date, window))
    verdict = Verdict(
        rows=RowCounts(received=counts.received, scored=counts.accepted, quarantined=counts.quarantined),
        results=apply_batch_rules(project.contract, project.settings, counts),
        compared_with=project.reader.published_elsewhere(batch.batch_date),
    )
    with staging_for(project.settings.path("staging"), batch.batch_date) as staging:
        drawn.accepted.write_parquet(staging.part("accepted", 0), compression="uncompressed", statistics=False)
        drawn.scores.write_parquet(staging.part("scores", 0), compression="uncompressed", statistics=False)
        drawn.quarantine.write_parquet(staging.part("quarantine", 0), compression="zstd")
        publish(project, batch, verdict, monitor_batch(project, batch, verdict, staging), staging)


def _acknowledge(project: Project, day: date) -> None:
    """Somebody sees to the oldest alert that nobody has seen to yet."""
    unseen = project.reader.open_alerts().filter(polars.col("acknowledged_by").is_null())
    for alert_id in unseen["alert_id"].tail(1).to_list():
        project.writer.acknowledge(alert_id, "risk desk", day + timedelta(days=ACKNOWLEDGED_DAYS))


def _draw(template: Template, day: date, until: date, random: np.random.Generator) -> Drawn:
    """As many scored rows as the template has, each with an id of its own, and quarantined ones among them."""
    rows = template.accepted.height
    drawn = random.choice(rows, rows, p=_weights(template, day, until))
    broken = _draw_broken(template, day, until, random)
    spoiled = np.sort(random.choice(rows + len(broken), len(broken), replace=False)) + 1
    numbers = np.setdiff1d(np.arange(1, rows + len(broken) + 1), spoiled, assume_unique=True)
    ids = polars.Series(_ids(rows, random))
    accepted = template.accepted[drawn].with_columns(
        application_id=ids, application_date=polars.lit(day), row_number=polars.Series(numbers)
    )
    quarantine = _quarantined(template, day, broken, spoiled.tolist(), random)
    counts = _counted(accepted, quarantine, len(broken))
    return Drawn(accepted, template.scores[drawn].with_columns(application_id=ids), quarantine, counts)


def _draw_broken(
    template: Template, day: date, until: date, random: np.random.Generator
) -> list[Sequence[Mapping[str, Any]]]:
    """The quarantined rows of a date; now and then many more of them, all alike."""
    sound, groups = template.accepted.height, template.quarantine
    usual = max(1, int(random.poisson(sound * QUARANTINED_SHARE)))
    drawn = [groups[place] for place in random.integers(0, len(groups), usual)]
    burst = math.expm1(_episodes(day, until).get("quarantined", 0.0)) * QUARANTINED_SHARE * sound
    return drawn + [groups[0]] * round(burst)


def _quarantined(
    template: Template,
    day: date,
    broken: Sequence[Sequence[Mapping[str, Any]]],
    numbers: Sequence[int],
    random: np.random.Generator,
) -> polars.DataFrame:
    """The records of quarantined rows of the template as those of rows of a date."""
    first = template.batch.batch_date
    records = [
        record
        for group, number, new_id in zip(broken, numbers, _ids(len(broken), random), strict=True)
        for record in _of_day(group, number, new_id, first, day)
    ]
    return polars.DataFrame(records, schema=_quarantine_schema(template), orient="row")


def _of_day(
    group: Sequence[Mapping[str, Any]], number: int, new_id: str, first: date, day: date
) -> Iterator[dict[str, Any]]:
    """The records of a quarantined row as one of another date."""
    for record in group:
        old_id = record["application_id"]
        row = record["row"].replace(str(first), str(day))
        yield {
            **record,
            "row_number": number,
            "application_id": old_id and new_id,
            "source": record["source"].replace(str(first), str(day)),
            "row": row.replace(old_id, new_id) if old_id else row,
        }


def _quarantine_schema(template: Template) -> dict[str, Any]:
    return {name: polars.Int64 if name == "row_number" else polars.String for name in template.quarantine[0][0]}


def _counted(accepted: polars.DataFrame, quarantine: polars.DataFrame, broken: int) -> BatchCounts:
    """What the gate would have counted."""
    by_rule = quarantine.group_by("field", "rule").len().rows()
    return BatchCounts(
        received=accepted.height + broken,
        quarantined=broken,
        broken=Counter({(field or "", rule): count for field, rule, count in by_rule}),
        missing=Counter({name: accepted[name].null_count() for name in accepted.columns}),
    )


def _outcomes(project: Project, day: date) -> None:
    """How the applications of a date ended, `outcome_days` later: a default as likely as the model says."""
    observed_on = day + timedelta(days=project.settings.outcome_days)
    with open_for_writing(project.settings.path("warehouse"), project.settings.lock_wait_seconds) as connection:
        connection.execute(
            INSERT_OUTCOMES,
            {"day": day, "observed_on": observed_on, "now": _morning(project, observed_on) + timedelta(hours=1)},
        )


def _predictions(project: Project, template: Template, day: date, until: date) -> None:
    """What the service answered on a date, a tenth as many as the batch has rows, in segments of a minute."""
    random = np.random.default_rng([day.toordinal(), 4])
    predicted = _predicted(template, day, until, random)
    hours = predicted["predicted_at"].dt.truncate("1h").unique().sort().to_list()
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - instants are UTC, without a zone
    with open_for_writing(project.settings.path("warehouse"), project.settings.lock_wait_seconds) as connection:
        connection.register("predicted", predicted)
        connection.execute("INSERT INTO predictions BY NAME SELECT * FROM predicted")
        span = {"start": midnight, "end": midnight + timedelta(days=1), "hours": hours}
        connection.execute(sql("insert_prediction_hours"), span)
        connection.execute(INSERT_SEGMENTS)


def _predicted(template: Template, day: date, until: date, random: np.random.Generator) -> polars.DataFrame:
    size = max(1, round(template.accepted.height * PREDICTED_SHARE))
    drawn = random.choice(template.accepted.height, size, p=_weights(template, day, until))
    hour = random.choice(24, size, p=BUSY / BUSY.sum())
    microseconds = np.sort(hour * 3_600_000_000 + random.integers(0, 3_600_000_000, size))
    at = polars.lit(day).cast(polars.Datetime) + polars.Series(microseconds).cast(polars.Duration("us"))
    keys = polars.Series(_ids(size, random, 2 * HEX_DIGITS))
    frame = polars.DataFrame({"prediction_id": _ids(size, random), "request_id": _ids(size, random)})
    return frame.with_columns(
        predicted_at=at,
        application_key=polars.when(polars.Series(random.random(size) < 0.95)).then(keys),
        inputs=template.inputs[drawn],
        outputs=template.outputs[drawn],
        latency_ms=polars.Series(_latencies(size, random)),
        model_version=polars.lit(template.batch.model_version),
        segment=at.dt.strftime("predictions_%Y%m%dT%H%M00_") + f"{day.toordinal():016x}",
    )


def _latencies(size: int, random: np.random.Generator) -> Weights:
    """Milliseconds, most below one; one in two hundred waited for something."""
    waited = np.where(random.random(size) < 0.005, random.exponential(25, size), 0.0)
    return np.round(random.lognormal(-0.4, 0.35, size) + waited, 4)


def _places(project: Project) -> polars.DataFrame:
    """Which group of the protected field `age` each age belongs to, as the champion has it."""
    with open_for_reading(project.settings.path("warehouse"), project.settings.lock_wait_seconds) as connection:
        row = connection.execute("SELECT model_version FROM batches ORDER BY batch_date LIMIT 1").fetchone()
    version = str(row[0]) if row else ""
    bins = load_version(project.settings.path("models"), version, project.contract).model.groups["age"]
    ages = np.arange(18, 101)
    return polars.DataFrame({"age": ages, "group_place": bins.codes(ages.astype(np.float64))})


INSERT_OUTCOMES = """
INSERT INTO outcomes BY NAME
SELECT
    scores.application_id,
    hash(scores.application_id) / 18446744073709551616 < scores.probability_of_default AS defaulted,
    $observed_on AS observed_on,
    $now AS loaded_at,
    (hash(scores.application_id) >> 32)::UINTEGER AS key
FROM scores
JOIN batches ON batches.batch_id = scores.batch_id
WHERE batches.status = 'published' AND batches.batch_date = $day
"""
INSERT_SEGMENTS = """
INSERT INTO prediction_segments BY NAME
SELECT
    segment,
    count(*) AS row_count,
    sha256(segment) AS sha256,
    date_trunc('minute', max(predicted_at)) + INTERVAL 5 MINUTE AS loaded_at
FROM predicted
GROUP BY segment
"""
# Each counts what does not agree: 0 is right.
CHECKS = {
    "scores and batches": """
        SELECT count(*)
        FROM (
            SELECT
                batch_id,
                count(*) AS scored,
                count(*) FILTER (decision = 'approve') AS approved,
                count(*) FILTER (decision = 'refer') AS referred,
                count(*) FILTER (decision = 'decline') AS declined,
                avg(probability_of_default) AS mean_probability_of_default,
                avg(score) AS mean_score
            FROM scores
            GROUP BY batch_id
        ) AS counted
        FULL JOIN (SELECT * FROM batches WHERE status = 'published') AS batches USING (batch_id)
        WHERE (scored, approved, referred, declined)
            IS DISTINCT FROM (rows_scored, rows_approved, rows_referred, rows_declined)
            OR abs(counted.mean_probability_of_default - batches.mean_probability_of_default) > 1e-9
            OR abs(counted.mean_score - batches.mean_score) > 1e-6
            OR rows_received <> rows_scored + rows_quarantined
    """,
    "applications and batches": """
        SELECT count(*)
        FROM (SELECT batch_id, count(*) AS held FROM applications GROUP BY batch_id) AS counted
        FULL JOIN (SELECT * FROM batches WHERE status = 'published') AS batches USING (batch_id)
        WHERE held IS DISTINCT FROM rows_scored
    """,
    "application_keys": """
        SELECT count(*)
        FROM (
            SELECT batch_id, count(*) AS held, sum((hash(application_id) >> 32)::UINTEGER) AS sum_of_keys
            FROM applications
            GROUP BY batch_id
        ) AS counted
        FULL JOIN (
            SELECT batch_id, count(*) AS row_count, sum(key) AS sum_on_record FROM application_keys GROUP BY batch_id
        ) AS keys USING (batch_id)
        WHERE (held, sum_of_keys) IS DISTINCT FROM (row_count, sum_on_record)
    """,
    "keys of outcomes": """
        SELECT count(*)
        FROM outcomes
        WHERE key IS DISTINCT FROM (hash(application_id) >> 32)::UINTEGER
    """,
    "quarantine and batches": """
        SELECT count(*)
        FROM (SELECT batch_id, count(DISTINCT row_number) AS held FROM quarantine GROUP BY batch_id) AS counted
        FULL JOIN (SELECT * FROM batches WHERE status = 'published') AS batches USING (batch_id)
        WHERE held IS DISTINCT FROM rows_quarantined
    """,
    "score_counts": """
        SELECT count(*)
        FROM (SELECT batch_id, score, count(*) AS held FROM scores GROUP BY ALL) AS counted
        FULL JOIN score_counts USING (batch_id, score)
        WHERE held IS DISTINCT FROM row_count
    """,
    "decision_counts": """
        SELECT count(*)
        FROM (
            SELECT batch_id, band, decision, count(*) AS held, avg(probability_of_default) AS mean
            FROM scores
            GROUP BY ALL
        ) AS counted
        FULL JOIN decision_counts USING (batch_id, band, decision)
        WHERE held IS DISTINCT FROM row_count OR abs(mean - mean_probability_of_default) > 1e-9
    """,
    "group_counts": """
        SELECT count(*)
        FROM (
            SELECT applications.batch_id, places.group_place, count(*) AS held
            FROM applications
            JOIN places ON places.age = applications.age
            GROUP BY ALL
        ) AS counted
        FULL JOIN group_counts USING (batch_id, group_place)
        WHERE held IS DISTINCT FROM row_count
    """,
    "approvals of group_counts": """
        SELECT count(*)
        FROM (SELECT batch_id, sum(approved_count) AS approved FROM group_counts GROUP BY ALL) AS counted
        FULL JOIN (SELECT * FROM batches WHERE status = 'published') AS batches USING (batch_id)
        WHERE approved IS DISTINCT FROM rows_approved
    """,
    "profiles": """
        SELECT count(*)
        FROM profiles
        FULL JOIN (SELECT * FROM batches WHERE status = 'published') AS batches USING (batch_id)
        WHERE list_sum(counts) IS DISTINCT FROM rows_scored
    """,
    "outcomes": """
        SELECT held - due
        FROM (SELECT count(*) AS held, max(observed_on) AS latest FROM outcomes) AS outcomes
        CROSS JOIN (
            SELECT coalesce(sum(rows_scored), 0) AS due
            FROM batches
            WHERE status = 'published' AND batch_date <= (SELECT max(batch_date) - 90 FROM batches)
        ) AS batches
    """,
    "prediction_hours": """
        SELECT count(*)
        FROM (
            SELECT
                date_trunc('hour', predicted_at) AS hour,
                count(*) AS held,
                count(*) FILTER (json_extract_string(outputs, '$.decision') = 'approve') AS approved
            FROM predictions
            GROUP BY ALL
        ) AS counted
        FULL JOIN prediction_hours USING (hour)
        WHERE (held, approved) IS DISTINCT FROM (request_count, approved_count)
    """,
    "prediction_segments": """
        SELECT count(*)
        FROM (SELECT segment, count(*) AS held FROM predictions GROUP BY segment) AS counted
        FULL JOIN prediction_segments USING (segment)
        WHERE held IS DISTINCT FROM row_count
    """,
}


def main(arguments: Sequence[str]) -> int:
    """Makes one, and prints how large it has become."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.year", description="A home after a year of publishing")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--rows", type=int, default=100_000)
    chosen = parser.parse_args(arguments)
    if (chosen.folder / "warehouse.duckdb").exists() and (chosen.folder / "landing").exists():
        parser.error(f"there is a warehouse in {chosen.folder} already; name another folder")
    project = make_year(chosen.folder, days=chosen.days, rows=chosen.rows)
    _print(Console(), project.settings.path("warehouse"), project.settings.lock_wait_seconds)
    return 0


def _print(console: Console, warehouse: Path, wait_seconds: float) -> None:
    console.print(f"{warehouse}: {warehouse.stat().st_size / 1e6:,.0f} MB", soft_wrap=True)
    with open_for_reading(warehouse, wait_seconds) as connection:
        tables = connection.execute("SELECT table_name, estimated_size FROM duckdb_tables() ORDER BY ALL").fetchall()
    for table, rows in tables:
        console.print(f"{table:>20} {rows:>12,} rows")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
