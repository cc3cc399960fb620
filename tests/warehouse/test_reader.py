import subprocess
import sys
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import polars
import pytest

from schemas.alert import Alert
from schemas.errors import WarehouseError
from schemas.lake import Lake
from tests.flows.homes import ROOT, environment
from tests.warehouse.staged import CONTRACT, DAY, GATE, MODEL, NEXT_DAY, WAIT_SECONDS, Batch, ask, publish, stage
from warehouse.connection import Address, exists, open_for_writing
from warehouse.reader import PublishedBatch, Reader
from warehouse.writer import Writer


@pytest.fixture
def reader(at: Address) -> Reader:
    return Reader(at, WAIT_SECONDS)


@pytest.fixture
def writer(at: Address) -> Writer:
    return Writer(at, CONTRACT, WAIT_SECONDS)


def write_ids(folder: Path, name: str, ids: dict[int, str]) -> Path:
    part = folder / f"{name}.parquet"
    polars.DataFrame({"row_number": list(ids), "application_id": list(ids.values())}).write_parquet(part)
    return part


def load_outcomes(writer: Writer, defaulted: dict[str, bool]) -> None:
    frame = polars.DataFrame({"application_id": list(defaulted), "defaulted": list(defaulted.values())})
    writer.load_outcomes(frame.with_columns(observed_on=date(2026, 9, 1)))


def block(writer: Writer, batch: Batch) -> None:
    writer.block(batch.counted(scored=0, quarantined=22).record, GATE[:1])


def set_status(at: Address, subject: str, status: str) -> None:
    with open_for_writing(at, WAIT_SECONDS) as connection:
        connection.execute("UPDATE alerts SET status = ? WHERE subject = ?", [status, subject])


def day_of(reader: Reader, start: date = DAY, end: date = NEXT_DAY) -> list[dict[str, Any]]:
    return reader.frame("days", start=start, end=end).to_dicts()


def test_without_a_warehouse_a_question_says_what_to_do(reader: Reader, at: Address) -> None:
    for question in (partial(reader.published, DAY), reader.identities, reader.judged, reader.open_alerts):
        with pytest.raises(WarehouseError, match=r"no warehouse (at|in) .* yet; score a day first: python -m"):
            question()
    assert not exists(at, WAIT_SECONDS)


def test_a_warehouse_whose_first_writer_was_killed_reads_as_no_warehouse_yet(reader: Reader, at: Address) -> None:
    # File or catalog are made when it is opened, the tables come with the first commit.
    with pytest.raises(KeyboardInterrupt), open_for_writing(at, WAIT_SECONDS):
        raise KeyboardInterrupt
    with pytest.raises(WarehouseError):
        reader.published(DAY)
    with pytest.raises(WarehouseError):
        day_of(reader)


def test_the_batch_in_force_comes_back_with_its_identity_and_counts(
    tmp_path: Path, at: Address, reader: Reader
) -> None:
    publish(at, stage(tmp_path, content="first"))
    batch = stage(tmp_path, content="corrected", rows=12)
    second = publish(at, batch)
    assert reader.published(DAY) == PublishedBatch(
        batch_id=second.batch_id,
        revision=2,
        identity=batch.record.identity,
        rows=batch.record.rows,
        started_at=batch.record.started_at,
    )
    assert reader.published(NEXT_DAY) is None


def test_a_blocked_batch_is_not_in_force(tmp_path: Path, writer: Writer, reader: Reader) -> None:
    block(writer, stage(tmp_path))
    assert reader.published(DAY) is None


def test_identities_are_those_of_the_batches_in_force(
    tmp_path: Path, at: Address, writer: Writer, reader: Reader
) -> None:
    corrected = stage(tmp_path, content="corrected").of_model("c0ffee00" * 8)
    other = stage(tmp_path, NEXT_DAY)
    for batch in (other, stage(tmp_path, content="first"), corrected):
        publish(at, batch)
    block(writer, stage(tmp_path, content="broken"))
    block(writer, stage(tmp_path, NEXT_DAY + timedelta(days=1)))
    # Neither the superseded first file nor the blocked ones, one of which has its date to itself.
    assert reader.identities() == {DAY: corrected.record.identity, NEXT_DAY: other.record.identity}


def test_judged_are_the_batches_in_force_and_the_blocked_ones(
    tmp_path: Path, at: Address, writer: Writer, reader: Reader
) -> None:
    blocked = stage(tmp_path, NEXT_DAY)
    block(writer, blocked)
    broken, corrected = stage(tmp_path, content="broken"), stage(tmp_path, content="corrected")
    publish(at, stage(tmp_path, content="first"))
    block(writer, broken)
    publish(at, corrected)
    found = reader.judged()
    assert found.columns == ["batch_date", "status", "source_sha256"]
    assert found.rows() == [
        (DAY, "blocked", broken.record.identity.source_sha256),
        (DAY, "published", corrected.record.identity.source_sha256),
        (NEXT_DAY, "blocked", blocked.record.identity.source_sha256),
    ]


