import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import polars
import pytest

from schemas.batch import GateResult, Published
from schemas.errors import WarehouseError, WarehouseUnavailable
from schemas.lake import Lake
from tests.warehouse.staged import (
    CONTRACT,
    DAY,
    DRIFT,
    GATE,
    MODEL,
    NEXT_DAY,
    QUALITY,
    TORN,
    VERDICTS,
    WAIT_SECONDS,
    Batch,
    ask,
    everything,
    publish,
    stage,
    unsummed,
)
from warehouse import inserts
from warehouse.connection import Address, open_for_writing
from warehouse.inserts import Basis, WarehouseChanged
from warehouse.monitoring import Monitoring
from warehouse.reader import Reader
from warehouse.writer import PERFORMANCE, Writer

REFUSAL = GateResult(
    check_name="quarantined_share", observed=0.4, threshold=0.05, severity="critical", passed=False, message="40 %"
)

# Of the id in the test of it, by DuckDB 1.5.
KEY = 358_968_474


@pytest.fixture
def writer(at: Address) -> Writer:
    return Writer(at, CONTRACT, WAIT_SECONDS)


def block(writer: Writer, batch: Batch, *gate: GateResult) -> Published:
    """Records the verdict on a batch of 22 rows, none of which is scored."""
    return writer.block(batch.counted(scored=0, quarantined=22).record, gate or (REFUSAL,))


def statuses(at: Address) -> list[tuple[object, ...]]:
    return ask(at, "SELECT batch_date, revision, status FROM batches ORDER BY batch_date, revision")


def test_a_published_batch_is_on_the_record_with_its_counts_and_figures(tmp_path: Path, at: Address) -> None:
    batch = stage(tmp_path, rows=20, quarantined=2)
    earliest = datetime.now(UTC).replace(tzinfo=None)
    published = publish(at, batch)
    assert published.new
    assert (published.revision, published.batch_date, published.rows) == (1, DAY, batch.record.rows)
    (row,) = ask(at, "SELECT * EXCLUDE (started_at, finished_at) FROM batches")
    identity = batch.record.identity
    hashes = (identity.model_sha256, identity.contract_hash)
    assert row[:9] == (
        published.batch_id,
        DAY,
        1,
        "published",
        batch.record.source,
        identity.source_sha256,
        MODEL,
        *hashes,
    )
    # 10, 5 and 5 decisions; the mean score of 20 rows is 509.5 and the 5 points this file adds.
    assert row[9:] == (22, 20, 2, 10, 5, 5, pytest.approx(0.2), 514.5)
    ((started_at, finished_at),) = ask(at, "SELECT started_at, finished_at FROM batches")
    assert started_at == batch.record.started_at
    assert earliest <= finished_at <= earliest + timedelta(minutes=1)
    assert ask(at, TORN) == []


def test_applications_and_scores_are_stored_as_they_were_staged(tmp_path: Path, at: Address) -> None:
    batch = stage(tmp_path, rows=20)
    published = publish(at, batch)
    names = "application_id, application_date, row_number, age, income, loan_amount, employment_length, credit_score"
    stored = ask(at, f"SELECT {names} FROM applications WHERE batch_id = ? ORDER BY row_number", published.batch_id)
    staged = polars.concat(polars.read_parquet(part) for part in batch.staged.accepted)
    assert stored == staged.select(names.split(", ")).rows()
    names = "application_id, probability_of_default, score, band, decision, reason_codes"
    stored = ask(at, f"SELECT {names} FROM scores WHERE model_version = ? ORDER BY application_id", MODEL)
    staged = polars.concat(polars.read_parquet(part) for part in batch.staged.scores)
    assert stored == staged.select(names.split(", ")).sort("application_id").rows()


def test_the_decisions_of_a_batch_are_counted_by_band(tmp_path: Path, at: Address) -> None:
    published = publish(at, stage(tmp_path, rows=20))
    counted = "batch_id, batch_date, model_version, band, decision"
    kept = ask(at, f"SELECT {counted}, row_count, mean_probability_of_default FROM decision_counts ORDER BY ALL")
    assert sum(row[5] for row in kept) == 20
    assert {row[:3] for row in kept} == {(published.batch_id, DAY, MODEL)}
    found = ask(
        at, "SELECT band, decision, count(*), avg(probability_of_default) FROM scores GROUP BY ALL ORDER BY ALL"
    )
    assert [row[3:6] for row in kept] == [row[:3] for row in found]
    assert [row[6] for row in kept] == pytest.approx([row[3] for row in found])


