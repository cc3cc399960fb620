"""What tests that disturb runs need: dirty landing files of any size, and what a warehouse holds, told in figures."""

from datetime import date
from pathlib import Path

import numpy as np
import polars

from schemas.application import Application
from schemas.sample.dirt import plant_dirt
from schemas.sample.population import draw_applicants
from tests.flows.homes import landing_file, query

COLUMNS = ("application_id", "application_date", *Application.__struct_fields__)
# A row for each batch of which something is missing, and for each row that belongs to no batch; none if all is whole.
# Applications and scores are counted twice, as rows and as distinct applications.
TORN = """
WITH parts AS (
    SELECT batch_id, 'applications' AS part, count(*) AS found FROM applications GROUP BY batch_id
    UNION ALL SELECT batch_id, 'applicants', count(DISTINCT application_id) FROM applications GROUP BY batch_id
    UNION ALL SELECT batch_id, 'keys', count(*) FROM application_keys GROUP BY batch_id
    UNION ALL SELECT batch_id, 'scores', count(*) FROM scores GROUP BY batch_id
    UNION ALL SELECT batch_id, 'scored', count(DISTINCT application_id) FROM scores GROUP BY batch_id
    UNION ALL SELECT batch_id, 'quarantine', count(DISTINCT row_number) FROM quarantine GROUP BY batch_id
    UNION ALL SELECT batch_id, 'score counts', sum(row_count) FROM score_counts GROUP BY batch_id
    UNION ALL SELECT batch_id, 'decision counts', sum(row_count) FROM decision_counts GROUP BY batch_id
    UNION ALL SELECT batch_id, 'has drift', 1 FROM drift_verdicts GROUP BY batch_id
    UNION ALL SELECT batch_id, 'has profiles', 1 FROM profiles GROUP BY batch_id
    UNION ALL SELECT batch_id, 'has quality', 1 FROM quality GROUP BY batch_id
    UNION ALL SELECT batch_id, 'has a verdict', 1 FROM gate_results GROUP BY batch_id
    UNION ALL SELECT batch_id, 'received', rows_received FROM batches
),

whole AS (
    SELECT
        batch_id,
        unnest(['applications', 'applicants', 'keys', 'scores', 'scored', 'score counts', 'decision counts']) AS part,
        rows_scored AS wanted
    FROM batches
    UNION ALL SELECT batch_id, 'quarantine', rows_quarantined FROM batches
    UNION ALL SELECT batch_id, unnest(['has drift', 'has profiles', 'has quality', 'has a verdict']), 1 FROM batches
    UNION ALL SELECT batch_id, 'received', rows_scored + rows_quarantined FROM batches
)

SELECT batch_id, part, coalesce(wanted, 0) AS wanted, coalesce(found, 0) AS found
FROM whole FULL JOIN parts USING (batch_id, part)
WHERE coalesce(wanted, 0) <> coalesce(found, 0)
"""


def landing_csv(day: date, rows: int, seed: int = 0, ids: str = "") -> bytes:
    """A generated landing file with dirt on 1 % of its rows.

    Another seed is a correction: the same applications with other values. Their ids begin with `ids` or the date.
    """
    random = np.random.default_rng([day.toordinal(), seed])
    numbers = polars.int_range(1, rows + 1, eager=True).cast(polars.String).str.zfill(6)
    applicants = draw_applicants(rows, random).with_columns(
        application_id=(ids or f"GEN-{day:%Y%m%d}-") + numbers, application_date=polars.lit(day)
    )
    header, *lines = applicants.select(COLUMNS).write_csv().splitlines()
    return "\n".join([header, *plant_dirt(header, lines, random).lines, ""]).encode()


def land(home: Path, day: date, content: bytes) -> Path:
    """Puts the landing file of a day in place as a careful sender does: written aside, then moved."""
    path = landing_file(home, day)
    aside = path.with_name(f".{path.name}")
    aside.write_bytes(content)
    return aside.replace(path)


def torn(home: Path) -> list[tuple[object, ...]]:
    """What is not whole in the warehouse of a home; see TORN."""
    return query(home, TORN)


def held(home: Path) -> dict[str, tuple[int, int]]:
    """Number and hash of the rows of every table, whatever their order.

    Instants and ids by chance are left out, and how late a batch was taken up.
    """
    columns = (
        "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND data_type <> 'TIMESTAMP'"
        " AND column_name NOT IN ('alert_id', 'event_id')"
    )
    names: dict[str, list[str]] = {}
    for table, column in sorted(query(home, columns)):
        names.setdefault(table, []).append(f'"{column}"')
    return {table: _rows_and_hash(home, table, kept) for table, kept in names.items()}


def left_in_staging(home: Path) -> list[str]:
    """Names of what runs have left behind in the staging folder."""
    staging = home / "staging"
    return sorted(path.name for path in staging.iterdir()) if staging.exists() else []


def _rows_and_hash(home: Path, table: str, columns: list[str]) -> tuple[int, int]:
    rows = f"{table} WHERE monitor <> 'delay_hours'" if table == "quality" else table
    question = f"SELECT count(*), coalesce(sum(hash(kept)), 0) FROM (SELECT {', '.join(columns)} FROM {rows}) AS kept"
    number, total = query(home, question)[0]
    return int(number), int(total)