def test_open_alerts_are_all_but_the_resolved_ones_newest_first(at: Address, writer: Writer, reader: Reader) -> None:
    for subject in ("z", "settled", "a", "m"):
        alert = Alert(kind="missing_file", severity="warning", batch_date=DAY, subject=subject, message=f"no {subject}")
        writer.report_missing(alert)
    set_status(at, "settled", "resolved")
    set_status(at, "a", "acknowledged")
    found = reader.open_alerts()
    assert found.select("kind", "severity", "batch_date", "subject", "message", "status").rows() == [
        ("missing_file", "warning", DAY, "m", "no m", "open"),
        ("missing_file", "warning", DAY, "a", "no a", "acknowledged"),
        ("missing_file", "warning", DAY, "z", "no z", "open"),
    ]
    assert found["raised_at"].is_sorted(descending=True)


def test_a_warehouse_with_nothing_in_it_answers_with_typed_columns(writer: Writer, reader: Reader) -> None:
    writer.prepare()
    assert reader.identities() == {}
    judged: dict[str, Any] = {"batch_date": polars.Date, "status": polars.String, "source_sha256": polars.String}
    assert (reader.judged().height, reader.judged().schema) == (0, judged)
    texts = ["alert_id", "kind", "severity", "subject", "message", "status", "acknowledged_by"]
    alerts: dict[str, Any] = dict.fromkeys(texts, polars.String)
    alerts |= dict.fromkeys(["batch_date", "last_batch_date", "acknowledged_until"], polars.Date)
    alerts |= {"batches": polars.Int32, "raised_at": polars.Datetime("us")}
    assert (reader.open_alerts().height, dict(reader.open_alerts().schema)) == (0, alerts)


def test_recent_volumes_are_those_of_the_last_published_batches_before_a_date(
    tmp_path: Path, at: Address, writer: Writer, reader: Reader
) -> None:
    days = [DAY + timedelta(days=number) for number in range(5)]
    for rows, day in zip([10, 11, 12, 13], [days[0], days[1], days[3], days[4]], strict=True):
        publish(at, stage(tmp_path, day, rows=rows, quarantined=0))
    publish(at, stage(tmp_path, days[1], rows=31, quarantined=3, content="corrected"))
    verdict = stage(tmp_path, days[2]).counted(scored=0, quarantined=99)
    writer.block(verdict.record, GATE[:1])
    # Latest first: neither the date itself and later ones, nor the blocked 99, nor the superseded 11.
    assert reader.recent_volumes(days[4], window=28) == [12, 34, 10]
    assert reader.recent_volumes(days[4], window=2) == [12, 34]
    assert reader.recent_volumes(days[0], window=28) == []


def test_published_elsewhere_are_the_batches_in_force_of_other_dates(
    tmp_path: Path, at: Address, reader: Reader
) -> None:
    publish(at, stage(tmp_path, DAY, content="first"))
    corrected = publish(at, stage(tmp_path, DAY, content="corrected"))
    other = publish(at, stage(tmp_path, NEXT_DAY))
    assert reader.published_elsewhere(DAY) == {other.batch_id}
    assert reader.published_elsewhere(NEXT_DAY) == {corrected.batch_id}
    assert reader.published_elsewhere(DAY - timedelta(days=1)) == {corrected.batch_id, other.batch_id}


def test_scored_elsewhere_finds_the_rows_scored_under_another_date(tmp_path: Path, at: Address, reader: Reader) -> None:
    publish(at, stage(tmp_path, DAY, ids="old", content="first"))
    publish(at, stage(tmp_path, DAY, ids="a", content="corrected"))
    publish(at, stage(tmp_path, NEXT_DAY, ids="b"))
    parts = [
        write_ids(tmp_path, "one", {1: "a-0", 2: "new", 3: "old-0"}),
        write_ids(tmp_path, "two", {4: "b-1", 5: "a-0", 6: "bad-21"}),
    ]
    # Not those of the superseded batch, the quarantined one, nor those of the date that is asked about.
    assert reader.scored_elsewhere(parts, NEXT_DAY).rows() == [(1, DAY), (5, DAY)]
    assert reader.scored_elsewhere(parts, DAY).rows() == [(4, NEXT_DAY)]
    assert reader.scored_elsewhere(parts[:1], DAY).rows() == []


def test_an_application_is_found_in_its_batch_in_force_with_inputs_and_result(
    tmp_path: Path, at: Address, reader: Reader
) -> None:
    publish(at, stage(tmp_path, ids="a", content="first"))
    second = publish(at, stage(tmp_path, ids="a", content="corrected"))
    (found,) = reader.frame("application", application_id="a-3").to_dicts()
    assert found == {
        "batch_id": second.batch_id,
        "application_id": "a-3",
        "application_date": DAY,
        "row_number": 4,
        "age": 21,
        "income": 20_003.0,
        "loan_amount": 1_003.0,
        "employment_length": 3.0,
        "credit_score": 303,
        "batch_date": DAY,
        "probability_of_default": pytest.approx(0.3),
        # 503 and the 9 points of this file.
        "score": 512,
        "band": "C",
        "decision": "decline",
        "reason_codes": ["income", "age"],
        "model_version": MODEL,
    }
    assert reader.frame("application", application_id="a-20").is_empty()