def test_an_application_is_found_by_its_key_in_every_revision_of_its_batch(tmp_path: Path, at: Address) -> None:
    first, second = (publish(at, stage(tmp_path, content=content)) for content in ("first", "corrected"))
    publish(at, stage(tmp_path, NEXT_DAY))
    ((application_id,),) = ask(at, f"SELECT min(application_id) FROM scores WHERE batch_id = '{first.batch_id}'")
    found = Reader(at, WAIT_SECONDS).frame("batches_of_application", application_id=application_id)
    assert set(found["batch_id"]) == {first.batch_id, second.batch_id}
    assert Reader(at, WAIT_SECONDS).frame("batches_of_application", application_id="nobody's").is_empty()


def test_the_keys_of_applications_are_those_that_are_on_record() -> None:
    """If DuckDB changes its hash, the keys on record find nothing: then a migration has to make them again."""
    with duckdb.connect() as connection:
        found = connection.execute("SELECT (hash('GEN-20260630-000001') >> 32)::UINTEGER").fetchone()
    assert found == (KEY,)


def test_a_warehouse_of_the_third_layout_is_counted_and_keyed(tmp_path: Path, writer: Writer, at: Address) -> None:
    publish(at, stage(tmp_path, rows=20))
    publish(at, stage(tmp_path, NEXT_DAY, rows=10))
    outcomes = {"application_id": ["a", "b"], "defaulted": [True, False], "observed_on": [DAY, DAY]}
    writer.load_outcomes(polars.DataFrame(outcomes))
    kept = (
        "SELECT batch_id, batch_date, model_version, band, decision, row_count FROM decision_counts ORDER BY ALL",
        "SELECT batch_id, key FROM application_keys ORDER BY ALL",
        "SELECT application_id, key FROM outcomes ORDER BY ALL",
    )
    before = [ask(at, question) for question in kept]
    assert all(before)
    with open_for_writing(at, WAIT_SECONDS) as connection:
        connection.execute("DROP TABLE decision_counts; DROP TABLE application_keys; DROP TABLE prediction_hours")
        connection.execute("DROP TABLE removals; DROP TABLE file_changes")
        connection.execute("ALTER TABLE outcomes DROP COLUMN key")
        connection.execute("DELETE FROM schema_version WHERE version >= 4")
    writer.prepare()
    assert [ask(at, question) for question in kept] == before


def test_quarantine_gate_results_and_drift_are_stored_as_they_were_found(tmp_path: Path, at: Address) -> None:
    published = publish(at, stage(tmp_path, rows=20, quarantined=2))
    batch_id = published.batch_id
    broken = ask(at, "SELECT batch_id, row_number, rule, field, value, row FROM quarantine ORDER BY row_number, rule")
    raw = '{"age":"17","income":""}'
    assert broken == [
        (batch_id, 21, "at_least", "age", "17", raw),
        (batch_id, 21, "missing", "income", None, raw),
        (batch_id, 22, "at_least", "age", "17", raw),
    ]
    assert ask(at, "SELECT * FROM gate_results ORDER BY check_name") == [
        (batch_id, found.check_name, found.observed, found.threshold, found.severity, found.passed, found.message)
        for found in GATE
    ]
    for table, found in (("drift", DRIFT), ("drift_verdicts", VERDICTS), ("quality", QUALITY)):
        columns = ", ".join(["batch_id", "batch_date", *found.columns])
        stored = ask(at, f"SELECT {columns} FROM {table}")
        assert sorted(stored, key=repr) == sorted(((batch_id, DAY, *row) for row in found.rows()), key=repr)


def test_a_batch_without_quarantined_rows_or_drift_is_published(tmp_path: Path, writer: Writer, at: Address) -> None:
    batch = stage(tmp_path, rows=20, quarantined=0)
    assert writer.publish(batch.record, batch.staged, GATE, Monitoring(), unsummed).new
    assert ask(at, "SELECT rows_received, rows_quarantined FROM batches") == [(20, 0)]
    assert ask(at, "SELECT count(*) FROM quarantine") == [(0,)]


def test_a_rerun_publishes_nothing_new(tmp_path: Path, at: Address) -> None:
    first = publish(at, stage(tmp_path))
    before = everything(at)
    again = publish(at, stage(tmp_path))
    assert again == replace(first, new=False)
    assert everything(at) == before


def test_a_run_whose_commit_went_through_though_its_answer_was_lost_has_published_it(
    tmp_path: Path, at: Address
) -> None:
    batch = stage(tmp_path)
    first = publish(at, batch)
    before = everything(at)
    assert publish(at, batch) == first
    assert everything(at) == before


