from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.staged import CONTRACT, DAY, WAIT_SECONDS, ask, change, publish, stage
from warehouse.connection import Address
from warehouse.custodian import Custodian, FileChange
from warehouse.removal import Cutoffs

NEVER = date(1, 1, 1)
TOLD = "never seen: 'ZZ PLANTED' (1 row), \"it's\" (2 rows), 'a\\'b\"c' (1,200 rows) and 4 more; since 2 March"
BLURRED = "never seen: a level (1 row), a level (2 rows), a level (1,200 rows) and 4 more; since 2 March"
HEADERLESS = "f.csv: the first line has no column application_id; it reads 'PLANTED-1,44,76543.2'. Expected a header"


def custodian(at: Address) -> Custodian:
    return Custodian(at, CONTRACT, WAIT_SECONDS)


def cutoffs(**given: date) -> Cutoffs:
    names = ("applications", "declined", "quarantine", "predictions", "reports")
    return Cutoffs(**{name: given.get(name, NEVER) for name in names})


@pytest.fixture(autouse=True)
def two_days(tmp_path: Path, at: Address) -> None:
    """The warehouse has two published days."""
    publish(at, stage(tmp_path))
    publish(at, stage(tmp_path, date(2026, 3, 3)))


def test_messages_lose_the_values_of_single_applicants_and_keep_their_sense(at: Address) -> None:
    for table in ("quality", "drift_verdicts", "gate_results"):
        change(at, f"UPDATE {table} SET message = ? WHERE message IS NULL OR message <> ''", TOLD)
    change(at, "INSERT INTO alerts (batch_date, last_batch_date, message) VALUES (?, ?, ?)", DAY, DAY, TOLD)
    change(at, "INSERT INTO alerts (batch_date, message) VALUES (?, ?)", date(2026, 3, 3), TOLD)
    change(at, "INSERT INTO alert_events (batch_date, message) VALUES (?, ?)", DAY, TOLD)
    custodian(at).remove_over_age(cutoffs(reports=date(2026, 3, 3)), dry_run=False)
    for table in ("quality", "drift_verdicts", "gate_results"):
        asked = f"SELECT DISTINCT batch_date, {table}.message FROM {table} JOIN batches USING (batch_id) ORDER BY ALL"
        if table != "gate_results":
            asked = asked.replace("SELECT DISTINCT batch_date", f"SELECT DISTINCT {table}.batch_date")
        assert ask(at, asked) == [(DAY, BLURRED), (date(2026, 3, 3), TOLD)]
    events = "SELECT message FROM alert_events WHERE message LIKE 'never%'"
    assert ask(at, events) == [(BLURRED,)]
    alerts = "SELECT batch_date, message FROM alerts WHERE message LIKE 'never%' ORDER BY ALL"
    assert ask(at, alerts) == [(DAY, BLURRED), (date(2026, 3, 3), TOLD)]


def test_the_first_line_of_a_file_without_a_header_goes_with_its_application(at: Address) -> None:
    change(at, "INSERT INTO batches (batch_id, batch_date, status) VALUES ('b', ?, 'blocked')", DAY)
    change(at, "INSERT INTO gate_results (batch_id, message) VALUES ('b', ?)", HEADERLESS)
    change(at, "INSERT INTO alerts (batch_date, kind, message) VALUES (?, 'gate', ?)", DAY, HEADERLESS)
    custodian(at).erase("PLANTED-1", None, ())
    expected = "f.csv: the first line has no column application_id; it reads (removed). Expected a header"
    assert ask(at, "SELECT message FROM gate_results WHERE batch_id = 'b'") == [(expected,)]
    assert ask(at, "SELECT message FROM alerts WHERE kind = 'gate'") == [(expected,)]


def test_profiles_keep_means_of_ten_neighbours_and_nothing_of_fewer(at: Address) -> None:
    values = [float(value) for value in range(25)]
    for name, sample in {"many": values, "few": values[:9], "ten": values[:10]}.items():
        change(at, "INSERT INTO profiles (batch_id, feature, sample) SELECT batch_id, ?, ? FROM batches", name, sample)
    custodian(at).remove_over_age(cutoffs(reports=date(2027, 1, 1)), dry_run=False)
    found = dict(ask(at, "SELECT feature, any_value(sample) FROM profiles WHERE feature <> '' GROUP BY feature"))
    assert found["many"] == [4.5] * 10 + [17.0] * 15
    assert found["few"] == []
    assert found["ten"] == [4.5] * 10