def test_a_day_shows_its_figures_drifted_features_and_warnings(tmp_path: Path, at: Address, reader: Reader) -> None:
    publish(at, stage(tmp_path, rows=20, quarantined=2))
    [row] = day_of(reader)
    written = ask(at, "SELECT batch_id, finished_at FROM batches")
    assert written == [(row.pop("batch_id"), row.pop("finished_at"))]
    assert row == {
        "batch_date": DAY,
        "revision": 1,
        "status": "published",
        "model_version": MODEL,
        "rows_received": 22,
        "rows_scored": 20,
        "rows_quarantined": 2,
        "rows_approved": 10,
        "rows_referred": 5,
        "rows_declined": 5,
        "mean_probability_of_default": pytest.approx(0.2),
        "mean_score": 514.5,
        # The score is not a feature.
        "drifted_features": ["income"],
        "warnings": ["missing_share"],
        "quality_findings": ["missing_share income"],
    }


def test_days_are_those_of_the_period_with_blocked_but_not_superseded_batches(
    tmp_path: Path, at: Address, writer: Writer, reader: Reader
) -> None:
    later = NEXT_DAY + timedelta(days=1)
    for day, content in [(later, "first"), (DAY, "first"), (DAY, "second"), (NEXT_DAY, "first")]:
        publish(at, stage(tmp_path, day, content=content))
    writer.block(stage(tmp_path, DAY, content="third").counted(scored=0, quarantined=22).record, GATE[:1])
    found = [(row["batch_date"], row["revision"], row["status"]) for row in day_of(reader)]
    assert found == [(DAY, 2, "published"), (DAY, 3, "blocked"), (NEXT_DAY, 1, "published")]
    blocked = day_of(reader)[1]
    assert (blocked["drifted_features"], blocked["warnings"], blocked["rows_approved"]) == ([], [], 0)


def test_vintages_are_the_months_and_models_with_a_known_outcome(
    tmp_path: Path, at: Address, writer: Writer, reader: Reader
) -> None:
    for day, ids in [(date(2026, 1, 31), "a"), (date(2026, 2, 1), "b"), (date(2026, 2, 28), "c"), (DAY, "d")]:
        publish(at, stage(tmp_path, day, ids=ids))
    # No outcome for March; one outcome is of an application nobody scored.
    load_outcomes(writer, {"c-0": True, "b-1": False, "a-1": False, "unknown": True})
    found = reader.frame("vintages_with_outcomes").rows()
    latest = date(2026, 9, 1)
    assert found == [
        (date(2026, 1, 1), MODEL, date(2026, 1, 31), latest),
        (date(2026, 2, 1), MODEL, date(2026, 2, 28), latest),
    ]


def test_realised_pairs_prediction_and_outcome_of_one_month_and_model(
    tmp_path: Path, at: Address, writer: Writer, reader: Reader
) -> None:
    # The first and last days of February, and the days just outside it.
    days = [date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 28), date(2026, 3, 1)]
    for day, ids in zip(days, "abcd", strict=True):
        publish(at, stage(tmp_path, day, ids=ids))
    publish(at, stage(tmp_path, days[1], ids="b", content="corrected"))
    load_outcomes(writer, {"a-0": True, "b-0": True, "c-1": False, "d-0": True})
    february = date(2026, 2, 1)
    found = reader.frame("realised", vintage=february, model_version=MODEL)
    # Even rows were given 0.1, odd ones 0.3; an application of a superseded revision counts once.
    assert sorted(found.rows()) == [(pytest.approx(0.1), "C", True), (pytest.approx(0.3), "C", False)]
    assert reader.frame("realised", vintage=february, model_version="another").is_empty()


def test_no_progress_bar_is_drawn_into_what_is_printed(tmp_path: Path, at: Address) -> None:
    publish(at, stage(tmp_path))
    # A process without a script, as those of a pool are, for which DuckDB has it on.
    code = f"""
from pathlib import Path
import duckdb
from schemas.lake import Lake
from warehouse import lake
from warehouse.connection import open_for_reading
asked = "SELECT current_setting('enable_progress_bar')"
with open_for_reading({_written(at)}, {WAIT_SECONDS}) as connection:
    asking = [duckdb.connect(), connection, *lake._database]
    print([made.execute(asked).fetchall()[0][0] for made in asking])
"""
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, check=False, cwd=ROOT, env=environment(), capture_output=True, text=True)
    assert run.stdout.strip() == f"[True, {', '.join(['False'] * (1 + isinstance(at, Lake)))}]", run.stderr


def _written(at: Address) -> str:
    return f"Lake({at.catalog!r}, {at.data!r})" if isinstance(at, Lake) else f"Path({str(at)!r})"