def test_a_changed_file_replaces_the_batch_of_its_date(tmp_path: Path, at: Address) -> None:
    publish(at, stage(tmp_path, rows=20, content="first"))
    other = publish(at, stage(tmp_path, NEXT_DAY, rows=20).seen())
    second = publish(at, stage(tmp_path, rows=12, content="corrected"))
    assert second.new
    assert statuses(at) == [(DAY, 1, "superseded"), (DAY, 2, "published"), (NEXT_DAY, 1, "published")]
    current = ask(at, "SELECT batch_date, batch_id, count(*) FROM current_scores GROUP BY ALL ORDER BY ALL")
    assert current == [(DAY, second.batch_id, 12), (NEXT_DAY, other.batch_id, 20)]
    assert ask(at, TORN) == []


def test_restoring_the_first_file_publishes_a_third_revision(tmp_path: Path, at: Address) -> None:
    publish(at, stage(tmp_path, content="first"))
    publish(at, stage(tmp_path, content="corrected"))
    third = publish(at, stage(tmp_path, content="first"))
    assert (third.revision, third.new) == (3, True)
    assert statuses(at) == [(DAY, 1, "superseded"), (DAY, 2, "superseded"), (DAY, 3, "published")]
    assert ask(at, "SELECT DISTINCT batch_id FROM current_scores") == [(third.batch_id,)]


def test_another_model_publishes_a_new_revision_of_the_same_file(tmp_path: Path, at: Address) -> None:
    publish(at, stage(tmp_path))
    assert publish(at, stage(tmp_path).of_model("c0ffee00" * 8)).revision == 2
    assert statuses(at) == [(DAY, 1, "superseded"), (DAY, 2, "published")]


def test_a_blocked_batch_leaves_only_the_verdict(tmp_path: Path, writer: Writer, at: Address) -> None:
    verdict = block(writer, stage(tmp_path))
    assert (verdict.revision, verdict.new) == (1, True)
    tables = everything(at)
    verdict_tables = {"batches", "gate_results", "alerts", "alert_events", "schema_version"}
    assert {name for name, rows in tables.items() if rows} == verdict_tables
    figures = "status, rows_received, rows_scored, rows_quarantined, rows_approved, rows_declined, mean_score"
    assert ask(at, f"SELECT {figures} FROM batches") == [("blocked", 22, 0, 22, 0, 0, None)]
    assert ask(at, "SELECT batch_id, check_name, passed FROM gate_results") == [
        (verdict.batch_id, "quarantined_share", False)
    ]


def test_a_second_verdict_on_the_same_batch_replaces_the_first(tmp_path: Path, writer: Writer, at: Address) -> None:
    first = block(writer, stage(tmp_path), REFUSAL, *GATE)
    second = block(writer, stage(tmp_path), replace(REFUSAL, observed=0.5))
    assert second == replace(first, new=False)
    assert statuses(at) == [(DAY, 1, "blocked")]
    assert ask(at, "SELECT check_name, observed FROM gate_results") == [("quarantined_share", 0.5)]


def test_a_verdict_on_another_file_of_the_date_stands_beside_the_first(
    tmp_path: Path, writer: Writer, at: Address
) -> None:
    block(writer, stage(tmp_path, content="first"))
    assert block(writer, stage(tmp_path, content="second")).revision == 2
    assert statuses(at) == [(DAY, 1, "blocked"), (DAY, 2, "blocked")]


def test_a_blocked_correction_leaves_the_published_revision_in_force(
    tmp_path: Path, writer: Writer, at: Address
) -> None:
    first = publish(at, stage(tmp_path, content="first"))
    before = everything(at)
    block(writer, stage(tmp_path, content="corrected"))
    assert statuses(at) == [(DAY, 1, "published"), (DAY, 2, "blocked")]
    assert [first.batch_id] == [row[0] for row in ask(at, "SELECT DISTINCT batch_id FROM current_scores")]
    changed = {"batches", "gate_results", "alerts", "alert_events"}
    assert {name: rows for name, rows in everything(at).items() if name not in changed} == {
        name: rows for name, rows in before.items() if name not in changed
    }


def test_a_blocked_batch_that_passes_later_is_published(tmp_path: Path, writer: Writer, at: Address) -> None:
    block(writer, stage(tmp_path))
    published = publish(at, stage(tmp_path))
    assert (published.revision, published.new) == (2, True)
    assert statuses(at) == [(DAY, 1, "blocked"), (DAY, 2, "published")]
    assert not publish(at, stage(tmp_path)).new