def test_lines_that_were_no_rows_are_found_by_a_whole_field_and_those_of_others_stay(at: Address) -> None:
    lines = {1: '{"line":"A-1,2"}', 2: '{"line":"A-11,2"}', 3: '{"line":" \\"A-1\\" ;3"}', 4: '{"line":"x\\tA-1"}'}
    for number, row in lines.items():
        change(
            at,
            "INSERT INTO quarantine (batch_id, row_number, rule, row) VALUES ('b', ?, 'malformed_row', ?)",
            number,
            row,
        )
    change(at, "INSERT INTO quarantine (batch_id, row_number, application_id, row) VALUES ('b', 5, ' A-1\t', '{}')")
    change(
        at,
        "INSERT INTO quarantine (batch_id, row_number, application_id, row) VALUES ('b', 6, 'x', '{\"y\":\"A-1\"}')",
    )
    (removed,) = custodian(at).erase("A-1", None, ())
    assert (removed.store, removed.count) == ("quarantine", 4)
    assert ask(at, "SELECT row_number FROM quarantine WHERE batch_id = 'b' ORDER BY ALL") == [(2,), (6,)]


def test_an_id_with_quotes_and_strokes_is_found_in_a_line(at: Address) -> None:
    odd = 'a"b\\c'
    change(at, "INSERT INTO quarantine (batch_id, row_number, row) VALUES ('b', 1, ?)", '{"line":"a\\"b\\\\c,2"}')
    assert custodian(at).erase(odd, None, ())[0].count == 1


def test_a_key_that_stands_for_another_application_too_stays(at: Address) -> None:
    # Of so many ids some have the same 32 bits.
    found = duckdb.sql(
        "SELECT list('id-' || number) FROM range(400_000) AS ids (number)"
        " GROUP BY (hash('id-' || number) >> 32)::UINTEGER HAVING count(*) > 1 LIMIT 1"
    ).fetchall()
    one, other = found[0][0][:2]
    for name in (one, other):
        change(at, "INSERT INTO applications (batch_id, application_id) VALUES ('b', ?)", name)
        change(at, "INSERT INTO application_keys SELECT 'b', (hash(?) >> 32)::UINTEGER", name)
    held = "SELECT DISTINCT key FROM application_keys WHERE batch_id = 'b'"
    custodian(at).erase(one, None, ())
    assert ask(at, held) == ask(at, "SELECT (hash(?) >> 32)::UINTEGER", other)
    custodian(at).erase(other, None, ())
    assert ask(at, held) == []


def test_an_outcome_goes_with_its_application_and_not_while_another_revision_has_it(
    at: Address, tmp_path: Path
) -> None:
    name = f"{DAY}-3"
    change(at, "INSERT INTO outcomes (application_id, observed_on) VALUES (?, ?)", name, date(2026, 9, 1))
    change(at, "INSERT INTO batches (batch_id, batch_date, status) VALUES ('later', ?, 'published')", date(2027, 1, 1))
    change(at, "INSERT INTO applications (batch_id, application_id) VALUES ('later', ?)", name)
    custodian(at).remove_over_age(cutoffs(applications=date(2026, 3, 3)), dry_run=False)
    assert ask(at, "SELECT count(*) FROM outcomes") == [(1,)]
    change(at, "DELETE FROM applications WHERE batch_id = 'later'")
    custodian(at).remove_over_age(cutoffs(applications=date(2026, 9, 2)), dry_run=False)
    assert ask(at, "SELECT count(*) FROM outcomes") == [(0,)]


def test_hashes_are_brought_along_and_only_of_the_file_that_was_replaced(at: Address) -> None:
    (old,) = ask(at, "SELECT source_sha256 FROM batches WHERE batch_date = ?", DAY)[0]
    noted = FileChange(batch_date=DAY, old_sha256=old, new_sha256="new")
    custodian(at).erase("x", None, [noted, FileChange(segment="s", old_sha256="a", new_sha256="b")])
    assert custodian(at).noted_changes()[0] == noted
    custodian(at).settle_changes([noted])
    assert ask(at, "SELECT source_sha256 FROM batches WHERE batch_date = ?", DAY) == [("new",)]
    assert custodian(at).noted_changes() == []
