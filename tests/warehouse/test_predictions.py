import shutil
from datetime import datetime
from pathlib import Path

import polars
import pytest

from schemas.errors import WarehouseError
from tests.warehouse.staged import CONTRACT, DAY, MODEL, WAIT_SECONDS, ask, everything
from warehouse import migration
from warehouse.connection import Address, open_for_writing
from warehouse.instants import utc_now
from warehouse.writer import PREDICTIONS, Writer

AT = datetime(2026, 3, 2, 8, 30)  # noqa: DTZ001 -- instants are UTC, without a zone
ROW = {
    "prediction_id": "p-1",
    "predicted_at": AT,
    "request_id": "r-1",
    "application_key": None,
    "inputs": '{"age": 35}',
    "outputs": "{}",
    "latency_ms": 1.5,
    "model_version": "scorecard-1",
}
TWO = polars.DataFrame([ROW, ROW | {"prediction_id": "p-2", "application_key": "5ca1ab1e"}], schema=PREDICTIONS)
ONE, OTHER = "1" * 64, "2" * 64
COLUMNS = ", ".join([*PREDICTIONS, "segment"])
FIRST_ROWS: dict[str, list[object]] = {
    "drift": ["b-1", DAY, "income", "psi", 0.3, None, 0.2, True],
    "alerts": ["a-1", "drift", "warning", DAY, "income", "PSI 0.3", "open", AT],
    "performance": [DAY, MODEL, "auc", 0.7, 0.6, 0.8, 900, AT],
    "predictions": ["old", AT, "{}", "{}", 2.5, "m"],
}


@pytest.fixture
def writer(at: Address) -> Writer:
    return Writer(at, CONTRACT, WAIT_SECONDS)


@pytest.fixture
def first_layout(at: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The warehouse is one of the first release, with a row in every table that later layouts add columns to."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    shutil.copy(migration.FOLDER / "0001_initial.sql", folder)
    with monkeypatch.context() as patched:
        patched.setattr(migration, "FOLDER", folder)
        Writer(at, CONTRACT, WAIT_SECONDS).prepare()
    with open_for_writing(at, WAIT_SECONDS) as connection:
        for table, row in FIRST_ROWS.items():
            connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)


def test_a_segment_is_loaded_with_its_record(at: Address, writer: Writer) -> None:
    before = utc_now()
    assert writer.load_predictions("first", ONE, TWO) is True
    assert ask(at, f"SELECT {COLUMNS} FROM predictions ORDER BY prediction_id") == [
        ("p-1", AT, "r-1", None, '{"age": 35}', "{}", 1.5, "scorecard-1", "first"),
        ("p-2", AT, "r-1", "5ca1ab1e", '{"age": 35}', "{}", 1.5, "scorecard-1", "first"),
    ]
    assert ask(at, "SELECT segment, row_count, sha256 FROM prediction_segments") == [("first", 2, ONE)]
    ((loaded_at,),) = ask(at, "SELECT loaded_at FROM prediction_segments")
    assert before <= loaded_at <= utc_now()


def test_a_segment_on_record_is_not_loaded_again(at: Address, writer: Writer) -> None:
    writer.load_predictions("first", ONE, TWO)
    before = everything(at)
    assert writer.load_predictions("first", ONE, TWO) is False
    assert everything(at) == before


def test_the_hours_of_a_segment_are_summed_up_with_those_loaded_before(at: Address, writer: Writer) -> None:
    answers = [("approve", 0.1, 1.0), ("approve", 0.2, 2.0), ("refer", 0.3, 3.0), ("decline", 0.4, 10.0)]
    rows = [
        ROW
        | {
            "prediction_id": f"p-{place}",
            "predicted_at": AT.replace(hour=8 if place < 3 else 9, minute=59 if place < 3 else 0),
            "outputs": f'{{"decision": "{decision}", "probability_of_default": {probability}}}',
            "latency_ms": latency,
        }
        for place, (decision, probability, latency) in enumerate(answers)
    ]
    # The second segment has one more of the first one's hour.
    writer.load_predictions("first", ONE, polars.DataFrame(rows[:2], schema=PREDICTIONS))
    writer.load_predictions("second", OTHER, polars.DataFrame(rows[2:], schema=PREDICTIONS))
    columns = "hour, request_count, approved_count, referred_count, declined_count, latency_p50_ms, latency_max_ms"
    assert ask(at, f"SELECT {columns} FROM prediction_hours ORDER BY hour") == [
        (AT.replace(minute=0), 3, 2, 1, 0, 2.0, 3.0),
        (AT.replace(hour=9, minute=0), 1, 0, 0, 1, 10.0, 10.0),
    ]
    means = ask(at, "SELECT mean_probability_of_default FROM prediction_hours ORDER BY hour")
    assert [value for (value,) in means] == pytest.approx([0.2, 0.4])


def test_other_content_under_a_name_on_record_is_refused(at: Address, writer: Writer) -> None:
    writer.load_predictions("first", ONE, TWO)
    before = everything(at)
    with pytest.raises(WarehouseError, match=r"segment first is on record with other content \(SHA-256 111111111111…"):
        writer.load_predictions("first", OTHER, TWO[:1])
    assert everything(at) == before
    assert writer.load_predictions("second", OTHER, TWO[:1]) is True
    assert ask(at, "SELECT segment, count(*) FROM predictions GROUP BY segment ORDER BY segment") == [
        ("first", 2),
        ("second", 1),
    ]


def test_a_segment_without_predictions_is_on_record_too(at: Address, writer: Writer) -> None:
    assert writer.load_predictions("empty", ONE, TWO.clear()) is True
    assert writer.load_predictions("empty", ONE, TWO.clear()) is False
    assert ask(at, "SELECT segment, row_count FROM prediction_segments") == [("empty", 0)]
    assert ask(at, "SELECT count(*) FROM predictions") == [(0,)]


@pytest.mark.usefixtures("first_layout")
def test_a_warehouse_of_the_first_layout_keeps_its_rows_and_takes_later_ones(at: Address, writer: Writer) -> None:
    writer.prepare()
    after = everything(at)
    added: dict[str, list[object]] = {
        "drift": [None, None, None],
        # What was raised before has been seen in one batch, its own.
        "alerts": [DAY, 1, None, None, None, None],
        "performance": ["realised", None],
        "predictions": [None, None, None],
    }
    for table, row in FIRST_ROWS.items():
        assert after[table] == [(*row, *added[table])]
    names = [file.stem for file in sorted(migration.FOLDER.glob("*.sql"))]
    assert [row[:3] for row in after["prediction_hours"]] == [(AT.replace(minute=0), "m", 1)]
    assert [row[:2] for row in after["schema_version"]] == list(enumerate(names, start=1))
    writer.prepare()
    assert everything(at) == after
    assert writer.load_predictions("first", ONE, TWO) is True
    loaded = ask(at, "SELECT prediction_id, segment FROM predictions ORDER BY prediction_id")
    assert loaded == [("old", None), ("p-1", "first"), ("p-2", "first")]


@pytest.mark.usefixtures("first_layout")
def test_the_first_segment_brings_an_older_warehouse_to_this_layout(at: Address, writer: Writer) -> None:
    assert writer.load_predictions("first", ONE, TWO) is True
    assert ask(at, "SELECT count(*) FROM predictions") == [(3,)]
    assert ask(at, "SELECT max(version) FROM schema_version") == [(len(list(migration.FOLDER.glob("*.sql"))),)]