# Each differs by one row from what is staged: 20 scored, 2 quarantined.
@pytest.mark.parametrize(("scored", "quarantined"), [(21, 2), (19, 2), (20, 3), (20, 1), (20, 0)])
def test_counts_that_are_not_those_of_the_staged_rows_publish_nothing(
    tmp_path: Path, at: Address, scored: int, quarantined: int
) -> None:
    publish(at, stage(tmp_path, content="first"))
    before = everything(at)
    with pytest.raises(WarehouseError, match="staged"):
        publish(at, stage(tmp_path, content="second").counted(scored=scored, quarantined=quarantined))
    assert everything(at) == before


def test_missing_scores_publish_nothing(tmp_path: Path, at: Address) -> None:
    publish(at, stage(tmp_path, content="first"))
    before = everything(at)
    batch = stage(tmp_path, content="second")
    incomplete = replace(batch, staged=replace(batch.staged, scores=batch.staged.scores[:1]))
    with pytest.raises(WarehouseError, match="10 rows for scores were staged, 20 were counted"):
        publish(at, incomplete)
    assert everything(at) == before


def test_quarantined_rows_without_their_records_publish_nothing(tmp_path: Path, at: Address) -> None:
    publish(at, stage(tmp_path, content="first"))
    before = everything(at)
    batch = stage(tmp_path, content="second", quarantined=2)
    with pytest.raises(WarehouseError, match="staged"):
        publish(at, replace(batch, staged=replace(batch.staged, quarantine=())))
    assert everything(at) == before


def test_an_application_published_under_another_date_meanwhile_publishes_nothing(tmp_path: Path, at: Address) -> None:
    publish(at, stage(tmp_path, DAY, ids="shared", rows=5))
    before = everything(at)
    with pytest.raises(WarehouseChanged, match=f"5 applications of {NEXT_DAY}"):
        publish(at, stage(tmp_path, NEXT_DAY, ids="shared", rows=20))
    assert everything(at) == before


def test_a_new_revision_of_another_date_counts_as_published_meanwhile(tmp_path: Path, at: Address) -> None:
    seen = publish(at, stage(tmp_path, DAY, ids="own", content="first"))
    publish(at, stage(tmp_path, DAY, ids="shared", content="corrected"))
    with pytest.raises(WarehouseChanged):
        publish(at, stage(tmp_path, NEXT_DAY, ids="shared").seen(seen.batch_id))


def test_batches_the_gate_knew_do_not_stop_a_batch(tmp_path: Path, at: Address) -> None:
    known = publish(at, stage(tmp_path, DAY, ids="shared"))
    assert publish(at, stage(tmp_path, NEXT_DAY, ids="shared").seen(known.batch_id)).new


def test_superseded_batches_of_another_date_do_not_stop_a_batch(tmp_path: Path, at: Address) -> None:
    publish(at, stage(tmp_path, DAY, ids="shared", content="first"))
    publish(at, stage(tmp_path, DAY, ids="own", content="corrected"))
    assert publish(at, stage(tmp_path, NEXT_DAY, ids="shared")).new


def test_a_staged_file_that_is_gone_publishes_nothing(tmp_path: Path, at: Address) -> None:
    publish(at, stage(tmp_path, content="first"))
    before = everything(at)
    batch = stage(tmp_path, content="second")
    batch.staged.quarantine[0].unlink()
    with pytest.raises(WarehouseUnavailable, match="nothing was changed"):
        publish(at, batch)
    assert everything(at) == before


def change_and_stumble(at: Address) -> None:
    with open_for_writing(at, WAIT_SECONDS) as connection:
        connection.execute("DELETE FROM scores")
        connection.execute("CREATE TABLE more (a INTEGER)")
        connection.execute("UPDATE batches SET status = 'lost'")
        print(1 / 0)


def test_an_exception_inside_a_transaction_changes_nothing(tmp_path: Path, at: Address) -> None:
    publish(at, stage(tmp_path))
    before = everything(at)
    with pytest.raises(ZeroDivisionError):
        change_and_stumble(at)
    assert everything(at) == before
    assert publish(at, stage(tmp_path, content="second")).new


# The limit on the size of a file stands in for a disk that is full.
ON_A_FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from schemas.errors import WarehouseUnavailable
from schemas.lake import Lake
from tests.warehouse.staged import NEXT_DAY, publish, stage

folder = Path(sys.argv[1])
at = Lake(*sys.argv[2:]) if len(sys.argv) > 2 else folder / "warehouse.duckdb"
batch = stage(folder, NEXT_DAY, rows=200_000)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
size = 0 if isinstance(at, Lake) else at.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100_000, resource.RLIM_INFINITY))
try:
    publish(at, batch)
