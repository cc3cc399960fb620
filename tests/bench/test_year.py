from datetime import date

import duckdb
import pytest

from tasks.project import Project
from tests.bench.year import Unreconciled, check, make_year
from tests.flows.homes import query

DAYS, ROWS, UNTIL = 3, 300, date(2026, 6, 30)
COUNTED_FROM_ROWS = """
SELECT
    batch_date,
    count(*),
    count(DISTINCT scores.application_id),
    count(*) FILTER (scores.decision = 'approve'),
    count(*) FILTER (scores.decision = 'refer'),
    count(*) FILTER (scores.decision = 'decline')
FROM current_scores AS scores
JOIN applications USING (batch_id, application_id)
GROUP BY batch_date
ORDER BY batch_date
"""
ON_RECORD = """
SELECT batch_date, rows_scored, rows_scored, rows_approved, rows_referred, rows_declined
FROM batches
ORDER BY batch_date
"""


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_year(tmp_path_factory.mktemp("year") / "home", days=DAYS, rows=ROWS, until=UNTIL)


def test_what_is_summed_up_agrees_with_the_rows(year: Project) -> None:
    home = year.settings.home_path
    counted = query(home, COUNTED_FROM_ROWS)
    assert counted == query(home, ON_RECORD)
    assert [row[1] for row in counted] == [ROWS] * DAYS
    assert query(home, "SELECT count(DISTINCT application_id) FROM scores") == [(DAYS * ROWS,)]
    for table in ("score_counts", "decision_counts", "group_counts"):
        sums = f"SELECT sum(row_count) FROM {table} GROUP BY batch_id"
        assert query(home, sums) == [(ROWS,)] * DAYS, table


def test_the_ids_of_a_date_say_nothing_of_the_date(year: Project) -> None:
    ends = query(
        year.settings.home_path,
        "SELECT min(application_id), max(application_id) FROM applications WHERE application_date > '2026-06-28'"
        " GROUP BY batch_id",
    )
    assert all(low[0] == "0" and high[0] == "f" for low, high in ends)


def test_a_reader_can_ask_for_its_days(year: Project) -> None:
    days = year.reader.frame("days", start=date(2025, 7, 1), end=UNTIL)
    assert days["batch_date"].to_list() == [date(2026, 6, 28), date(2026, 6, 29), UNTIL]
    assert all(count > 0 for count in days["rows_quarantined"])


# Last: it changes the year.
def test_a_sum_that_does_not_agree_is_told(year: Project) -> None:
    with duckdb.connect(str(year.settings.path("warehouse"))) as connection:
        connection.execute("DELETE FROM scores WHERE batch_id = (SELECT min(batch_id) FROM scores)")
    with pytest.raises(Unreconciled, match="scores and batches: 1 rows"):
        check(year)