except WarehouseUnavailable as error:
    print(error)
"""


def test_a_full_disk_changes_nothing_and_says_so(tmp_path: Path, at: Address) -> None:
    publish(at, stage(tmp_path))
    before = everything(at)
    where = [str(tmp_path), *([at.catalog, at.data] if isinstance(at, Lake) else [])]
    done = subprocess.run(
        [sys.executable, "-c", ON_A_FULL_DISK, *where], capture_output=True, text=True, timeout=60, check=False
    )
    assert everything(at) == before
    assert done.returncode == 0, done.stderr
    assert "nothing was changed" in done.stdout
    assert publish(at, stage(tmp_path, NEXT_DAY)).new


def test_outcomes_replace_earlier_ones_of_the_same_applications(writer: Writer, at: Address) -> None:
    writer.load_outcomes(outcomes_of({"a": False, "b": False}, date(2026, 6, 1)))
    writer.load_outcomes(outcomes_of({"b": True, "c": False}, date(2026, 9, 1)))
    stored = ask(at, "SELECT application_id, defaulted, observed_on FROM outcomes ORDER BY application_id")
    assert stored == [
        ("a", False, date(2026, 6, 1)),
        ("b", True, date(2026, 9, 1)),
        ("c", False, date(2026, 9, 1)),
    ]
    assert ask(at, "SELECT count(*) FROM outcomes WHERE loaded_at IS NULL") == [(0,)]


JANUARY = (date(2026, 1, 1), MODEL, None, "auc", 0.7, 0.6, 0.8, 900)
FEBRUARY = (date(2026, 2, 1), MODEL, "C", "auc", None, None, None, 3)


def replace_performance(at: Address, basis: Basis, *rows: tuple[object, ...]) -> None:
    with open_for_writing(at, WAIT_SECONDS) as connection:
        inserts.replace_performance(connection, basis, polars.DataFrame(rows, schema=PERFORMANCE, orient="row"))


def performance(at: Address, basis: Basis) -> list[tuple[object, ...]]:
    return ask(at, f"SELECT {', '.join(PERFORMANCE)} FROM performance WHERE basis = ? ORDER BY ALL", basis)


def test_realised_performance_replaces_all_that_was_known(writer: Writer, at: Address) -> None:
    writer.prepare()
    replace_performance(at, "estimated", JANUARY)
    replace_performance(at, "realised", JANUARY, FEBRUARY)
    replace_performance(at, "realised", FEBRUARY)
    assert performance(at, "realised") == [FEBRUARY]
    replace_performance(at, "realised")
    assert performance(at, "realised") == []
    assert performance(at, "estimated") == [JANUARY]


def test_an_estimate_replaces_those_of_its_vintages_and_models_only(writer: Writer, at: Address) -> None:
    writer.prepare()
    replace_performance(at, "realised", FEBRUARY)
    replace_performance(at, "estimated", JANUARY, FEBRUARY, (*FEBRUARY[:2], None, *FEBRUARY[3:]))
    other = (*FEBRUARY[:1], "champion-2", *FEBRUARY[2:])
    replace_performance(at, "estimated", FEBRUARY, other)
    assert performance(at, "estimated") == [JANUARY, FEBRUARY, other]
    assert performance(at, "realised") == [FEBRUARY]


def test_a_model_is_on_the_record_once_a_version(writer: Writer, at: Address) -> None:
    writer.record_model("1", "aa", CONTRACT.hash, "challenger", '{"auc": 0.68}')
    writer.record_model("2", "bb", CONTRACT.hash, "challenger", "{}")
    writer.record_model("1", "aa", CONTRACT.hash, "champion", '{"auc": 0.68}')
    question = "SELECT model_version, sha256, contract_hash, role, metrics FROM models ORDER BY model_version"
    assert ask(at, question) == [
        ("1", "aa", CONTRACT.hash, "champion", '{"auc": 0.68}'),
        ("2", "bb", CONTRACT.hash, "challenger", "{}"),
    ]


def test_preparing_lets_readers_in_before_anything_is_published(writer: Writer, at: Address) -> None:
    writer.prepare()
    assert Reader(at, WAIT_SECONDS).published(DAY) is None


def outcomes_of(defaulted: dict[str, bool], observed_on: date) -> polars.DataFrame:
    return polars.DataFrame(
        {
            "application_id": list(defaulted),
            "defaulted": list(defaulted.values()),
            "observed_on": [observed_on] * len(defaulted),
        }
    )
